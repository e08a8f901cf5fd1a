/* The FIFO ABI: order, masks, moves, missing pages, hostile words. */
#include "event/world.h"

#define BIT(b) (1u << EVTCHN_FIFO_##b)

static struct fifo_guest g;

static void set_priority(evtchn_port_t n, unsigned prio)
{
    struct evtchn_set_priority p = {.port = n, .priority = prio};

    assert_int_equal(op(EVTCHNOP_set_priority, &p), 0);
}

static void test_order(void **state)
{
    evtchn_port_t p[4];

    (void)state;
    fifo_start(&g, 1);
    for (unsigned i = 0; i < 4; i++)
        p[i] = bind_ipi(1);
    set_priority(p[2], EVTCHN_FIFO_PRIORITY_MAX);
    assert_int_equal(send_on(p[3]), 0);
    assert_int_equal(send_on(p[0]), 0);
    assert_int_equal(send_on(p[2]), 0);
    assert_int_equal(send_on(p[1]), 0);
    assert_int_equal(send_on(p[0]), 0); /* pending already */
    assert_int_equal(kicks[0][1], 1);
    assert_int_equal(kicks[0][0], 0);
    assert_int_equal(fifo_next(&g, 0), 0);
    assert_int_equal(fifo_next(&g, 1), p[2]);
    assert_int_equal(fifo_next(&g, 1), p[3]);
    assert_int_equal(fifo_next(&g, 1), p[0]);
    assert_int_equal(fifo_next(&g, 1), p[1]);
    assert_int_equal(fifo_next(&g, 1), 0);
}

static void test_queue_used_again(void **state)
{
    evtchn_port_t a, b;

    (void)state;
    fifo_start(&g, 1);
    a = bind_ipi(0);
    b = bind_ipi(0);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(send_on(a), 0);
        assert_true(upcall_of(0, 0));
        assert_int_equal(fifo_next(&g, 0), a);
        assert_int_equal(fifo_next(&g, 0), 0);
    }
    /* While the guest is on the tail, the queue goes on behind it. */
    assert_int_equal(send_on(a), 0);
    assert_int_equal(send_on(b), 0);
    assert_int_equal(fifo_next(&g, 0), a);
    assert_int_equal(send_on(a), 0);
    assert_int_equal(fifo_next(&g, 0), b);
    assert_int_equal(fifo_next(&g, 0), a);
    assert_int_equal(fifo_next(&g, 0), 0);
}

static void test_mask(void **state)
{
    evtchn_port_t n;

    (void)state;
    fifo_start(&g, 1);
    n = bind_ipi(1);
    g.word[n] |= BIT(MASKED);
    assert_int_equal(send_on(n), 0);
    assert_int_equal(kicks[0][1], 0);
    assert_int_equal(g.word[n], BIT(MASKED) | BIT(PENDING));
    assert_int_equal(fifo_next(&g, 1), 0);
    assert_int_equal(evtchn_port_pending(&dom[0], n), 1);
    assert_int_equal(unmask(n), 0);
    assert_int_equal(kicks[0][1], 1);
    assert_int_equal(fifo_next(&g, 1), n);
    /* Nothing pending: unmask is silent. */
    g.word[n] |= BIT(MASKED);
    assert_int_equal(unmask(n), 0);
    assert_int_equal(g.word[n], 0);
    assert_int_equal(kicks[0][1], 1);
}

static void test_move_while_queued(void **state)
{
    evtchn_port_t n;
    struct evtchn_bind_vcpu b = {.vcpu = 1};

    (void)state;
    fifo_start(&g, 1);
    n = bind_virq(VIRQ_CONSOLE, 0);
    evtchn_send_global_virq(&dom[0], VIRQ_CONSOLE);
    b.port = n;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &b), 0);
    evtchn_send_global_virq(&dom[0], VIRQ_CONSOLE);
    /* It is in the old queue, and comes from there once. */
    assert_int_equal(fifo_next(&g, 1), 0);
    assert_int_equal(fifo_next(&g, 0), n);
    evtchn_send_global_virq(&dom[0], VIRQ_CONSOLE);
    assert_int_equal(fifo_next(&g, 0), 0);
    assert_int_equal(fifo_next(&g, 1), n);
}

