/*
 * Event channels: the hypercall, sending, and the life of a domain's ports.
 * bind.c and close.c hold the operations that change bindings.
 *
 * Sending is the hot path: it takes one lock, that of the port that is sent
 * on. See port_table.h for why this is enough.
 */
#include "event/channel.h"

#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/heap.h"

/* ---- locks of two domains ---- */

void evtchn_lock_pair(struct evtchn_domain *a, struct evtchn_domain *b)
{
    spin_lock(a < b ? &a->table.lock : &b->table.lock);
    if (a != b)
        spin_lock(a < b ? &b->table.lock : &a->table.lock);
}

void evtchn_unlock_pair(struct evtchn_domain *a, struct evtchn_domain *b)
{
    if (a != b)
        spin_unlock(&b->table.lock);
    spin_unlock(&a->table.lock);
}

/* ---- sending ---- */

/* Not to a guest. The port's lock is held, and let go here. */
static __noinline int send_elsewhere(struct domain *d, struct port *p)
{
    port_xen_fn_t *fn = p->state == PORT_XEN ? p->fn : NULL;
    struct vcpu *v = domain_vcpu(d, p->vcpu);
    unsigned state = p->state;

    spin_unlock_irq(&p->lock);
    if (fn)
        fn(v, p->number);
    /* UNBOUND: nobody is there yet */
    return fn || state == PORT_UNBOUND ? 0 : -EINVAL;
}

/*
 * Sends on a port of d: raises the event at the other end. -EINVAL: no such
 * port, or one of a kind that has no other end.
 */
static __always_inline int evtchn_send(struct domain *d, evtchn_port_t n)
{
    struct evtchn_domain *e = d->event;
    struct port *p = port_lookup(&e->table, n), *to = p;

    if (unlikely(!p))
        return -EINVAL;
    spin_lock_irq(&p->lock);
    if (likely(p->state == PORT_INTERDOMAIN)) {
        e = evtchn_of_table(p->peer);
        to = p->other_end;
    } else if (p->state != PORT_IPI) {
        return send_elsewhere(d, p);
    }
    evtchn_deliver(e, to);
    spin_unlock_irq(&p->lock);
    return 0;
}

int evtchn_notify_local(struct domain *d, evtchn_port_t n)
{
    struct port *p = port_lookup(&d->event->table, n);
    unsigned long flags;
    bool bound;

    if (!p)
        return -EINVAL;
    flags = spin_lock_irqsave(&p->lock);
    bound = p->state != PORT_FREE && p->state != PORT_RESERVED;
    if (bound)
        evtchn_deliver(d->event, p);
    spin_unlock_irqrestore(&p->lock, flags);
    return bound ? 0 : -EINVAL;
}

void evtchn_deliver_bound(struct domain *d, evtchn_port_t n,
                          enum port_state state, uint32_t arg)
{
    struct port *p = port_lookup(&d->event->table, n);
    unsigned long flags;

    if (!p)
        return;
    flags = spin_lock_irqsave(&p->lock);
    if (p->state == state && p->arg == arg)
        evtchn_deliver(d->event, p);
    spin_unlock_irqrestore(&p->lock, flags);
}

int evtchn_port_pending(struct domain *d, evtchn_port_t n)
{
    struct port *p = port_lookup(&d->event->table, n);
    int rc = -EINVAL;

    if (!p)
        return rc;
    spin_lock_irq(&p->lock);
    if (p->state != PORT_FREE && p->state != PORT_RESERVED)
        rc = READ_ONCE(d->event->ops)->is_pending(d, p);
    spin_unlock_irq(&p->lock);
    return rc;
}

int evtchn_unmask(struct domain *d, evtchn_port_t n)
{
    struct port *p = port_lookup(&d->event->table, n);
    unsigned long flags;
    struct vcpu *v;

    if (!p)
        return -EINVAL;
    flags = spin_lock_irqsave(&p->lock);
    v = domain_vcpu(d, p->vcpu);
    if (v && p->state != PORT_FREE && p->state != PORT_RESERVED)
        READ_ONCE(d->event->ops)->unmask(v, p);
    spin_unlock_irqrestore(&p->lock, flags);
    return 0;
}

