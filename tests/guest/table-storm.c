/*
 * Random operations on a pool of pages that turn into page tables of all
 * levels and back: most are refused. From time to time all live tables are
 * walked, and what makes paravirtualisation safe is checked:
 *
 *   - no live page table has a writable mapping;
 *   - no frame is live as tables of two levels;
 *   - nothing but frames of this domain is mapped.
 *
 * At the end everything is taken apart, and each page must be an ordinary one
 * again: no count was lost on the way.
 *
 * timeout: 120
 */
#include "guest.h"
const char test_title[] = "random page-table operations";

#define POOL 40
#define STEPS 60000
#define CHECK_EVERY 300
#define SLOTS 4
#define RAM_END 0x10000UL /* of 256 MiB, in frames */
/* Where pool tables are hooked into the kernel's: an L4, L3 and L2 entry. */
#define HOOK4 0x200000000000UL
#define HOOK3 (VIRT_BASE - (1UL << 30))
#define HOOK2 (VIRT_BASE + 0x20000000UL)

static void *pool[POOL];
static unsigned char pinned[POOL]; /* level */
static unsigned long l4, user_base;
static unsigned done_ops[10], tried_ops[10];

static uint32_t rnd(uint32_t n)
{
    static uint64_t x = 0x9e3779b97f4a7c15UL;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x >> 16) % n;
}

static unsigned long pool_mfn(unsigned i)
{
    return virt_to_mfn(pool[i]);
}

static unsigned long own_pfn(unsigned long mfn)
{
    unsigned long pfn = mfn < RAM_END ? machine_to_phys_mapping[mfn] : ~0UL;

    return pfn < start_info->nr_pages && pfn_to_mfn(pfn) == mfn ? pfn : ~0UL;
}

/* The first MiB and what lies above RAM: domain 0's, as devices are. */
static bool is_io(unsigned long mfn)
{
    return mfn < 0x100 || mfn >= RAM_END;
}

/* A frame that is not ours, or a device's. */
static unsigned long foreign_mfn(void)
{
    unsigned long mfn;

    do
        mfn = rnd(2 * RAM_END);
    while (own_pfn(mfn) != ~0UL);
    return mfn;
}

/*
 * Xen lets a read-only entry name a table of its own level. Tables that name
 * each other never get free again, so there are no read-only entries there.
 */
static bool linear_allowed;

/* ---- random entries ---- */

static unsigned long random_mfn(void)
{
    unsigned kind = rnd(40);

    if (kind == 0)
        return (table_of(l4)[256 + rnd(16)] & PTE_ADDR) >> 12;
    if (kind == 1)
        return entry_maddr(l4, VIRT_BASE, 1 + rnd(4)) >> 12;
    if (kind == 2)
        return foreign_mfn();
    return pool_mfn(rnd(POOL));
}

static uint64_t random_pte(void)
{
    uint64_t pte = PTE(random_mfn(), PTE_US);

    pte |= rnd(8) ? PTE_P : 0;
    pte |= rnd(2) || linear_allowed ? PTE_RW : 0;
    pte |= rnd(2) ? PTE_AD : 0;
    pte |= rnd(16) ? 0 : PTE_NX;
    pte |= rnd(64) ? 0 : PTE_G;
    pte |= rnd(64) ? 0 : PTE_PSE;
    pte |= rnd(16) ? 0 : 0x200;
    return rnd(6) ? pte : 0;
}

/* ---- operations: true = granted ---- */

static bool op_protect(unsigned i)
{
    return (rnd(2) ? set_readonly(pool[i]) : set_writable(pool[i])) == 0;
}

/* While it is writable a page can be filled with anything. */
static bool op_fill(unsigned i)
{
    volatile uint64_t *p = pool[i];

    if (!(read_pte(pool[i]) & PTE_RW))
        return false;
    for (unsigned n = rnd(6); n > 0; n--)
        p[rnd(SLOTS) * 127] = random_pte();
    if (rnd(3) == 0)
        for (unsigned s = 0; s < SLOTS; s++)
            p[s * 127] = 0;
    return true;
}

static bool op_pin(unsigned i)
{
    static const unsigned cmd[] = {MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE,
                                   MMUEXT_PIN_L3_TABLE, MMUEXT_PIN_L4_TABLE};
    unsigned level = 1 + rnd(4);

    if (mmuext1(cmd[level - 1], pool_mfn(i)))
        return false;
    if (pinned[i])
        failure("page %u pinned twice", i);
    pinned[i] = (unsigned char)level;
    return true;
}

