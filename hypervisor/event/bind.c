/*
 * Operations that give out ports. Each new port is the lowest free one of the
 * caller (alloc_unbound: of the domain named); all may fail with -ENOSPC (no
 * port left), -ENOMEM and -EINVAL (the domain is dying).
 *
 * If the result cannot be written to the guest, the port is closed again and
 * the call gives -EFAULT.
 */
#include "event/channel.h"

#include "arch/x86/usercopy.h"
#include "lib/bitops.h"
#include "lib/errno.h"

/* Writes the result of a bind; without success the port is of no use. */
static long finish(struct domain *d, evtchn_port_t port, vaddr_t arg,
                   const void *result, size_t bytes)
{
    if (!copy_to_guest_va(arg, result, bytes))
        return 0;
    evtchn_close(d, port);
    return -EFAULT;
}

/*
 * EVTCHNOP_alloc_unbound(dom, remote_dom -> port): a port of dom that waits for
 * remote_dom to connect; remote_dom need not exist yet. -ESRCH no such dom,
 * -EPERM dom is not the caller and the caller is not privileged.
 */
long evtchn_op_alloc_unbound(struct domain *d, vaddr_t arg)
{
    struct evtchn_alloc_unbound a;
    struct domain *owner;
    domid_t remote;
    long rc;

    if (copy_from_guest_va(&a, arg, sizeof(a)))
        return -EFAULT;
    rc = domain_get_remote(a.dom, &owner);
    if (rc)
        return rc;
    remote = a.remote_dom == DOMID_SELF ? d->domain_id : a.remote_dom;
    spin_lock(&owner->event->table.lock);
    rc = port_alloc_unbound(&owner->event->table, remote, &a.port);
    spin_unlock(&owner->event->table.lock);
    if (!rc)
        rc = finish(owner, a.port, arg, &a, sizeof(a));
    domain_put(owner);
    return rc;
}

/* Both event locks held. The new port starts with its event raised. */
static int connect(struct evtchn_domain *l, struct evtchn_domain *r,
                   evtchn_port_t remote_port, evtchn_port_t *n)
{
    struct port *p;
    unsigned long flags;
    int rc = port_bind_interdomain(&l->table, &r->table, remote_port, n);

    if (rc)
        return rc;
    p = port_lookup(&l->table, *n);
    flags = spin_lock_irqsave(&p->lock);
    evtchn_deliver(l, p);
    spin_unlock_irqrestore(&p->lock, flags);
    return 0;
}

/*
 * EVTCHNOP_bind_interdomain(remote_dom, remote_port -> local_port): connects to
 * a port that waits for the caller. -ESRCH no such domain, -EINVAL the port
 * does not wait for us. The new port's event is raised: the other side may have
 * sent before.
 */
long evtchn_op_bind_interdomain(struct domain *d, vaddr_t arg)
{
    struct evtchn_bind_interdomain b;
    struct domain *remote;
    long rc;

    if (copy_from_guest_va(&b, arg, sizeof(b)))
        return -EFAULT;
    remote = domain_get_any(b.remote_dom);
    if (!remote)
        return -ESRCH;
    evtchn_lock_pair(d->event, remote->event);
    rc = connect(d->event, remote->event, b.remote_port, &b.local_port);
    evtchn_unlock_pair(d->event, remote->event);
    if (!rc)
        rc = finish(d, b.local_port, arg, &b, sizeof(b));
    domain_put(remote);
    return rc;
}

/*
 * EVTCHNOP_bind_virq(virq, vcpu -> port). -EINVAL no such VIRQ, or a global one
 * not on vCPU 0; -ENOENT no such vCPU; -EEXIST bound already.
 */
long evtchn_op_bind_virq(struct domain *d, vaddr_t arg)
{
    struct evtchn_bind_virq b;
    struct vcpu *v;
    long rc;

    if (copy_from_guest_va(&b, arg, sizeof(b)))
        return -EFAULT;
    if (b.virq >= NR_VIRQS || (virq_is_global(b.virq) && b.vcpu))
        return -EINVAL;
    b.virq = (uint32_t)nospec_index(b.virq, NR_VIRQS);
    v = domain_vcpu(d, b.vcpu);
    if (!v)
        return -ENOENT;
    spin_lock(&d->event->table.lock);
    if (v->virq_port[b.virq])
        rc = -EEXIST;
    else
        rc = port_bind_virq(&d->event->table, b.virq, b.vcpu, &b.port);
    if (!rc)
        WRITE_ONCE(v->virq_port[b.virq], b.port);
    spin_unlock(&d->event->table.lock);
    if (rc)
        return rc;
    evtchn_virq_bound(d, b.virq);
    return finish(d, b.port, arg, &b, sizeof(b));
}

/*
 * EVTCHNOP_bind_ipi(vcpu -> port): a port for sending to oneself. -ENOENT no
 * such vCPU.
 */
long evtchn_op_bind_ipi(struct domain *d, vaddr_t arg)
{
    struct evtchn_bind_ipi b;
    long rc;

    if (copy_from_guest_va(&b, arg, sizeof(b)))
        return -EFAULT;
    if (!domain_vcpu(d, b.vcpu))
        return -ENOENT;
    spin_lock(&d->event->table.lock);
    rc = port_bind_ipi(&d->event->table, b.vcpu, &b.port);
    spin_unlock(&d->event->table.lock);
    return rc ? rc : finish(d, b.port, arg, &b, sizeof(b));
}

/* Event lock held. */
static int bind_pirq(struct domain *d, struct evtchn_bind_pirq *b)
{
    int rc = pirq_may_bind(d, b->pirq);

    if (!rc)
        rc = port_bind_pirq(&d->event->table, b->pirq, &b->port);
    if (rc)
        return rc;
    rc = pirq_bind_port(d, b->pirq, b->port, b->flags & BIND_PIRQ__WILL_SHARE);
    if (rc)
        port_close(&d->event->table, b->port);
    return rc;
}

/*
 * EVTCHNOP_bind_pirq(pirq, flags -> port). Unknown flags are ignored. -EINVAL
 * no such number, -EPERM not one that the caller has mapped, -EEXIST bound
 * already, -EBUSY the line has another owner and one of them does not share.
 */
long evtchn_op_bind_pirq(struct domain *d, vaddr_t arg)
{
    struct evtchn_bind_pirq b;
    long rc;

    if (copy_from_guest_va(&b, arg, sizeof(b)))
        return -EFAULT;
    spin_lock(&d->event->table.lock);
    rc = bind_pirq(d, &b);
    spin_unlock(&d->event->table.lock);
    return rc ? rc : finish(d, b.port, arg, &b, sizeof(b));
}

int evtchn_bind_xen(struct domain *d, unsigned vcpu, domid_t remote,
                    evtchn_xen_fn_t *fn)
{
    evtchn_port_t n;
    int rc;

    if (!domain_vcpu(d, vcpu))
        return -ENOENT;
    spin_lock(&d->event->table.lock);
    rc = port_bind_xen(&d->event->table, vcpu, remote, fn, &n);
    spin_unlock(&d->event->table.lock);
    return rc ? rc : (int)n;
}
