/* Event channels. */
#include "guest.h"

long evtchn_op(unsigned cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_event_channel_op, cmd, arg);
}

long evtchn_send(unsigned port)
{
    struct evtchn_send s = {.port = port};

    return evtchn_op(EVTCHNOP_send, &s);
}

void evtchn_pair(unsigned *near, unsigned *far)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF,
                                     .remote_dom = DOMID_SELF};
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF};
    long ret = evtchn_op(EVTCHNOP_alloc_unbound, &a);

    if (ret)
        error("alloc_unbound gave %ld", ret);
    b.remote_port = a.port;
    ret = evtchn_op(EVTCHNOP_bind_interdomain, &b);
    if (ret)
        error("bind_interdomain gave %ld", ret);
    *near = b.local_port;
    *far = a.port;
    evtchn_reset_pending(); /* a new port may come pending and masked */
}

/* From the top down: a pending bit that is left under clear ones stays dead. */
void evtchn_reset_pending(void)
{
    volatile xen_ulong_t *pending = shared_info->evtchn_pending;
    volatile struct vcpu_info *vi = &shared_info->vcpu_info[0];

    vi->evtchn_upcall_pending = 0;
    vi->evtchn_pending_sel = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(shared_info->evtchn_pending); i++)
        pending[i] = 0;
    shared_info->evtchn_mask[0] = 0;
}

bool evtchn_is_pending(unsigned port)
{
    volatile xen_ulong_t *pending = shared_info->evtchn_pending;

    return pending[port / 64] >> (port % 64) & 1;
}

unsigned bind_virq(unsigned virq)
{
    struct evtchn_bind_virq b = {.virq = virq};
    long ret = evtchn_op(EVTCHNOP_bind_virq, &b);

    if (ret)
        error("bind_virq(%u) gave %ld", virq, ret);
    evtchn_reset_pending();
    return b.port;
}

void evtchn_send_self(void)
{
    static unsigned near, far;
    long ret;

    if (!near)
        evtchn_pair(&near, &far);
    ret = evtchn_send(near);
    if (ret)
        failure("evtchn_send gave %ld", ret);
}
