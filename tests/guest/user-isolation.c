/*
 * User mode cannot touch the guest kernel's memory, nor the hypervisor's;
 * the guest's kernel is not there at all in user mode's page tables.
 * Checklist row 87.
 */
#include "guest.h"
const char test_title[] = "user mode cannot touch the kernel";

USER_SNIPPET(user_read, "movb (%rdi),%al; int3");
USER_SNIPPET(user_write, "movb %al,(%rdi); int3");
USER_SNIPPET(user_copy, "movq (%rdi),%rax; movq %rax,-8(%rsp); int3");

static void try_address(const char *what, const void *p)
{
    struct trap_frame f;
    unsigned long va = (unsigned long)p;

    RUN_USER(user_read, va, &f);
    expect(f.vector == 14, "user read of %s: trap %lu", what, f.vector);
    expect_eq(last_trap.cr2, va);
    expect_eq(f.error_code & 4, 4);
    RUN_USER(user_write, va, &f);
    expect(f.vector == 14, "user write to %s: trap %lu", what, f.vector);
    expect_eq(f.error_code & 6, 6);
}

static int secret = 42;

/* The same page in both address spaces is one page. */
static void test_shared(void)
{
    uint64_t *page = alloc_page();
    struct trap_frame f;

    page[3] = 0x1122334455667788UL;
    expect_eq(user_map(0x700000, PTE(virt_to_mfn(page), PTE_P | PTE_US |
                                                            PTE_AD)),
              0);
    RUN_USER(user_copy, 0x700018, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rax, 0x1122334455667788UL);
    RUN_USER(user_write, 0x700018, &f);
    expect_eq(f.vector, 14);
    expect_eq(f.error_code, 7);
}

void test_main(void)
{
    try_address("kernel data", &secret);
    try_address("kernel code", (void *)test_main);
    try_address("start_info", start_info);
    try_address("shared_info", shared_info);
    try_address("a page table", (void *)start_info->pt_base);
    try_address("the trap stack", &(int){0});
    test_shared();
}
