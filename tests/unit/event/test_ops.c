/* What each operation refuses, and what it leaves behind. */
#include "event/world.h"

static evtchn_port_t xen_port;
static struct vcpu *xen_vcpu;
static unsigned xen_calls;

static void xen_fn(struct vcpu *v, evtchn_port_t port)
{
    xen_vcpu = v;
    xen_port = port;
    xen_calls++;
}

static void test_bad_calls(void **state)
{
    (void)state;
    assert_int_equal(op(EVTCHNOP_set_priority + 1, NULL), -ENOSYS);
    assert_int_equal(op(~0u, NULL), -ENOSYS);
    for (unsigned cmd = 0; cmd <= EVTCHNOP_set_priority; cmd++)
        assert_int_equal(op(cmd, NULL), -EFAULT);
    assert_int_equal(op_compat(NULL), -EFAULT);
}

static void test_compat(void **state)
{
    struct evtchn_op o = {.cmd = EVTCHNOP_bind_ipi};

    (void)state;
    o.u.bind_ipi.vcpu = 1;
    assert_int_equal(op_compat(&o), 0);
    assert_int_equal(o.u.bind_ipi.port, 1);
    o.cmd = EVTCHNOP_send;
    o.u.send.port = 1;
    assert_int_equal(op_compat(&o), 0);
    assert_int_equal(kicks[0][1], 1);
    o.cmd = EVTCHNOP_reset;
    assert_int_equal(op_compat(&o), -ENOSYS);
}

static void test_alloc_unbound_rights(void **state)
{
    struct evtchn_alloc_unbound a = {.dom = 1, .remote_dom = DOMID_SELF};

    (void)state;
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), 0);
    assert_int_equal(a.port, 1);
    assert_int_equal(port_lookup(&dom[1].event->table, 1)->remote, 0);
    a.dom = 5;
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), -ESRCH);
    run_as(1, 0);
    a.dom = 0;
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), -EPERM);
    a.dom = 1;
    assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), 0);
}

static void test_interdomain_refused(void **state)
{
    struct evtchn_bind_interdomain b = {.remote_dom = 7};
    evtchn_port_t n;

    (void)state;
    assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -ESRCH);
    n = alloc_unbound(0); /* waits for domain 0, not for 1 */
    run_as(1, 0);
    b = (struct evtchn_bind_interdomain){.remote_dom = 0, .remote_port = n};
    assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), -EINVAL);
    assert_int_equal(dom[1].event->table.in_use, 0);
}

static void test_virq_refused(void **state)
{
    struct evtchn_bind_virq b = {.virq = NR_VIRQS};

    (void)state;
    assert_int_equal(op(EVTCHNOP_bind_virq, &b), -EINVAL);
    b = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = VCPUS};
    assert_int_equal(op(EVTCHNOP_bind_virq, &b), -ENOENT);
    b.vcpu = ~0u;
    assert_int_equal(op(EVTCHNOP_bind_virq, &b), -ENOENT);
    b = (struct evtchn_bind_virq){.virq = VIRQ_DOM_EXC, .vcpu = 1};
    assert_int_equal(op(EVTCHNOP_bind_virq, &b), -EINVAL);
    bind_virq(VIRQ_TIMER, 1);
    b = (struct evtchn_bind_virq){.virq = VIRQ_TIMER, .vcpu = 1};
    assert_int_equal(op(EVTCHNOP_bind_virq, &b), -EEXIST);
    assert_int_equal(dom[0].event->table.in_use, 1);
    assert_int_equal(close_port(1), 0);
    assert_int_equal(op(EVTCHNOP_bind_virq, &b), 0);
}

static void test_ipi_and_vcpu_refused(void **state)
{
    struct evtchn_bind_ipi i = {.vcpu = VCPUS};
    struct evtchn_bind_vcpu v;
    evtchn_port_t n;

    (void)state;
    assert_int_equal(op(EVTCHNOP_bind_ipi, &i), -ENOENT);
    n = bind_ipi(0);
    v = (struct evtchn_bind_vcpu){.port = n, .vcpu = 1};
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &v), -EINVAL);
    v.vcpu = VCPUS;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &v), -ENOENT);
    v = (struct evtchn_bind_vcpu){.port = 99, .vcpu = 1};
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &v), -EINVAL);
}

static void test_send_refused(void **state)
{
    evtchn_port_t n;

    (void)state;
    assert_int_equal(send_on(0), -EINVAL);
    assert_int_equal(send_on(1), -EINVAL);
    assert_int_equal(send_on(~0u), -EINVAL);
    n = bind_virq(VIRQ_TIMER, 0);
    assert_int_equal(send_on(n), -EINVAL);
    assert_int_equal(unmask(~0u), -EINVAL);
    assert_int_equal(unmask(n + 1), 0);
    assert_int_equal(close_port(0), -EINVAL);
    assert_int_equal(close_port(n + 1), -EINVAL);
}

static void test_status(void **state)
{
    struct evtchn_status s = {.dom = DOMID_SELF};
    evtchn_port_t l, r;

    (void)state;
    r = alloc_unbound(1);
    run_as(1, 0);
    l = connect_to(0, r);
    s.port = l;
    assert_int_equal(op(EVTCHNOP_status, &s), 0);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 0);
    assert_int_equal(s.u.interdomain.port, r);
    s.dom = 0;
    assert_int_equal(op(EVTCHNOP_status, &s), -EPERM);
    s.dom = 9;
    assert_int_equal(op(EVTCHNOP_status, &s), -ESRCH);
    run_as(0, 0);
    s = (struct evtchn_status){.dom = 1, .port = l};
    assert_int_equal(op(EVTCHNOP_status, &s), 0);
    s.port = ~0u;
    assert_int_equal(op(EVTCHNOP_status, &s), -EINVAL);
}

