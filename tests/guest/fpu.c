/*
 * fpu_taskswitch: the next FPU instruction raises #NM once, the state stays;
 * MOV CR0 and CLTS do the same.
 */
#include "guest.h"
const char test_title[] = "fpu_taskswitch";

static volatile unsigned nm;
static bool on_nm(struct trap_frame *f)
{
    if (f->vector != 7)
        return false;
    nm++;
    return true;
}

static void set_ts(long v)
{
    expect_eq(hypercall1(__HYPERVISOR_fpu_taskswitch, v), 0);
}

static unsigned long read_cr0(void)
{
    unsigned long v;

    __asm__ volatile("movq %%cr0,%0" : "=r"(v));
    return v;
}

static uint64_t swap_xmm(uint64_t v)
{
    uint64_t old;

    __asm__ volatile("movq %%xmm3,%0; movq %1,%%xmm3" : "=&r"(old) : "r"(v));
    return old;
}

static void test_once(void)
{
    swap_xmm(0x1111);
    expect_eq(nm, 0);
    set_ts(1);
    expect_eq(read_cr0() & 8, 8);
    expect_eq(swap_xmm(0x2222), 0x1111);
    expect_eq(nm, 1);
    expect_eq(swap_xmm(0x3333), 0x2222);
    expect_eq(nm, 1);
    expect_eq(read_cr0() & 8, 0);
    set_ts(1);
    set_ts(0);
    expect_eq(swap_xmm(0x4444), 0x3333);
    expect_eq(nm, 1);
}

static void test_instructions(void)
{
    unsigned long cr0 = read_cr0();

    nm = 0;
    __asm__ volatile("movq %0,%%cr0" ::"r"(cr0 | 8));
    expect_eq(read_cr0() & 8, 8);
    swap_xmm(1);
    expect_eq(nm, 1);
    set_ts(1);
    __asm__ volatile("clts");
    swap_xmm(2);
    expect_eq(nm, 1);
}

USER_SNIPPET(user_fpu, "movq %xmm3,%rax; int3");

static void test_user(void)
{
    struct trap_frame f;

    swap_xmm(0x777);
    set_ts(1);
    trap_hook = NULL;
    RUN_USER(user_fpu, 0, &f);
    expect_eq(f.vector, 7);
    RUN_USER(user_fpu, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax, 0x777);
}

void test_main(void)
{
    trap_hook = on_nm;
    test_once();
    test_instructions();
    test_user();
}
