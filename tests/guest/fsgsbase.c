/*
 * FSGSBASE: off until the guest's kernel sets its bit of CR4, and off again
 * when it clears it, in the hardware too; of each vCPU on its own. That bases
 * are canonical is the CPU's to check.
 *
 * options: dom0_max_vcpus=2 maxcpus=1
 */
#include "guest.h"
const char test_title[] = "FSGSBASE as CR4 says";

#define CR4_FSGSBASE (1L << 16)

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

static long rdfsbase(long v)
{
    __asm__ volatile("rdfsbase %0" : "=r"(v));
    return v;
}

static long rdgsbase(long v)
{
    __asm__ volatile("rdgsbase %0" : "=r"(v));
    return v;
}

static long wrfsbase(long v)
{
    __asm__ volatile("wrfsbase %0" : : "r"(v));
    return 0;
}

static long wrgsbase(long v)
{
    __asm__ volatile("wrgsbase %0" : : "r"(v));
    return 0;
}

USER_SNIPPET(user_rdfsbase, "rdfsbase %rax; int3");

static void test_off(void)
{
    static long (*const all[])(long) = {rdfsbase, rdgsbase, wrfsbase, wrgsbase};
    struct trap_frame f;

    expect_eq(run_guarded(read_cr4, 0) & CR4_FSGSBASE, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(all); i++) {
        run_guarded(all[i], 0);
        expect_eq(last_trap.vector, 6);
    }
    RUN_USER(user_rdfsbase, 0, &f);
    expect_eq(f.vector, 6);
}

static void test_on(void)
{
    static const unsigned long bases[] = {0x7fffffffffff, ~0UL << 47, ~0UL, 0};
    struct trap_frame f;

    expect_eq(run_guarded(read_cr4, 0) & CR4_FSGSBASE, CR4_FSGSBASE);
    for (unsigned i = 0; i < ARRAY_SIZE(bases); i++) {
        wrfsbase((long)bases[i]);
        wrgsbase((long)bases[i]);
        expect_eq(rdfsbase(0), bases[i]);
        expect_eq(rdgsbase(0), bases[i]);
    }
    RUN_USER(user_rdfsbase, 0, &f);
    expect_eq(f.vector, 3);
}

static void switch_to(bool on)
{
    long cr4 = run_guarded(read_cr4, 0) & ~CR4_FSGSBASE;

    expect_eq(run_guarded(write_cr4, on ? cr4 | CR4_FSGSBASE : cr4), 0);
}

static volatile unsigned other_turn, other_vector;

/* Both run on one CPU: each round follows a switch. */
static void other(void)
{
    for (unsigned turn = 1;; turn++) {
        while (other_turn != turn)
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        run_guarded(rdfsbase, 0);
        other_vector = (unsigned)last_trap.vector;
        other_turn = 0;
        while (!other_turn)
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
}

static unsigned of_other(unsigned turn)
{
    other_turn = turn;
    while (other_turn)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    return other_vector;
}

void test_main(void)
{
    uint32_t a = 7, b, c = 0, d;

    __asm__ volatile("ud2a; .ascii \"xen\"; cpuid"
                     : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    if (!(b & 1))
        skip("the CPU has none");
    vcpu_start(1, other);
    for (unsigned i = 1; i <= 6; i += 2) {
        test_off();
        expect_eq(of_other(i), 6);
        switch_to(true);
        expect_eq(of_other(i + 1), 6);
        test_on();
        switch_to(false);
    }
}