static void test_priority_needs_fifo(void **state)
{
    struct evtchn_set_priority p = {.port = 1, .priority = 3};
    struct evtchn_expand_array x = {.array_gfn = 1};

    (void)state;
    bind_ipi(0);
    assert_int_equal(op(EVTCHNOP_set_priority, &p), -ENOSYS);
    assert_int_equal(op(EVTCHNOP_expand_array, &x), -EOPNOTSUPP);
}

static void test_close_tells_the_peer(void **state)
{
    evtchn_port_t l, r;

    (void)state;
    r = alloc_unbound(1);
    run_as(1, 0);
    l = connect_to(0, r);
    assert_int_equal(close_port(l), 0);
    assert_int_equal(port_lookup(&dom[0].event->table, r)->state,
                     PORT_UNBOUND);
    assert_false(test_bit(l, shared[1].evtchn_pending));
    assert_int_equal(connect_to(0, r), l);
    /* In the other direction of the lock order. */
    run_as(0, 0);
    assert_int_equal(close_port(r), 0);
    assert_int_equal(port_lookup(&dom[1].event->table, l)->state,
                     PORT_UNBOUND);
}

static void test_reset(void **state)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};
    evtchn_port_t remote;
    long rc;

    (void)state;
    run_as(1, 0);
    remote = alloc_unbound(0);
    run_as(0, 0);
    connect_to(1, remote);
    bind_virq(VIRQ_TIMER, 1);
    for (unsigned i = 0; i < 300; i++)
        bind_ipi(0);
    preempt_in = 5;
    rc = op(EVTCHNOP_reset, &r);
    assert_int_equal(rc, __HYPERVISOR_event_channel_op);
    assert_true(gave_way);
    assert_int_equal(dom[0].event->table.in_use, 302 - 5);
    assert_int_equal(op(EVTCHNOP_reset, &r), 0);
    assert_int_equal(dom[0].event->table.in_use, 0);
    assert_int_equal(vcpu[0][1].virq_port[VIRQ_TIMER], 0);
    assert_int_equal(port_lookup(&dom[1].event->table, remote)->state,
                     PORT_UNBOUND);
}

static void test_reset_rights(void **state)
{
    struct evtchn_reset r = {.dom = 1};

    (void)state;
    assert_int_equal(op(EVTCHNOP_reset, &r), -EINVAL);
    dom[1].controller_paused = 1;
    assert_int_equal(op(EVTCHNOP_reset, &r), 0);
    r.dom = 8;
    assert_int_equal(op(EVTCHNOP_reset, &r), -ESRCH);
    run_as(1, 0);
    r.dom = 0;
    assert_int_equal(op(EVTCHNOP_reset, &r), -EPERM);
}

static void test_xen_channel(void **state)
{
    int n;

    (void)state;
    xen_calls = 0;
    n = evtchn_bind_xen(&dom[1], 1, 0, xen_fn);
    assert_int_equal(n, 1);
    assert_int_equal(evtchn_bind_xen(&dom[1], VCPUS, 0, xen_fn), -ENOENT);
    run_as(1, 0);
    assert_int_equal(send_on((evtchn_port_t)n), 0);
    assert_int_equal(xen_calls, 1);
    assert_int_equal(xen_port, n);
    assert_ptr_equal(xen_vcpu, &vcpu[1][1]);
    assert_int_equal(evtchn_notify_local(&dom[1], (evtchn_port_t)n), 0);
    assert_int_equal(kicks[1][1], 1);
    assert_int_equal(evtchn_notify_local(&dom[1], 2), -EINVAL);
    assert_int_equal(evtchn_notify_local(&dom[1], 0), -EINVAL);
    assert_int_equal(close_port((evtchn_port_t)n), 0);
    assert_int_equal(send_on((evtchn_port_t)n), -EINVAL);
    assert_int_equal(xen_calls, 1);
}

static void test_death(void **state)
{
    evtchn_port_t r, l;

    (void)state;
    r = alloc_unbound(1);
    run_as(1, 0);
    l = connect_to(0, r);
    bind_virq(VIRQ_TIMER, 0);
    (void)l;
    preempt_in = 1;
    assert_int_equal(relinquish_step(1), -ERESTART_PREEMPT);
    kill_domain(1);
    assert_int_equal(dom[1].event->table.in_use, 0);
    run_as(0, 0);
    assert_int_equal(send_on(r), 0); /* waits again; nobody comes */
    run_as(1, 0);
    assert_int_equal(op(EVTCHNOP_bind_ipi, &(struct evtchn_bind_ipi){0}),
                     -EINVAL);
}

const struct CMUnitTest ops_tests[] = {
    T(test_bad_calls),
    T(test_compat),
    T(test_alloc_unbound_rights),
    T(test_interdomain_refused),
    T(test_virq_refused),
    T(test_ipi_and_vcpu_refused),
    T(test_send_refused),
    T(test_status),
    T(test_priority_needs_fifo),
    T(test_close_tells_the_peer),
    T(test_reset),
    T(test_reset_rights),
    T(test_xen_channel),
    T(test_death),
};
const size_t ops_tests_num = ARRAY_SIZE(ops_tests);
