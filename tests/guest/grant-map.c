/*
 * Grants: map and unmap in all forms, what is refused, and that nothing is
 * left behind. The domain lends to itself. Checklist rows 42 and 83.
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "grants: map and unmap";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define REF   20u
#define MANY  100u

static grant_entry_v1_t *table;
static uint64_t *lent;   /* the page that is lent, in its own place */
static uint64_t *window; /* where it is mapped */
static unsigned long window_mfn;

static long gnttab(unsigned cmd, void *arg, unsigned count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, count);
}

static void setup(void)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    xen_pfn_t frame = 0;

    set_xen_guest_handle(op.frame_list, &frame);
    expect_eq(gnttab(GNTTABOP_setup_table, &op, 1), 0);
    if (op.status)
        error("setup_table: status %d", op.status);
    table = alloc_page();
    if (update_va((unsigned long)table, PTE(frame, FLAGS), UVMF_INVLPG))
        error("the table cannot be mapped");
    lent = alloc_page();
    window = alloc_page();
    window_mfn = virt_to_mfn(window);
}

static void lend(unsigned ref, unsigned long mfn, unsigned flags)
{
    table[ref].domid = 0;
    table[ref].frame = (uint32_t)mfn;
    __atomic_store_n(&table[ref].flags, flags, __ATOMIC_RELEASE);
}

static struct gnttab_map_grant_ref map_op;

/* What was mapped there before may still be in the TLB: that is our affair. */
static void forget_old(void)
{
    mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
}

static int map(unsigned ref, uint64_t addr, unsigned flags)
{
    map_op = (struct gnttab_map_grant_ref){.host_addr = addr,
                                           .flags = flags,
                                           .ref = ref,
                                           .status = 99};
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &map_op, 1), 0);
    forget_old();
    return map_op.status;
}

static int unmap(unsigned handle, uint64_t addr, uint64_t dev)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = addr, .dev_bus_addr = dev, .handle = handle, .status = 99};

    expect_eq(gnttab(GNTTABOP_unmap_grant_ref, &op, 1), 0);
    return op.status;
}

static void restore(void)
{
    expect_eq(update_va((unsigned long)window, PTE(window_mfn, FLAGS),
                        UVMF_INVLPG),
              0);
}

#define WINDOW ((unsigned long)window)
#define LENT   virt_to_mfn(lent)

static void test_plain(void)
{
    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_okay);
    expect_eq(map_op.dev_bus_addr, LENT << 12);
    expect_eq(table[REF].flags,
              GTF_permit_access | GTF_reading | GTF_writing);
    expect_eq(read_pte(window) & PTE_ADDR, LENT << 12);
    expect(read_pte(window) & PTE_RW, "mapped read-only");
    window[3] = 0x1234;
    expect_eq(lent[3], 0x1234);
    expect_eq(unmap(map_op.handle, WINDOW, 0), GNTST_okay);
    expect_eq(read_pte(window) & PTE_P, 0);
    expect_eq(table[REF].flags, GTF_permit_access);
    expect_eq(unmap(map_op.handle, WINDOW, 0), GNTST_bad_handle);
    restore();
    window[3] = 7;
    expect_eq(lent[3], 0x1234);
}

static void test_readonly(void)
{
    lend(REF, LENT, GTF_permit_access | GTF_readonly);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_general_error);
    expect_eq(read_pte(window) & PTE_ADDR, window_mfn << 12);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map | GNTMAP_readonly), 0);
    expect_eq(table[REF].flags,
              GTF_permit_access | GTF_readonly | GTF_reading);
    expect_eq(read_pte(window) & PTE_RW, 0);
    expect_eq(window[3], 0x1234);
    expect_eq(unmap(map_op.handle, WINDOW, 0), GNTST_okay);
    expect_eq(table[REF].flags, GTF_permit_access | GTF_readonly);
    restore();
}

