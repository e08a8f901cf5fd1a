/*
 * Mappings of grants that are ended in ways that do not fit how they were
 * made: afterwards a frame that is still mapped writable must not be able to
 * become a page table.
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "grants: mappings ended in the wrong way";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define RO_FLAGS (PTE_P | PTE_US | PTE_AD)

static grant_entry_v1_t *table;

static long gnttab(unsigned cmd, void *arg)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, 1);
}

static void setup(void)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    xen_pfn_t frame = 0;

    set_xen_guest_handle(op.frame_list, &frame);
    if (gnttab(GNTTABOP_setup_table, &op) || op.status)
        error("setup_table: status %d", op.status);
    table = alloc_page();
    if (update_va((unsigned long)table, PTE(frame, FLAGS), UVMF_INVLPG))
        error("the table cannot be mapped");
}

static void lend(unsigned ref, const void *page)
{
    table[ref].domid = 0;
    table[ref].frame = (uint32_t)virt_to_mfn(page);
    __atomic_store_n(&table[ref].flags, GTF_permit_access, __ATOMIC_RELEASE);
}

static grant_handle_t map(unsigned ref, const void *at, unsigned flags)
{
    struct gnttab_map_grant_ref op = {.host_addr = (unsigned long)at,
                                      .flags = GNTMAP_host_map | flags,
                                      .ref = ref};

    expect_eq(gnttab(GNTTABOP_map_grant_ref, &op), 0);
    expect_eq(op.status, GNTST_okay);
    mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
    return op.handle;
}

static int unmap(grant_handle_t handle, const void *at, uint64_t dev)
{
    struct gnttab_unmap_grant_ref op = {.host_addr = (unsigned long)at,
                                        .dev_bus_addr = dev,
                                        .handle = handle};

    expect_eq(gnttab(GNTTABOP_unmap_grant_ref, &op), 0);
    return op.status;
}

static void expect_no_table(const char *what, const void *page)
{
    unsigned long mfn = virt_to_mfn(page);

    for (unsigned level = 0; level < 4; level++)
        if (mmuext1(MMUEXT_PIN_L1_TABLE + level, mfn) != -EINVAL)
            failure("%s: as a table of level %u not -EINVAL", what, level + 1);
}

/* A read-only mapping's end takes over an entry that is writable. */
static void test_replace(void)
{
    char *writable = alloc_page(), *other = alloc_page();
    char *at_w = alloc_page(), *at_r = alloc_page();
    grant_handle_t hw, hr;
    struct gnttab_unmap_and_replace op;

    expect_eq(set_readonly(writable), 0);
    lend(8, writable);
    lend(9, other);
    hw = map(8, at_w, 0);
    hr = map(9, at_r, GNTMAP_readonly);
    op = (struct gnttab_unmap_and_replace){.host_addr = (unsigned long)at_r,
                                           .new_addr = (unsigned long)at_w,
                                           .handle = hr};
    expect_eq(gnttab(GNTTABOP_unmap_and_replace, &op), 0);
    expect_eq(op.status, GNTST_okay);
    /* The same frame there again, but read-only, and not by the grant. */
    expect_eq(update_va((unsigned long)at_w,
                        PTE(virt_to_mfn(writable), RO_FLAGS), UVMF_INVLPG),
              0);
    expect_eq(unmap(hw, at_w, 0), GNTST_general_error);
    expect_eq(table[8].flags, GTF_permit_access | GTF_reading | GTF_writing);
    at_r[1] = 5; /* where the writable entry went, and where it may end */
    expect_no_table("replaced", writable);
    expect_eq(unmap(hw, at_r, 0), GNTST_okay);
    expect_eq(table[8].flags, GTF_permit_access);
}

/* Both kinds of mapping, ended one by one: counted once each. */
static void test_both(void)
{
    char *page = alloc_page(), *at = alloc_page();
    uint64_t dev = (uint64_t)virt_to_mfn(page) << 12;
    grant_handle_t h;

    lend(10, page);
    h = map(10, at, GNTMAP_device_map);
    expect_eq(unmap(h, at, 0), GNTST_okay);
    expect_no_table("half unmapped", page);
    expect_eq(unmap(h, NULL, dev), GNTST_okay);
    page[1] = 7; /* our own mapping has stayed */
    expect_no_table("unmapped by halves", page);
    expect_eq(unmap(h, NULL, dev), GNTST_bad_handle);
    expect_no_table("unmapped twice", page);
}

/* A mapping that is named by its entry, with the entry's address bent. */
static void test_bent(void)
{
    char *page = alloc_page(), *at = alloc_page();
    uint64_t maddr = l1_entry_maddr(at), before = read_entry(maddr - 8);

    lend(11, page);
    for (int bend = -7; bend < 8; bend++) {
        struct gnttab_map_grant_ref op = {
            .host_addr = maddr + (unsigned long)bend,
            .flags = GNTMAP_host_map | GNTMAP_contains_pte,
            .ref = 11,
        };

        if (!bend)
            continue;
        expect_eq(gnttab(GNTTABOP_map_grant_ref, &op), 0);
        expect(op.status < 0, "mapped by an entry's address %+d", bend);
    }
    expect_eq(read_entry(maddr - 8), before);
    expect_eq(table[11].flags, GTF_permit_access);
    at[0] = 1;
}

/* The wrong lender: refused with a negative status. */
static void test_lender(void)
{
    char *page = alloc_page(), *at = alloc_page();
    struct gnttab_map_grant_ref op = {.host_addr = (unsigned long)at,
                                      .flags = GNTMAP_host_map,
                                      .ref = 12};

    lend(12, page);
    table[12].domid = 5;
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &op), 0);
    expect_eq(op.status, GNTST_general_error);
    expect_eq(table[12].flags, GTF_permit_access);
    at[0] = 1;
}

void test_main(void)
{
    setup();
    test_replace();
    test_both();
    test_bent();
    test_lender();
}
