/*
 * Event channels between two domains: sent both ways, waited for, either end
 * closed or dead; whom the machine's events go to. Checklist row 43.
 *
 * timeout: 120
 */
#include "domain.h"
const char test_title[] = "event channels between domains";

static struct child child, other;

/* What xl makes: a port of the child that waits for us. */
static unsigned port_for(unsigned owner, unsigned remote)
{
    struct evtchn_alloc_unbound a = {.dom = (domid_t)owner,
                                     .remote_dom = (domid_t)remote};

    expect_eq(evtchn_op(EVTCHNOP_alloc_unbound, &a), 0);
    return a.port;
}

static long bind(unsigned remote, unsigned port, unsigned *local)
{
    struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)remote,
                                        .remote_port = port};
    long ret = evtchn_op(EVTCHNOP_bind_interdomain, &b);

    *local = b.local_port;
    return ret;
}

static struct evtchn_status status_of(unsigned domid, unsigned port)
{
    struct evtchn_status s = {.dom = (domid_t)domid, .port = port};

    s.status = 99;
    expect_eq(evtchn_op(EVTCHNOP_status, &s), 0);
    return s;
}

static long child_event(struct child *c, unsigned cmd, void *arg, size_t size)
{
    return child_call(c, __HYPERVISOR_event_channel_op, cmd, CHILD_DATA, 0, 0,
                      arg, size);
}

static bool child_pending(const struct child *c, unsigned port)
{
    static uint64_t page[512] __attribute__((aligned(4096)));
    struct shared_info *si = (struct shared_info *)(void *)page;
    bool pending;

    if (foreign_map(page, c->id, c->shared_info,
                    PTE_P | PTE_RW | PTE_US | PTE_AD))
        error("the child's shared_info cannot be mapped");
    pending = si->evtchn_pending[port / 64] >> (port % 64) & 1;
    si->evtchn_pending[port / 64] &= ~(1UL << (port % 64));
    foreign_unmap(page);
    return pending;
}

static void test_both_ways(void)
{
    struct evtchn_send s;
    struct evtchn_status status;
    unsigned far, near;

    child_start_server(&child);
    far = port_for(child.id, 0);
    expect_eq(status_of(child.id, far).status, EVTCHNSTAT_unbound);
    expect_eq(bind(child.id, far, &near), 0);
    expect(evtchn_is_pending(near), "a new port is not pending");
    evtchn_reset_pending();
    expect_eq(evtchn_send(near), 0);
    expect(child_pending(&child, far), "the event did not arrive");
    s.port = far;
    expect_eq(child_event(&child, EVTCHNOP_send, &s, sizeof(s)), 0);
    expect(evtchn_is_pending(near), "the child's event did not arrive");
    status = status_of(child.id, far);
    expect_eq(status.status, EVTCHNSTAT_interdomain);
    expect_eq(status.u.interdomain.dom, 0);
    expect_eq(status.u.interdomain.port, near);
    expect_eq(bind(child.id, far, &near), -EINVAL);
    expect_eq(bind(child.id, far + 1, &near), -EINVAL);
    child_destroy(&child);
}

/* The child sleeps until we send. */
static void test_poll(void)
{
    struct {
        struct sched_poll poll;
        evtchn_port_t port;
    } data;
    unsigned far, near;

    child_start_server(&child);
    far = port_for(child.id, 0);
    expect_eq(bind(child.id, far, &near), 0);
    memset(&data, 0, sizeof(data));
    data.port = far;
    data.poll.nr_ports = 1;
    set_xen_guest_handle(data.poll.ports,
                         (evtchn_port_t *)(child_data() +
                                           (unsigned long)&data.port -
                                           (unsigned long)&data));
    child_begin(&child, __HYPERVISOR_sched_op, SCHEDOP_poll, CHILD_DATA, 0, 0,
                &data, sizeof(data));
    delay_ms(20);
    for (unsigned i = 0; i < 100; i++)
        yield();
    expect(!child_is_done(&child), "it did not sleep");
    expect(domain_state(child.id).flags & XEN_DOMINF_blocked,
           "it is not blocked");
    expect_eq(evtchn_send(near), 0);
    expect_eq(child_end(&child, &data, sizeof(data)), 0);
    child_destroy(&child);
}

