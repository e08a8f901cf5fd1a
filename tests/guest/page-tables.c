/*
 * Page-table updates are validated: what would give the guest a writable page
 * table, a frame that is not its own, a part of the hypervisor or a kind of
 * entry that the ABI does not know is refused, and changes nothing. Checklist
 * row 61.
 */
#include "guest.h"
const char test_title[] = "page-table updates are validated";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define RO_FLAGS (PTE_P | PTE_US | PTE_AD)

static unsigned long l4;

static unsigned long table_at(const void *va, unsigned level)
{
    return entry_maddr(l4, (unsigned long)va, level) >> 12;
}

static void expect_refused(int line, const char *what, uint64_t maddr,
                           uint64_t val)
{
    uint64_t old = read_entry(maddr);
    long ret = mmu_update1(maddr, val);

    if (ret >= 0)
        failure("line %d: %s: %#lx <- %#lx gave %ld", line, what, maddr, val,
                ret);
    if (read_entry(maddr) != old)
        failure("line %d: %s: the entry was changed to %#lx", line, what,
                read_entry(maddr));
}
#define REFUSED(what, maddr, val) expect_refused(__LINE__, what, maddr, val)

/* ---- L1 entries ---- */

static void test_writable_tables(void)
{
    char *page = alloc_page();
    uint64_t l1e = l1_entry_maddr(page), old = read_pte(page);

    for (unsigned level = 1; level <= 4; level++) {
        unsigned long table = table_at(page, level);

        REFUSED("a writable mapping of a page table", l1e, PTE(table, FLAGS));
        expect_eq(mmu_update1(l1e, PTE(table, RO_FLAGS)), 0);
        REFUSED("a read-only mapping made writable", l1e, PTE(table, FLAGS));
        expect(update_va((unsigned long)page, PTE(table, FLAGS),
                         UVMF_INVLPG) < 0,
               "update_va_mapping of level %u, writable", level);
    }
    expect_eq(mmu_update1(l1e, old), 0);
}

static unsigned long hypervisor_frame(unsigned slot)
{
    return (table_of(l4)[slot] & PTE_ADDR) >> 12;
}

static void test_foreign(void)
{
    char *page = alloc_page();
    uint64_t l1e = l1_entry_maddr(page);

    for (unsigned slot = 256; slot < 272; slot++) {
        unsigned long mfn = hypervisor_frame(slot);

        if (!(table_of(l4)[slot] & PTE_P) || mfn == l4)
            continue;
        REFUSED("the hypervisor's table", l1e, PTE(mfn, FLAGS));
        REFUSED("the hypervisor's table, read-only", l1e, PTE(mfn, RO_FLAGS));
    }
    /* Free or the hypervisor's: any RAM frame that M2P calls invalid. */
    for (unsigned long mfn = 0x1000; mfn < 0x1020; mfn++) {
        unsigned long pfn = machine_to_phys_mapping[mfn];

        if (pfn < start_info->nr_pages && pfn_to_mfn(pfn) == mfn)
            continue;
        REFUSED("no frame of ours", l1e, PTE(mfn, FLAGS));
        REFUSED("no frame of ours, read-only", l1e, PTE(mfn, RO_FLAGS));
    }
}

/* Bits that no L1 entry of a guest may have. */
static void test_l1_bits(void)
{
    char *page = alloc_page();
    uint64_t l1e = l1_entry_maddr(page), old = read_pte(page);
    unsigned long mfn = virt_to_mfn(page);

    for (unsigned bit = 46; bit < 52; bit++)
        REFUSED("an address beyond the machine", l1e,
                PTE(mfn, FLAGS) | 1UL << bit);
    /* Bits 9 to 11 belong to the guest, but for the hypervisor's use. */
    expect_eq(mmu_update1(l1e, old | 1UL << 9), 0);
    expect_eq(mmu_update1(l1e, old | 1UL << 10), 0);
    expect_eq(mmu_update1(l1e, old | PTE_NX), 0);
    expect_eq(mmu_update1(l1e, old), 0);
    expect_eq(read_pte(page) & PTE_ADDR, old & PTE_ADDR);
}

