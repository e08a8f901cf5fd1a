/* Event channels, and waiting for them. */
#include "micro.h"

static unsigned near, far;
#define VCPU0 (&shared_info->vcpu_info[0])

static bool make_pair(void)
{
    if (!near)
        evtchn_pair(&near, &far);
    set_callbacks(fast_event, failsafe_callback, syscall_callback);
    evtchn_reset_pending();
    VCPU0->evtchn_upcall_mask = 0;
    return true;
}

static long send(void)
{
    return evtchn_send(near);
}

static void mask_upcalls(void)
{
    evtchn_reset_pending();
    VCPU0->evtchn_upcall_mask = 1;
}

static void mask_port(void)
{
    evtchn_reset_pending();
    shared_info->evtchn_mask[0] = 1UL << far;
}

static void unmask_all(void)
{
    evtchn_reset_pending();
    VCPU0->evtchn_upcall_mask = 0;
}

/* Masked with the vCPU's flag, and pending. */
static void make_pending(void)
{
    mask_upcalls();
    evtchn_send(near);
}

static void make_pending_masked(void)
{
    mask_port();
    evtchn_send(near);
}

static long unmask(void)
{
    struct evtchn_unmask u = {.port = far};

    return evtchn_op(EVTCHNOP_unmask, &u);
}

static long status(void)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = near};

    return evtchn_op(EVTCHNOP_status, &s);
}

/* Returns at once, with upcalls enabled and the upcall made. */
static long block(void)
{
    return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

static long poll(void)
{
    evtchn_port_t port = far;
    struct sched_poll p = {.nr_ports = 1, .timeout = 0};

    set_xen_guest_handle(p.ports, &port);
    return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}

static long bind_close(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_close c;
    long ret = evtchn_op(EVTCHNOP_bind_ipi, &b);

    c.port = b.port;
    return ret ? ret : evtchn_op(EVTCHNOP_close, &c);
}

static long unbound_close(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF,
                                     .remote_dom = DOMID_SELF};
    struct evtchn_close c;
    long ret = evtchn_op(EVTCHNOP_alloc_unbound, &a);

    c.port = a.port;
    return ret ? ret : evtchn_op(EVTCHNOP_close, &c);
}

static unsigned ipi;

static bool make_ipi(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};

    if (!ipi && evtchn_op(EVTCHNOP_bind_ipi, &b))
        return false;
    if (!ipi)
        ipi = b.port;
    return make_pair();
}

static long send_ipi(void)
{
    return evtchn_send(ipi);
}

const struct bench event_benches[] = {
    {.name = "event_send_upcall", .op = send, .setup = make_pair},
    {.name = "event_send_ipi_upcall", .op = send_ipi, .setup = make_ipi},
    {.name = "event_send_no_upcall",
     .op = send,
     .setup = make_pair,
     .pre = mask_upcalls,
     .done = unmask_all},
    {.name = "event_send_masked",
     .op = send,
     .setup = make_pair,
     .pre = mask_port,
     .done = unmask_all},
    {.name = "event_send_again",
     .op = send,
     .setup = make_pair,
     .pre = make_pending,
     .done = unmask_all},
    {.name = "event_unmask_upcall",
     .op = unmask,
     .setup = make_pair,
     .pre = make_pending_masked,
     .done = unmask_all},
    {.name = "event_status", .op = status, .setup = make_pair},
    {.name = "event_bind_ipi_close",
     .op = bind_close,
     .setup = make_pair,
     .pre = mask_upcalls,
     .done = unmask_all},
    {.name = "event_unbound_close",
     .op = unbound_close,
     .setup = make_pair,
     .pre = mask_upcalls,
     .done = unmask_all},
    {.name = "block_pending",
     .op = block,
     .setup = make_pair,
     .pre = make_pending,
     .done = unmask_all},
    {.name = "poll_pending",
     .op = poll,
     .setup = make_pair,
     .pre = make_pending,
     .done = unmask_all},
    {.name = NULL},
};
