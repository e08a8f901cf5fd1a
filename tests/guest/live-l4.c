/*
 * Changes of an L4 that is in use: new entries are found, replaced and removed
 * ones are gone, in kernel and in user mode, here and on another CPU. This is
 * what a hypervisor must get right that runs guests on copies of their L4.
 *
 * qemu: -smp 2
 * timeout: 60
 */
#include "guest.h"
const char test_title[] = "changes of live top-level tables";

#define A 0xaaaa1111UL
#define B 0xbbbb2222UL
#define MARK 0xdead0000UL
#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define PTE_ACCESSED 0x20UL
#define SLOT_VA(slot) ((unsigned long)((long)(slot) << 55 >> 16))

/* Tables that map one page at the start of a slot. */
struct chain {
    uint64_t entry; /* for the L4 */
    uint64_t *l3;
};
static struct chain a, b;

static struct chain make_chain(uint64_t value)
{
    uint64_t *page = alloc_page();
    struct chain c;

    page[0] = value;
    c.entry = PTE(virt_to_mfn(page), FLAGS);
    for (unsigned level = 1; level < 4; level++) {
        c.l3 = alloc_page();
        c.l3[0] = c.entry;
        expect_eq(set_readonly(c.l3), 0);
        c.entry = PTE(virt_to_mfn(c.l3), FLAGS);
    }
    return c;
}

static uint64_t slot_maddr(unsigned long l4, unsigned slot)
{
    return (l4 << 12) + slot * 8;
}

static void set_slot(unsigned slot, uint64_t entry)
{
    expect_eq(mmu_update1(slot_maddr(kernel_l4_mfn(), slot), entry), 0);
}

static void flush_here(void)
{
    expect_eq(mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0), 0);
}

static long load(long va)
{
    return *(volatile long *)va;
}

static long store(long va)
{
    *(volatile long *)va = A;
    return 0;
}

static void expect_value(unsigned slot, uint64_t value)
{
    expect_eq(run_guarded(load, (long)SLOT_VA(slot)), value);
}

static void expect_fault(unsigned slot)
{
    expect_eq(run_guarded(load, (long)SLOT_VA(slot)), -1);
    expect_eq(last_trap.vector, 14);
    expect_eq(last_trap.error_code, 0);
    expect_eq(last_trap.cr2, SLOT_VA(slot));
}

/* More of them than anybody would keep a list of. */
static void test_many(void)
{
    static const unsigned high = 300;

    set_slot(high, b.entry);
    for (unsigned slot = 1; slot < 100; slot++)
        set_slot(slot, slot % 3 ? a.entry : b.entry);
    for (unsigned i = 0; i < 300; i++)
        expect_value(1 + i % 99, (1 + i % 99) % 3 ? A : B);
    expect_value(high, B);
    for (unsigned slot = 1; slot < 100; slot++)
        set_slot(slot, 0);
    set_slot(high, 0);
    flush_here();
    for (unsigned slot = 1; slot < 100; slot++)
        expect_fault(slot);
    expect_fault(high);
}

static void test_replaced(void)
{
    for (unsigned i = 0; i < 50; i++) {
        set_slot(5, a.entry);
        flush_here();
        expect_value(5, A);
        set_slot(5, b.entry);
        flush_here();
        expect_value(5, B);
        set_slot(5, 0);
        flush_here();
        expect_fault(5);
    }
}

/*
 * The accessed bit appears in the guest's own table. Stock Xen sets it when the
 * entry is written.
 */
static void test_accessed(void)
{
    uint64_t maddr = slot_maddr(kernel_l4_mfn(), 5), before = 0;

    if (!on_xeno())
        before = PTE_ACCESSED;

    for (unsigned i = 0; i < 3; i++) {
        set_slot(5, a.entry & ~PTE_ACCESSED);
        flush_here();
        expect_eq(read_entry(maddr) & PTE_ACCESSED, before);
        expect_value(5, A);
        expect_eq(read_entry(maddr) & PTE_ACCESSED, PTE_ACCESSED);
    }
    set_slot(5, 0);
}

static void test_write_protected(void)
{
    set_slot(5, a.entry);
    expect_value(5, A);
    expect_eq(run_guarded(store, (long)SLOT_VA(5)), 0);
    set_slot(5, a.entry & ~PTE_RW);
    flush_here();
    expect_value(5, A);
    expect_eq(run_guarded(store, (long)SLOT_VA(5)), -1);
    expect_eq(last_trap.error_code, 3);
    set_slot(5, 0);
}

/* Two base pointers whose L4s differ in one slot. */
static void test_base_pointers(void)
{
    unsigned long first = kernel_l4_mfn(), other;
    uint64_t *l4 = alloc_page();

    set_slot(5, a.entry);
    memcpy(l4, table_of(first), PAGE_SIZE);
    l4[5] = b.entry;
    l4[7] = a.entry;
    expect_eq(set_readonly(l4), 0);
    other = virt_to_mfn(l4);
    expect_eq(mmuext1(MMUEXT_PIN_L4_TABLE, other), 0);
    for (unsigned i = 0; i < 50; i++) {
        expect_value(5, A);
        expect_fault(7);
        expect_eq(mmuext1(MMUEXT_NEW_BASEPTR, other), 0);
        expect_value(5, B);
        expect_value(7, A);
        expect_eq(mmuext1(MMUEXT_NEW_BASEPTR, first), 0);
    }
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, other), 0);
    set_slot(5, 0);
}

/* ---- user mode ---- */

USER_SNIPPET(user_load, "movq (%rdi),%rax; int3");

