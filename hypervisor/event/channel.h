/*
 * What the files of room event share: the per-domain structure, the ops of a
 * delivery ABI, and the steps of an operation. For other rooms: event.h.
 */
#ifndef EVENT_CHANNEL_H
#define EVENT_CHANNEL_H

#include "core/vcpu.h"
#include "event/event.h"
#include "event/port_table.h"

/*
 * How a raised event reaches the guest's memory. All run with the lock of the
 * port, or of the port at the other end, held and interrupts off; the port is
 * neither FREE nor RESERVED.
 */
struct evtchn_ops {
    /* Raises the event; v is the vCPU to be notified. */
    void (*set_pending)(struct vcpu *v, struct port *p);
    /* Takes it back (the port is closed). */
    void (*clear_pending)(struct domain *d, struct port *p);
    /* Clears the mask; notifies v if the event is pending. */
    void (*unmask)(struct vcpu *v, struct port *p);
    bool (*is_pending)(struct domain *d, const struct port *p);
    bool (*is_masked)(struct domain *d, const struct port *p);
    bool has_priorities;
};
extern const struct evtchn_ops evtchn_two_level, evtchn_fifo;

struct fifo_domain;

struct evtchn_domain {
    struct port_table table; /* its lock is the domain's event lock */
    struct domain *domain;
    const struct evtchn_ops *ops;
    struct fifo_domain *fifo; /* NULL: 2-level ABI */
    uint64_t poll_mask;       /* atomic; vCPUs that poll */
};

static inline struct evtchn_domain *evtchn_of_table(struct port_table *t)
{
    return container_of(t, struct evtchn_domain, table);
}

/* The domain's vCPU of this number, or NULL. Takes any number. */
static inline struct vcpu *domain_vcpu(struct domain *d, unsigned id)
{
    return id < d->max_vcpus ? d->vcpu[id % MAX_VCPUS] : NULL;
}

/* Raises the event of a port whose lock, or peer's lock, is held. */
static inline void evtchn_deliver(struct evtchn_domain *e, struct port *p)
{
    struct vcpu *v = domain_vcpu(e->domain, READ_ONCE(p->vcpu));

    if (likely(v))
        READ_ONCE(e->ops)->set_pending(v, p);
}

/* Raises it if the port is still bound to that (state, arg). No lock needed. */
void evtchn_deliver_bound(struct domain *d, evtchn_port_t n,
                          enum port_state state, uint32_t arg);

/* Tells a vCPU that there is something to look at in its shared memory. */
static inline void evtchn_mark_pending(struct vcpu *v)
{
    struct vcpu_info *vi = READ_ONCE(v->vcpu_info);

    if (!__atomic_exchange_n(&vi->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST))
        vcpu_kick(v);
}

/* An event of port n has become pending: wakes the vCPUs that poll for it. */
void evtchn_wake_pollers(struct evtchn_domain *e, evtchn_port_t n);
static inline void evtchn_check_pollers(struct domain *d, evtchn_port_t n)
{
    if (unlikely(READ_ONCE(d->event->poll_mask)))
        evtchn_wake_pollers(d->event, n);
}

/* Guest's EVTCHNOP_unmask. -EINVAL: no such port. */
int evtchn_unmask(struct domain *d, evtchn_port_t n);
/* d has bound the VIRQ for the first or another time: starts its source. */
void evtchn_virq_bound(struct domain *d, unsigned virq);
/* d dies: its global VIRQs go to domain 0 again. */
void evtchn_forget_handler(struct domain *d);
/* Closes a port of d, whatever it is bound to. -EINVAL: not bound. */
int evtchn_close(struct domain *d, evtchn_port_t n);
/* All of them. 0, or -ERESTART_PREEMPT: call again. */
int evtchn_close_all(struct domain *d);

/* Handlers of the hypercall: `arg` is the guest address of their structure. */
typedef long evtchn_op_fn(struct domain *d, vaddr_t arg);
evtchn_op_fn evtchn_op_alloc_unbound, evtchn_op_bind_interdomain,
    evtchn_op_bind_virq, evtchn_op_bind_pirq, evtchn_op_bind_ipi,
    evtchn_op_close, evtchn_op_reset, evtchn_op_init_control,
    evtchn_op_expand_array;

/* Both event locks, in order of their addresses; a may be b. */
void evtchn_lock_pair(struct evtchn_domain *a, struct evtchn_domain *b);
void evtchn_unlock_pair(struct evtchn_domain *a, struct evtchn_domain *b);

/*
 * Leaves the FIFO ABI and gives its frames back. Event lock held, no port in
 * use.
 */
void evtchn_fifo_leave(struct evtchn_domain *e);
/* Audit: the guest's pages that the room holds (domain.h, hook `audit`). */
void evtchn_fifo_audit(const struct domain *d, struct audit_scratch *s);
void pirq_audit(const struct domain *d, struct audit_scratch *s);

void evtchn_poll_init(struct vcpu *v);

/* ---- pirq.c; event lock of d held ---- */
/*
 * Connects a pirq to its port. -EPERM not the domain's, -EINVAL not mapped,
 * -EBUSY the interrupt has another owner or does not share.
 */
int pirq_bind_port(struct domain *d, unsigned pirq, evtchn_port_t port,
                   bool will_share);
/* Nothing if the pirq's port is another one by now. */
void pirq_unbind_port(struct domain *d, unsigned pirq, evtchn_port_t port);
/* -EEXIST a port is bound already, else as pirq_bind_port. */
int pirq_may_bind(struct domain *d, unsigned pirq);
/* The interrupt should arrive where v runs. */
void pirq_set_vcpu(struct domain *d, unsigned pirq, struct vcpu *v);
/* Death of a domain; no lock held. -ERESTART_PREEMPT: call again. */
int pirq_unmap_all(struct domain *d);
void pirq_table_free(struct domain *d);

#endif
