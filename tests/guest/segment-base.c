/* set_segment_base: FS, the kernel's GS and the user's GS; bad ones refused. */
#include "guest.h"
const char test_title[] = "set_segment_base";

static long set_base(unsigned which, unsigned long base)
{
    return hypercall2(__HYPERVISOR_set_segment_base, which, base);
}

static unsigned long read_fs(void)
{
    unsigned long v;

    __asm__ volatile("movq %%fs:0,%0" : "=r"(v));
    return v;
}

static unsigned long read_gs(void)
{
    unsigned long v;

    __asm__ volatile("movq %%gs:0,%0" : "=r"(v));
    return v;
}

USER_SNIPPET(user_gs, "movq %gs:0,%rax; movq %fs:0,%rbx; int3");

static void test_bases(void)
{
    unsigned long *a = alloc_page(), *b = alloc_page(), *u = alloc_page();
    struct trap_frame f;

    a[0] = 0xaaaa;
    b[0] = 0xbbbb;
    u[0] = 0xcccc;
    expect_eq(user_map(0x800000, PTE(virt_to_mfn(u), PTE_P | PTE_US | PTE_AD)),
              0);
    expect_eq(set_base(SEGBASE_FS, (unsigned long)a), 0);
    expect_eq(set_base(SEGBASE_GS_KERNEL, (unsigned long)b), 0);
    expect_eq(set_base(SEGBASE_GS_USER, 0x800000), 0);
    expect_eq(read_fs(), 0xaaaa);
    expect_eq(read_gs(), 0xbbbb);
    expect_eq(set_base(SEGBASE_FS, 0x800000), 0);
    RUN_USER(user_gs, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax, 0xcccc);
    expect_eq(f.rbx, 0xcccc);
    /* Back in the kernel, its own GS is there again. */
    expect_eq(read_gs(), 0xbbbb);
    expect_eq(set_base(SEGBASE_FS, (unsigned long)b), 0);
    expect_eq(read_fs(), 0xbbbb);
}

static void test_refused(void)
{
    static const unsigned long bad[] = {1UL << 47, 1UL << 63,
                                        0xffff7fffffffffffUL,
                                        0x0000800000000000UL};

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        expect_eq(set_base(SEGBASE_FS, bad[i]), -EINVAL);
        expect_eq(set_base(SEGBASE_GS_KERNEL, bad[i]), -EINVAL);
        expect_eq(set_base(SEGBASE_GS_USER, bad[i]), -EINVAL);
    }
    expect_eq(set_base(17, 0), -EINVAL);
    /* What was refused changed nothing. */
    expect_eq(read_fs(), 0xbbbb);
    expect_eq(read_gs(), 0xbbbb);
}

/* The user's GS selector: null gives base 0; one that is none, no crash. */
static void test_selector(void)
{
    struct trap_frame f;

    expect_eq(set_base(SEGBASE_GS_USER_SEL, 0), 0);
    expect_eq(set_base(SEGBASE_GS_USER_SEL, 0xe02b), 0);
    set_base(SEGBASE_GS_USER_SEL, 0xfff3);
    set_base(SEGBASE_GS_USER_SEL, 0xe008);
    expect_eq(read_gs(), 0xbbbb);
    expect_eq(set_base(SEGBASE_GS_USER, 0x800000), 0);
    RUN_USER(user_gs, 0, &f);
    expect(f.vector == 3 || f.vector == 14, "trap %lu", f.vector);
    expect_eq(read_gs(), 0xbbbb);
}

/* The MSRs of the bases, as a kernel may write them instead. */
static long write_msr(long base)
{
    __asm__ volatile("wrmsr" ::"c"(0xc0000100), "a"((uint32_t)base),
                     "d"((uint32_t)((uint64_t)base >> 32)));
    return 0;
}

static void test_msr(void)
{
    unsigned long *page = alloc_page();

    page[0] = 0xdddd;
    expect_eq(run_guarded(write_msr, (long)page), 0);
    expect_eq(read_fs(), 0xdddd);
    run_guarded(write_msr, 1L << 62);
    expect_eq(read_fs(), 0xdddd);
}

void test_main(void)
{
    test_bases();
    test_refused();
    test_selector();
    test_msr();
}
