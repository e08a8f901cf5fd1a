/*
 * Grants: the table itself - size, growth, version, exchange of entries, cache
 * maintenance - and transfer of frames. Checklist rows 42 and 83.
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "grants: table and transfer";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define REF   30u

static grant_entry_v1_t *table;

static long gnttab(unsigned cmd, void *arg, unsigned count)
{
    return hypercall3(__HYPERVISOR_grant_table_op, cmd, arg, count);
}

static void lend(unsigned ref, unsigned long mfn, unsigned flags)
{
    table[ref].domid = 0;
    table[ref].frame = (uint32_t)mfn;
    __atomic_store_n(&table[ref].flags, flags, __ATOMIC_RELEASE);
}

static int setup(unsigned n, xen_pfn_t *frames)
{
    struct gnttab_setup_table op = {.dom = DOMID_SELF, .nr_frames = n};

    set_xen_guest_handle(op.frame_list, frames);
    expect_eq(gnttab(GNTTABOP_setup_table, &op, 1), 0);
    return op.status;
}

static struct gnttab_query_size size;

static int query(unsigned dom)
{
    size = (struct gnttab_query_size){.dom = (domid_t)dom};
    expect_eq(gnttab(GNTTABOP_query_size, &size, 1), 0);
    return size.status;
}

static void test_frames(void)
{
    static xen_pfn_t frames[256];
    uint64_t *last = alloc_page();
    unsigned max;

    expect_eq(query(DOMID_SELF), GNTST_okay);
    expect(size.nr_frames >= 1 && size.max_nr_frames >= 32 &&
           size.max_nr_frames <= 256, "%u of %u frames", size.nr_frames,
           size.max_nr_frames);
    expect_eq(setup(size.max_nr_frames + 1, frames), GNTST_general_error);
    expect_eq(setup(size.max_nr_frames, frames), GNTST_okay);
    for (unsigned i = 0; i < size.max_nr_frames; i++)
        expect(frames[i] && (!i || frames[i] != frames[i - 1]), "frame %u", i);
    expect_eq(query(DOMID_SELF), GNTST_okay);
    max = size.max_nr_frames;
    expect_eq(size.nr_frames, max);
    expect_eq(query(1234), GNTST_bad_domain);
    expect_eq(setup(1, (xen_pfn_t *)0x10), GNTST_bad_virt_addr);
    expect_eq(gnttab(GNTTABOP_query_size, &size, 2), -EINVAL);
    expect_eq(gnttab(GNTTABOP_query_size, (void *)0x10, 1), -EFAULT);
    expect_eq(gnttab(GNTTABOP_setup_table, &size, 0), -EINVAL);
    table = alloc_page();
    if (update_va((unsigned long)table, PTE(frames[0], FLAGS), UVMF_INVLPG))
        error("the table cannot be mapped");
    expect_eq(update_va((unsigned long)last,
                        PTE(frames[max - 1], FLAGS), UVMF_INVLPG),
              0);
    expect_eq(last[511], 0);
    /* A frame of the table is no page table. */
    expect_eq(update_va((unsigned long)last, 0, UVMF_INVLPG), 0);
    expect(mmuext1(MMUEXT_PIN_L1_TABLE, frames[5]) < 0, "pinned as a table");
}

static void test_versions(void)
{
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct gnttab_set_version set = {.version = 3};
    struct gnttab_get_status_frames status = {.nr_frames = 1,
                                              .dom = DOMID_SELF};

    expect_eq(gnttab(GNTTABOP_get_version, &get, 1), 0);
    expect_eq(get.version, 1);
    get.dom = 1234;
    expect_eq(gnttab(GNTTABOP_get_version, &get, 1), -ESRCH);
    expect_eq(gnttab(GNTTABOP_set_version, &set, 1), -EINVAL);
    set.version = 1;
    expect_eq(gnttab(GNTTABOP_set_version, &set, 1), 0);
    expect_eq(set.version, 1);
    expect_eq(gnttab(GNTTABOP_get_status_frames, &status, 1), 0);
    expect(status.status < 0, "status frames of version 1");
    expect_eq(gnttab(GNTTABOP_get_status_frames, &status, 2), -EINVAL);
    if (!on_xeno()) /* has version 2 */
        return;
    set.version = 2;
    expect_eq(gnttab(GNTTABOP_set_version, &set, 1), -ENOSYS);
    expect_eq(set.version, 1);
}

