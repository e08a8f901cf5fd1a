/* Delivery through the 2-level bitmaps, and polling. */
#include "event/world.h"

static bool pending(unsigned d, evtchn_port_t n)
{
    return test_bit(n, shared[d].evtchn_pending);
}

static void test_send(void **state)
{
    evtchn_port_t l, r;

    (void)state;
    r = alloc_unbound(1);
    run_as(1, 0);
    bind_ipi(1); /* so that the numbers differ */
    l = connect_to(0, r);
    /* The new end starts with its event raised. */
    assert_true(pending(1, l));
    assert_true(upcall_of(1, 0));
    assert_int_equal(kicks[1][0], 1);
    assert_false(pending(0, r));

    assert_int_equal(send_on(l), 0);
    assert_true(pending(0, r));
    assert_true(vcpu[0][0].vcpu_info->evtchn_pending_sel & 1UL << r / 64);
    assert_int_equal(kicks[0][0], 1);
    /* Once more: it is pending already. */
    assert_int_equal(send_on(l), 0);
    assert_int_equal(kicks[0][0], 1);
    assert_true(upcall_of(0, 0));
    assert_false(upcall_of(0, 1));
    /* And back. */
    run_as(0, 0);
    clear_bit(l, shared[1].evtchn_pending);
    vcpu[1][0].vcpu_info->evtchn_pending_sel = 0;
    assert_int_equal(send_on(r), 0);
    assert_true(pending(1, l));
    assert_int_equal(kicks[1][0], 2);
}

static void test_selector_stops(void **state)
{
    evtchn_port_t a, b;

    (void)state;
    a = bind_ipi(1);
    b = bind_ipi(1);
    assert_int_equal(send_on(a), 0);
    assert_true(upcall_of(0, 1));
    /* The guest has not looked at its selector yet. */
    assert_int_equal(send_on(b), 0);
    assert_true(pending(0, b));
    assert_int_equal(kicks[0][1], 1);
    assert_false(upcall_of(0, 1));
}

static void test_masked(void **state)
{
    evtchn_port_t n;

    (void)state;
    n = bind_ipi(1);
    mask_port(0, n, true);
    assert_int_equal(send_on(n), 0);
    assert_true(pending(0, n));
    assert_int_equal(kicks[0][1], 0);
    assert_false(upcall_of(0, 1));
    assert_int_equal(unmask(n), 0);
    assert_false(test_bit(n, shared[0].evtchn_mask));
    assert_int_equal(kicks[0][1], 1);
    assert_true(upcall_of(0, 1));
    /* Not masked, or not pending: nothing happens. */
    assert_int_equal(unmask(n), 0);
    clear_bit(n, shared[0].evtchn_pending);
    mask_port(0, n, true);
    assert_int_equal(unmask(n), 0);
    assert_int_equal(kicks[0][1], 1);
}

static void test_bind_vcpu_moves(void **state)
{
    struct evtchn_bind_vcpu b;
    evtchn_port_t n;

    (void)state;
    n = bind_virq(VIRQ_CONSOLE, 0);
    b = (struct evtchn_bind_vcpu){.port = n, .vcpu = 1};
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &b), 0);
    evtchn_send_global_virq(&dom[0], VIRQ_CONSOLE);
    assert_int_equal(kicks[0][0], 0);
    assert_int_equal(kicks[0][1], 1);
}

static void test_virqs(void **state)
{
    evtchn_port_t t0, t1;

    (void)state;
    evtchn_send_virq(&vcpu[0][0], VIRQ_TIMER); /* bound to nothing */
    t0 = bind_virq(VIRQ_TIMER, 0);
    t1 = bind_virq(VIRQ_TIMER, 1);
    evtchn_send_virq(&vcpu[0][1], VIRQ_TIMER);
    assert_false(pending(0, t0));
    assert_true(pending(0, t1));
    assert_int_equal(kicks[0][1], 1);
    assert_int_equal(close_port(t1), 0);
    assert_false(pending(0, t1)); /* a closed port leaves nothing behind */
    evtchn_send_virq(&vcpu[0][1], VIRQ_TIMER);
    assert_false(pending(0, t1));
    evtchn_send_global_virq(NULL, VIRQ_CONSOLE);
}

static void test_unbound_send_is_dropped(void **state)
{
    evtchn_port_t n;

    (void)state;
    n = alloc_unbound(1);
    assert_int_equal(send_on(n), 0);
    assert_int_equal(kicks[0][0] + kicks[1][0], 0);
}

static long poll_one(evtchn_port_t n, s_time_t timeout)
{
    return evtchn_poll(&n, 1, timeout);
}

static bool blocked(unsigned d, unsigned v)
{
    return test_bit(VPF_BLOCKED, &vcpu[d][v].pause_flags);
}

static void test_poll_wakes(void **state)
{
    evtchn_port_t a, b;

    (void)state;
    a = bind_ipi(1);
    b = bind_ipi(1);
    mask_port(0, a, true); /* polling does not care */
    assert_int_equal(poll_one(a, 0), 0);
    assert_true(blocked(0, 0));
    assert_int_equal(send_on(b), 0);
    assert_true(blocked(0, 0));
    assert_int_equal(send_on(a), 0);
    assert_false(blocked(0, 0));
    assert_int_equal(unblocks[0][0], 1);
    assert_int_equal(dom[0].event->poll_mask, 0);
    /* Pending already: no sleep. */
    assert_int_equal(poll_one(a, 0), 0);
    assert_false(blocked(0, 0));
    assert_int_equal(dom[0].event->poll_mask, 0);
}

static void test_poll_several(void **state)
{
    evtchn_port_t p[3];

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        p[i] = bind_ipi(1);
    assert_int_equal(evtchn_poll(p, 3, 0), 0);
    assert_true(blocked(0, 0));
    assert_int_equal(send_on(p[2]), 0);
    assert_false(blocked(0, 0));
}

static void test_poll_timeout(void **state)
{
    evtchn_port_t n;

    (void)state;
    n = bind_ipi(1);
    assert_int_equal(poll_one(n, 12345), 0);
    assert_int_equal(poll_deadline, 12345);
    assert_true(blocked(0, 0));
    vcpu[0][0].poll_timer.fn(vcpu[0][0].poll_timer.data);
    assert_false(blocked(0, 0));
    /* A late timer wakes nobody. */
    vcpu[0][0].poll_timer.fn(vcpu[0][0].poll_timer.data);
    assert_int_equal(unblocks[0][0], 1);
}

static void test_poll_refused(void **state)
{
    (void)state;
    assert_int_equal(poll_one(PORTS_2L, 0), -EINVAL);
    assert_int_equal(poll_one(~0u, 0), -EINVAL);
    assert_false(blocked(0, 0));
    assert_int_equal(dom[0].event->poll_mask, 0);
}

static void test_poll_with_upcall_pending(void **state)
{
    evtchn_port_t n;

    (void)state;
    n = bind_ipi(0);
    vcpu[0][0].vcpu_info->evtchn_upcall_pending = 1;
    assert_int_equal(poll_one(n, 0), 0);
    assert_false(blocked(0, 0));
}

const struct CMUnitTest two_level_tests[] = {
    T(test_send),
    T(test_selector_stops),
    T(test_masked),
    T(test_bind_vcpu_moves),
    T(test_virqs),
    T(test_unbound_send_is_dropped),
    T(test_poll_wakes),
    T(test_poll_several),
    T(test_poll_timeout),
    T(test_poll_refused),
    T(test_poll_with_upcall_pending),
};
const size_t two_level_tests_num = ARRAY_SIZE(two_level_tests);