/* The user bit is the hypervisor's concern: the guest's kernel is user. */
static void test_user_bit(void)
{
    char *page = alloc_page();
    uint64_t l1e = l1_entry_maddr(page);

    expect_eq(mmu_update1(l1e, PTE(virt_to_mfn(page), PTE_P | PTE_RW)), 0);
    page[5] = 5;
    expect_eq(page[5], 5);
    expect_eq(read_pte(page) & PTE_US, PTE_US);
}

/* ---- L2 to L4 entries ---- */

#define SCRATCH 0x10000000000UL /* an empty L4 slot */

static void test_upper_bits(void)
{
    static const unsigned char refused[] = {7, 8, 51};
    unsigned long l1 = virt_to_mfn(alloc_table());
    uint64_t l2e = entry_maddr(l4, VIRT_BASE + 0x20000000, 2);

    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        if (refused[i] != 8)
            REFUSED("a bad bit in an L2 entry", l2e,
                    PTE(l1, FLAGS) | 1UL << refused[i]);
    REFUSED("a superpage", l2e, PTE(0, FLAGS | PTE_PSE));
    REFUSED("a superpage of own frames", l2e,
            PTE(pfn_to_mfn(0) & ~511UL, FLAGS | PTE_PSE));
    REFUSED("an L3 superpage", entry_maddr(l4, VIRT_BASE, 3),
            PTE(0, FLAGS | PTE_PSE));
    REFUSED("PSE in an L4 entry", entry_maddr(l4, SCRATCH, 4),
            PTE(l1, FLAGS | PTE_PSE));
}

static void test_types(void)
{
    unsigned long writable = virt_to_mfn(alloc_page());
    unsigned long l1 = table_at((void *)VIRT_BASE, 1);
    unsigned long l3 = table_at((void *)VIRT_BASE, 3);
    uint64_t l4e = entry_maddr(l4, SCRATCH, 4);
    uint64_t l2e = entry_maddr(l4, VIRT_BASE + 0x20000000, 2);

    REFUSED("a writable page as L3", l4e, PTE(writable, FLAGS));
    REFUSED("an L1 as L3", l4e, PTE(l1, FLAGS));
    REFUSED("an L3 as L1", l2e, PTE(l3, FLAGS));
    REFUSED("a writable page as L1", l2e, PTE(writable, FLAGS));
    REFUSED("an L4 as L1", l2e, PTE(l4, FLAGS));
    /* One table in two places is allowed. */
    expect_eq(mmu_update1(l2e, PTE(l1, FLAGS)), 0);
    expect_eq(mmu_update1(l2e, 0), 0);
}

static void test_reserved_slots(void)
{
    unsigned long l3 = table_at((void *)VIRT_BASE, 3);

    for (unsigned slot = 256; slot < 272; slot++) {
        REFUSED("a reserved L4 slot", (l4 << 12) + slot * 8, PTE(l3, FLAGS));
        REFUSED("a reserved L4 slot cleared", (l4 << 12) + slot * 8, 0);
    }
    /* Slot 255 is the guest's own, 256 not: no off-by-one. */
    expect_eq(mmu_update1((l4 << 12) + 255 * 8, PTE(l3, FLAGS)), 0);
    expect_eq(mmu_update1((l4 << 12) + 255 * 8, 0), 0);
    expect_eq(mmu_update1((l4 << 12) + 272 * 8, PTE(l3, FLAGS)), 0);
    expect_eq(mmu_update1((l4 << 12) + 272 * 8, 0), 0);
}

/*
 * An L4 that lists itself as an L3. Writable it is always refused. Read-only
 * it is refused by design here; others may allow it, and then the hypervisor
 * must still stand.
 */
