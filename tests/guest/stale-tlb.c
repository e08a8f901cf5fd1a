/*
 * A page that becomes a page table, goes back to the hypervisor, or was only
 * granted cannot be written through the stale TLB of another CPU; and
 * asked-for flushes reach the other CPU. Checklist row 107.
 *
 * Without the split of page tables, which flushes at every entry of the
 * hypervisor and would hide what is missing.
 *
 * qemu: -smp 2
 * options: xpti=off
 * timeout: 90
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "stale TLBs of another CPU";

static volatile uint64_t *target;
static volatile unsigned faults, stop, writes, running;

/* Writes without end; a fault ends it. Bit 0 stays clear: never a PTE. */
static void writer(void)
{
    uint64_t n = 0;

    for (;;) {
        if (!stop) {
            running = 1;
            target[0] = n += 2;
            writes = writes + 1;
        } else {
            running = 0;
        }
        __asm__ volatile("pause" ::: "memory");
    }
}

static bool on_fault(struct trap_frame *f)
{
    if (f->vector == VECTOR_EVENT) {
        for (unsigned i = 0; i < 2; i++)
            shared_info->vcpu_info[i].evtchn_upcall_pending = 0;
        return true;
    }
    if (f->vector != 14)
        return false;
    faults = faults + 1;
    stop = 1;
    return true; /* the write is tried again */
}

static void wait_writes(void)
{
    unsigned seen = writes;
    uint64_t end = system_time() + 10000 * MS;

    while (writes - seen < 1000 && system_time() < end)
        __asm__ volatile("pause");
    if (writes - seen < 1000)
        error("the second vCPU does not write");
}

/* A while in which the writer must run into a fault. */
static void wait_fault(void)
{
    uint64_t end = system_time() + 10000 * MS;

    do
        delay_ms(20);
    while (!faults && system_time() < end);
    expect(faults > 0, "the other CPU did not fault");
    if (!faults)
        finish();
}

/* Ends the writer's loop of faults: gives it its page back. */
static void restore(void *page, uint64_t pte)
{
    expect_eq(update_va((unsigned long)page, pte, UVMF_TLB_FLUSH | UVMF_ALL),
              0);
    stop = 1;
    while (running)
        __asm__ volatile("pause");
    faults = 0;
    stop = 0;
}

#define VIEW 0x900000UL

static void test_pin(unsigned cmd)
{
    void *page = alloc_page();
    uint64_t pte = read_pte(page), content;
    volatile uint64_t *view = (uint64_t *)VIEW;

    /* Another, read-only mapping to look at it. */
    expect_eq(kernel_map(VIEW, pte & ~PTE_RW), 0);
    hypercall3(__HYPERVISOR_update_va_mapping, VIEW, pte & ~PTE_RW,
               UVMF_INVLPG);
    target = page;
    wait_writes();
    /* Unmapped without a flush: the other CPU may go on writing ... */
    expect_eq(update_va((unsigned long)page, 0, UVMF_NONE), 0);
    /* ... until the page has another type. */
    expect_eq(mmuext1(cmd, pte >> 12 & 0xffffffffffUL), 0);
    content = *view;
    wait_fault();
    expect_eq(*view, content);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, pte >> 12 & 0xffffffffffUL), 0);
    restore(page, pte);
}

static const unsigned long second_vcpu = 1UL << 1;

/* The page was made read-only; now the other CPU is to hear of it. */
static long flush(unsigned cmd, void *page)
{
    struct mmuext_op op = {.cmd = cmd,
                           .arg1.linear_addr = (unsigned long)page};

    set_xen_guest_handle(op.arg2.vcpumask, (void *)&second_vcpu);
    return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, 0, DOMID_SELF);
}

/* flags: of update_va; cmd: the flush that follows, or -1. */
static void test_flush(unsigned long flags, int cmd)
{
    void *page = alloc_page();
    uint64_t pte = read_pte(page), content;

    target = page;
    wait_writes();
    expect_eq(update_va((unsigned long)page, pte & ~PTE_RW, flags), 0);
    if (cmd >= 0)
        expect_eq(flush((unsigned)cmd, page), 0);
    content = *(volatile uint64_t *)page;
    wait_fault();
    expect_eq(*(volatile uint64_t *)page, content);
    restore(page, pte);
}

