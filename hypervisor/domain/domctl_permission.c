/*
 * domctl: rights to devices. A domain can pass on only what it has (-EPERM).
 * What was taken back can be mapped no more; mappings that are there stay.
 */
#include "domain/domctl.h"

#include "lib/errno.h"
#include "lib/rangeset.h"

#define NR_IO_PORTS 65536u

static long change(struct rangeset *own, struct rangeset *other, uint64_t first,
                   uint64_t last, bool allow)
{
    if (!rangeset_contains(own, first, last))
        return -EPERM;
    return allow ? rangeset_add(other, first, last)
                 : rangeset_remove(other, first, last);
}

/* iomem_permission: -EINVAL no frames, or beyond the last; -EPERM, -ENOMEM. */
long domctl_iomem(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_iomem_permission *p = &op->u.iomem_permission;
    uint64_t last = p->first_mfn + p->nr_mfns - 1;

    if (!p->nr_mfns || last < p->first_mfn)
        return -EINVAL;
    return change(current->domain->iomem_caps, d->iomem_caps, p->first_mfn,
                  last, p->allow_access);
}

/* ioport_permission: -EINVAL no ports, or beyond the last; -EPERM, -ENOMEM. */
long domctl_ioport(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_ioport_permission *p = &op->u.ioport_permission;
    uint64_t last = (uint64_t)p->first_port + p->nr_ports - 1;

    if (!p->nr_ports || last >= NR_IO_PORTS)
        return -EINVAL;
    return change(current->domain->ioport_caps, d->ioport_caps, p->first_port,
                  last, p->allow_access);
}