static void test_linear(void)
{
    uint64_t l4e = entry_maddr(l4, SCRATCH, 4);

    REFUSED("a writable linear table", l4e, PTE(l4, FLAGS));
    if (mmu_update1(l4e, PTE(l4, RO_FLAGS)) == 0) {
        print("read-only linear tables are allowed here");
        expect_eq(mmu_update1(l4e, 0), 0);
    }
}

/* A new table with one bad entry is refused as a whole. */
static void test_new_table(void)
{
    uint64_t *l1 = alloc_page();
    uint64_t l2e = entry_maddr(l4, VIRT_BASE + 0x20000000, 2);
    char *page = alloc_page();

    for (unsigned i = 0; i < 512; i++)
        l1[i] = PTE(virt_to_mfn(page), FLAGS);
    l1[511] = PTE(l4, FLAGS);
    expect_eq(set_readonly(l1), 0);
    REFUSED("a table with a bad entry", l2e, PTE(virt_to_mfn(l1), FLAGS));
    /* Unwound: the table can be written again, and the page given a type. */
    expect_eq(set_writable(l1), 0);
    l1[511] = 0;
    expect_eq(set_readonly(l1), 0);
    expect_eq(mmu_update1(l2e, PTE(virt_to_mfn(l1), FLAGS)), 0);
    expect(set_writable(l1) < 0, "a live table was mapped writable");
    *(volatile char *)(VIRT_BASE + 0x20000000 + 7) = 9;
    expect_eq(page[7], 9);
    /* The page has 512 writable mappings more: no table until all are gone. */
    expect_eq(set_readonly(page), 0);
    expect(mmuext1(MMUEXT_PIN_L1_TABLE, virt_to_mfn(page)) < 0,
           "a writable page was pinned as an L1");
    expect_eq(mmu_update1(l2e, 0), 0);
    expect_eq(set_writable(page), 0);
    page[7] = 0;
    expect_eq(set_readonly(page), 0);
    expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, virt_to_mfn(page)), 0);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, virt_to_mfn(page)), 0);
    expect_eq(set_writable(l1), 0);
    expect_eq(set_writable(page), 0);
}

/* Not-present entries may hold anything, and must do no harm. */
static void test_not_present(void)
{
    char *page = alloc_page();
    uint64_t l1e = l1_entry_maddr(page), old = read_pte(page);
    uint64_t values[] = {0, 0xdeadbe00, PTE(hypervisor_frame(256), 0),
                         ~1UL & ~(1UL << 7), 1UL << 63};

    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        long ret = mmu_update1(l1e, values[i]);

        expect_eq(ret, 0);
        if (ret == 0)
            expect_eq(read_entry(l1e) & PTE_P, 0);
    }
    expect_eq(mmu_update1(l1e, old), 0);
}

/* A write to a table's own page is caught: emulated, and validated as well. */
static long write_entry(long arg)
{
    *(volatile uint64_t *)arg = PTE(l4, FLAGS);
    return 0;
}

static long write_good(long arg)
{
    *(volatile uint64_t *)arg = PTE(pfn_to_mfn(3), FLAGS);
    return 0;
}

static void test_direct_write(void)
{
    char *page = alloc_page();
    uint64_t maddr = l1_entry_maddr(page), old = read_entry(maddr);
    const uint64_t *entry = &table_of(maddr >> 12)[(maddr & 4095) / 8];

    run_guarded(write_entry, (long)entry);
    expect_eq(last_trap.count, 1);
    expect_eq(last_trap.vector, 14);
    expect_eq(read_entry(maddr), old);
    run_guarded(write_good, (long)entry);
    expect_eq(last_trap.count, 0);
    expect_eq(read_entry(maddr) & PTE_ADDR, pfn_to_mfn(3) << 12);
    expect_eq(mmu_update1(maddr, old), 0);
}

void test_main(void)
{
    l4 = kernel_l4_mfn();
    test_writable_tables();
    test_foreign();
    test_l1_bits();
    test_user_bit();
    test_upper_bits();
    test_types();
    test_reserved_slots();
    test_linear();
    test_new_table();
    test_not_present();
    test_direct_write();
}
