/* Each rule of the table by itself. */
#include "port_table/common.h"

#include <string.h>

static struct port_table a, b;
static struct port_table *const both[] = {&a, &b};

static void set_up(void)
{
    heap_left = -1;
    assert_int_equal(port_table_init(&a, 1), 0);
    assert_int_equal(port_table_init(&b, 2), 0);
}

static void tear_down(void)
{
    check_tables(both, 2);
    port_table_free(&a);
    port_table_free(&b);
    assert_int_equal(heap_blocks, 0);
}

static struct evtchn_status status_of(struct port_table *t, evtchn_port_t n)
{
    struct evtchn_status s;

    memset(&s, 0xff, sizeof(s));
    assert_int_equal(port_status(t, n, &s), 0);
    return s;
}

void test_fresh_table(void **state)
{
    struct evtchn_status s;

    (void)state;
    set_up();
    assert_int_equal(status_of(&a, 0).status, EVTCHNSTAT_closed);
    assert_int_equal(status_of(&a, 1).status, EVTCHNSTAT_closed);
    assert_int_equal(port_status(&a, a.nr_ports, &s), -EINVAL);
    assert_int_equal(port_status(&a, 0xffffffff, &s), -EINVAL);
    assert_int_equal(port_next_used(&a, 0), 0);
    tear_down();
}

void test_bind_kinds(void **state)
{
    evtchn_port_t n;
    struct evtchn_status s;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&a, 7, &n), 0);
    assert_int_equal(n, 1);
    s = status_of(&a, n);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 7);

    assert_int_equal(port_bind_virq(&a, VIRQ_TIMER, 3, &n), 0);
    assert_int_equal(n, 2);
    s = status_of(&a, n);
    assert_int_equal(s.status, EVTCHNSTAT_virq);
    assert_int_equal(s.u.virq, VIRQ_TIMER);
    assert_int_equal(s.vcpu, 3);

    assert_int_equal(port_bind_pirq(&a, 19, &n), 0);
    s = status_of(&a, n);
    assert_int_equal(s.status, EVTCHNSTAT_pirq);
    assert_int_equal(s.u.pirq, 19);
    assert_int_equal(s.vcpu, 0);

    assert_int_equal(port_bind_ipi(&a, 5, &n), 0);
    s = status_of(&a, n);
    assert_int_equal(s.status, EVTCHNSTAT_ipi);
    assert_int_equal(s.vcpu, 5);

    assert_int_equal(port_bind_xen(&a, 1, 9, xen_fn, &n), 0);
    s = status_of(&a, n);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 9);
    assert_int_equal(s.vcpu, 1);
    assert_int_equal(a.in_use, 5);
    tear_down();
}

void test_virq_rules(void **state)
{
    static const unsigned per_vcpu[] = {VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF,
                                        VIRQ_XENPMU};
    evtchn_port_t n;
    unsigned i, global = 0;

    (void)state;
    set_up();
    for (i = 0; i < NR_VIRQS; i++)
        global += virq_is_global(i);
    assert_int_equal(global, NR_VIRQS - ARRAY_SIZE(per_vcpu));
    for (i = 0; i < ARRAY_SIZE(per_vcpu); i++) {
        assert_false(virq_is_global(per_vcpu[i]));
        assert_int_equal(port_bind_virq(&a, per_vcpu[i], 1, &n), 0);
    }
    assert_int_equal(port_bind_virq(&a, NR_VIRQS, 0, &n), -EINVAL);
    assert_int_equal(port_bind_virq(&a, ~0u, 0, &n), -EINVAL);
    assert_int_equal(port_bind_virq(&a, VIRQ_CONSOLE, 1, &n), -EINVAL);
    assert_int_equal(port_bind_virq(&a, VIRQ_CONSOLE, 0, &n), 0);
    tear_down();
}

void test_interdomain(void **state)
{
    evtchn_port_t l, r;
    struct evtchn_status s;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&b, 1, &r), 0);
    assert_int_equal(port_set_vcpu(&b, r, 4), 0);
    assert_int_equal(port_bind_ipi(&a, 0, &l), 0); /* so that numbers differ */
    assert_int_equal(port_bind_interdomain(&a, &b, r, &l), 0);
    check_tables(both, 2);
    s = status_of(&a, l);
    assert_int_equal(s.status, EVTCHNSTAT_interdomain);
    assert_int_equal(s.u.interdomain.dom, 2);
    assert_int_equal(s.u.interdomain.port, r);
    s = status_of(&b, r);
    assert_int_equal(s.u.interdomain.dom, 1);
    assert_int_equal(s.u.interdomain.port, l);
    assert_int_equal(s.vcpu, 4); /* survives the connection */
    assert_ptr_equal(port_peer(&a, l), &b);
    assert_ptr_equal(port_peer(&b, r), &a);

    /* Closing one end leaves the other waiting for the same domain. */
    assert_int_equal(port_close(&a, l), 0);
    assert_int_equal(status_of(&a, l).status, EVTCHNSTAT_closed);
    s = status_of(&b, r);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 1);
    assert_null(port_peer(&b, r));
    assert_int_equal(port_bind_interdomain(&a, &b, r, &l), 0);
    assert_int_equal(port_close(&b, r), 0);
    s = status_of(&a, l);
    assert_int_equal(s.status, EVTCHNSTAT_unbound);
    assert_int_equal(s.u.unbound.dom, 2);
    tear_down();
}

