/*
 * Linear page tables: an L4 that names itself, read-only, shows the guest its
 * own tables. It may not become writable, whatever way is tried, and nothing
 * can be changed through it but by the rules.
 */
#include "guest.h"
const char test_title[] = "linear page tables";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define RO_FLAGS (PTE_P | PTE_US | PTE_AD)
#define SLOT 40UL
#define AREA (SLOT << 39)
/* Where the entry of the level for va is seen. */
#define SHIFTED(va, bits) ((va & 0xffffffffffffUL) >> (bits))
#define SEEN_L1(va) ((uint64_t *)((AREA | SHIFTED(va, 9)) & ~7UL))
#define SEEN_L4(index)                                                         \
    ((uint64_t *)(AREA | SLOT << 30 | SLOT << 21 | SLOT << 12 | (index) * 8UL))

static unsigned long l4;

static uint64_t slot_maddr(unsigned long slot)
{
    return (l4 << 12) + slot * 8;
}

/* What no entry may be: what writes are emulated must be refused, too. */
static long write_at(long va)
{
    *(volatile uint64_t *)va = PTE(l4, FLAGS);
    return 0;
}

static void expect_readonly(int line)
{
    uint64_t *seen = SEEN_L4(100UL), old = table_of(l4)[100];

    expect(mmu_update1(slot_maddr(SLOT), PTE(l4, FLAGS)) < 0,
           "line %d: made writable", line);
    expect(mmu_update1(slot_maddr(SLOT + 1), PTE(l4, FLAGS)) < 0,
           "line %d: a second one, writable", line);
    expect_eq(read_entry(slot_maddr(SLOT)) & PTE_RW, 0);
    expect_eq(run_guarded(write_at, (long)seen), -1);
    expect_eq(last_trap.vector, 14);
    expect_eq(table_of(l4)[100], old);
    expect_eq(run_guarded(write_at, (long)SEEN_L1((unsigned long)&l4)), -1);
    expect_eq(last_trap.vector, 14);
}

/* Flags are changed with the preserving form, too. */
static void test_forms(void)
{
    struct mmu_update u[2] = {
        {slot_maddr(SLOT) | MMU_PT_UPDATE_PRESERVE_AD, PTE(l4, FLAGS)},
        {slot_maddr(SLOT), PTE(l4, RO_FLAGS)},
    };
    unsigned done = 0;

    expect(hypercall4(__HYPERVISOR_mmu_update, u, 2, &done, DOMID_SELF) < 0,
           "made writable");
    expect_eq(done, 0);
    expect_eq(mmu_update1(slot_maddr(SLOT), PTE(l4, RO_FLAGS)), 0);
    expect_readonly(__LINE__);
}

static void test_view(void)
{
    uint64_t *page = alloc_page();
    const volatile uint64_t *seen = SEEN_L1((unsigned long)page);

    page[0] = 1; /* so that A and D are set */
    expect_eq(*seen & PTE_ADDR, (uint64_t)virt_to_mfn(page) << 12);
    expect_eq(*seen & PTE_RW, PTE_RW);
    expect_eq(*SEEN_L4(SLOT) & PTE_ADDR, l4 << 12);
    /* What the hypervisor keeps there is not shown. */
    expect_eq(set_readonly(page), 0);
    mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
    expect_eq(*seen & PTE_RW, 0);
    expect_eq(set_writable(page), 0);
}

static long read_at(long va)
{
    return (long)*(volatile uint64_t *)va;
}

/* The hypervisor's slots, taken for tables of a lower level. */
static void test_hypervisor(void)
{
    for (unsigned long slot = 257; slot < 272; slot++)
        for (unsigned long i = 0; i < 512; i += 37) {
            unsigned long va = AREA | slot << 30 | i << 21 | i << 12;

            expect_eq(run_guarded(read_at, (long)va), -1);
            expect_eq(last_trap.vector, 14);
        }
}

/* Its tables are found by that address, but are no L1s. */
static void test_update_va(void)
{
    unsigned long va = AREA | SLOT << 30 | SLOT << 21;

    if (!on_xeno()) /* stock Xen takes it for what the table is */
        return;
    expect_eq(update_va(va, 0, UVMF_INVLPG), -EINVAL);
    expect_eq(update_va(va, PTE(virt_to_mfn(alloc_page()), FLAGS), 0),
              -EINVAL);
}

/* Others of its level, and lower ones. */
static void test_others(void)
{
    uint64_t *other = alloc_page(), *l3 = alloc_page();
    unsigned long mfn = virt_to_mfn(other), mfn3 = virt_to_mfn(l3);

    other[SLOT] = PTE(mfn, FLAGS);
    expect_eq(set_readonly(other), 0);
    expect(mmuext1(MMUEXT_PIN_L4_TABLE, mfn) < 0, "pinned, writable");
    expect_eq(set_writable(other), 0);
    other[SLOT] = PTE(mfn, RO_FLAGS);
    expect_eq(set_readonly(other), 0);
    expect_eq(mmuext1(MMUEXT_PIN_L4_TABLE, mfn), 0);
    expect(update_va((unsigned long)other, PTE(mfn, FLAGS), UVMF_INVLPG) < 0,
           "writable while pinned");
    expect(mmu_update1(slot_maddr(SLOT + 2), PTE(mfn, FLAGS)) < 0,
           "another L4, writable");
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, mfn), 0);
    /* Back to memory: the entry that stays in it means nothing. */
    expect_eq(set_writable(other), 0);
    other[SLOT + 1] = 5;
    expect_eq(mmuext1(MMUEXT_PIN_L4_TABLE, mfn), -EINVAL);
    l3[3] = PTE(mfn3, FLAGS);
    expect_eq(set_readonly(l3), 0);
    expect(mmuext1(MMUEXT_PIN_L3_TABLE, mfn3) < 0, "a writable linear L3");
}

void test_main(void)
{
    l4 = kernel_l4_mfn();
    expect(mmu_update1(slot_maddr(SLOT), PTE(l4, FLAGS)) < 0,
           "a writable linear entry");
    if (mmu_update1(slot_maddr(SLOT), PTE(l4, RO_FLAGS)))
        error("no linear tables");
    expect_readonly(__LINE__);
    test_forms();
    test_view();
    test_hypervisor();
    test_update_va();
    test_others();
    expect_eq(mmu_update1(slot_maddr(SLOT), 0), 0);
    mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
    expect_eq(run_guarded(read_at, (long)SEEN_L4(0UL)), -1);
}
