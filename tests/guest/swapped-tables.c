/*
 * One multicall that works on an address, replaces the tables that lead to it,
 * and works on it again: the second time must find the new tables. Nothing is
 * mapped before, so that no flush of the guest's is needed in between.
 */
#include "guest.h"
const char test_title[] = "tables swapped between two updates of an address";

#define AREA 0x8000000000UL /* an L4 slot of its own */
#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)

static uint64_t *l1[2], *l2[2], *l3[2];

static void make_tables(void)
{
    for (unsigned i = 0; i < 2; i++) {
        l1[i] = alloc_page();
        l2[i] = alloc_page();
        l3[i] = alloc_page();
        l2[i][0] = PTE(virt_to_mfn(l1[i]), FLAGS);
        l3[i][0] = PTE(virt_to_mfn(l2[i]), FLAGS);
        expect_eq(set_readonly(l1[i]), 0);
        expect_eq(set_readonly(l2[i]), 0);
        expect_eq(set_readonly(l3[i]), 0);
        expect_eq(mmuext1(MMUEXT_PIN_L3_TABLE, virt_to_mfn(l3[i])), 0);
    }
}

/* update_va_mapping, mmu_update(at, val), update_va_mapping: in one call. */
static void swap_between(uint64_t at, uint64_t val, uint64_t pte)
{
    struct mmu_update u = {.ptr = at, .val = val};
    struct multicall_entry m[3] = {
        {.op = __HYPERVISOR_update_va_mapping, .args = {AREA, 0, UVMF_INVLPG}},
        {.op = __HYPERVISOR_mmu_update,
         .args = {(unsigned long)&u, 1, 0, DOMID_SELF}},
        {.op = __HYPERVISOR_update_va_mapping,
         .args = {AREA, pte, UVMF_INVLPG}},
    };

    expect_eq(hypercall2(__HYPERVISOR_multicall, m, 3), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_eq(m[i].result, 0);
}

static void test_swap(uint64_t at, uint64_t *const table[2], uint64_t pte)
{
    for (unsigned round = 0; round < 20; round++) {
        unsigned from = round & 1, to = !from;

        expect_eq(mmu_update1(at, PTE(virt_to_mfn(table[from]), FLAGS)), 0);
        swap_between(at, PTE(virt_to_mfn(table[to]), FLAGS), pte);
        if (l1[from][0] || !l1[to][0])
            failure("round %u: the entries are %#lx and %#lx", round,
                    l1[from][0], l1[to][0]);
        expect_eq(*(volatile uint64_t *)AREA, 0x1234);
        expect_eq(update_va(AREA, 0, UVMF_INVLPG), 0);
    }
}

void test_main(void)
{
    uint64_t at = entry_maddr(kernel_l4_mfn(), AREA, 4);
    uint64_t *page = alloc_page();
    uint64_t pte = PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD);

    page[0] = 0x1234;
    make_tables();
    test_swap(at, l3, pte);
    expect_eq(mmu_update1(at, PTE(virt_to_mfn(l3[0]), FLAGS)), 0);
    test_swap(entry_maddr(kernel_l4_mfn(), AREA, 3), l2, pte);
    expect_eq(mmu_update1(entry_maddr(kernel_l4_mfn(), AREA, 3),
                          PTE(virt_to_mfn(l2[0]), FLAGS)),
              0);
    test_swap(entry_maddr(kernel_l4_mfn(), AREA, 2), l1, pte);
}
