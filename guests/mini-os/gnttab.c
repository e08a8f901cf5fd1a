/*
 * Grant tables, version 1: one frame of 512 entries, mapped when the first
 * reference is asked for. An entry is written from its frame number to its
 * flags, which make it valid, and ends by an exchange of the flags, which
 * fails while the other side uses it.
 */
#include <xen-guest.h>
#include <xen/grant_table.h>

#define ENTRIES ((int)(PAGE_SIZE / sizeof(struct grant_entry_v1)))
#define FIRST GNTTAB_NR_RESERVED_ENTRIES

static u8 table_page[PAGE_SIZE] __attribute__((aligned(4096)));
#define table ((volatile struct grant_entry_v1 *)(void *)table_page)
static unsigned short next[ENTRIES]; /* of the free ones; ends with 0 */
static unsigned short first;
static unsigned unused;
static int mapped;

static int gnttab_op(unsigned cmd, void *arg)
{
    return (int)hypercall(__HYPERVISOR_grant_table_op, cmd, (u64)arg, 1, 0);
}

static int show_table(void)
{
    struct gnttab_setup_table s;
    xen_pfn_t frame;

    s.dom = DOMID_SELF;
    s.nr_frames = 1;
    set_xen_guest_handle(s.frame_list, &frame);
    if (gnttab_op(GNTTABOP_setup_table, &s) || s.status ||
        map_in_place(table_page, frame))
        return -XEN_ENOMEM;
    return 0;
}

static int map_table(void)
{
    int i;

    if (!xen_start_info())
        return -XEN_ENODEV;
    if (show_table())
        return -XEN_ENOMEM;
    for (i = FIRST; i < ENTRIES - 1; i++)
        next[i] = (unsigned short)(i + 1);
    first = FIRST;
    unused = (unsigned)(ENTRIES - FIRST);
    mapped = 1;
    return 0;
}

static int take(void)
{
    int state = irq_save(), ret = mapped ? 0 : map_table();

    if (!ret && !first)
        ret = -XEN_ENOSPC;
    if (!ret) {
        ret = first;
        first = next[ret];
        unused--;
    }
    irq_restore(state);
    return ret;
}

static void give_back(int ref)
{
    int state = irq_save();

    next[ref] = first;
    first = (unsigned short)ref;
    unused++;
    irq_restore(state);
}

static int grant(unsigned remote, u64 mfn, unsigned flags)
{
    int ref = take();

    if (ref > 0) {
        table[ref].frame = (u32)mfn;
        table[ref].domid = (domid_t)remote;
        __sync_synchronize();
        table[ref].flags = (uint16_t)flags;
    }
    return ref;
}

int gnttab_grant(unsigned remote, const void *page, int readonly)
{
    if (!xen_start_info())
        return -XEN_ENODEV;
    return grant(remote, page_mfn(page),
                 GTF_permit_access | (readonly ? GTF_readonly : 0U));
}

int gnttab_grant_transfer(unsigned remote, const void *page)
{
    return grant(remote, ((u64)page - VIRT_BASE) / PAGE_SIZE,
                 GTF_accept_transfer);
}

int gnttab_end(int ref)
{
    uint16_t flags;

    do {
        flags = table[ref].flags;
        if (flags & (GTF_reading | GTF_writing))
            return -XEN_EBUSY;
    } while (!__sync_bool_compare_and_swap(&table[ref].flags, flags, 0));
    give_back(ref);
    return 0;
}

/* Between "committed" and "completed" lies a moment of the giver's. */
u64 gnttab_end_transfer(int ref)
{
    u64 mfn = 0;

    if (!__sync_bool_compare_and_swap(&table[ref].flags, GTF_accept_transfer,
                                      0)) {
        while (!(table[ref].flags & GTF_transfer_completed))
            __asm__ __volatile__("pause");
        __sync_synchronize();
        mfn = table[ref].frame;
        table[ref].flags = 0;
    }
    give_back(ref);
    return mfn;
}

unsigned gnttab_free(void) { return unused; }

void gnttab_suspend(void)
{
    if (mapped)
        map_in_place(table_page, page_mfn(table_page));
}

void gnttab_resume(void)
{
    if (mapped && show_table())
        panic("no grant table after a suspension");
}

long gnttab_map(unsigned remote, int ref, void *page, int readonly)
{
    struct gnttab_map_grant_ref m;

    memset(&m, 0, sizeof(m));
    m.host_addr = (u64)page;
    m.flags = GNTMAP_host_map | (readonly ? GNTMAP_readonly : 0U);
    m.ref = (grant_ref_t)ref;
    m.dom = (domid_t)remote;
    if (gnttab_op(GNTTABOP_map_grant_ref, &m) || m.status)
        return -XEN_EINVAL;
    return (long)m.handle;
}

int gnttab_unmap(long handle, void *page)
{
    struct gnttab_unmap_grant_ref u;

    memset(&u, 0, sizeof(u));
    u.host_addr = (u64)page;
    u.handle = (grant_handle_t)handle;
    if (gnttab_op(GNTTABOP_unmap_grant_ref, &u) || u.status)
        return -XEN_EINVAL;
    return map_in_place(page, page_mfn(page));
}

int gnttab_give(unsigned remote, int ref, u64 mfn)
{
    struct gnttab_transfer t;

    memset(&t, 0, sizeof(t));
    t.mfn = mfn;
    t.domid = (domid_t)remote;
    t.ref = (grant_ref_t)ref;
    return gnttab_op(GNTTABOP_transfer, &t) || t.status ? -XEN_EINVAL : 0;
}
