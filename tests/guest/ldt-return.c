/*
 * Selectors of an LDT whose pages nothing has touched yet, loaded by the
 * hypervisor for the guest: by iret, and by set_segment_base.
 */
#include "guest.h"
const char test_title[] = "LDT on demand, on the way back to the guest";

#define CODE64 0x00affb000000ffffUL
#define CODE32 0x00cffb000000ffffUL
#define DATA 0x00cff3000000ffffUL
#define BASE(b) ((uint64_t)((b) & 0xffffff) << 16 | (uint64_t)((b) >> 24) << 56)
#define LDT 0x900000UL
#define SEL(n) ((n) * 8UL + 7)

static uint64_t *page[2];

static void new_ldt(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT};
    unsigned done;

    op.arg1.linear_addr = LDT;
    op.arg2.nr_ents = 1024;
    expect_eq(hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF), 0);
}

USER_SNIPPET(user_stop, "int3");

static void return_to(uint64_t cs, uint64_t ss, uint64_t rip)
{
    const uint64_t frame[] = {rip, cs, 2, USER_STACK, ss};
    struct trap_frame f;

    new_ldt();
    run_user_frame(frame, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.cs & 0xffff, cs);
    expect_eq(f.ss & 0xffff, ss);
}

static long set_gs(long sel)
{
    return hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, sel);
}

static void test_gs(void)
{
    uint16_t gs;

    new_ldt();
    expect_eq(set_gs((long)SEL(3)), 0);
    __asm__ volatile("movw %%gs,%0" : "=r"(gs));
    expect_eq(gs, SEL(3));
    expect_eq(set_gs(0), 0);
}

void test_main(void)
{
    struct trap_frame f;

    for (unsigned i = 0; i < 2; i++) {
        page[i] = alloc_page();
        page[i][1] = CODE64;
        page[i][2] = CODE32;
        page[i][3] = DATA;
        page[i][4] = CODE32 | BASE(USER_CODE);
        expect_eq(set_readonly(page[i]), 0);
        expect_eq(kernel_map(LDT + i * PAGE_SIZE,
                             PTE(virt_to_mfn(page[i]), PTE_P | PTE_US | PTE_AD)),
                  0);
    }
    RUN_USER(user_stop, 0, &f);
    return_to(SEL(1), FLAT_USER_SS | 3, USER_CODE);
    return_to(SEL(2), SEL(3), USER_CODE);
    return_to(SEL(512 + 2), SEL(3), USER_CODE); /* two pages at once */
    return_to(FLAT_USER_CS | 3, SEL(512 + 3), USER_CODE);
    return_to(SEL(4), SEL(3), 0);
    test_gs();
}
