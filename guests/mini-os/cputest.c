/*
 * The self-test's part on processors: which operations are in force and what
 * they do, user mode, a second processor.
 */
#include <apps.h>
#include <xen-guest.h>

/* ---- the operations ---- */

static int on_xen(void) { return ops.ident == IDENT_XEN; }

static u64 task_register(void)
{
    u64 tr = 0;

    __asm__ __volatile__("str %w0" : "+r"(tr));
    return tr;
}

/* What the hypervisor's table leaves out is the bare machine's. */
static void test_inherited(void)
{
    u64 uses = native_uses(), calls = hypercalls_made();

    expect(ops.cycles() < ops.cycles() && native_uses() >= uses + 2 &&
               ops.cycles == native_cycles,
           "a native operation is used as it is");
    irq_off();
    calls = hypercalls_made();
    ops.set_tss();
    expect(hypercalls_made() == calls &&
               !hypercalls_of(__HYPERVISOR_update_descriptor) &&
               !hypercalls_of(__HYPERVISOR_set_gdt),
           "the TSS costs no hypercall");
    irq_on();
    expect((ops.set_tss == nothing) == on_xen(), "... as there is none on Xen");
    expect(on_xen() || task_register(), "... and one on the bare machine");
}

/* No flush so far has gone by another base of the tables. */
static void test_flush_calls(void)
{
    expect(!mmuext_calls_of(MMUEXT_NEW_BASEPTR), "CR3 was never written");
    expect(!on_xen() || (mmuext_calls_of(MMUEXT_INVLPG_LOCAL) &&
                         mmuext_calls_of(MMUEXT_TLB_FLUSH_LOCAL) &&
                         mmuext_calls_of(MMUEXT_TLB_FLUSH_MULTI)),
           "each flush went by its own command");
}

static unsigned gs_byte(void)
{
    unsigned byte;

    __asm__ __volatile__("movzbl %%gs:1, %0" : "=r"(byte));
    return byte;
}

/* On Xen, GS shows whether interrupts are off. */
static void test_segments(void)
{
    static const u8 bytes[] = {1, 77};

    if (on_xen()) {
        irq_off();
        expect(gs_byte() == 1, "GS has the base that it was given");
        irq_on();
        expect(gs_byte() == 0, "... which tells that interrupts are on");
    } else {
        ops.set_gs_base((u64)bytes);
        expect(gs_byte() == 77, "GS has the base that it was given");
    }
}

static void test_cpuid(void)
{
    u32 regs[4], raw[4];

    ops.cpuid(0, regs);
    expect(regs[0] >= 1, "cpuid answers");
    ops.cpuid(0x40000000, regs);
    expect((regs[1] == 0x566e6558) == on_xen(),
           "cpuid names Xen's interface where it is");
    ops.cpuid(1, regs);
    native_cpuid(1, raw);
    print("# cpuid 1: edx %08x, the machine's %08x\n", regs[3], raw[3]);
    /* Large and global pages. */
    expect(on_xen() == ((raw[3] & ~regs[3] & 0x2008) == 0x2008),
           "cpuid hides what is not for guests");
}

void test_operations(void)
{
    test_inherited();
    test_flush_calls();
    test_segments();
    test_cpuid();
}

/* ---- a second processor ---- */

static struct semaphore finished;

static volatile u64 seen, look_again;
static volatile u8 *shown;

/* Reads the same page again whenever asked, on another processor. */
static void watch(void *arg)
{
    u64 round = 0;

    (void)arg;
    while (look_again != ~0UL) {
        if (look_again != round) {
            round = look_again;
            seen = *shown | round << 8;
        }
        ops.relax();
    }
    sem_up(&finished);
}

static int sees(u64 round, u8 value)
{
    u64 end = time_ns() + 30000000000UL;

    look_again = round;
    while (seen != (value | round << 8) && time_ns() < end)
        yield();
    return seen == (value | round << 8);
}

/* Another processor's TLB has the page; only the flush can tell it. */
static void test_remote_flush(void)
{
    struct test_pages t;

    test_pages_begin(&t);
    shown = t.a;
    expect(thread_create_on(1, "watch", watch, NULL) && sees(1, 1),
           "a thread runs on processor 1");
    ops.set_pte(t.va, t.other | t.flags);
    ops.flush_tlb_many(2);
    expect(sees(2, 2), "processor 1 sees a new mapping after its flush");
    ops.set_pte(t.va, t.own | t.flags);
    ops.flush_tlb_many(3);
    expect(sees(3, 1) && *(volatile u8 *)t.a == 1,
           "and both the old one again");
    look_again = ~0UL;
    sem_down(&finished);
    test_pages_end(&t);
}

void test_processors(void)
{
    unsigned n = ops.cpu_count();

    print("# processors: %u\n", n);
    expect(!this_cpu() && cpus_online() == 1, "we begin on processor 0");
    expect(cpu_up(n) && cpu_up(0), "what is not there or runs is not started");
    if (n < 2)
        return;
    expect(!cpu_up(1) && cpus_online() == 3, "processor 1 comes up");
    test_remote_flush();
}

/* ---- user mode ---- */

void test_user(void)
{
    u64 pages = free_pages();

    expect(run_user(USER_HELLO) == 42, "a user program runs and ends");
    expect(run_user(USER_BAD_POINTER) == 0, "its bad pointers are refused");
    expect(run_user(USER_PRIVILEGED) == -1013, "hlt ends it");
    expect(run_user(USER_OPCODE) == -1006, "an invalid opcode ends it");
    expect(run_user(USER_KERNEL) == -1014, "the kernel's memory ends it");
    expect(run_user(USER_SPIN) == 0, "it is preempted and comes back");
    expect(free_pages() == pages, "its memory comes back");
}

