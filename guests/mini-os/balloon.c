/*
 * The balloon: pages given back to the hypervisor, and taken again. The list
 * of frames says which are gone, and which wait for somebody's gift. What the
 * builder left unmapped goes first; a mapped page is unmapped before its frame
 * goes.
 */
#include <balloon.h>
#include <xen-guest.h>
#include <xen/memory.h>

#define GONE (~0UL)
#define AWAITED (~1UL)

static u64 gone, lacks;

u64 balloon_lacks(void) { return lacks; }

u64 balloon_pages(void)
{
    return xen_start_info() ? xen_start_info()->nr_pages - gone : 0;
}

static u64 *frame_of(u64 pfn)
{
    return (u64 *)xen_start_info()->mfn_list + pfn;
}

static u64 pfn_of(const void *page)
{
    return ((u64)page - VIRT_BASE) / PAGE_SIZE;
}

/* decrease_reservation or populate_physmap of one frame. 0 or -errno. */
static int reserve(unsigned cmd, u64 *frame)
{
    struct xen_memory_reservation r;

    memset(&r, 0, sizeof(r));
    set_xen_guest_handle(r.extent_start, frame);
    r.nr_extents = 1;
    r.domid = DOMID_SELF;
    return hypercall(__HYPERVISOR_memory_op, cmd, (u64)&r, 0, 0) == 1
               ? 0 : -XEN_ENOMEM;
}

/* Its frame to the hypervisor; mark stands for it from now on. */
static int give(u64 pfn, u64 mark)
{
    void *page = (void *)(VIRT_BASE + pfn * PAGE_SIZE);
    int mapped = pfn < mm_end_pfn(), ret;

    if (mapped) {
        ops.set_pte((u64)page, 0);
        ops.flush_page((u64)page);
    }
    ret = reserve(XENMEM_decrease_reservation, frame_of(pfn));
    if (!ret)
        *frame_of(pfn) = mark;
    else if (mapped)
        map_in_place(page, *frame_of(pfn));
    return ret;
}

int page_let_go(void *page) { return give(pfn_of(page), AWAITED); }

int page_take(void *page, u64 frame)
{
    u64 pfn = pfn_of(page), extent = pfn;

    if (!frame && reserve(XENMEM_populate_physmap, &extent))
        return -XEN_ENOMEM;
    *frame_of(pfn) = frame ? frame : extent;
    return pfn < mm_end_pfn() ? map_in_place(page, *frame_of(pfn)) : 0;
}

/* A page that nothing uses, or 0: there is none. */
static u64 free_pfn(void)
{
    u64 pfn = xen_start_info()->nr_pages;
    const void *page;

    while (pfn > mm_end_pfn())
        if (*frame_of(--pfn) != GONE)
            return pfn;
    page = alloc_page();
    return page ? pfn_of(page) : 0;
}

static void unused(u64 pfn)
{
    if (pfn < mm_end_pfn())
        free_page((void *)(VIRT_BASE + pfn * PAGE_SIZE));
}

static int give_one(void)
{
    u64 pfn = free_pfn();
    int ret = pfn ? give(pfn, GONE) : -XEN_ENOSPC;

    if (!ret)
        gone++;
    else if (pfn)
        unused(pfn);
    return ret;
}

static int take_one(void)
{
    u64 pfn = mm_first_pfn();
    int ret;

    while (*frame_of(pfn) != GONE)
        pfn++;
    ret = page_take((void *)(VIRT_BASE + pfn * PAGE_SIZE), 0);
    if (!ret) {
        gone--;
        unused(pfn);
    }
    return ret;
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
    lacks = ret == -XEN_ENOSPC ? balloon_pages() - pages : 0;
    while (!ret && balloon_pages() < pages)
        ret = take_one();
    if (ret && !lacks)
        print("balloon: the hypervisor refuses, at %lu KiB\n",
              balloon_pages() * 4);
    return ret;
}
