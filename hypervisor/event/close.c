/* Closing ports: one, all of a domain, and for good. */
#include "event/channel.h"

#include "arch/x86/cpu.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"

/*
 * Takes e's event lock and, if port n is connected, that of the domain at the
 * other end, which is given back (e itself if none).
 *
 * Locks go in order of their addresses. If the other end's must come first,
 * our own has to be dropped in between; a reference keeps the other domain,
 * and afterwards one must look again: the port may have been closed.
 *
 * Called with e's lock held; the rare case of lock_with_peer.
 */
static __noinline struct evtchn_domain *lock_both(struct evtchn_domain *e,
                                                  evtchn_port_t n)
{
    struct port_table *t = &e->table, *rt;
    struct evtchn_domain *r;
    bool known;

    for (;; spin_lock(&t->lock)) {
        rt = port_peer(t, n);
        if (!rt || rt == t)
            return e;
        r = evtchn_of_table(rt);
        if (r > e) {
            spin_lock(&rt->lock);
            return r;
        }
        known = domain_get_known(r->domain);
        spin_unlock(&t->lock);
        if (!known) {
            cpu_relax();
            continue;
        }
        evtchn_lock_pair(e, r);
        if (port_peer(t, n) == rt) {
            /* A connected domain lives: this is not its last reference. */
            domain_put(r->domain);
            return r;
        }
        evtchn_unlock_pair(e, r);
        domain_put(r->domain);
    }
}

static inline struct evtchn_domain *lock_with_peer(struct evtchn_domain *e,
                                                   evtchn_port_t n)
{
    spin_lock(&e->table.lock);
    return likely(!port_peer(&e->table, n)) ? e : lock_both(e, n);
}

/* Cuts what a port's binding leaves outside of the table. */
static __noinline void release_source(struct domain *d, const struct port *p)
{
    struct vcpu *v;

    switch (p->state) {
    case PORT_VIRQ:
        for_each_vcpu(d, v)
            if (v->virq_port[p->arg] == p->number)
                WRITE_ONCE(v->virq_port[p->arg], 0);
        break;
    case PORT_PIRQ:
        pirq_unbind_port(d, p->arg, p->number);
        break;
    default:
        break;
    }
}

int evtchn_close(struct domain *d, evtchn_port_t n)
{
    struct evtchn_domain *e = d->event, *r = lock_with_peer(e, n);
    struct port *p = port_lookup(&e->table, n);
    int rc = -EINVAL;

    if (p) {
        if (p->state == PORT_VIRQ || p->state == PORT_PIRQ)
            release_source(d, p);
        rc = port_close(&e->table, n);
    }
    if (!rc) /* nobody raises it now; the next user starts clean */
        e->ops->clear_pending(d, p);
    evtchn_unlock_pair(e, r);
    return rc;
}

int evtchn_close_all(struct domain *d)
{
    evtchn_port_t n = 0;

    for (;;) {
        spin_lock(&d->event->table.lock);
        n = port_next_used(&d->event->table, n);
        spin_unlock(&d->event->table.lock);
        if (!n)
            return 0;
        evtchn_close(d, n);
        if (preempt_needed())
            return -ERESTART_PREEMPT;
    }
}

/* EVTCHNOP_close(port). -EINVAL: no such port, or not in use. */
long evtchn_op_close(struct domain *d, vaddr_t arg)
{
    struct evtchn_close c;

    if (copy_from_guest_va(&c, arg, sizeof(c)))
        return -EFAULT;
    return evtchn_close(d, c.port);
}

/* Ports that are bound in the middle of a reset are closed as well. */
static int reset(struct domain *d)
{
    struct evtchn_domain *e = d->event;
    bool done;

    do {
        if (evtchn_close_all(d))
            return -ERESTART_PREEMPT;
        spin_lock(&e->table.lock);
        done = !e->table.in_use;
        if (done)
            evtchn_fifo_leave(e);
        spin_unlock(&e->table.lock);
    } while (!done && !preempt_needed());
    return done ? 0 : -ERESTART_PREEMPT;
}

/*
 * EVTCHNOP_reset(dom): closes all ports and returns to the 2-level ABI. -ESRCH
 * no such domain; -EPERM another one and the caller is not privileged; -EINVAL
 * another one that its controller has not paused. Gives way when asked: what
 * has been closed stays so, the call starts over.
 */
long evtchn_op_reset(struct domain *d, vaddr_t arg)
{
    struct evtchn_reset r;
    struct domain *who;
    int rc;

    if (copy_from_guest_va(&r, arg, sizeof(r)))
        return -EFAULT;
    rc = domain_get_remote(r.dom, &who);
    if (rc)
        return rc;
    if (who != d && !who->controller_paused)
        rc = -EINVAL;
    else
        rc = reset(who);
    domain_put(who);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_event_channel_op, 2,
                                  (uint64_t)EVTCHNOP_reset, arg);
    return rc;
}
