/* domctl: the right to an interrupt line. */
#include "event/channel.h"

#include "domain/domctl.h"
#include "lib/errno.h"
#include "lib/rangeset.h"

long domctl_irq(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_irq_permission *p = &op->u.irq_permission;
    struct domain *self = current->domain;
    int irq;

    if (p->pirq >= NR_PIRQS)
        return -EINVAL;
    irq = pirq_to_irq(self, (int)p->pirq);
    if (irq < 0)
        irq = (int)p->pirq; /* not mapped yet: a line has its own number */
    if (!rangeset_contains(self->irq_caps, (uint64_t)irq, (uint64_t)irq))
        return -EPERM;
    return p->allow_access
               ? rangeset_add(d->irq_caps, (uint64_t)irq, (uint64_t)irq)
               : rangeset_remove(d->irq_caps, (uint64_t)irq, (uint64_t)irq);
}
