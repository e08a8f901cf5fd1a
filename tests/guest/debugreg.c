/*
 * Debug registers: watchpoints of the guest hit, ones on the hypervisor are
 * refused.
 */
#include "guest.h"
const char test_title[] = "debug registers";

static volatile uint32_t watched, beside;

static long set_dr(unsigned reg, unsigned long v)
{
    return hypercall2(__HYPERVISOR_set_debugreg, reg, v);
}

static unsigned long get_dr(unsigned reg)
{
    return (unsigned long)hypercall1(__HYPERVISOR_get_debugreg, reg);
}

static volatile unsigned hits;
static volatile unsigned long dr6;
static bool on_debug(struct trap_frame *f)
{
    if (f->vector != 1)
        return false;
    hits++;
    dr6 = get_dr(6);
    set_dr(6, 0xffff0ff0);
    return !(f->cs & 3);
}

#define DR7_L0 1UL
#define DR7_WRITE4(n) (0xdUL << (16 + 4 * (n)))

static void test_watch(void)
{
    expect_eq(set_dr(0, (unsigned long)&watched), 0);
    expect_eq(get_dr(0), (unsigned long)&watched);
    expect_eq(set_dr(7, DR7_L0 | DR7_WRITE4(0)), 0);
    watched = 1;
    expect_eq(hits, 1);
    expect_eq(dr6 & 15, 1);
    beside = 2;
    expect_eq(hits, 1);
    watched = 2;
    expect_eq(hits, 2);
    expect_eq(set_dr(7, 0), 0);
    watched = 3;
    expect_eq(hits, 2);
}

static long stepped(long arg)
{
    __asm__ volatile("pushfq; orl $0x100,(%%rsp); popfq; nop; nop;"
                     "pushfq; andl $~0x100,(%%rsp); popfq" ::
                         : "memory", "cc");
    return arg;
}

static void test_step(void)
{
    hits = 0;
    stepped(0);
    expect(hits >= 3, "%u steps", hits);
    expect_eq(dr6 & 0x4000, 0x4000);
}

static void test_refused(void)
{
    static const unsigned long bad[] = {
        HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_START + (5UL << 39),
        HYPERVISOR_VIRT_END - 8, 1UL << 47, 1UL << 62};

    for (unsigned reg = 0; reg < 4; reg++)
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
            expect(set_dr(reg, bad[i]) < 0, "DR%u <- %#lx is allowed", reg,
                   bad[i]);
            expect(get_dr(reg) != bad[i], "DR%u is %#lx", reg, bad[i]);
        }
    expect_eq(set_dr(8, 0), -ENODEV);
    expect_eq(set_dr(99, 0), -ENODEV);
    expect_eq(get_dr(99), -ENODEV);
    /* General detect would fault the hypervisor's own accesses. */
    expect_eq(set_dr(7, 0x2000), -EPERM);
    /* Breakpoints on I/O need what a guest does not have. */
    for (unsigned n = 0; n < 4; n++) {
        expect_eq(set_dr(7, 2UL << (16 + 4 * n) | DR7_L0 << 2 * n), -EPERM);
        expect_eq(set_dr(7, 2UL << (16 + 4 * n)), 0);
    }
    for (unsigned bit = 32; bit < 64; bit++) {
        expect_eq(set_dr(6, 1UL << bit), -EINVAL);
        expect_eq(set_dr(7, 1UL << bit), -EINVAL);
    }
    expect_eq(set_dr(7, 0), 0);
    expect_eq(get_dr(7), 0x400);
}

static long write_cr4(long v)
{
    __asm__ volatile("movq %0,%%cr4" : : "r"(v));
    return 0;
}

static long read_cr4(long v)
{
    __asm__ volatile("movq %%cr4,%0" : "=r"(v));
    return v;
}

/* DR4 and DR5 are other names of DR6 and DR7, until CR4.DE is set. */
static void test_aliases(void)
{
    long cr4 = run_guarded(read_cr4, 0);

    run_guarded(write_cr4, cr4 & ~8L);
    expect_eq(set_dr(4, 1), 0);
    expect_eq(get_dr(4), get_dr(6));
    expect_eq(set_dr(5, 0x100), 0);
    expect_eq(get_dr(7), 0x500);
    expect_eq(get_dr(5), 0x500);
    run_guarded(write_cr4, cr4 | 8);
    for (unsigned reg = 4; reg < 6; reg++) {
        expect_eq(set_dr(reg, 0), -ENODEV);
        expect_eq(get_dr(reg), -ENODEV);
    }
    run_guarded(write_cr4, cr4);
    expect_eq(set_dr(7, 0), 0);
}

/* A watchpoint of the kernel's is live in user mode, a user one traps. */
USER_SNIPPET(user_store, "movl %eax,(%rsp); nop; int3");

static void test_user(void)
{
    struct trap_frame f;

    user_map(USER_STACK, PTE(virt_to_mfn(alloc_page()),
                             PTE_P | PTE_US | PTE_RW | PTE_AD));
    RUN_USER(user_store, 0, &f);
    expect_eq(f.vector, 3);
    set_dr(1, USER_STACK);
    set_dr(0, USER_CODE + 3);
    expect_eq(set_dr(7, DR7_L0), 0); /* execution */
    hits = 0;
    RUN_USER(user_store, 0, &f);
    expect_eq(hits, 1);
    expect_eq(f.vector, 1);
    expect_eq(f.rip, USER_CODE + 3);
    set_dr(7, 4 | DR7_WRITE4(1));
    RUN_USER(user_store, 0, &f);
    expect_eq(hits, 2);
    expect_eq(f.vector, 1);
    expect_eq(dr6 & 2, 2);
    set_dr(7, 0);
}

/* The registers with MOV, as a kernel may access them instead. */
static long mov_dr(long v)
{
    unsigned long got;

    __asm__ volatile("movq %1,%%dr2; movq %%dr2,%0" : "=r"(got) : "r"(v));
    return (long)got;
}

static void test_mov(void)
{
    expect_eq(run_guarded(mov_dr, 0x1234), 0x1234);
    run_guarded(mov_dr, (long)HYPERVISOR_VIRT_START);
    expect_eq(get_dr(2), 0x1234);
}

void test_main(void)
{
    trap_hook = on_debug;
    test_watch();
    test_step();
    test_refused();
    test_aliases();
    test_user();
    test_mov();
}
