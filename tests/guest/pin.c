/*
 * Pinning: a table keeps its type while pinned, once only, at its level only.
 * Checklist row 63.
 */
#include "guest.h"
const char test_title[] = "pinning of page tables";

static const unsigned pin_cmd[] = {0, MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                   MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};

static void test_each_level(void)
{
    for (unsigned level = 1; level <= 4; level++) {
        void *page = alloc_table();
        unsigned long mfn = virt_to_mfn(page);

        expect_eq(mmuext1(pin_cmd[level], mfn), 0);
        expect(mmuext1(pin_cmd[level], mfn) < 0, "level %u pinned twice",
               level);
        expect(set_writable(page) < 0, "pinned level %u mapped writable",
               level);
        for (unsigned other = 1; other <= 4; other++)
            expect(mmuext1(pin_cmd[other], mfn) < 0,
                   "level %u pinned as level %u too", level, other);
        expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, mfn), 0);
        expect(mmuext1(MMUEXT_UNPIN_TABLE, mfn) < 0, "level %u unpinned twice",
               level);
        expect_eq(set_writable(page), 0);
        *(char *)page = 1;
    }
}

/* A pinned table is one still when nothing uses it any more. */
static void test_keeps_type(void)
{
    uint64_t l2e = entry_maddr(kernel_l4_mfn(), VIRT_BASE + 0x20000000, 2);
    void *page = alloc_table();
    unsigned long mfn = virt_to_mfn(page);

    expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, mfn), 0);
    expect_eq(mmu_update1(l2e, PTE(mfn, PTE_P | PTE_RW | PTE_US | PTE_AD)), 0);
    expect_eq(mmu_update1(l2e, 0), 0);
    expect(set_writable(page) < 0, "writable though pinned");
    expect_eq(mmu_update1(l2e, PTE(mfn, PTE_P | PTE_RW | PTE_US | PTE_AD)), 0);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, mfn), 0);
    expect(set_writable(page) < 0, "writable though in use");
    expect_eq(mmu_update1(l2e, 0), 0);
    expect_eq(set_writable(page), 0);
}

static void test_refused(void)
{
    static const unsigned long beyond[] = {1UL << 36, 1UL << 40, ~0UL >> 12,
                                           ~0UL};
    char *page = alloc_page();
    unsigned long hyp = (table_of(kernel_l4_mfn())[256] & PTE_ADDR) >> 12;

    expect(mmuext1(MMUEXT_PIN_L1_TABLE, virt_to_mfn(page)) < 0,
           "a page with a writable mapping was pinned");
    expect(mmuext1(MMUEXT_PIN_L3_TABLE, hyp) < 0, "a foreign frame pinned");
    expect(mmuext1(MMUEXT_UNPIN_TABLE, hyp) < 0, "a foreign frame unpinned");
    expect(mmuext1(MMUEXT_UNPIN_TABLE, virt_to_mfn(page)) < 0,
           "what is not pinned was unpinned");
    expect(mmuext1(MMUEXT_PIN_L1_TABLE, ~0UL) < 0, "no frame was pinned");
    expect(mmuext1(MMUEXT_NEW_BASEPTR, virt_to_mfn(page)) < 0,
           "a data page became the base");
    expect(mmuext1(MMUEXT_NEW_BASEPTR, hyp) < 0,
           "the hypervisor's table became the base");
    for (unsigned i = 0; i < ARRAY_SIZE(beyond); i++) {
        expect_eq(mmuext1(MMUEXT_NEW_BASEPTR, beyond[i]), -EINVAL);
        expect_eq(mmuext1(MMUEXT_NEW_USER_BASEPTR, beyond[i]), -EINVAL);
    }
    expect(mmuext1(MMUEXT_NEW_USER_BASEPTR, virt_to_mfn(page)) < 0,
           "a data page became the user base");
    /* A table with something bad in it. */
    *(uint64_t *)(void *)page = PTE(hyp, PTE_P | PTE_RW | PTE_US);
    expect_eq(set_readonly(page), 0);
    for (unsigned level = 1; level <= 4; level++)
        expect(mmuext1(pin_cmd[level], virt_to_mfn(page)) < 0,
               "a bad table was pinned as level %u", level);
    expect_eq(set_writable(page), 0);
    page[1] = 1;
}

/* Several operations in one call; the first bad one ends it. */
static void test_batch(void)
{
    struct mmuext_op op[4];
    unsigned done = 0;
    void *page = alloc_table();

    memset(op, 0, sizeof(op));
    op[0].cmd = MMUEXT_PIN_L2_TABLE;
    op[0].arg1.mfn = virt_to_mfn(page);
    op[1].cmd = MMUEXT_TLB_FLUSH_LOCAL;
    op[2].cmd = MMUEXT_UNPIN_TABLE;
    op[2].arg1.mfn = virt_to_mfn(page);
    op[3].cmd = MMUEXT_UNPIN_TABLE;
    op[3].arg1.mfn = virt_to_mfn(page);
    expect(hypercall4(__HYPERVISOR_mmuext_op, op, 4, &done, DOMID_SELF) < 0,
           "the second unpin gave success");
    expect_eq(done, 3);
    op[0].cmd = MMUEXT_INVLPG_LOCAL;
    op[0].arg1.linear_addr = (unsigned long)page;
    op[1].cmd = MMUEXT_INVLPG_ALL;
    op[1].arg1.linear_addr = HYPERVISOR_VIRT_START;
    op[2].cmd = MMUEXT_TLB_FLUSH_ALL;
    expect_eq(hypercall4(__HYPERVISOR_mmuext_op, op, 3, &done, DOMID_SELF), 0);
    op[0].cmd = 1234;
    expect(hypercall4(__HYPERVISOR_mmuext_op, op, 1, &done, DOMID_SELF) < 0,
           "operation 1234 gave success");
}

/* Clear and copy whole frames. */
static void test_frames(void)
{
    unsigned char *a = alloc_page(), *b = alloc_page();
    struct mmuext_op op = {.cmd = MMUEXT_COPY_PAGE};
    unsigned done;

    memset(a, 0x5a, PAGE_SIZE);
    op.arg1.mfn = virt_to_mfn(b);
    op.arg2.src_mfn = virt_to_mfn(a);
    expect_eq(hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF), 0);
    expect_eq(memcmp(a, b, PAGE_SIZE), 0);
    expect_eq(mmuext1(MMUEXT_CLEAR_PAGE, virt_to_mfn(a)), 0);
    expect_eq(a[4095], 0);
    expect(mmuext1(MMUEXT_CLEAR_PAGE, kernel_l4_mfn()) < 0,
           "a page table was cleared");
}

void test_main(void)
{
    test_each_level();
    test_keeps_type();
    test_refused();
    test_batch();
    test_frames();
}
