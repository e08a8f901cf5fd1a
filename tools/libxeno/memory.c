/*
 * A domain's memory as seen from domain 0: giving it frames, writing them,
 * and what the hypervisor does with single frames on behalf of a builder.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#define ORDER_2M 9u
/* Extents in one call: what fits into the arena beside the operation. */
#define BATCH 512u

/* ---- giving ---- */

/*
 * One call for extents of one size: the number that was given, or -errno. The
 * list of PFNs becomes one of MFNs, of extents' first frames.
 */
static int populate(struct xeno *x, uint32_t id, unsigned order, uint64_t pfn,
                    unsigned extents, const xen_pfn_t **mfns)
{
    struct xen_memory_reservation *r;
    xen_pfn_t *list;

    arena_start(x);
    r = arena_alloc(x, sizeof(*r));
    list = arena_alloc(x, extents * sizeof(*list));
    for (unsigned i = 0; i < extents; i++)
        list[i] = pfn + ((uint64_t)i << order);
    r->domid = (domid_t)id;
    r->nr_extents = extents;
    r->extent_order = order;
    set_xen_guest_handle(r->extent_start, list);
    *mfns = list;
    return memory_op(x, XENMEM_populate_physmap, r);
}

int xeno_populate(struct xeno *x, uint32_t id, uint64_t pfn, uint64_t count,
                  xen_pfn_t *p2m)
{
    unsigned order = ORDER_2M;
    uint64_t done = 0;

    while (done < count) {
        uint64_t left = (count - done) >> order;
        const xen_pfn_t *mfns;
        int got = 0;

        if (left)
            got = populate(x, id, order, pfn + done,
                           left < BATCH ? (unsigned)left : BATCH, &mfns);
        if (got < 0 || (!got && !order))
            return xeno_fail(x, got < 0 ? -got : ENOMEM,
                             "domain %u got %llu of %llu KiB of memory: %s", id,
                             (unsigned long long)done * 4,
                             (unsigned long long)count * 4,
                             got < 0 ? strerror(-got) : "the machine has no more");
        for (int e = 0; e < got; e++)
            for (uint64_t i = 0; i < 1ul << order; i++)
                p2m[done++] = mfns[e] + i;
        if (!got)
            order = 0; /* no such block, or less is left */
    }
    return 0;
}

/* ---- looking and writing ---- */

void *xeno_map(struct xeno *x, uint32_t id, const xen_pfn_t *mfns, size_t count)
{
    xenforeignmemory_handle *f = foreign_memory(x);
    void *p;

    if (!f)
        return NULL;
    p = xenforeignmemory_map(f, id, PROT_READ | PROT_WRITE, count, mfns, NULL);
    if (!p)
        xeno_fail(x, errno, "cannot map %zu frames of domain %u: %s", count, id,
                  strerror(errno));
    return p;
}

void xeno_unmap(struct xeno *x, void *addr, size_t count)
{
    xenforeignmemory_unmap(x->foreign, addr, count);
}

void xeno_seed_grants(void *table, uint64_t console_mfn, uint32_t console_domid,
                      uint64_t store_mfn, uint32_t store_domid)
{
    grant_entry_v1_t *e = table;

    e[GNTTAB_RESERVED_CONSOLE] = (grant_entry_v1_t){
        .flags = GTF_permit_access,
        .domid = (domid_t)console_domid,
        .frame = (uint32_t)console_mfn};
    e[GNTTAB_RESERVED_XENSTORE] = (grant_entry_v1_t){
        .flags = GTF_permit_access,
        .domid = (domid_t)store_domid,
        .frame = (uint32_t)store_mfn};
}

/* ---- single frames ---- */

int xeno_pin_l4(struct xeno *x, uint32_t id, uint64_t mfn)
{
    struct mmuext_op *op;
    int rc;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    op->cmd = MMUEXT_PIN_L4_TABLE;
    op->arg1.mfn = mfn;
    rc = xencall4(x->call, __HYPERVISOR_mmuext_op, (uintptr_t)op, 1, 0, id);
    if (rc < 0)
        return xeno_fail(x, errno, "the page tables of domain %u are refused: "
                         "%s (see the hypervisor's log)", id, strerror(errno));
    return 0;
}

int xeno_grant_frame(struct xeno *x, uint32_t id, uint64_t *mfn)
{
    struct gnttab_setup_table *op;
    xen_pfn_t *frame;
    int rc;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    frame = arena_alloc(x, sizeof(*frame));
    op->dom = (domid_t)id;
    op->nr_frames = 1;
    set_xen_guest_handle(op->frame_list, frame);
    rc = xencall3(x->call, __HYPERVISOR_grant_table_op, GNTTABOP_setup_table,
                  (uintptr_t)op, 1);
    if (rc < 0 || op->status != GNTST_okay)
        return xeno_fail(x, EIO, "cannot set up the grant table of domain %u",
                         id);
    *mfn = *frame;
    return 0;
}

int xeno_hypercall_page(struct xeno *x, uint32_t id, uint64_t mfn)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_hypercall_init, id);
    int rc;

    op->u.hypercall_init.gmfn = mfn;
    rc = domctl_run(x, op);
    if (rc)
        return xeno_fail(x, -rc, "cannot make the hypercall page of domain %u: "
                         "%s", id, strerror(-rc));
    return 0;
}

int xeno_port_unbound(struct xeno *x, uint32_t id, uint32_t remote)
{
    struct evtchn_alloc_unbound *op;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    op->dom = (domid_t)id;
    op->remote_dom = (domid_t)remote;
    if (xencall2(x->call, __HYPERVISOR_event_channel_op,
                 EVTCHNOP_alloc_unbound, (uintptr_t)op) < 0)
        return xeno_fail(x, errno, "no event channel for domain %u: %s", id,
                         strerror(errno));
    return (int)op->port;
}
