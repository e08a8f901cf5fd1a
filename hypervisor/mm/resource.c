/*
 * memory_op: XENMEM_acquire_resource, frames of the hypervisor's that a
 * domain's controller may map: the domain's grant table.
 *
 * The frames are lent to the domain and named with its id when they are mapped.
 */
#include "mm/memory_op.h"

#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include <xen/memory.h>

#define MAX_FRAMES 32u /* of one call */

static int give_frames(struct domain *d, struct xen_mem_acquire_resource *r)
{
    uint64_t list[MAX_FRAMES];

    for (unsigned i = 0; i < r->nr_frames; i++) {
        mfn_t m;
        int rc = grant_table_frame(d, (unsigned)r->frame + i, &m);

        if (rc)
            return rc;
        list[i] = m.m;
    }
    return copy_to_guest(r->frame_list, list, r->nr_frames) ? -EFAULT : 0;
}

static int acquire(struct domain *d, struct xen_mem_acquire_resource *r)
{
    if (r->type != XENMEM_resource_grant_table ||
        r->id != XENMEM_resource_grant_table_id_shared)
        return -EOPNOTSUPP;
    if (d->dying != DOM_ALIVE)
        return -EINVAL;
    if (guest_handle_is_null(r->frame_list)) {
        if (r->nr_frames)
            return -EINVAL;
        r->nr_frames = grant_table_limit(d);
        return 0;
    }
    if (r->nr_frames > MAX_FRAMES)
        return -E2BIG;
    if (r->frame >= grant_table_limit(d))
        return -EINVAL;
    return give_frames(d, r);
}

/*
 * acquire_resource: a number of frames from `frame` on; without a list, how
 * many there can be. -EPERM the caller is not privileged; -EFAULT; -EINVAL
 * padding not zero, beyond the end, or a dying domain; -ESRCH; -EOPNOTSUPP
 * another resource; -E2BIG more than 32 frames; -ENOMEM.
 */
long memory_acquire_resource(vaddr_t arg)
{
    struct xen_mem_acquire_resource r;
    struct domain *d;
    long rc;

    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&r, arg, sizeof(r)))
        return -EFAULT;
    if (r.pad)
        return -EINVAL;
    d = domain_get_any(r.domid);
    if (!d)
        return -ESRCH;
    rc = acquire(d, &r);
    domain_put(d);
    if (!rc && copy_to_guest_va(arg, &r, sizeof(r)))
        rc = -EFAULT;
    return rc;
}