void test_loopback(void **state)
{
    evtchn_port_t l, r;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&a, 1, &r), 0);
    assert_int_equal(port_bind_interdomain(&a, &a, r, &l), 0);
    assert_int_not_equal(l, r);
    check_tables(both, 2);
    assert_ptr_equal(port_peer(&a, l), &a);
    assert_int_equal(port_close(&a, r), 0);
    assert_int_equal(status_of(&a, l).status, EVTCHNSTAT_unbound);
    tear_down();
}

void test_interdomain_refused(void **state)
{
    evtchn_port_t l = 77, r;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&b, 9, &r), 0); /* for another */
    assert_int_equal(port_bind_interdomain(&a, &b, r, &l), -EINVAL);
    assert_int_equal(port_bind_interdomain(&a, &b, 0, &l), -EINVAL);
    assert_int_equal(port_bind_interdomain(&a, &b, 50, &l), -EINVAL);
    assert_int_equal(port_bind_interdomain(&a, &b, ~0u, &l), -EINVAL);
    assert_int_equal(port_bind_ipi(&b, 0, &r), 0);
    assert_int_equal(port_bind_interdomain(&a, &b, r, &l), -EINVAL);
    assert_int_equal(port_alloc_unbound(&b, 1, &r), 0);
    assert_int_equal(port_bind_interdomain(&a, &b, r, &l), 0);
    /* A connected port does not connect twice. */
    assert_int_equal(port_bind_interdomain(&a, &b, r, &l), -EINVAL);
    assert_int_equal(a.in_use, 1);
    tear_down();
}

void test_close_refused(void **state)
{
    evtchn_port_t n;

    (void)state;
    set_up();
    assert_int_equal(port_close(&a, 0), -EINVAL);
    assert_int_equal(port_close(&a, 1), -EINVAL);
    assert_int_equal(port_close(&a, a.nr_ports), -EINVAL);
    assert_int_equal(port_close(&a, ~0u), -EINVAL);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(port_close(&a, n), 0);
    assert_int_equal(port_close(&a, n), -EINVAL);
    tear_down();
}

void test_set_vcpu_rules(void **state)
{
    evtchn_port_t unbound, pirq, global, timer, ipi, xen;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&a, 2, &unbound), 0);
    assert_int_equal(port_bind_pirq(&a, 3, &pirq), 0);
    assert_int_equal(port_bind_virq(&a, VIRQ_CONSOLE, 0, &global), 0);
    assert_int_equal(port_bind_virq(&a, VIRQ_TIMER, 0, &timer), 0);
    assert_int_equal(port_bind_ipi(&a, 0, &ipi), 0);
    assert_int_equal(port_bind_xen(&a, 0, 2, xen_fn, &xen), 0);

    assert_int_equal(port_set_vcpu(&a, unbound, 1), 0);
    assert_int_equal(port_set_vcpu(&a, pirq, 1), 0);
    assert_int_equal(port_set_vcpu(&a, global, 1), 0);
    assert_int_equal(status_of(&a, global).vcpu, 1);
    assert_int_equal(port_set_vcpu(&a, timer, 1), -EINVAL);
    assert_int_equal(port_set_vcpu(&a, ipi, 1), -EINVAL);
    assert_int_equal(port_set_vcpu(&a, xen, 1), -EINVAL);
    assert_int_equal(port_set_vcpu(&a, 0, 1), -EINVAL);
    assert_int_equal(port_set_vcpu(&a, 100, 1), -EINVAL);
    assert_int_equal(port_set_vcpu(&a, ~0u, 1), -EINVAL);
    assert_int_equal(status_of(&a, timer).vcpu, 0);
    tear_down();
}

void test_priority_rules(void **state)
{
    evtchn_port_t n;

    (void)state;
    set_up();
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(port_lookup(&a, n)->priority,
                     EVTCHN_FIFO_PRIORITY_DEFAULT);
    assert_int_equal(port_set_priority(&a, n, EVTCHN_FIFO_PRIORITY_MIN), 0);
    assert_int_equal(port_set_priority(&a, n, EVTCHN_FIFO_PRIORITY_MIN + 1),
                     -EINVAL);
    assert_int_equal(port_lookup(&a, n)->priority, EVTCHN_FIFO_PRIORITY_MIN);
    assert_int_equal(port_set_priority(&a, ~0u, 0), -EINVAL);
    tear_down();
}