static void expect_user(unsigned slot, uint64_t value)
{
    struct trap_frame f;

    RUN_USER(user_load, SLOT_VA(slot), &f);
    expect_eq(f.vector, value ? 3 : 14);
    if (value)
        expect_eq(f.rax, value);
    else
        expect_eq(f.error_code, 4);
}

static void test_user(void)
{
    unsigned long l4 = user_l4_mfn(), other;
    uint64_t maddr = slot_maddr(l4, 9), *table = alloc_page();

    expect_user(9, 0);
    expect_eq(mmu_update1(maddr, a.entry), 0);
    expect_user(9, A);
    memcpy(table, table_of(l4), PAGE_SIZE);
    table[9] = b.entry;
    expect_eq(set_readonly(table), 0);
    other = virt_to_mfn(table);
    for (unsigned i = 0; i < 30; i++) {
        expect_eq(mmuext1(MMUEXT_NEW_USER_BASEPTR, other), 0);
        expect_user(9, B);
        expect_eq(mmuext1(MMUEXT_NEW_USER_BASEPTR, l4), 0);
        expect_user(9, A);
        expect_eq(mmu_update1(maddr, 0), 0);
        expect_user(9, 0);
        expect_fault(9); /* the kernel has none there */
        expect_eq(mmu_update1(maddr, b.entry), 0);
        expect_user(9, B);
        expect_eq(mmu_update1(maddr, a.entry), 0);
    }
    expect_eq(mmu_update1(maddr, 0), 0);
}

/* ---- another CPU ---- */

#define SHARED 6
static volatile uint64_t seen;
static volatile unsigned rounds, faults, wrong;

static void reader(void)
{
    for (;;) {
        seen = *(volatile uint64_t *)SLOT_VA(SHARED);
        if (seen != A && seen != B)
            wrong = wrong + 1;
        rounds = rounds + 1;
        __asm__ volatile("pause" ::: "memory");
    }
}

static bool on_trap(struct trap_frame *f)
{
    if (f->vector == VECTOR_EVENT) {
        for (unsigned i = 0; i < 2; i++)
            shared_info->vcpu_info[i].evtchn_upcall_pending = 0;
        return true;
    }
    if (f->vector != 14 ||
        shared_info->vcpu_info[1].arch.cr2 != SLOT_VA(SHARED))
        return false;
    faults = faults + 1;
    return true; /* the read is tried again */
}

/* Two more: the first may have begun before. */
static void wait_for(volatile unsigned *count, const char *what)
{
    unsigned from = *count;
    uint64_t end = system_time() + 10000 * MS;

    while (*count - from < 3 && system_time() < end)
        __asm__ volatile("pause");
    expect(*count - from >= 3, "the other CPU: no %s", what);
}

static void flush_all(void)
{
    expect_eq(mmuext1(MMUEXT_TLB_FLUSH_ALL, 0), 0);
}

static void test_other_cpu(void)
{
    for (unsigned i = 0; i < 10; i++) {
        set_slot(SHARED, b.entry);
        flush_all();
        wait_for(&rounds, "reads of the new page");
        expect_eq(seen, B);
        set_slot(SHARED, 0);
        flush_all();
        wait_for(&faults, "fault");
        set_slot(SHARED, a.entry);
        wait_for(&rounds, "reads");
        expect_eq(seen, A);
    }
}

/*
 * As fast as it goes, so that changes meet the other CPU at any moment. Not for
 * long: on a busy machine each change waits for the other CPU to get its turn.
 */
static void test_race(void)
{
    uint64_t end = system_time() + 3000 * MS;

    for (unsigned i = 0; i < 2000 && (i < 20 || system_time() < end); i++) {
        set_slot(SHARED, b.entry);
        set_slot(SHARED, 0);
        set_slot(SHARED, a.entry);
    }
    wait_for(&rounds, "reads");
    expect_eq(wrong, 0);
}

static uint64_t all_entries(uint64_t entry)
{
    uint64_t *table = alloc_page();

    for (unsigned i = 0; i < 512; i++)
        table[i] = entry;
    return PTE(virt_to_mfn(table), FLAGS);
}

/*
 * The entry is removed, without a flush, and its L3 becomes an ordinary page,
 * which we fill with an "L3" of our own: nobody may ever walk it.
 */
static void test_forged(void)
{
    uint64_t *mark = alloc_page(), forged, first;

    mark[0] = MARK;
    forged = all_entries(all_entries(PTE(virt_to_mfn(mark), FLAGS)));
    for (unsigned i = 0; i < 10; i++) {
        set_slot(SHARED, b.entry);
        wait_for(&rounds, "reads");
        set_slot(SHARED, 0);
        expect_eq(set_writable(b.l3), 0);
        first = b.l3[0];
        for (unsigned k = 0; k < 512; k++)
            b.l3[k] = forged;
        wait_for(&faults, "fault");
        memset(b.l3, 0, PAGE_SIZE);
        b.l3[0] = first;
        expect_eq(set_readonly(b.l3), 0);
        set_slot(SHARED, a.entry);
        wait_for(&rounds, "reads");
    }
    expect(!wrong, "forged tables were walked %u times", wrong);
}

void test_main(void)
{
    a = make_chain(A);
    b = make_chain(B);
    test_many();
    test_replaced();
    test_accessed();
    test_write_protected();
    test_base_pointers();
    test_user();
    trap_hook = on_trap;
    set_slot(SHARED, a.entry);
    vcpu_start(1, reader);
    wait_for(&rounds, "reads at all");
    test_other_cpu();
    test_race();
    test_forged();
}
