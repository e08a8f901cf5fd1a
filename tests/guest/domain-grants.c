/*
 * Grants between two domains: mapped both ways, copied, what is refused, and
 * either one dying first. Checklist rows 42 and 80.
 *
 * timeout: 120
 */
#include "domain.h"
const char test_title[] = "grants between domains";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define REF 20u

static struct child child, other;
static uint64_t lent[512] __attribute__((aligned(4096)));
static uint64_t window[512] __attribute__((aligned(4096)));
static uint64_t table_page[512] __attribute__((aligned(4096)));
static grant_entry_v1_t *own_table;

static unsigned long table_frame(unsigned id)
{
    struct xen_mem_acquire_resource r = {
        .domid = (domid_t)id,
        .type = XENMEM_resource_grant_table,
        .id = XENMEM_resource_grant_table_id_shared,
        .nr_frames = 1};
    xen_pfn_t frame = 0;

    set_xen_guest_handle(r.frame_list, &frame);
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_acquire_resource, &r),
              0);
    return frame;
}

static void put_entry(volatile grant_entry_v1_t *e, unsigned domid,
                      unsigned long mfn, unsigned flags)
{
    e->domid = (domid_t)domid;
    e->frame = (uint32_t)mfn;
    __atomic_store_n(&e->flags, flags, __ATOMIC_RELEASE);
}

/* Writes an entry of a child's table, as a domain builder does. */
static void child_lends(const struct child *c, unsigned domid, unsigned flags)
{
    grant_entry_v1_t *table = (grant_entry_v1_t *)(void *)table_page;

    if (foreign_map(table_page, c->id, table_frame(c->id), FLAGS))
        error("the child's grant table cannot be mapped");
    put_entry(&table[REF], domid, child_mfn(c, lent), flags);
    foreign_unmap(table_page);
}

static unsigned child_entry_flags(const struct child *c)
{
    grant_entry_v1_t *table = (grant_entry_v1_t *)(void *)table_page;
    unsigned flags;

    if (foreign_map(table_page, c->id, table_frame(c->id), FLAGS))
        error("the child's grant table cannot be mapped");
    flags = table[REF].flags;
    foreign_unmap(table_page);
    return flags;
}

static struct gnttab_map_grant_ref mapping(unsigned domid, unsigned flags)
{
    return (struct gnttab_map_grant_ref){.host_addr = (unsigned long)window,
                                         .flags = GNTMAP_host_map | flags,
                                         .ref = REF,
                                         .dom = (domid_t)domid,
                                         .status = 99};
}

static struct gnttab_map_grant_ref map_here(unsigned domid, unsigned flags)
{
    struct gnttab_map_grant_ref m = mapping(domid, flags);

    expect_eq(gnttab_op(GNTTABOP_map_grant_ref, &m, 1), 0);
    mmuext1(MMUEXT_TLB_FLUSH_LOCAL, 0);
    return m;
}

static void unmap_here(unsigned handle)
{
    struct gnttab_unmap_grant_ref u = {
        .host_addr = (unsigned long)window, .handle = handle, .status = 99};

    expect_eq(gnttab_op(GNTTABOP_unmap_grant_ref, &u, 1), 0);
    expect_eq(u.status, GNTST_okay);
    foreign_unmap(window);
}

static struct gnttab_map_grant_ref map_in_child(struct child *c, unsigned domid,
                                                unsigned flags)
{
    struct gnttab_map_grant_ref m = mapping(domid, flags);

    expect_eq(child_call(c, __HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref,
                         CHILD_DATA, 1, 0, &m, sizeof(m)),
              0);
    return m;
}

static void own_entry(unsigned domid, unsigned flags)
{
    put_entry(&own_table[REF], domid, virt_to_mfn(lent), flags);
}

static void setup(void)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = 1};
    xen_pfn_t frame = 0;

    set_xen_guest_handle(op.frame_list, &frame);
    expect_eq(gnttab_op(GNTTABOP_setup_table, &op, 1), 0);
    own_table = alloc_page();
    if (update_va((unsigned long)own_table, PTE(frame, FLAGS), UVMF_INVLPG))
        error("our grant table cannot be mapped");
}

/* The child lends, we map. */
static void test_from_child(void)
{
    struct gnttab_map_grant_ref m;
    uint64_t *seen;

    child_start_server(&child);
    seen = child_map(&child, lent);
    child_lends(&child, 0, GTF_permit_access);
    m = map_here(child.id, 0);
    expect_eq(m.status, GNTST_okay);
    window[3] = 0x1234;
    expect_eq(seen[3], 0x1234);
    seen[4] = 0x5678;
    expect_eq(window[4], 0x5678);
    expect_eq(child_entry_flags(&child),
              GTF_permit_access | GTF_reading | GTF_writing);
    unmap_here(m.handle);
    expect_eq(child_entry_flags(&child), GTF_permit_access);
    child_unmap(seen);
    child_destroy(&child);
}

static void test_refused(void)
{
    child_start_server(&child);
    child_lends(&child, 0, GTF_permit_access | GTF_readonly);
    expect_eq(map_here(child.id, 0).status, GNTST_general_error);
    child_lends(&child, 4711, GTF_permit_access);
    expect_eq(map_here(child.id, GNTMAP_readonly).status, GNTST_general_error);
    expect_eq(map_here(30000, 0).status, GNTST_bad_domain);
    own_entry(4711, GTF_permit_access);
    expect_eq(map_in_child(&child, 0, 0).status, GNTST_general_error);
    own_entry(child.id, GTF_permit_access | GTF_readonly);
    expect_eq(map_in_child(&child, 0, 0).status, GNTST_general_error);
    own_entry(child.id, 0);
    expect_eq(map_in_child(&child, 0, 0).status, GNTST_general_error);
    child_destroy(&child);
}