/* ---- operations on one port ---- */

int evtchn_send_as(struct domain *d, uint32_t port)
{
    return evtchn_send(d, port);
}

/* EVTCHNOP_send(port). -EINVAL: see evtchn_send. */
static long op_send(struct domain *d, vaddr_t arg)
{
    struct evtchn_send s;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    return evtchn_send(d, s.port);
}

/*
 * EVTCHNOP_unmask(port): clears the mask and notifies if the event is pending.
 * -EINVAL: no such port. A port that is not in use has nothing to unmask.
 */
static long op_unmask(struct domain *d, vaddr_t arg)
{
    struct evtchn_unmask u;

    if (copy_from_guest_va(&u, arg, sizeof(u)))
        return -EFAULT;
    return evtchn_unmask(d, u.port);
}

/*
 * EVTCHNOP_status(dom, port): what a port is bound to. -ESRCH no such domain,
 * -EPERM another domain's and the caller is not privileged, -EINVAL no such
 * port.
 */
static long op_status(struct domain *d, vaddr_t arg)
{
    struct evtchn_status s;
    struct domain *who;
    int rc;

    (void)d;
    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    rc = domain_get_remote(s.dom, &who);
    if (rc)
        return rc;
    spin_lock(&who->event->table.lock);
    rc = port_status(&who->event->table, s.port, &s);
    spin_unlock(&who->event->table.lock);
    domain_put(who);
    if (rc)
        return rc;
    return copy_to_guest_va(arg, &s, sizeof(s)) ? -EFAULT : 0;
}

/*
 * EVTCHNOP_bind_vcpu(port, vcpu): another vCPU is to be notified. -ENOENT no
 * such vCPU; -EINVAL no such port, or one tied to its vCPU (IPIs, per-vCPU
 * VIRQs). A physical interrupt moves to the CPU of that vCPU.
 */
static long op_bind_vcpu(struct domain *d, vaddr_t arg)
{
    struct evtchn_bind_vcpu b;
    struct port_table *t = &d->event->table;
    struct port *p;
    struct vcpu *v;
    int rc;

    if (copy_from_guest_va(&b, arg, sizeof(b)))
        return -EFAULT;
    v = domain_vcpu(d, b.vcpu);
    if (!v)
        return -ENOENT;
    spin_lock(&t->lock);
    rc = port_set_vcpu(t, b.port, b.vcpu);
    if (!rc) {
        p = port_lookup(t, b.port);
        if (p->state == PORT_PIRQ)
            pirq_set_vcpu(d, p->arg, v);
    }
    spin_unlock(&t->lock);
    return rc;
}

/*
 * EVTCHNOP_set_priority(port, priority): takes effect when the event is next
 * raised. -EINVAL no such port or priority, -ENOSYS in the 2-level ABI.
 */
static long op_set_priority(struct domain *d, vaddr_t arg)
{
    struct evtchn_set_priority s;
    struct evtchn_domain *e = d->event;
    int rc;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    spin_lock(&e->table.lock);
    if (!port_lookup(&e->table, s.port))
        rc = -EINVAL;
    else if (!e->ops->has_priorities)
        rc = -ENOSYS;
    else
        rc = port_set_priority(&e->table, s.port, s.priority);
    spin_unlock(&e->table.lock);
    return rc;
}

/* ---- hypercall ---- */

static evtchn_op_fn *const ops[] = {
    [EVTCHNOP_bind_interdomain] = evtchn_op_bind_interdomain,
    [EVTCHNOP_bind_virq] = evtchn_op_bind_virq,
    [EVTCHNOP_bind_pirq] = evtchn_op_bind_pirq,
    [EVTCHNOP_close] = evtchn_op_close,
    [EVTCHNOP_send] = op_send,
    [EVTCHNOP_status] = op_status,
    [EVTCHNOP_alloc_unbound] = evtchn_op_alloc_unbound,
    [EVTCHNOP_bind_ipi] = evtchn_op_bind_ipi,
    [EVTCHNOP_bind_vcpu] = op_bind_vcpu,
    [EVTCHNOP_unmask] = op_unmask,
    [EVTCHNOP_reset] = evtchn_op_reset,
    [EVTCHNOP_init_control] = evtchn_op_init_control,
    [EVTCHNOP_expand_array] = evtchn_op_expand_array,
    [EVTCHNOP_set_priority] = op_set_priority,
};

