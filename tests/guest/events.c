/*
 * Event channels: allocation, both ends, sending, closing, status, virtual
 * interrupts; and everything that is no port, no domain or no vCPU refused.
 */
#include "guest.h"
const char test_title[] = "event channels";

static struct evtchn_status status(unsigned port)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = port};
    long ret = evtchn_op(EVTCHNOP_status, &s);

    if (ret)
        failure("status of port %u gave %ld", port, ret);
    return s;
}

static long close_port(unsigned port)
{
    struct evtchn_close c = {.port = port};

    return evtchn_op(EVTCHNOP_close, &c);
}

static void test_pair(void)
{
    unsigned near, far;

    evtchn_pair(&near, &far);
    expect(near && far && near != far, "ports %u and %u", near, far);
    expect_eq(status(near).status, EVTCHNSTAT_interdomain);
    expect_eq(status(near).u.interdomain.port, far);
    expect_eq(status(far).u.interdomain.port, near);
    expect_eq(evtchn_send(near), 0);
    expect(evtchn_is_pending(far), "the far end is not pending");
    expect(!evtchn_is_pending(near), "the near end is pending");
    evtchn_reset_pending();
    expect_eq(evtchn_send(far), 0);
    expect(evtchn_is_pending(near), "the near end is not pending");
    evtchn_reset_pending();
    /* Closing one end leaves the other unbound. */
    expect_eq(close_port(near), 0);
    expect_eq(status(near).status, EVTCHNSTAT_closed);
    expect_eq(status(far).status, EVTCHNSTAT_unbound);
    evtchn_send(far);
    expect(evtchn_send(near) < 0, "sent through a closed port");
    expect(close_port(near) < 0, "closed twice");
    expect_eq(close_port(far), 0);
    evtchn_reset_pending();
}

static void test_unbound(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = 0};
    struct evtchn_bind_interdomain b = {.remote_dom = DOMID_SELF};

    expect_eq(evtchn_op(EVTCHNOP_alloc_unbound, &a), 0);
    expect_eq(status(a.port).status, EVTCHNSTAT_unbound);
    b.remote_port = a.port;
    expect_eq(evtchn_op(EVTCHNOP_bind_interdomain, &b), 0);
    expect(evtchn_op(EVTCHNOP_bind_interdomain, &b) < 0, "bound twice");
    expect_eq(close_port(a.port), 0);
    expect_eq(close_port(b.local_port), 0);
    /* Meant for another domain: not for us. */
    a.remote_dom = 5;
    if (evtchn_op(EVTCHNOP_alloc_unbound, &a) == 0) {
        b.remote_port = a.port;
        expect(evtchn_op(EVTCHNOP_bind_interdomain, &b) < 0,
               "another domain's port was bound");
        close_port(a.port);
    }
    a.dom = 1234;
    expect(evtchn_op(EVTCHNOP_alloc_unbound, &a) < 0, "no such domain");
    b.remote_dom = 1234;
    expect(evtchn_op(EVTCHNOP_bind_interdomain, &b) < 0, "no such domain");
    b.remote_dom = DOMID_SELF;
    b.remote_port = ~0u;
    expect(evtchn_op(EVTCHNOP_bind_interdomain, &b) < 0, "no such port");
}

static void test_virq(void)
{
    struct evtchn_bind_virq b = {.virq = VIRQ_TIMER};
    unsigned port = bind_virq(VIRQ_TIMER);

    expect_eq(status(port).status, EVTCHNSTAT_virq);
    expect_eq(status(port).u.virq, VIRQ_TIMER);
    expect_eq(evtchn_op(EVTCHNOP_bind_virq, &b), -EEXIST);
    expect(evtchn_send(port) < 0, "sent through a virtual interrupt");
    expect_eq(close_port(port), 0);
    port = bind_virq(VIRQ_TIMER);
    expect_eq(close_port(port), 0);
    b.virq = 24;
    expect(evtchn_op(EVTCHNOP_bind_virq, &b) < 0, "virtual interrupt 24");
    b.virq = VIRQ_TIMER;
    b.vcpu = 4000;
    expect(evtchn_op(EVTCHNOP_bind_virq, &b) < 0, "vCPU 4000");
}

static void test_ipi(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 0};
    struct evtchn_bind_vcpu v;

    expect_eq(evtchn_op(EVTCHNOP_bind_ipi, &b), 0);
    expect_eq(status(b.port).status, EVTCHNSTAT_ipi);
    evtchn_reset_pending();
    expect_eq(evtchn_send(b.port), 0);
    expect(evtchn_is_pending(b.port), "the IPI is not pending");
    evtchn_reset_pending();
    v.port = b.port;
    v.vcpu = 0;
    evtchn_op(EVTCHNOP_bind_vcpu, &v);
    v.vcpu = 4000;
    expect(evtchn_op(EVTCHNOP_bind_vcpu, &v) < 0, "vCPU 4000");
    expect_eq(close_port(b.port), 0);
    b.vcpu = 4000;
    expect(evtchn_op(EVTCHNOP_bind_ipi, &b) < 0, "vCPU 4000");
}

static void test_bad(void)
{
    struct evtchn_status s = {.dom = DOMID_SELF, .port = ~0u};
    struct evtchn_bind_pirq p = {.pirq = 60000};
    struct evtchn_unmask u = {.port = 1u << 20};

    expect(close_port(0) < 0, "port 0 was closed");
    expect(close_port(~0u) < 0, "port ~0 was closed");
    expect(evtchn_send(0) < 0, "sent through port 0");
    expect(evtchn_send(4095) < 0, "sent through a port that is not open");
    expect(evtchn_send(~0u) < 0, "sent through port ~0");
    expect(evtchn_op(EVTCHNOP_status, &s) < 0, "status of port ~0");
    expect(evtchn_op(EVTCHNOP_bind_pirq, &p) < 0, "PIRQ 60000");
    expect(evtchn_op(EVTCHNOP_unmask, &u) < 0, "unmasked port 2^20");
    expect_eq(evtchn_op(99, &s), -ENOSYS);
    for (unsigned cmd = 0; cmd <= EVTCHNOP_set_priority; cmd++) {
        if (cmd == EVTCHNOP_reset)
            continue;
        expect_eq(evtchn_op(cmd, (void *)0x10), -EFAULT);
        expect_eq(evtchn_op(cmd, (void *)HYPERVISOR_VIRT_START), -EFAULT);
    }
}

/* As many as there are: 4095, port 0 not among them; then no more. */
static void test_all(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = 0};
    unsigned n = 0, top = 0;

    while (n < 5000 && evtchn_op(EVTCHNOP_alloc_unbound, &a) == 0) {
        n++;
        if (!a.port)
            failure("port 0 was given");
        if (a.port > top)
            top = a.port;
    }
    print("%u ports, the highest %u", n, top);
    expect(n <= 4095, "%u ports", n);
    for (unsigned port = 1; port <= top; port++)
        close_port(port);
    expect_eq(evtchn_op(EVTCHNOP_alloc_unbound, &a), 0);
    expect(a.port < 16, "port %u after all were closed", a.port);
}

void test_main(void)
{
    test_pair();
    test_unbound();
    test_virq();
    test_ipi();
    test_bad();
    test_all();
}