/* The tail of an empty queue goes elsewhere: the old queue must not use it. */
static void test_old_tail_forgotten(void **state)
{
    evtchn_port_t moved, other;
    struct evtchn_bind_vcpu b = {.vcpu = 1};

    (void)state;
    fifo_start(&g, 1);
    moved = bind_virq(VIRQ_CONSOLE, 0);
    other = bind_ipi(0);
    evtchn_send_global_virq(&dom[0], VIRQ_CONSOLE);
    assert_int_equal(fifo_next(&g, 0), moved);
    b.port = moved;
    assert_int_equal(op(EVTCHNOP_bind_vcpu, &b), 0);
    evtchn_send_global_virq(&dom[0], VIRQ_CONSOLE); /* now queued on vCPU 1 */
    assert_int_equal(send_on(other), 0);            /* queue of vCPU 0 */
    assert_int_equal(fifo_next(&g, 0), other);
    assert_int_equal(fifo_next(&g, 0), 0);
    assert_int_equal(fifo_next(&g, 1), moved);
    assert_int_equal(fifo_next(&g, 1), 0);
}

static void test_closed_while_queued(void **state)
{
    evtchn_port_t a, b;

    (void)state;
    fifo_start(&g, 1);
    a = bind_ipi(0);
    b = bind_ipi(0);
    assert_int_equal(send_on(a), 0);
    assert_int_equal(send_on(b), 0);
    assert_int_equal(close_port(a), 0);
    assert_int_equal(bind_ipi(1), a); /* the number is used again */
    assert_int_equal(send_on(a), 0);  /* still linked in the old queue */
    assert_int_equal(fifo_next(&g, 0), a);
    assert_int_equal(fifo_next(&g, 0), b);
    assert_int_equal(fifo_next(&g, 0), 0);
    assert_int_equal(send_on(a), 0);
    assert_int_equal(fifo_next(&g, 1), a);
    /* Closed and not used again: the guest finds nothing pending. */
    assert_int_equal(send_on(a), 0);
    assert_int_equal(close_port(a), 0);
    assert_int_equal(fifo_next(&g, 1), 0);
}

static void test_missing_page(void **state)
{
    evtchn_port_t n = 0;

    (void)state;
    fifo_start(&g, 1);
    while (n < 1030)
        n = bind_ipi(0);
    assert_int_equal(send_on(n), 0);
    assert_int_equal(kicks[0][0], 0);
    assert_int_equal(evtchn_port_pending(&dom[0], n), 1);
    fifo_expand(&g);
    assert_int_equal(fifo_next(&g, 0), n);
    assert_int_equal(fifo_next(&g, 0), 0);
}

static void test_pending_is_carried_over(void **state)
{
    evtchn_port_t n;

    (void)state;
    bind_ipi(0);
    n = bind_ipi(1);
    assert_int_equal(send_on(n), 0);
    fifo_start(&g, 1);
    assert_int_equal(fifo_next(&g, 1), n);
    assert_int_equal(fifo_next(&g, 1), 0);
    assert_int_equal(fifo_next(&g, 0), 0);
}

static void test_control_refused(void **state)
{
    struct evtchn_init_control c = {.control_gfn = 3, .vcpu = VCPUS};

    (void)state;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -ENOENT);
    c.vcpu = 0;
    c.offset = 4;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.offset = 4096 - 64;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.offset = 0xfffffff8;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.offset = 0;
    c.control_gfn = FRAMES - 1; /* not ours */
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    c.control_gfn = ~0UL;
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    assert_null(dom[0].event->fifo);
    c.control_gfn = 3;
    assert_int_equal(op(EVTCHNOP_init_control, &c), 0);
    assert_int_equal(op(EVTCHNOP_init_control, &c), -EINVAL);
    assert_int_equal(page_refs[3], 2);
}

static void test_array_refused(void **state)
{
    struct evtchn_expand_array x = {.array_gfn = FRAMES - 1};

    (void)state;
    fifo_start(&g, 0);
    assert_int_equal(op(EVTCHNOP_expand_array, &x), -EINVAL);
    for (unsigned i = 0; i < 128; i++)
        fifo_expand(&g);
    x.array_gfn = 140;
    assert_int_equal(op(EVTCHNOP_expand_array, &x), -ENOSPC);
    assert_int_equal(page_refs[140], 0);
}

/* A vCPU that never registered a control block loses its events, no more. */
static void test_no_control_block(void **state)
{
    struct evtchn_init_control c = {.control_gfn = 150, .vcpu = 0};
    struct evtchn_expand_array x = {.array_gfn = 1};
    evtchn_port_t n;

    (void)state;
    assert_int_equal(op(EVTCHNOP_init_control, &c), 0);
    assert_int_equal(op(EVTCHNOP_expand_array, &x), 0);
    n = bind_ipi(1);
    assert_int_equal(send_on(n), 0);
    assert_int_equal(kicks[0][1], 0);
}