static bool op_unpin(unsigned i)
{
    bool ok = mmuext1(MMUEXT_UNPIN_TABLE, pool_mfn(i)) == 0;

    if (ok != !!pinned[i])
        failure("unpin of page %u, pinned at %u: %u", i, pinned[i], ok);
    pinned[i] = 0;
    return ok;
}

static bool op_update(unsigned i)
{
    struct mmu_update u = {.ptr = (pool_mfn(i) << 12) + rnd(SLOTS) * 127 * 8,
                           .val = random_pte()};

    return hypercall4(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF) == 0;
}

static bool op_hook(unsigned i)
{
    static const unsigned long va[] = {HOOK4, HOOK3, HOOK2};
    unsigned k = rnd(3);
    uint64_t pte = PTE(pool_mfn(i), PTE_P | PTE_RW | PTE_US | PTE_AD);
    struct mmu_update u = {.ptr = entry_maddr(l4, va[k], 4 - k),
                           .val = rnd(3) ? pte : 0};

    return hypercall4(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF) == 0;
}

static bool op_user_base(unsigned i)
{
    unsigned long mfn = rnd(3) ? pool_mfn(i) : 0;

    if (mmuext1(MMUEXT_NEW_USER_BASEPTR, mfn))
        return false;
    user_base = mfn;
    return true;
}

/* A plain store, carried out by the hypervisor if it is a live table. */
static volatile uint64_t *store_to;
static long store(long v)
{
    *store_to = (uint64_t)v;
    return 0;
}

static bool op_store(unsigned i)
{
    store_to = (volatile uint64_t *)pool[i] + rnd(SLOTS) * 127;
    return run_guarded(store, (long)random_pte()) == 0;
}

static bool op_map(unsigned i)
{
    uint64_t pte = random_pte();
    struct mmu_update u = {.ptr = l1_entry_maddr(pool[i])};

    /* Only with its own frame: the pool's kernel mapping is kept. */
    u.val = (pte & ~PTE_ADDR & ~PTE_NX) | PTE_P | pool_mfn(i) << 12;
    return hypercall4(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF) == 0;
}

/* Never with an L4 of the pool: it could be granted, without our code. */
static bool op_base(unsigned i)
{
    unsigned level = rnd(5);
    unsigned long mfn = (table_of(l4)[256 + i % 16] & PTE_ADDR) >> 12;

    if (level)
        mfn = entry_maddr(l4, VIRT_BASE, level) >> 12;
    return mmuext1(MMUEXT_NEW_BASEPTR, mfn) == 0;
}

static bool (*const ops[])(unsigned) = {
    op_protect, op_fill,      op_pin,   op_unpin, op_update,
    op_hook,    op_user_base, op_store, op_map,   op_base,
};

/* ---- the check ---- */

/* Level at which a frame is a live table, by PFN; and its writable mappings. */
static unsigned char live[1024], writable[1024];

static void walk_table(unsigned long mfn, unsigned level);

static void walk_entry(unsigned long parent, unsigned level, uint64_t pte)
{
    unsigned long mfn = (pte & PTE_ADDR) >> 12, pfn = own_pfn(mfn);

    if (mfn == start_info->shared_info >> 12)
        return;
    if (pfn == ~0UL && level == 1 && is_io(mfn))
        return;
    if (level == 4 && mfn == parent) { /* linear: it shows, and no more */
        if (pte & PTE_RW)
            failure("L4 %#lx names itself, writable", mfn);
        return;
    }
    if (pfn == ~0UL) {
        failure("L%u %#lx maps %#lx, not ours", level, parent, mfn);
    } else if (level == 1) {
        if (pfn < ARRAY_SIZE(writable) && (pte & PTE_RW))
            writable[pfn] = 1;
    } else if (pfn >= ARRAY_SIZE(live)) {
        failure("L%u %#lx: a table at PFN %#lx", level, parent, pfn);
    } else {
        walk_table(mfn, level - 1);
    }
}

