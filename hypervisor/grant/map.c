/* GNTTABOP_map_grant_ref. */
#include "grant/table.h"

#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/printk.h"

#define MAP_KINDS (GNTMAP_host_map | GNTMAP_device_map)

static inline void record(struct maptrack_entry *e, struct domain *granter,
                          const struct gnttab_map_grant_ref *op, mfn_t m)
{
    e->granter = granter;
    __atomic_store_n(&e->frame, m.m, __ATOMIC_RELAXED);
    e->ref = op->ref;
    e->flags = op->flags &
               (MAP_KINDS | GNTMAP_readonly | GNTMAP_contains_pte);
    maptrack_publish(e);
}

/* With a handle and the granting domain; both are the caller's on failure. */
static inline int map_frame_of(struct vcpu *v, struct domain *granter,
                               struct gnttab_map_grant_ref *op)
{
    struct maptrack *track = &v->domain->grant->maptrack;
    bool readonly = op->flags & GNTMAP_readonly;
    struct frame *f;
    mfn_t m;
    int rc;

    rc = grant_acquire(granter, op->ref, v->domain->domain_id, readonly, &f);
    if (unlikely(rc))
        return rc;
    m = frame_mfn(f);
    if (likely(op->flags & GNTMAP_host_map)) {
        rc = grant_host_map(v, op->host_addr, op->flags, granter, m);
        if (unlikely(rc)) {
            grant_release(granter, op->ref, readonly, f);
            return rc;
        }
    }
    record(maptrack_at(track, op->handle), granter, op, m);
    op->dev_bus_addr = mfn_to_paddr(m);
    return GNTST_okay;
}

static inline int map_one(struct vcpu *v, struct gnttab_map_grant_ref *op)
{
    struct maptrack *track = &v->domain->grant->maptrack;
    struct domain *granter;
    int rc;

    if (unlikely(!(op->flags & MAP_KINDS)))
        return GNTST_bad_gntref;
    granter = domain_get(op->dom);
    if (unlikely(!granter))
        return GNTST_bad_domain;
    op->handle = maptrack_alloc(track);
    if (unlikely(op->handle == MAPTRACK_NONE)) {
        domain_put(granter);
        return GNTST_no_space;
    }
    rc = map_frame_of(v, granter, op);
    if (unlikely(rc)) {
        maptrack_retire(track, op->handle);
        domain_put(granter);
    }
    return rc;
}

/*
 * map_grant_ref (struct gnttab_map_grant_ref[])
 *
 * Call: -EFAULT an element cannot be read or written; those before are done.
 * Status of each, checks in order: neither host nor device mapping asked for
 * (bad_gntref); no such domain, or it is dying (bad_domain); no free handle
 * (no_space); reference beyond the granter's table (bad_gntref); the entry
 * grants nothing to the caller, or not what it wants (general_error); the frame
 * is not the granter's (bad_page), or cannot be writable now (general_error);
 * host_addr names no L1 entry of the caller (general_error). There is no IOMMU:
 * a device mapping is the frame's address, and only counted.
 */
long grant_op_map_grant_ref(vaddr_t arg, unsigned count)
{
    struct vcpu *v = current;
    struct gnttab_map_grant_ref op;

    for (unsigned i = 0; i < count; i++, arg += sizeof(op)) {
        if (i && preempt_needed())
            return grant_again(GNTTABOP_map_grant_ref, arg, count - i);
        if (unlikely(copy_from_guest_va(&op, arg, sizeof(op))))
            return -EFAULT;
        op.status = (int16_t)map_one(v, &op);
        if (unlikely(op.status)) {
            op.handle = MAPTRACK_NONE;
            printk(XENLOG_G_DEBUG "d%u: mapping grant %u of d%u: status %d\n",
                   v->domain->domain_id, op.ref, op.dom, op.status);
        }
        if (unlikely(copy_to_guest_va(arg, &op, sizeof(op))))
            return -EFAULT;
    }
    return 0;
}