/* A dead domain's channels fall back to waiting for it. */
static void test_death(void)
{
    unsigned far, near;
    struct evtchn_status s;

    child_start_server(&child);
    far = port_for(child.id, 0);
    expect_eq(bind(child.id, far, &near), 0);
    expect_eq(child_destroy(&child), 0);
    s = status_of(DOMID_SELF, near);
    expect_eq(s.status, EVTCHNSTAT_unbound);
    expect_eq(s.u.unbound.dom, child.id);
    expect_eq(evtchn_send(near), 0);
    expect_eq(bind(child.id, far, &far), -ESRCH);
    evtchn_op(EVTCHNOP_close, &(struct evtchn_close){.port = near});
}

static void test_rights(void)
{
    struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)0};
    struct evtchn_alloc_unbound a = {.dom = 0, .remote_dom = 0};
    struct evtchn_reset r = {.dom = 0};
    struct evtchn_status s = {.dom = 0, .port = 1};
    unsigned far, near;

    child_start_server(&child);
    child_start_server(&other);
    far = port_for(child.id, 0);
    b.remote_dom = (domid_t)child.id;
    b.remote_port = far;
    expect_eq(child_event(&other, EVTCHNOP_bind_interdomain, &b, sizeof(b)),
              -EINVAL);
    expect_eq(child_event(&other, EVTCHNOP_alloc_unbound, &a, sizeof(a)),
              -EPERM);
    expect_eq(child_event(&other, EVTCHNOP_reset, &r, sizeof(r)), -EPERM);
    expect_eq(child_event(&other, EVTCHNOP_status, &s, sizeof(s)), -EPERM);
    /* A port for the other child is not ours to take. */
    near = port_for(child.id, other.id);
    expect_eq(bind(child.id, near, &far), -EINVAL);
    b.remote_port = near;
    expect_eq(child_event(&other, EVTCHNOP_bind_interdomain, &b, sizeof(b)), 0);
    expect_eq(status_of(child.id, near).u.interdomain.dom, other.id);
    r.dom = (domid_t)child.id;
    expect_eq(evtchn_op(EVTCHNOP_reset, &r), -EINVAL);
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child.id), 0);
    expect_eq(evtchn_op(EVTCHNOP_reset, &r), 0);
    expect_eq(status_of(child.id, near).status, EVTCHNSTAT_closed);
    expect_eq(status_of(other.id, b.local_port).status, EVTCHNSTAT_unbound);
    child_destroy(&child);
    child_destroy(&other);
}

/* The death of domains is told to another one than us. */
static void test_handler(unsigned own)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_DOM_EXC};
    struct xen_domctl op;

    child_start_server(&child);
    expect_eq(child_event(&child, EVTCHNOP_bind_virq, &b, sizeof(b)), 0);
    memset(&op, 0, sizeof(op));
    op.u.set_virq_handler.virq = VIRQ_TIMER;
    expect_eq(domctl(XEN_DOMCTL_set_virq_handler, child.id, &op), -EINVAL);
    op.u.set_virq_handler.virq = 1000;
    expect_eq(domctl(XEN_DOMCTL_set_virq_handler, child.id, &op), -EINVAL);
    op.u.set_virq_handler.virq = VIRQ_DOM_EXC;
    expect_eq(domctl(XEN_DOMCTL_set_virq_handler, child.id, &op), 0);
    evtchn_reset_pending();
    child_start_server(&other);
    expect_eq(child_destroy(&other), 0);
    expect(child_pending(&child, b.port), "the handler was not told");
    expect(!evtchn_is_pending(own), "we were told");
    expect_eq(child_destroy(&child), 0);
    expect(evtchn_is_pending(own), "the handler's death was not told to us");
}

void test_main(void)
{
    unsigned virq = bind_virq(VIRQ_DOM_EXC);
    uint64_t before;

    child_start_server(&child);
    child_start_server(&other);
    child_destroy(&child);
    child_destroy(&other);
    before = settled_pages();
    test_both_ways();
    test_poll();
    test_death();
    test_rights();
    test_handler(virq);
    expect(free_pages_become(before), "memory is missing");
}