static void walk_table(unsigned long mfn, unsigned level)
{
    unsigned long pfn = own_pfn(mfn);
    const uint64_t *t = table_of(mfn);

    if (live[pfn] == level)
        return;
    if (live[pfn])
        failure("frame %#lx is both L%u and L%u", mfn, live[pfn], level);
    live[pfn] = (unsigned char)level;
    for (unsigned i = 0; i < 512; i++)
        if ((t[i] & PTE_P) && !(level == 4 && i >= 256 && i < 272))
            walk_entry(mfn, level, t[i]);
}

static void check(void)
{
    memset(live, 0, sizeof(live));
    memset(writable, 0, sizeof(writable));
    walk_table(l4, 4);
    if (user_base)
        walk_table(user_base, 4);
    for (unsigned i = 0; i < POOL; i++)
        if (pinned[i])
            walk_table(pool_mfn(i), pinned[i]);
    for (unsigned pfn = 0; pfn < ARRAY_SIZE(live); pfn++)
        if (live[pfn] && writable[pfn])
            failure("PFN %#x is a live L%u and mapped writable", pfn,
                    live[pfn]);
}

/* ---- the end ---- */

static void take_apart(void)
{
    struct mmu_update u = {.val = 0};

    expect_eq(mmuext1(MMUEXT_NEW_USER_BASEPTR, 0), 0);
    u.ptr = entry_maddr(l4, HOOK4, 4);
    hypercall4(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF);
    u.ptr = entry_maddr(l4, HOOK3, 3);
    hypercall4(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF);
    u.ptr = entry_maddr(l4, HOOK2, 2);
    hypercall4(__HYPERVISOR_mmu_update, &u, 1, 0, DOMID_SELF);
    for (unsigned i = 0; i < POOL; i++)
        if (pinned[i])
            expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, pool_mfn(i)), 0);
    for (unsigned i = 0; i < POOL; i++) {
        expect_eq(update_va((unsigned long)pool[i],
                            PTE(pool_mfn(i),
                                PTE_P | PTE_RW | PTE_US | PTE_AD),
                            UVMF_INVLPG),
                  0);
        memset(pool[i], 0x55, PAGE_SIZE);
    }
}

/* Each page can be every kind of table, and be given back. */
static void test_ordinary(void)
{
    domid_t self = DOMID_SELF;
    long before = hypercall2(__HYPERVISOR_memory_op,
                             XENMEM_current_reservation, &self);

    for (unsigned i = 0; i < POOL; i++) {
        struct xen_memory_reservation r = {.nr_extents = 1,
                                           .domid = DOMID_SELF};
        xen_pfn_t mfn = pool_mfn(i);

        memset(pool[i], 0, PAGE_SIZE);
        expect_eq(set_readonly(pool[i]), 0);
        expect_eq(mmuext1(MMUEXT_PIN_L4_TABLE, mfn), 0);
        expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, mfn), 0);
        /* The hypervisor's entries may still be there. */
        expect_eq(set_writable(pool[i]), 0);
        memset(pool[i], 0, PAGE_SIZE);
        expect_eq(set_readonly(pool[i]), 0);
        expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, mfn), 0);
        expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, mfn), 0);
        expect_eq(update_va((unsigned long)pool[i], 0, UVMF_INVLPG), 0);
        set_xen_guest_handle(r.extent_start, &mfn);
        expect_eq(hypercall2(__HYPERVISOR_memory_op,
                             XENMEM_decrease_reservation, &r),
                  1);
    }
    /* Xen 4.17 is seen to hold one or two of them a while longer. */
    if (on_xeno())
        expect_eq(hypercall2(__HYPERVISOR_memory_op,
                             XENMEM_current_reservation, &self),
                  before - POOL);
}

void test_main(void)
{
    /* The L3 and L2 that HOOK3 and HOOK2 need are the kernel's own. */
    l4 = kernel_l4_mfn();
    linear_allowed = !on_xeno();
    for (unsigned i = 0; i < POOL; i++)
        pool[i] = alloc_page();
    for (unsigned step = 0; step < STEPS; step++) {
        unsigned op = rnd(ARRAY_SIZE(ops));

        tried_ops[op]++;
        done_ops[op] += ops[op](rnd(POOL));
        if (step % CHECK_EVERY == 0)
            check();
    }
    for (unsigned op = 0; op < ARRAY_SIZE(ops); op++)
        print("operation %u: %u of %u granted", op, done_ops[op],
              tried_ops[op]);
    check();
    take_apart();
    test_ordinary();
}
