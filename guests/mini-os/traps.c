/* Traps: interrupts to their operation, faults to a guard or a dump. */
#include <mini-os.h>

long guarded_call(void (*fn)(u64), u64 arg, u64 *save_rsp);
extern char guarded_end[];
u64 last_fault;

static const char *const names[] = {
    "divide error", "debug", "NMI", "breakpoint", "overflow", "bound",
    "invalid opcode", "no FPU", "double fault", "9", "invalid TSS",
    "segment not present", "stack fault", "general protection", "page fault",
};

static void dump(const struct trap_frame *f)
{
    u64 i;
    const u64 *sp = (const u64 *)f->rsp;

    print("\n%s (vector %lu), error code %#lx, fault address %#lx\n",
          f->vector < ARRAY_SIZE(names) ? names[f->vector] : "trap", f->vector,
          f->error_code, f->vector == 14 ? ops.fault_address() : 0);
    print("rip %016lx  cs %04lx  rflags %08lx  rsp %016lx\n", f->rip,
          f->cs & 0xffff, f->rflags, f->rsp);
    print("rax %016lx rbx %016lx rcx %016lx\n", f->rax, f->rbx, f->rcx);
    print("rdx %016lx rsi %016lx rdi %016lx\n", f->rdx, f->rsi, f->rdi);
    print("rbp %016lx r8  %016lx r9  %016lx\n", f->rbp, f->r8, f->r9);
    print("r10 %016lx r11 %016lx r12 %016lx\n", f->r10, f->r11, f->r12);
    print("r13 %016lx r14 %016lx r15 %016lx\n", f->r13, f->r14, f->r15);
    print("stack:");
    for (i = 0; i < 8 && ((u64)(sp + i) & (PAGE_SIZE - 1)); i++)
        print(" %016lx", sp[i]);
    print("\n");
}

/* A guarded call ends here. */
static void end_guarded(struct trap_frame *f, u64 *guard)
{
    last_fault = f->vector == 14 ? ops.fault_address() : 0;
    f->rip = (u64)guarded_end;
    f->rsp = *guard;
    f->rax = f->vector;
    *guard = 0;
}

void handle_trap(struct trap_frame *f)
{
    u64 *guard = guard_slot();

    if (f->vector == VECTOR_SYSCALL) {
        user_syscall(f);
    } else if (f->vector >= VECTOR_IRQ && f->vector != VECTOR_FAILSAFE) {
        ops.interrupt((unsigned)f->vector);
        sched_after_interrupt();
    } else if ((f->cs & 3) == 3) {
        user_fault(f);
    } else if (*guard) {
        end_guarded(f, guard);
    } else {
        dump(f);
        panic("a trap that nothing expects");
    }
}

long run_guarded(void (*fn)(u64), u64 arg)
{
    u64 *guard = guard_slot();
    long vector = guarded_call(fn, arg, guard);

    *guard = 0;
    return vector;
}
