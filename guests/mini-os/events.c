/*
 * Event channels for drivers. A port begins masked, without a handler; what
 * comes before it is unmasked is kept pending by the hypervisor.
 */
#include <xen-guest.h>
#include <xen/event_channel.h>

#define PORTS 256

static struct {
    event_handler fn;
    void *arg;
} handlers[PORTS];
static u64 arrived;

static long event_op(unsigned cmd, void *arg)
{
    return hypercall(__HYPERVISOR_event_channel_op, cmd, (u64)arg, 0, 0);
}

void event_unmask(unsigned port)
{
    struct evtchn_unmask u;

    u.port = port;
    event_op(EVTCHNOP_unmask, &u);
}

int event_attach(unsigned port, event_handler fn, void *arg)
{
    int state;

    if (!xen_start_info())
        return -XEN_ENODEV;
    if (port >= PORTS)
        return -XEN_ENOSPC;
    state = irq_save();
    handlers[port].fn = fn;
    handlers[port].arg = arg;
    irq_restore(state);
    event_unmask(port);
    return (int)port;
}

static int attach_new(unsigned port, event_handler fn, void *arg)
{
    int ret = event_attach(port, fn, arg);

    if (ret < 0)
        event_close(port);
    return ret;
}

int event_alloc(unsigned remote, event_handler fn, void *arg)
{
    struct evtchn_alloc_unbound a;
    long ret;

    if (!xen_start_info())
        return -XEN_ENODEV;
    a.dom = DOMID_SELF;
    a.remote_dom = (domid_t)remote;
    ret = event_op(EVTCHNOP_alloc_unbound, &a);
    return ret ? (int)ret : attach_new(a.port, fn, arg);
}

int event_connect(unsigned remote, unsigned port, event_handler fn, void *arg)
{
    struct evtchn_bind_interdomain b;
    long ret;

    if (!xen_start_info())
        return -XEN_ENODEV;
    b.remote_dom = (domid_t)remote;
    b.remote_port = port;
    ret = event_op(EVTCHNOP_bind_interdomain, &b);
    return ret ? (int)ret : attach_new(b.local_port, fn, arg);
}

int event_send(unsigned port)
{
    struct evtchn_send s;

    s.port = port;
    return (int)event_op(EVTCHNOP_send, &s);
}

void event_close(unsigned port)
{
    struct evtchn_close c;
    int state = irq_save();

    c.port = port;
    event_op(EVTCHNOP_close, &c);
    if (port < PORTS)
        handlers[port].fn = NULL;
    irq_restore(state);
}

void event_arrived(unsigned port)
{
    if (port < PORTS && handlers[port].fn) {
        arrived++;
        handlers[port].fn(port, handlers[port].arg);
    }
}

u64 event_count(void) { return arrived; }

void event_forget_all(void) { memset(handlers, 0, sizeof(handlers)); }
