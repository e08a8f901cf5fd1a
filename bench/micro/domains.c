/*
 * Between two domains: a child that waits for an event and sends one back. A
 * round is two sends and two polls that sleep, each of which switches to the
 * other domain's vCPU.
 */
#include "micro.h"
#include "domain.h"

static unsigned near;
static volatile unsigned far; /* the child's */

/* Sends, and sleeps until the other one has. */
static long send_and_wait(evtchn_port_t port)
{
    struct sched_poll p = {.nr_ports = 1};

    evtchn_send(port);
    set_xen_guest_handle(p.ports, &port);
    return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}

static void clear_pending(void)
{
    struct vcpu_info *v = &shared_info->vcpu_info[0];

    v->evtchn_upcall_pending = 0;
    v->evtchn_pending_sel = 0;
    shared_info->evtchn_pending[0] = 0;
}

static void answer(void)
{
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    for (;;) {
        send_and_wait(far);
        clear_pending();
    }
}

static void connect(unsigned id)
{
    struct evtchn_alloc_unbound a = {.dom = (domid_t)id, .remote_dom = 0};
    struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)id};

    if (evtchn_op(EVTCHNOP_alloc_unbound, &a))
        error("the child has no port");
    far = b.remote_port = a.port;
    if (evtchn_op(EVTCHNOP_bind_interdomain, &b))
        error("no channel to the child");
    near = b.local_port;
}

static bool start_child(void)
{
    static struct child child;

    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    child_new(&child);
    connect(child.id);
    child_populate(&child);
    child_tables(&child);
    child_context(&child, answer);
    evtchn_reset_pending();
    return !domctl_plain(XEN_DOMCTL_unpausedomain, child.id);
}

static long switch_domains(void)
{
    return send_and_wait(near);
}

static void unmask_all(void)
{
    evtchn_reset_pending();
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
}

const struct bench domain_benches[] = {
    {.name = "switch_domains",
     .op = switch_domains,
     .setup = start_child,
     .pre = clear_pending,
     .done = unmask_all,
     .units = 2},
    {.name = NULL},
};