/* It dies while we have its frame: the frame stays until we let it go. */
static void test_granter_dies(void)
{
    uint64_t before = settled_pages();
    struct gnttab_map_grant_ref m;

    child_start_server(&child);
    child_lends(&child, 0, GTF_permit_access);
    m = map_here(child.id, 0);
    expect_eq(m.status, GNTST_okay);
    window[7] = 0xabcdef;
    expect_eq(child_destroy(&child), 0);
    for (unsigned i = 0; i < 100; i++)
        yield();
    expect_eq(window[7], 0xabcdef);
    expect_eq(domain_state(child.id).tot_pages, 1);
    expect(free_pages() < before, "the frame was freed under the mapping");
    /* Nobody comes by it any more. */
    expect_eq(map_here(child.id, GNTMAP_readonly).status, GNTST_bad_domain);
    unmap_here(m.handle);
    expect(free_pages_become(before), "memory is missing");
}

/* We lend, the child maps; it gives back, and at last dies with it. */
static void test_to_child(void)
{
    uint64_t before = settled_pages();
    struct gnttab_unmap_grant_ref u = {.host_addr = (unsigned long)window};
    struct gnttab_map_grant_ref m;

    child_start_server(&child);
    own_entry(child.id, GTF_permit_access);
    m = map_in_child(&child, 0, 0);
    expect_eq(m.status, GNTST_okay);
    expect_eq(own_table[REF].flags,
              GTF_permit_access | GTF_reading | GTF_writing);
    u.handle = m.handle;
    expect_eq(child_call(&child, __HYPERVISOR_grant_table_op,
                         GNTTABOP_unmap_grant_ref, CHILD_DATA, 1, 0, &u,
                         sizeof(u)),
              0);
    expect_eq(u.status, GNTST_okay);
    expect_eq(own_table[REF].flags, GTF_permit_access);
    m = map_in_child(&child, 0, GNTMAP_readonly);
    expect_eq(m.status, GNTST_okay);
    m = map_in_child(&child, 0, 0);
    expect_eq(m.status, GNTST_okay);
    expect_eq(child_destroy(&child), 0);
    expect_eq(own_table[REF].flags, GTF_permit_access);
    own_entry(0, 0);
    /* No writable use is left: the page may become a table. */
    expect_eq(set_readonly(lent), 0);
    memset(window, 0, PAGE_SIZE);
    expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, virt_to_mfn(lent)), 0);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, virt_to_mfn(lent)), 0);
    expect_eq(set_writable(lent), 0);
    expect(free_pages_become(before), "memory is missing");
}

static void test_copy(void)
{
    struct gnttab_copy op = {.flags = GNTCOPY_source_gref, .len = 64};
    uint64_t *seen;

    child_start_server(&child);
    seen = child_map(&child, lent);
    child_lends(&child, 0, GTF_permit_access);
    seen[8] = 0x1111222233334444;
    lent[0] = 0;
    op.source.u.ref = REF;
    op.source.domid = (domid_t)child.id;
    op.source.offset = 64;
    op.dest.u.gmfn = virt_to_mfn(lent);
    op.dest.domid = DOMID_SELF;
    expect_eq(gnttab_op(GNTTABOP_copy, &op, 1), 0);
    expect_eq(op.status, GNTST_okay);
    expect_eq(lent[0], 0x1111222233334444);
    op.flags = GNTCOPY_dest_gref;
    op.source.u.gmfn = virt_to_mfn(lent);
    op.source.domid = DOMID_SELF;
    op.source.offset = 0;
    op.dest.u.ref = REF;
    op.dest.domid = (domid_t)child.id;
    op.dest.offset = 128;
    expect_eq(gnttab_op(GNTTABOP_copy, &op, 1), 0);
    expect_eq(op.status, GNTST_okay);
    expect_eq(seen[16], 0x1111222233334444);
    expect_eq(child_entry_flags(&child), GTF_permit_access);
    child_unmap(seen);
    child_destroy(&child);
}

/* One child maps the other's frame; granter first dead, then mapper first. */
static void test_children(bool granter_first)
{
    uint64_t before = settled_pages();

    child_start_server(&child);
    child_start_server(&other);
    child_lends(&child, other.id, GTF_permit_access);
    expect_eq(map_in_child(&other, child.id, 0).status, GNTST_okay);
    expect_eq(child_destroy(granter_first ? &child : &other), 0);
    expect_eq(child_destroy(granter_first ? &other : &child), 0);
    expect(free_pages_become(before), "memory is missing");
}

void test_main(void)
{
    setup();
    child_start_server(&child); /* slabs of the hypervisor grow once */
    own_entry(child.id, GTF_permit_access);
    map_in_child(&child, 0, 0);
    child_lends(&child, 0, GTF_permit_access);
    unmap_here(map_here(child.id, 0).handle);
    expect_eq(child_destroy(&child), 0);
    for (unsigned i = 0; i < 100; i++)
        yield();
    test_children(true);
    test_from_child();
    test_refused();
    test_granter_dies();
    test_to_child();
    test_copy();
    for (unsigned i = 0; i < 10; i++)
        test_children(i % 2);
}