/*
 * event_channel_op(cmd, arg). -EFAULT if the structure at arg cannot be read
 * or written, -ENOSYS unknown cmd; the rest is each operation's.
 */
static long do_event_channel_op(uint64_t cmd, uint64_t arg, uint64_t a3,
                                uint64_t a4, uint64_t a5, uint64_t a6)
{
    uint32_t op = (uint32_t)cmd;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (unlikely(op >= ARRAY_SIZE(ops)))
        return -ENOSYS;
    return ops[nospec_index(op, ARRAY_SIZE(ops))](current->domain, arg);
}
HYPERCALL(__HYPERVISOR_event_channel_op, 2, do_event_channel_op);

/*
 * The old form event_channel_op(struct evtchn_op *): the number of the
 * operation comes first in the structure. Knows operations up to unmask.
 */
static long do_event_channel_op_compat(uint64_t arg, uint64_t a2, uint64_t a3,
                                       uint64_t a4, uint64_t a5, uint64_t a6)
{
    uint32_t cmd;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (copy_from_guest_va(&cmd, arg, sizeof(cmd)))
        return -EFAULT;
    if (cmd > EVTCHNOP_unmask)
        return -ENOSYS;
    return ops[nospec_index(cmd, ARRAY_SIZE(ops))](
        current->domain, arg + offsetof(struct evtchn_op, u));
}
HYPERCALL(__HYPERVISOR_event_channel_op_compat, 1, do_event_channel_op_compat);

/* ---- life of a domain ---- */

static int event_domain_init(struct domain *d,
                             const struct domain_config *config)
{
    struct evtchn_domain *e = xzalloc_type(struct evtchn_domain);
    int rc;

    if (!e)
        return -ENOMEM;
    e->domain = d;
    e->ops = &evtchn_two_level;
    rc = port_table_init(&e->table, d->domain_id);
    if (rc) {
        xfree(e);
        return rc;
    }
    if (config->max_port < PORTS_MAX)
        e->table.limit = config->max_port + 1;
    d->event = e;
    return 0;
}

static int event_vcpu_init(struct vcpu *v)
{
    evtchn_poll_init(v);
    return 0;
}

/* Closes every port; FIFO pages go back. From then on nothing is bound. */
static int event_relinquish(struct domain *d)
{
    struct evtchn_domain *e = d->event;

    evtchn_forget_handler(d);
    spin_lock(&e->table.lock);
    e->table.closing = true;
    spin_unlock(&e->table.lock);
    if (evtchn_close_all(d))
        return -ERESTART_PREEMPT;
    spin_lock(&e->table.lock);
    evtchn_fifo_leave(e);
    spin_unlock(&e->table.lock);
    return pirq_unmap_all(d);
}

static void event_vcpu_destroy(struct vcpu *v)
{
    timer_kill(&v->poll_timer);
}

static void event_destroy(struct domain *d)
{
    pirq_table_free(d);
    if (!d->event)
        return;
    port_table_free(&d->event->table);
    xfree(d->event);
    d->event = NULL;
}

static void event_audit(const struct domain *d, struct audit_scratch *s)
{
    evtchn_fifo_audit(d, s);
    pirq_audit(d, s);
}

DOMAIN_HOOKS(event_hooks) = {
    .name = "event",
    .init = event_domain_init,
    .relinquish = event_relinquish,
    .destroy = event_destroy,
    .vcpu_init = event_vcpu_init,
    .vcpu_destroy = event_vcpu_destroy,
    .audit = event_audit,
};
