/*
 * The balloon: pages given back to the hypervisor, and taken again. The list
 * of frames says which are gone. What the builder left unmapped goes first;
 * a mapped page is unmapped before its frame goes.
 */
#include <control.h>
#include <xen-guest.h>
#include <xen/memory.h>

#define GONE (~0UL)

struct mutex balloon_lock;
static u64 gone, lacks;

u64 balloon_lacks(void) { return lacks; }

u64 balloon_pages(void)
{
    return xen_start_info() ? xen_start_info()->nr_pages - gone : 0;
}

static u64 *frame_list(void) { return (u64 *)xen_start_info()->mfn_list; }

/* decrease_reservation or populate_physmap of one frame. Not 0: refused. */
static int reserve(unsigned cmd, u64 *frame)
{
    struct xen_memory_reservation r;

    memset(&r, 0, sizeof(r));
    set_xen_guest_handle(r.extent_start, frame);
    r.nr_extents = 1;
    r.domid = DOMID_SELF;
    return hypercall(__HYPERVISOR_memory_op, cmd, (u64)&r, 0, 0) != 1;
}

/* A page that nothing uses, out of sight; or 0: there is none. */
static u64 free_pfn(void)
{
    u64 pfn = xen_start_info()->nr_pages;
    void *page;

    while (pfn > mm_end_pfn())
        if (frame_list()[--pfn] != GONE)
            return pfn;
    page = alloc_page();
    if (!page)
        return 0;
    ops.set_pte((u64)page, 0);
    ops.flush_page((u64)page);
    return ((u64)page - VIRT_BASE) / PAGE_SIZE;
}

/* A frame for a page that has none in sight. */
static void show(u64 pfn)
{
    void *page = (void *)(VIRT_BASE + pfn * PAGE_SIZE);

    if (pfn < mm_end_pfn() && !map_in_place(page, frame_list()[pfn]))
        free_page(page);
}

static int give_one(void)
{
    u64 pfn = free_pfn();

    if (!pfn)
        return -XEN_ENOMEM;
    if (reserve(XENMEM_decrease_reservation, &frame_list()[pfn])) {
        show(pfn);
        return -XEN_EBUSY;
    }
    frame_list()[pfn] = GONE;
    gone++;
    return 0;
}

static int take_one(void)
{
    u64 pfn = mm_first_pfn(), frame;

    while (frame_list()[pfn] != GONE)
        pfn++;
    frame = pfn;
    if (reserve(XENMEM_populate_physmap, &frame))
        return -XEN_ENOMEM;
    frame_list()[pfn] = frame;
    gone--;
    show(pfn);
    return 0;
}

int balloon_set(u64 pages)
{
    int ret = 0;

    if (pages > xen_start_info()->nr_pages) {
        print("balloon: %lu KiB is more than at the start, and refused\n",
              pages * 4);
        return -XEN_E2BIG;
    }
    while (!ret && balloon_pages() > pages)
        ret = give_one();
    lacks = ret == -XEN_ENOMEM ? balloon_pages() - pages : 0;
    while (!ret && balloon_pages() < pages)
        ret = take_one();
    if (ret && !lacks)
        print("balloon: the hypervisor refuses, at %lu KiB\n",
              balloon_pages() * 4);
    return ret;
}