static void test_by_entry(void)
{
    uint64_t entry = l1_entry_maddr(window);
    unsigned flags = GNTMAP_host_map | GNTMAP_contains_pte |
                     GNTMAP_application_map | 1u << _GNTMAP_guest_avail0;

    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, entry + 4, flags), GNTST_general_error);
    expect_eq(map(REF, LENT << 12, flags), GNTST_general_error);
    expect_eq(map(REF, 1UL << 50, flags), GNTST_general_error);
    expect_eq(table[REF].flags, GTF_permit_access);
    expect_eq(map(REF, entry, flags), GNTST_okay);
    expect_eq(read_entry(entry) & (PTE_ADDR | PTE_US | 0xe00),
              LENT << 12 | PTE_US | 0x200);
    expect_eq(unmap(map_op.handle, entry + 8, 0), GNTST_general_error);
    expect_eq(unmap(map_op.handle, entry, 0), GNTST_okay);
    expect_eq(read_entry(entry) & PTE_P, 0);
    restore();
}

static void test_device(void)
{
    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, 0, GNTMAP_device_map), GNTST_okay);
    expect_eq(map_op.dev_bus_addr, LENT << 12);
    expect_eq(table[REF].flags & GTF_writing, GTF_writing);
    expect(unmap(map_op.handle, 0, (LENT + 1) << 12) < 0,
           "unmapped with another frame's address");
    expect_eq(unmap(map_op.handle, 0, 0), GNTST_okay); /* nothing is named */
    expect_eq(table[REF].flags & GTF_writing, GTF_writing);
    expect_eq(unmap(map_op.handle, 0, LENT << 12), GNTST_okay);
    expect_eq(table[REF].flags, GTF_permit_access);
    /* Both, ended one after the other. */
    expect_eq(map(REF, WINDOW, GNTMAP_device_map | GNTMAP_host_map), 0);
    expect_eq(unmap(map_op.handle, WINDOW, 0), GNTST_okay);
    expect(table[REF].flags & GTF_writing, "free while a device may write");
    expect_eq(unmap(map_op.handle, 0, LENT << 12), GNTST_okay);
    expect_eq(table[REF].flags, GTF_permit_access);
    restore();
}

static void test_refused(void)
{
    unsigned long l4 = kernel_l4_mfn();

    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, WINDOW, 0), GNTST_bad_gntref);
    expect_eq(map(512, WINDOW, GNTMAP_host_map), GNTST_bad_gntref);
    expect_eq(map(1u << 20, WINDOW, GNTMAP_host_map), GNTST_bad_gntref);
    expect_eq(map(~0u, WINDOW, GNTMAP_host_map), GNTST_bad_gntref);
    expect(map(REF, HYPERVISOR_VIRT_START, GNTMAP_host_map) < 0,
           "mapped in the hypervisor's addresses");
    expect(map(REF, 1UL << 46, GNTMAP_host_map) < 0, "mapped without a table");
    map_op.dom = 1234;
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &map_op, 1), 0);
    expect_eq(map_op.status, GNTST_bad_domain);
    table[REF].domid = 5;
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_general_error);
    lend(REF, LENT, GTF_accept_transfer);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_general_error);
    lend(REF, LENT, 0);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_general_error);
    lend(REF, 0xfffffff0, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_bad_page);
    lend(REF, table_of(l4)[256] >> 12 & 0xffffffff, GTF_permit_access);
    expect(map(REF, WINDOW, GNTMAP_host_map | GNTMAP_readonly) < 0,
           "a frame of the hypervisor is mapped");
    /* A page table: to read only. */
    lend(REF, l4, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_general_error);
    expect_eq(table[REF].flags, GTF_permit_access);
    expect_eq(read_pte(window) & PTE_ADDR, window_mfn << 12);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map | GNTMAP_readonly), 0);
    expect_eq(unmap(map_op.handle, WINDOW, 0), GNTST_okay);
    restore();
    expect_eq(unmap(77777, WINDOW, 0), GNTST_bad_handle);
    expect_eq(unmap(~0u, WINDOW, 0), GNTST_bad_handle);
}

static void test_calls(void)
{
    expect_eq(gnttab(GNTTABOP_map_grant_ref, (void *)0x10, 1), -EFAULT);
    expect_eq(gnttab(GNTTABOP_unmap_grant_ref, (void *)0x10, 1), -EFAULT);
    expect_eq(gnttab(GNTTABOP_map_grant_ref, (void *)HYPERVISOR_VIRT_START, 1),
              -EFAULT);
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &map_op, 0), 0);
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &map_op, ~0u), -EINVAL);
    expect_eq(gnttab(99, &map_op, 1), -ENOSYS);
}