void test_limits(void **state)
{
    evtchn_port_t n, last = 0;
    unsigned bound = 0;

    (void)state;
    set_up();
    while (port_bind_ipi(&a, 0, &n) == 0) {
        assert_int_equal(n, last + 1);
        last = n;
        bound++;
    }
    assert_int_equal(bound, PORTS_2L - 1);
    assert_int_equal(port_bind_ipi(&a, 0, &n), -ENOSPC);
    a.abi_limit = PORTS_MAX;
    while (port_bind_ipi(&a, 0, &n) == 0)
        bound++;
    assert_int_equal(bound, PORTS_MAX - 1);
    assert_int_equal(port_bind_ipi(&a, 0, &n), -ENOSPC);
    assert_int_equal(port_close(&a, 70000), 0);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(n, 70000);
    /* A domain's own limit. */
    b.limit = 3;
    assert_int_equal(port_bind_ipi(&b, 0, &n), 0);
    assert_int_equal(port_bind_ipi(&b, 0, &n), 0);
    assert_int_equal(port_bind_ipi(&b, 0, &n), -ENOSPC);
    tear_down();
}

void test_growth(void **state)
{
    evtchn_port_t n;
    struct port *first;

    (void)state;
    set_up();
    assert_int_equal(a.nr_ports, PORTS_PER_BUCKET);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    first = port_lookup(&a, n);
    for (unsigned i = 0; i < PORTS_PER_BUCKET; i++)
        assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(a.nr_ports, 2 * PORTS_PER_BUCKET);
    assert_ptr_equal(port_lookup(&a, 1), first); /* ports never move */
    tear_down();
}

void test_lowest_first(void **state)
{
    evtchn_port_t n;

    (void)state;
    set_up();
    for (unsigned i = 0; i < 600; i++)
        assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(port_close(&a, 500), 0);
    assert_int_equal(port_close(&a, 3), 0);
    assert_int_equal(port_close(&a, 200), 0);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(n, 3);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(n, 200);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(n, 500);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(n, 601);
    tear_down();
}

void test_no_memory(void **state)
{
    struct port_table t;
    evtchn_port_t n;

    (void)state;
    set_up();
    for (heap_left = 0; heap_left < 2;) {
        long allowed = heap_left;
        assert_int_equal(port_table_init(&t, 3), -ENOMEM);
        heap_left = allowed + 1;
    }
    heap_left = -1;
    for (unsigned i = 1; i < PORTS_PER_BUCKET; i++)
        assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    heap_left = 0;
    assert_int_equal(port_bind_ipi(&a, 0, &n), -ENOMEM);
    assert_int_equal(a.in_use, PORTS_PER_BUCKET - 1);
    check_tables(both, 2);
    heap_left = -1;
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_int_equal(n, PORTS_PER_BUCKET);
    tear_down();
}

void test_closing(void **state)
{
    evtchn_port_t l, r;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&a, 2, &r), 0);
    a.closing = true;
    assert_int_equal(port_bind_ipi(&a, 0, &l), -EINVAL);
    assert_int_equal(port_alloc_unbound(&a, 2, &l), -EINVAL);
    assert_int_equal(port_bind_interdomain(&b, &a, r, &l), -EINVAL);
    assert_int_equal(port_close(&a, r), 0);
    assert_int_equal(a.in_use, 0);
    tear_down();
}

void test_next_used(void **state)
{
    evtchn_port_t n, seen = 0;

    (void)state;
    set_up();
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    for (n = 1; n <= 1000; n++)
        if (n != 5 && n != 128 && n != 1000)
            assert_int_equal(port_close(&a, n), 0);
    for (n = port_next_used(&a, 0); n; n = port_next_used(&a, n + 1))
        seen = seen * 2000 + n;
    assert_int_equal(seen, (5 * 2000 + 128) * 2000 + 1000);
    tear_down();
}

void test_reuse_is_clean(void **state)
{
    evtchn_port_t n;
    struct port *p;

    (void)state;
    set_up();
    assert_int_equal(port_alloc_unbound(&a, 2, &n), 0);
    assert_int_equal(port_set_vcpu(&a, n, 6), 0);
    assert_int_equal(port_set_priority(&a, n, 0), 0);
    p = port_lookup(&a, n);
    p->lost = true;
    p->last_vcpu = 6;
    p->last_priority = 0;
    assert_int_equal(port_close(&a, n), 0);
    assert_int_equal(port_bind_ipi(&a, 0, &n), 0);
    assert_ptr_equal(port_lookup(&a, n), p);
    assert_int_equal(p->vcpu, 0);
    assert_int_equal(p->priority, EVTCHN_FIFO_PRIORITY_DEFAULT);
    assert_false(p->lost);
    /* Where its word may still be queued is not forgotten. */
    assert_int_equal(p->last_vcpu, 6);
    assert_int_equal(p->last_priority, 0);
    tear_down();
}
