/*
 * sched_op poll: a vCPU sleeps until one of some ports becomes pending, masked
 * or not.
 *
 * The vCPU announces itself in the domain's poll_mask first and looks at the
 * ports after; who raises an event sets the pending bit first and looks at
 * poll_mask after. With full barriers in between one of the two sees the other.
 * (It looks once before all that, as often something is pending already.)
 *
 * A poll ends by an event of its port, by its timeout, or by any notification
 * of the vCPU (vcpu_unblock). What it leaves in poll_mask and poll_port then
 * can at most wake the vCPU once too often; the next poll overwrites it.
 */
#include "event/channel.h"

#include "arch/x86/softirq.h"
#include "arch/x86/timer.h"
#include "lib/errno.h"

#define POLL_NONE 0 /* no port ends it: 0 is not one */
#define POLL_SEVERAL (-1)

static int poll_port_of(const evtchn_port_t *ports, unsigned n)
{
    return n == 1 ? (int)ports[0] : n ? POLL_SEVERAL : POLL_NONE;
}

/* Ends v's poll. False: it did not poll (any more). */
static bool end_poll(struct vcpu *v)
{
    if (!test_and_clear_bit_atomic(v->vcpu_id, &v->domain->event->poll_mask))
        return false;
    WRITE_ONCE(v->poll_port, POLL_NONE);
    return true;
}

void evtchn_wake_pollers(struct evtchn_domain *e, evtchn_port_t n)
{
    uint64_t mask = READ_ONCE(e->poll_mask);
    struct vcpu *v;
    int port;

    for (; mask; mask &= mask - 1) {
        v = domain_vcpu(e->domain, lowest_bit(mask));
        port = v ? READ_ONCE(v->poll_port) : POLL_NONE;
        if ((port == POLL_SEVERAL || port == (int)n) && end_poll(v))
            vcpu_unblock(v);
    }
}

static void poll_timeout(void *data)
{
    struct vcpu *v = data;

    if (end_poll(v))
        vcpu_unblock(v);
}

void evtchn_poll_init(struct vcpu *v)
{
    timer_init(&v->poll_timer, poll_timeout, v, v->processor);
}

/* 1: something to see already; 0: nothing yet; -EINVAL no such port. */
static __always_inline int look(struct vcpu *v, const evtchn_port_t *ports,
                                unsigned n)
{
    int rc = vcpu_event_pending(v);

    for (unsigned i = 0; !rc && i < n; i++)
        rc = evtchn_port_pending(v->domain, ports[i]);
    return rc;
}

/* Announces itself, looks again, and sleeps if there is nothing still. */
static __noinline int poll_blocked(struct vcpu *v, const evtchn_port_t *ports,
                                   unsigned n, s_time_t timeout)
{
    int rc;

    WRITE_ONCE(v->poll_port, poll_port_of(ports, n));
    set_bit_atomic(VPF_BLOCKED, &v->pause_flags);
    set_bit_atomic(v->vcpu_id, &v->domain->event->poll_mask);
    rc = look(v, ports, n);
    if (rc) {
        end_poll(v);
        clear_bit_atomic(VPF_BLOCKED, &v->pause_flags);
        return rc;
    }
    if (timeout)
        timer_set(&v->poll_timer, timeout);
    softirq_raise(SOFTIRQ_SCHEDULE);
    return 0;
}

/*
 * Returns 0, also when the poll ends at once because a port is pending, or
 * -EINVAL if a port is not in use. n = 0: sleeps until the timeout or a
 * notification. timeout: absolute system time, 0 = none.
 */
long evtchn_poll(const evtchn_port_t *ports, unsigned n, s_time_t timeout)
{
    struct vcpu *v = current;
    int rc = look(v, ports, n);

    if (!rc)
        rc = poll_blocked(v, ports, n, timeout);
    return rc < 0 ? rc : 0;
}