/* The kernel takes the entry away itself: the mapping is not forgotten. */
static void test_destroyed(void)
{
    unsigned handle;

    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_okay);
    handle = map_op.handle;
    restore();
    expect_eq(unmap(handle, WINDOW, 0), GNTST_general_error);
    expect_eq(table[REF].flags,
              GTF_permit_access | GTF_reading | GTF_writing);
    expect_eq(read_pte(window) & PTE_ADDR, window_mfn << 12);
    expect_eq(update_va(WINDOW, PTE(LENT, FLAGS), UVMF_INVLPG), 0);
    expect_eq(unmap(handle, WINDOW, 0), GNTST_okay);
    expect_eq(table[REF].flags, GTF_permit_access);
    restore();
}

/* A page that is lent for writing cannot become a table. */
static void test_type(void)
{
    void *page = alloc_table(); /* read-only here */
    unsigned long mfn = virt_to_mfn(page);

    lend(REF, mfn, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_okay);
    expect(mmuext1(MMUEXT_PIN_L1_TABLE, mfn) < 0, "pinned while lent");
    expect_eq(unmap(map_op.handle, WINDOW, 0), GNTST_okay);
    expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, mfn), 0);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_general_error);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, mfn), 0);
    restore();
}

static void test_replace(void)
{
    struct gnttab_unmap_and_replace op = {.host_addr = WINDOW};
    uint64_t *other = alloc_page();
    unsigned long mfn = virt_to_mfn(other);

    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_okay);
    other[1] = 0xabc;
    op.new_addr = (unsigned long)other;
    op.handle = map_op.handle;
    expect_eq(gnttab(GNTTABOP_unmap_and_replace, &op, 1), 0);
    expect_eq(op.status, GNTST_okay);
    expect_eq(read_pte(window) & PTE_ADDR, mfn << 12);
    expect_eq(window[1], 0xabc);
    expect_eq(read_pte(other) & PTE_P, 0);
    expect_eq(table[REF].flags, GTF_permit_access);
    expect_eq(gnttab(GNTTABOP_unmap_and_replace, &op, 1), 0);
    expect_eq(op.status, GNTST_bad_handle);
    restore();
}

static void test_batch(void)
{
    static struct gnttab_map_grant_ref m[MANY];
    static struct gnttab_unmap_grant_ref u[MANY + 1];
    static uint64_t *at[MANY];

    lend(REF, LENT, GTF_permit_access);
    for (unsigned i = 0; i < MANY; i++) {
        at[i] = alloc_page();
        m[i].host_addr = (unsigned long)at[i];
        m[i].flags = GNTMAP_host_map;
        m[i].ref = REF;
    }
    m[50].ref = 1u << 20;
    expect_eq(gnttab(GNTTABOP_map_grant_ref, m, MANY), 0);
    forget_old();
    for (unsigned i = 0; i < MANY; i++) {
        expect_eq(m[i].status, i == 50 ? GNTST_bad_gntref : GNTST_okay);
        if (i != 50)
            at[i][0] = i;
        expect_eq(lent[0], i == 50 ? 49 : i);
        u[i].host_addr = m[i].host_addr;
        u[i].handle = m[i].handle;
    }
    u[50] = u[51]; /* one is there twice */
    u[MANY] = u[0];
    expect_eq(gnttab(GNTTABOP_unmap_grant_ref, u, MANY + 1), 0);
    for (unsigned i = 0; i <= MANY; i++) {
        bool again = i == 51 || i == MANY;
        expect_eq(u[i].status, again ? GNTST_bad_handle : GNTST_okay);
        if (i != 50 && i < MANY)
            expect_eq(read_pte(at[i]) & PTE_P, 0);
    }
    expect_eq(table[REF].flags, GTF_permit_access);
}

void test_main(void)
{
    setup();
    test_plain();
    test_readonly();
    test_by_entry();
    test_device();
    test_refused();
    test_calls();
    test_destroyed();
    test_type();
    test_replace();
    test_batch();
    /* Some stay, for the audit at the end of debug builds. */
    lend(REF, LENT, GTF_permit_access);
    expect_eq(map(REF, WINDOW, GNTMAP_host_map), GNTST_okay);
    expect_eq(map(REF, 0, GNTMAP_device_map | GNTMAP_readonly), GNTST_okay);
}
