/*
 * Whole page tables: pinned (checked entry by entry) and unpinned, one full
 * L1, and a tree of 64: an L4, an L3, an L2 and 61 L1s of 64 entries each.
 */
#include "micro.h"

#define TREE_L1S 61
#define TREE_ENTRIES 64
static unsigned long full_l1, half_l1, tree_l4;

/* A table of n entries for frames that nothing else maps. */
static unsigned long make_l1(unsigned n)
{
    uint64_t *l1 = alloc_page();

    for (unsigned i = 0; i < n; i++)
        l1[i] = PTE(spare_mfn(i), DATA);
    if (set_readonly(l1))
        error("set_readonly failed");
    return virt_to_mfn(l1);
}

static unsigned long make_upper(const unsigned long *below, unsigned n)
{
    uint64_t *table = alloc_page();

    for (unsigned i = 0; i < n; i++)
        table[i] = PTE(below[i], DATA);
    if (set_readonly(table))
        error("set_readonly failed");
    return virt_to_mfn(table);
}

static bool make_full(void)
{
    if (!full_l1)
        full_l1 = make_l1(512);
    return true;
}

static bool make_tree(void)
{
    unsigned long l1[TREE_L1S], l2, l3;

    if (tree_l4)
        return true;
    for (unsigned i = 0; i < TREE_L1S; i++)
        l1[i] = make_l1(TREE_ENTRIES);
    l2 = make_upper(l1, TREE_L1S);
    l3 = make_upper(&l2, 1);
    tree_l4 = make_upper(&l3, 1);
    return true;
}

static bool make_sparse(void)
{
    if (!half_l1)
        half_l1 = make_l1(8);
    return true;
}

static long pin_l1(void)
{
    return mmuext1(MMUEXT_PIN_L1_TABLE, full_l1);
}

static long unpin_l1(void)
{
    return mmuext1(MMUEXT_UNPIN_TABLE, full_l1);
}

static long pin_sparse(void)
{
    return mmuext1(MMUEXT_PIN_L1_TABLE, half_l1);
}

static long unpin_sparse(void)
{
    return mmuext1(MMUEXT_UNPIN_TABLE, half_l1);
}

static long pin_tree(void)
{
    return mmuext1(MMUEXT_PIN_L4_TABLE, tree_l4);
}

static long unpin_tree(void)
{
    return mmuext1(MMUEXT_UNPIN_TABLE, tree_l4);
}

/* One L1 attached to a live L2 and taken away, as when a process grows. */
static uint64_t l2_entry;

static bool prepare_attach(void)
{
    l2_entry = entry_maddr(kernel_l4_mfn(), WINDOW + 0x1000000, 2);
    return make_sparse();
}

static long attach(void)
{
    return mmu_update1(l2_entry, PTE(half_l1, DATA));
}

static long detach(void)
{
    return mmu_update1(l2_entry, 0);
}

#define NOW(fn)                                                                \
    static void fn##_now(void)                                                 \
    {                                                                          \
        fn();                                                                  \
    }
NOW(pin_l1)
NOW(unpin_l1)
NOW(pin_sparse)
NOW(unpin_sparse)
NOW(pin_tree)
NOW(unpin_tree)
NOW(attach)
NOW(detach)

#define PIN(x, make)                                                           \
    .op = pin_##x, .setup = make, .post = unpin_##x##_now, .rounds = 9
#define UNPIN(x, make)                                                         \
    .op = unpin_##x, .setup = make, .pre = pin_##x##_now, .rounds = 9
const struct bench table_benches[] = {
    {.name = "pin_l1_full", PIN(l1, make_full)},
    {.name = "unpin_l1_full", UNPIN(l1, make_full)},
    {.name = "pin_l1_8", PIN(sparse, make_sparse)},
    {.name = "unpin_l1_8", UNPIN(sparse, make_sparse)},
    {.name = "pin_tree_64", PIN(tree, make_tree)},
    {.name = "unpin_tree_64", UNPIN(tree, make_tree)},
    {.name = "l2_entry_attach",
     .op = attach,
     .setup = prepare_attach,
     .post = detach_now},
    {.name = "l2_entry_detach",
     .op = detach,
     .setup = prepare_attach,
     .pre = attach_now},
    {.name = NULL},
};