static void test_reset_leaves(void **state)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};
    evtchn_port_t n;

    (void)state;
    fifo_start(&g, 3);
    n = bind_ipi(0);
    assert_int_equal(send_on(n), 0);
    assert_int_equal(op(EVTCHNOP_reset, &r), 0);
    for (unsigned i = 0; i < FRAMES; i++)
        assert_int_equal(page_refs[i], 0);
    n = bind_ipi(0);
    assert_int_equal(send_on(n), 0);
    assert_true(test_bit(n, shared[0].evtchn_pending));
    fifo_start(&g, 1); /* and in again */
}

static uint64_t seed = 4711;
static uint32_t rnd(void)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (uint32_t)(seed >> 32);
}

/* A guest that writes anything anywhere: nothing of ours may suffer. */
static void test_hostile_words(void **state)
{
    evtchn_port_t p[20];
    struct evtchn_bind_vcpu b;

    (void)state;
    fifo_start(&g, 1);
    for (unsigned i = 0; i < 20; i++)
        p[i] = i % 2 ? bind_ipi(i / 2 % 2) : alloc_unbound(0);
    for (unsigned i = 0; i < 20; i += 2)
        connect_to(0, p[i]);
    for (unsigned i = 0; i < 20000; i++) {
        evtchn_port_t n = p[rnd() % 20];

        g.word[rnd() % 50] = rnd();
        g.cb[rnd() % 2]->head[rnd() % 16] = rnd();
        g.cb[rnd() % 2]->ready = rnd();
        send_on(n);
        unmask(p[rnd() % 20]);
        b = (struct evtchn_bind_vcpu){.port = n, .vcpu = rnd() % 2};
        op(EVTCHNOP_bind_vcpu, &b);
        set_priority(n, rnd() % 16);
    }
    /* An honest guest again: what is raised now arrives. */
    memset(page(1), 0, 4096);
    for (unsigned v = 0; v < VCPUS; v++)
        memset(g.cb[v], 0, sizeof(*g.cb[v]));
    set_priority(p[1], 5);
    assert_int_equal(send_on(p[1]), 0);
    assert_int_equal(fifo_next(&g, 0), p[1]);
}

/*
 * Random operations of an honest guest: every event that is pending and not
 * masked is found, none twice for one raise.
 */
static void test_random_nothing_lost(void **state)
{
    enum { PORTS = 12 };
    evtchn_port_t p[PORTS];
    bool expected[PORTS] = {false};

    (void)state;
    fifo_start(&g, 1);
    for (unsigned i = 0; i < PORTS; i++)
        p[i] = bind_ipi(i % 2);
    for (unsigned i = 0; i < 30000; i++) {
        unsigned k = rnd() % PORTS, v = rnd() % 2;
        evtchn_port_t n;

        switch (rnd() % 6) {
        case 0:
        case 1:
            assert_int_equal(send_on(p[k]), 0);
            expected[k] = true;
            break;
        case 2:
            __atomic_fetch_or(&g.word[p[k]], BIT(MASKED), __ATOMIC_SEQ_CST);
            break;
        case 3:
            assert_int_equal(unmask(p[k]), 0);
            break;
        case 4:
            set_priority(p[k], rnd() % 3);
            break;
        default:
            n = fifo_next(&g, v);
            if (n) {
                assert_true(expected[n - p[0]]);
                expected[n - p[0]] = false;
            }
        }
    }
    for (unsigned k = 0; k < PORTS; k++)
        assert_int_equal(unmask(p[k]), 0);
    for (unsigned v = 0; v < VCPUS; v++)
        for (evtchn_port_t n; (n = fifo_next(&g, v)) != 0;)
            expected[n - p[0]] = false;
    for (unsigned k = 0; k < PORTS; k++)
        assert_false(expected[k]);
}

const struct CMUnitTest fifo_tests[] = {
    T(test_order),
    T(test_queue_used_again),
    T(test_mask),
    T(test_move_while_queued),
    T(test_old_tail_forgotten),
    T(test_closed_while_queued),
    T(test_missing_page),
    T(test_pending_is_carried_over),
    T(test_control_refused),
    T(test_array_refused),
    T(test_no_control_block),
    T(test_reset_leaves),
    T(test_hostile_words),
    T(test_random_nothing_lost),
};
const size_t fifo_tests_num = ARRAY_SIZE(fifo_tests);
