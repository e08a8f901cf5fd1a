/* memory_op: questions about memory, and the map that a guest is told. */
#include "mm/memory_op.h"

#include "arch/x86/boot.h"
#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include <xen/memory.h>

#define PIECE (2 * MiB) /* of the M2P, see m2p_piece */
#define MAP_MAX 128     /* entries a domain's map may have */

struct memory_map {
    unsigned nr;
    struct e820_entry entry[];
};

/* memory_domain_get of the id at `arg`; also -EFAULT. */
static int domain_at(vaddr_t arg, struct domain **out)
{
    domid_t id;

    if (copy_from_guest_va(&id, arg, sizeof(id)))
        return -EFAULT;
    return memory_domain_get(id, out);
}

/*
 * current_reservation, maximum_reservation, maximum_gpfn (arg: a domid).
 * -EFAULT; -ESRCH; -EPERM not the caller and caller not privileged.
 */
long memory_reservation_info(unsigned op, vaddr_t arg)
{
    struct domain *d;
    long rc = domain_at(arg, &d);

    if (rc)
        return rc;
    if (op == XENMEM_current_reservation)
        rc = (long)READ_ONCE(d->tot_pages);
    else if (op == XENMEM_maximum_reservation)
        rc = (long)min(d->max_pages, (uint64_t)INT64_MAX);
    else {
        uint64_t n = READ_ONCE(d->shared_info->arch.max_pfn);
        rc = n ? (long)((n - 1) & INT64_MAX) : 0;
    }
    memory_domain_put(d);
    return rc;
}

/* machphys_mapping: where guests find the M2P. -EFAULT. */
long memory_machphys_mapping(vaddr_t arg)
{
    struct xen_machphys_mapping map = {
        .v_start = M2P_RO_START,
        .v_end = M2P_RO_START + ROUND_UP(max_mfn * sizeof(uint64_t), PIECE),
        .max_mfn = max_mfn - 1,
    };

    return copy_to_guest_va(arg, &map, sizeof(map)) ? -EFAULT : 0;
}

/*
 * machphys_mfn_list: the frames of the M2P in pieces of 2 MiB, for privileged
 * domains to map. A piece that describes no RAM has no memory of its own; its
 * predecessor is named in its place, so that all of the list can be mapped.
 * -EFAULT.
 */
long memory_machphys_list(vaddr_t arg)
{
    struct xen_machphys_mfn_list list;
    uint64_t n = DIV_ROUND_UP(max_mfn * sizeof(uint64_t), PIECE);
    mfn_t last = mfn(0);

    if (copy_from_guest_va(&list, arg, sizeof(list)))
        return -EFAULT;
    n = min(n, (uint64_t)list.max_extents);
    for (uint64_t i = 0; i < n; i++) {
        mfn_t m = m2p_piece(i);
        if (m.m)
            last = m;
        if (copy_to_guest_offset(list.extent_start, i, &last.m, 1))
            return -EFAULT;
    }
    list.nr_extents = (unsigned)n;
    return copy_to_guest_va(arg, &list, sizeof(list)) ? -EFAULT : 0;
}

/* Gives the guest as many entries as it has room for, and their number. */
static long give_map(vaddr_t arg, struct xen_memory_map *req,
                     const struct e820_entry *entry, unsigned nr)
{
    unsigned n = req->buffer.p ? min(req->nr_entries, nr) : nr;

    if (req->buffer.p && copy_to_guest_va((vaddr_t)req->buffer.p, entry,
                                          n * sizeof(*entry)))
        return -EFAULT;
    req->nr_entries = n;
    return copy_to_guest_va(arg, req, sizeof(*req)) ? -EFAULT : 0;
}

/* memory_map: the caller's own. -ENOSYS it has none, or an empty one; -EFAULT. */
long memory_map_get(vaddr_t arg)
{
    struct domain *d = current->domain;
    struct xen_memory_map req;
    struct e820_entry copy[MAP_MAX];
    unsigned nr = 0;
    bool have;

    if (copy_from_guest_va(&req, arg, sizeof(req)))
        return -EFAULT;
    spin_lock(&d->lock);
    have = d->memory_map && d->memory_map->nr;
    if (have) {
        nr = d->memory_map->nr;
        memcpy(copy, d->memory_map->entry, nr * sizeof(copy[0]));
    }
    spin_unlock(&d->lock);
    return have ? give_map(arg, &req, copy, nr) : -ENOSYS;
}

