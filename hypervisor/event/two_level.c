/*
 * The 2-level delivery ABI: a bitmap of 4096 pending and one of 4096 mask bits
 * in the shared info page, and in each vcpu_info a selector with one bit for
 * each 64 ports.
 *
 * Raising an event sets, from the ground up: pending bit, selector bit,
 * upcall flag; whoever finds a bit set already stops, because the one who set
 * it goes on. The guest clears them from the top down. A masked port stops
 * after the pending bit.
 */
#include "core/trace.h"
#include "event/channel.h"

static __always_inline void notify(struct vcpu *v, evtchn_port_t n)
{
    struct vcpu_info *vi = READ_ONCE(v->vcpu_info);

    trace(XENO_TRACE_event, v, n, 0);
    if (!test_and_set_bit_atomic(n / 64, &vi->evtchn_pending_sel))
        evtchn_mark_pending(v);
}

/* Some vCPU polls: wakes those that do for this port, then goes on. */
static __noinline void set_pending_polled(struct vcpu *v, evtchn_port_t n)
{
    evtchn_wake_pollers(v->domain->event, n);
    if (!test_bit(n, v->domain->shared_info->evtchn_mask))
        notify(v, n);
}

static void two_level_set_pending(struct vcpu *v, struct port *p)
{
    struct domain *d = v->domain;
    struct shared_info *si = d->shared_info;
    evtchn_port_t n = p->number;

    if (unlikely(n >= PORTS_2L) ||
        test_and_set_bit_atomic(n, si->evtchn_pending))
        return;
    if (unlikely(READ_ONCE(d->event->poll_mask)))
        set_pending_polled(v, n);
    else if (!test_bit(n, si->evtchn_mask))
        notify(v, n);
}

static void two_level_clear_pending(struct domain *d, struct port *p)
{
    if (p->number < PORTS_2L)
        clear_bit_atomic(p->number, d->shared_info->evtchn_pending);
}

static void two_level_unmask(struct vcpu *v, struct port *p)
{
    struct shared_info *si = v->domain->shared_info;
    evtchn_port_t n = p->number;

    if (n >= PORTS_2L || !test_and_clear_bit_atomic(n, si->evtchn_mask))
        return;
    if (test_bit(n, si->evtchn_pending))
        notify(v, n);
}

static bool two_level_is_pending(struct domain *d, const struct port *p)
{
    return p->number < PORTS_2L &&
           test_bit(p->number, d->shared_info->evtchn_pending);
}

static bool two_level_is_masked(struct domain *d, const struct port *p)
{
    return p->number >= PORTS_2L ||
           test_bit(p->number, d->shared_info->evtchn_mask);
}

const struct evtchn_ops evtchn_two_level = {
    .set_pending = two_level_set_pending,
    .clear_pending = two_level_clear_pending,
    .unmask = two_level_unmask,
    .is_pending = two_level_is_pending,
    .is_masked = two_level_is_masked,
};