static void test_swap(void)
{
    struct gnttab_swap_grant_ref s = {.ref_a = REF, .ref_b = 31};
    struct gnttab_map_grant_ref m = {.flags = GNTMAP_device_map, .ref = REF};
    struct gnttab_unmap_grant_ref u = {0};
    unsigned long mfn = virt_to_mfn(alloc_page());

    lend(REF, mfn, GTF_permit_access);
    expect_eq(gnttab(GNTTABOP_swap_grant_ref, &s, 1), 0);
    expect_eq(s.status, GNTST_okay);
    expect_eq(table[REF].flags, 0);
    expect_eq(table[31].frame, mfn);
    expect_eq(table[31].flags, GTF_permit_access);
    m.ref = 31;
    expect_eq(gnttab(GNTTABOP_map_grant_ref, &m, 1), 0);
    expect_eq(m.status, GNTST_okay);
    expect_eq(gnttab(GNTTABOP_swap_grant_ref, &s, 1), 0);
    expect_eq(s.status, GNTST_eagain);
    u.handle = m.handle;
    u.dev_bus_addr = m.dev_bus_addr;
    expect_eq(gnttab(GNTTABOP_unmap_grant_ref, &u, 1), 0);
    expect_eq(u.status, GNTST_okay);
    s.ref_b = 1u << 20;
    expect_eq(gnttab(GNTTABOP_swap_grant_ref, &s, 1), 0);
    expect_eq(s.status, GNTST_bad_gntref);
}

static long flush(unsigned long mfn, unsigned offset, unsigned length,
                  unsigned op)
{
    struct gnttab_cache_flush f = {.a.dev_bus_addr = mfn << 12,
                                   .offset = (uint16_t)offset,
                                   .length = (uint16_t)length,
                                   .op = op};

    return gnttab(GNTTABOP_cache_flush, &f, 1);
}

static void test_cache(void)
{
    unsigned long mfn = virt_to_mfn(alloc_page());

    expect_eq(flush(mfn, 0, 4096, GNTTAB_CACHE_CLEAN), 0);
    expect_eq(flush(mfn, 100, 1, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL), 0);
    expect_eq(flush(mfn, 100, 0, GNTTAB_CACHE_CLEAN), 0);
    expect_eq(flush(mfn, 4000, 200, GNTTAB_CACHE_CLEAN), -EINVAL);
    expect(flush(mfn, 0, 64, 8) < 0, "unknown operation accepted");
    expect(flush(1UL << 35, 0, 64, GNTTAB_CACHE_CLEAN) < 0, "no RAM, accepted");
    expect(flush(table_of(kernel_l4_mfn())[256] >> 12 & 0xffffffff, 0, 64,
                 GNTTAB_CACHE_CLEAN) < 0,
           "a frame of the hypervisor accepted");
}

static struct gnttab_transfer transfer;

static int give(unsigned long mfn, unsigned dom, unsigned ref)
{
    transfer = (struct gnttab_transfer){.mfn = mfn,
                                        .domid = (domid_t)dom,
                                        .ref = ref,
                                        .status = 99};
    expect_eq(gnttab(GNTTABOP_transfer, &transfer, 1), 0);
    return transfer.status;
}

/* A page that nothing maps. */
static unsigned long loose(void **page)
{
    unsigned long mfn;

    *page = alloc_page();
    *(uint64_t *)*page = 0xfeed;
    mfn = virt_to_mfn(*page);
    expect_eq(update_va((unsigned long)*page, 0, UVMF_INVLPG), 0);
    return mfn;
}

static void test_transfer(void)
{
    void *page;
    unsigned long mfn = loose(&page);

    lend(REF, virt_to_pfn(page), GTF_accept_transfer);
    expect_eq(give(mfn, 0, REF), GNTST_okay);
    expect_eq(table[REF].flags, GTF_accept_transfer | GTF_transfer_committed |
                                    GTF_transfer_completed);
    expect_eq(table[REF].frame, mfn);
    expect_eq(update_va((unsigned long)page, PTE(mfn, FLAGS), UVMF_INVLPG), 0);
    expect_eq(*(uint64_t *)page, 0xfeed);
    /* Still mapped; not ours; no frame at all: stays what it is. */
    lend(REF, virt_to_pfn(page), GTF_accept_transfer);
    expect_eq(give(mfn, 0, REF), GNTST_bad_page);
    expect_eq(give(~0UL, 0, REF), GNTST_bad_page);
    expect_eq(give(table_of(kernel_l4_mfn())[256] >> 12 & 0xffffffff, 0, REF),
              GNTST_bad_page);
    expect_eq(table[REF].flags, GTF_accept_transfer);
    expect_eq(*(uint64_t *)page, 0xfeed);
    /* Not wanted: it is gone all the same. */
    lend(REF, 0, 0);
    mfn = loose(&page);
    expect_eq(give(mfn, 0, REF), GNTST_general_error);
    expect(update_va((unsigned long)page, PTE(mfn, FLAGS), UVMF_INVLPG) < 0,
           "still there");
    mfn = loose(&page);
    expect_eq(give(mfn, 1234, REF), GNTST_bad_domain);
    mfn = loose(&page);
    lend(REF, 0, GTF_accept_transfer);
    table[REF].domid = 9;
    expect_eq(give(mfn, 0, REF), GNTST_general_error);
    expect_eq(table[REF].flags, GTF_accept_transfer);
}

void test_main(void)
{
    test_frames();
    test_versions();
    test_swap();
    test_cache();
    test_transfer();
}