static int set_map(struct domain *d, const struct xen_memory_map *req)
{
    struct memory_map *map, *old;

    map = xzalloc(sizeof(*map) + req->nr_entries * sizeof(map->entry[0]));
    if (!map)
        return -ENOMEM;
    map->nr = req->nr_entries;
    if (copy_from_guest_va(map->entry, (vaddr_t)req->buffer.p,
                           map->nr * sizeof(map->entry[0]))) {
        xfree(map);
        return -EFAULT;
    }
    spin_lock(&d->lock);
    old = d->memory_map;
    d->memory_map = map;
    spin_unlock(&d->lock);
    xfree(old);
    return 0;
}

/*
 * set_memory_map. -EFAULT; -EINVAL more than 128 entries; -ESRCH, -EPERM;
 * -ENOMEM.
 */
long memory_map_set(vaddr_t arg)
{
    struct xen_foreign_memory_map req;
    struct domain *d;
    int rc;

    if (copy_from_guest_va(&req, arg, sizeof(req)))
        return -EFAULT;
    if (req.map.nr_entries > MAP_MAX)
        return -EINVAL;
    rc = domain_get_remote(req.domid, &d);
    if (rc)
        return rc;
    rc = set_map(d, &req.map);
    domain_put(d);
    return rc;
}

/* machine_memory_map. -EPERM the caller is not privileged; -EFAULT. */
long memory_machine_map(vaddr_t arg)
{
    struct xen_memory_map req;

    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&req, arg, sizeof(req)))
        return -EFAULT;
    return give_map(arg, &req, boot_info.e820, boot_info.nr_e820);
}

/*
 * set_pod_target, get_pod_target: memory is never populated on demand, so a
 * target has nothing to do; the tools set it with each change of a domain's
 * size. -EPERM the caller is not privileged; -EFAULT; -ESRCH; -EINVAL a target
 * beyond the domain's maximum.
 */
long memory_pod_target(unsigned op, vaddr_t arg)
{
    struct xen_pod_target t;
    struct domain *d;
    long rc = 0;

    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&t, arg, sizeof(t)))
        return -EFAULT;
    d = domain_get_any(t.domid);
    if (!d)
        return -ESRCH;
    if (op == XENMEM_set_pod_target && t.target_pages > d->max_pages)
        rc = -EINVAL;
    t.tot_pages = READ_ONCE(d->tot_pages);
    t.pod_cache_pages = t.pod_entries = 0;
    domain_put(d);
    if (!rc && copy_to_guest_va(arg, &t, sizeof(t)))
        rc = -EFAULT;
    return rc;
}

/*
 * add_to_physmap, its batch, remove_from_physmap: their structures begin with
 * the domain. -EFAULT; -ESRCH, -EPERM; -EACCES: no guest's map is translated.
 */
long memory_edit_physmap(vaddr_t arg)
{
    struct domain *d;
    int rc = domain_at(arg, &d);

    if (rc)
        return rc;
    memory_domain_put(d);
    return -EACCES;
}

/*
 * get_vnumainfo: no domain has virtual nodes. -EFAULT; -EINVAL padding; -ESRCH,
 * -EPERM not the caller and caller not privileged; else -EOPNOTSUPP.
 */
long memory_vnuma(vaddr_t arg)
{
    struct xen_vnuma_topology_info info;
    struct domain *d;
    int rc;

    if (copy_from_guest_va(&info, arg, sizeof(info)))
        return -EFAULT;
    if (info.pad)
        return -EINVAL;
    rc = memory_domain_get(info.domid, &d);
    if (rc)
        return rc;
    memory_domain_put(d);
    return -EOPNOTSUPP;
}

void memory_map_free(struct domain *d)
{
    xfree(d->memory_map);
    d->memory_map = NULL;
}
