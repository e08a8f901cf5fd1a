/*
 * Traps of a test kernel. Each goes, in this order, to the test's own hook, to
 * the user-mode run that it ends, to the guarded function that it ends; else
 * it is a crash.
 */
#include "guest.h"

/* start.S */
struct recover {
    uint64_t rsp;
    struct recover *outer;
};
long call_recover(long (*fn)(long), long arg, struct recover *r);
void enter_user(struct recover *r, const uint64_t *iret_frame,
                unsigned long arg);
extern char call_recovered[];

volatile struct trap_record last_trap;
bool (*trap_hook)(struct trap_frame *f);
static struct recover *active;
static struct trap_frame *user_out;

#define GATE(v, flags)                                                         \
    {                                                                          \
        v, flags, FLAT_KERNEL_CS, (unsigned long)trap_##v                      \
    }
const struct trap_info trap_gates[] = {
    GATE(0, 0),   GATE(1, 0),   GATE(2, 0),   GATE(3, 3),  GATE(4, 3),
    GATE(5, 0),   GATE(6, 0),   GATE(7, 0),   GATE(8, 0),  GATE(10, 0),
    GATE(11, 0),  GATE(12, 0),  GATE(13, 0),  GATE(14, 0), GATE(16, 0),
    GATE(17, 0),  GATE(18, 0),  GATE(19, 0),  GATE(32, 3), GATE(33, 0),
    GATE(128, 3), {0, 0, 0, 0},
};

void traps_init(void)
{
    long ret = hypercall1(__HYPERVISOR_set_trap_table, trap_gates);

    if (ret)
        error("set_trap_table gave %ld", ret);
    ret = set_callbacks(event_callback, failsafe_callback, syscall_callback);
    if (ret)
        error("set_callbacks gave %ld", ret);
}

long set_callbacks(const void *event, const void *failsafe, const void *sc)
{
    return hypercall3(__HYPERVISOR_set_callbacks, event, failsafe, sc);
}

static void record(const struct trap_frame *f)
{
    last_trap.count++;
    last_trap.vector = f->vector;
    last_trap.error_code = f->error_code;
    last_trap.rip = f->rip;
    last_trap.cs = f->cs;
    last_trap.rflags = f->rflags;
    last_trap.rax = f->rax;
    if (f->vector == 14 && shared_info)
        last_trap.cr2 = shared_info->vcpu_info[0].arch.cr2;
}

static void clear_record(void)
{
    last_trap.count = 0;
    last_trap.vector = ~0UL;
    last_trap.error_code = last_trap.rip = last_trap.cs = 0;
    last_trap.rflags = last_trap.cr2 = last_trap.rax = 0;
}

static void __attribute__((noreturn)) unexpected(const struct trap_frame *f)
{
    print("rip %#lx cs %#lx rflags %#lx rsp %#lx ss %#lx", f->rip, f->cs,
          f->rflags, f->rsp, f->ss);
    print("rax %#lx rbx %#lx rcx %#lx rdx %#lx", f->rax, f->rbx, f->rcx,
          f->rdx);
    print("rsi %#lx rdi %#lx rbp %#lx r11 %#lx cr2 %#lx", f->rsi, f->rdi,
          f->rbp, f->r11,
          shared_info ? shared_info->vcpu_info[0].arch.cr2 : 0);
    crash("unexpected trap %lu, error code %#lx", f->vector, f->error_code);
}

/* Makes the frame return from call_recover or enter_user. */
static void end_guarded(struct trap_frame *f)
{
    struct recover *r = active;

    active = r->outer;
    f->rip = (unsigned long)call_recovered;
    f->cs = FLAT_KERNEL_CS;
    f->cs &= ~3UL;
    f->ss = FLAT_KERNEL_SS;
    f->rsp = r->rsp;
    f->rax = -1UL;
    f->rflags &= ~0x100dd5UL; /* status flags, TF, DF */
}

void guest_trap(struct trap_frame *f)
{
    record(f);
    if (trap_hook && trap_hook(f))
        return;
    if (user_out) {
        *user_out = *f;
        user_out = NULL;
        f->rflags &= ~0x200UL;
        end_guarded(f);
    } else if (active) {
        end_guarded(f);
    } else {
        unexpected(f);
    }
}

long run_guarded(long (*fn)(long), long arg)
{
    struct recover r = {.outer = active};
    long ret;

    clear_record();
    active = &r;
    ret = call_recover(fn, arg, &r);
    active = r.outer;
    return ret;
}

void run_user_frame(const uint64_t *iret_frame, unsigned long arg,
                    struct trap_frame *out)
{
    struct recover r = {.outer = active};

    clear_record();
    active = &r;
    user_out = out;
    enter_user(&r, iret_frame, arg);
    user_out = NULL;
    active = r.outer;
}