/* A new mapping is seen there: the frame behind the address is exchanged. */
static void test_exchange(void)
{
    uint64_t *a = alloc_page(), *b = alloc_page();
    uint64_t old = read_pte(a);
    unsigned long va = (unsigned long)a;

    target = a;
    wait_writes();
    expect_eq(update_va(va, PTE(virt_to_mfn(b), old & 0xfff),
                        UVMF_TLB_FLUSH | UVMF_ALL),
              0);
    *(volatile uint64_t *)b = 0;
    wait_writes();
    expect(*(volatile uint64_t *)b != 0, "still written to the old frame");
    restore(a, old);
}

static void all_flushes(void)
{
    unsigned long multi = (unsigned long)&second_vcpu;

    test_flush(UVMF_INVLPG | UVMF_ALL, -1);
    test_flush(UVMF_TLB_FLUSH | UVMF_ALL, -1);
    test_flush(UVMF_INVLPG | UVMF_MULTI | multi, -1);
    test_flush(UVMF_TLB_FLUSH | UVMF_MULTI | multi, -1);
    test_flush(UVMF_NONE, MMUEXT_TLB_FLUSH_ALL);
    test_flush(UVMF_NONE, MMUEXT_INVLPG_ALL);
    test_flush(UVMF_NONE, MMUEXT_TLB_FLUSH_MULTI);
    test_flush(UVMF_NONE, MMUEXT_INVLPG_MULTI);
}

static long reservation(unsigned cmd, xen_pfn_t *frame)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, frame);
    return hypercall2(__HYPERVISOR_memory_op, cmd, &r);
}

/*
 * Given up and taken again: mostly it is the same frame, and whoever has it
 * now must be alone with it.
 */
static void test_given_up(void)
{
    void *page = alloc_page();
    uint64_t pte = read_pte(page), content;
    xen_pfn_t frame = virt_to_mfn(page);

    target = page;
    wait_writes();
    expect_eq(update_va((unsigned long)page, 0, UVMF_NONE), 0);
    expect_eq(reservation(XENMEM_decrease_reservation, &frame), 1);
    frame = virt_to_pfn(page);
    expect_eq(reservation(XENMEM_populate_physmap, &frame), 1);
    pte = PTE(frame, pte & ~PTE_ADDR);
    expect_eq(kernel_map(VIEW, pte & ~PTE_RW), 0);
    mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
    content = *(volatile uint64_t *)VIEW;
    wait_fault();
    expect_eq(*(volatile uint64_t *)VIEW, content);
    restore(page, pte);
}

static long gnttab(unsigned cmd, void *arg)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, 1);
}

static void lend(unsigned ref, unsigned long mfn)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    grant_entry_v1_t *table;
    xen_pfn_t frame = 0;

    set_xen_guest_handle(op.frame_list, &frame);
    expect_eq(gnttab(GNTTABOP_setup_table, &op), 0);
    table = alloc_page();
    expect_eq(update_va((unsigned long)table,
                        PTE(frame, PTE_P | PTE_RW | PTE_US | PTE_AD),
                        UVMF_INVLPG), 0);
    table[ref].domid = 0;
    table[ref].frame = (uint32_t)mfn;
    table[ref].flags = GTF_permit_access;
}

/* When the unmap is done the lender may rely on its page. */
static void test_grant(void)
{
    volatile uint64_t *lent = alloc_page();
    void *page = alloc_page();
    uint64_t pte = read_pte(page), content;
    struct gnttab_map_grant_ref map = {.host_addr = (unsigned long)page,
                                       .flags = GNTMAP_host_map,
                                       .ref = 20};
    struct gnttab_unmap_grant_ref unmap = {.host_addr = map.host_addr};

    lend(map.ref, virt_to_mfn((void *)lent));
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &map), 0);
    expect_eq(map.status, GNTST_okay);
    mmuext1(MMUEXT_TLB_FLUSH_ALL, 0);
    target = page;
    wait_writes();
    unmap.handle = map.handle;
    expect_eq(gnttab(GNTTABOP_unmap_grant_ref, &unmap), 0);
    expect_eq(unmap.status, GNTST_okay);
    content = *lent;
    wait_fault();
    expect_eq(*lent, content);
    restore(page, pte);
}

void test_main(void)
{
    trap_hook = on_fault;
    target = alloc_page();
    vcpu_start(1, writer);
    for (unsigned i = 0; i < 5; i++) {
        test_pin(MMUEXT_PIN_L1_TABLE);
        test_pin(MMUEXT_PIN_L2_TABLE);
        all_flushes();
        test_exchange();
        test_given_up();
    }
    test_grant();
    test_pin(MMUEXT_PIN_L4_TABLE);
}
