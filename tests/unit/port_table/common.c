#include "port_table/common.h"

#include <stdlib.h>
#include "lib/heap.h"

long heap_left = -1;
long heap_blocks;

void *xzalloc(size_t bytes)
{
    if (heap_left == 0)
        return NULL;
    if (heap_left > 0)
        heap_left--;
    heap_blocks++;
    return calloc(1, bytes);
}

void xfree(void *p)
{
    if (p)
        heap_blocks--;
    free(p);
}

void xen_fn(struct vcpu *v, evtchn_port_t port)
{
    (void)v, (void)port;
}

static void check_port(const struct port_table *t, const struct port *p)
{
    const struct port *q;

    assert_false(spin_is_locked(&p->lock));
    switch (p->state) {
    case PORT_FREE:
        assert_null(p->peer);
        assert_int_equal(p->vcpu, 0);
        assert_true(p->number >= t->hint);
        break;
    case PORT_RESERVED:
        assert_int_equal(p->number, 0);
        break;
    case PORT_INTERDOMAIN:
        q = port_lookup(p->peer, p->arg);
        assert_ptr_equal(p->other_end, q);
        assert_non_null(q);
        assert_ptr_not_equal(q, p);
        assert_int_equal(q->state, PORT_INTERDOMAIN);
        assert_ptr_equal(q->peer, t);
        assert_int_equal(q->arg, p->number);
        break;
    case PORT_VIRQ:
        assert_true(p->arg < NR_VIRQS);
        break;
    case PORT_XEN:
        assert_non_null(p->fn);
        break;
    case PORT_UNBOUND:
    case PORT_PIRQ:
    case PORT_IPI:
        break;
    default:
        fail_msg("port %u has state %u", p->number, p->state);
    }
}

static void check_table(const struct port_table *t)
{
    unsigned in_use = 0, bucket = 0;

    assert_int_equal(port_lookup(t, 0)->state, PORT_RESERVED);
    for (uint32_t n = 0; n < t->nr_ports; n++) {
        const struct port *p = port_lookup(t, n);

        assert_int_equal(p->number, n);
        check_port(t, p);
        if (n % PORTS_PER_BUCKET == 0)
            bucket = 0;
        bucket += p->state != PORT_FREE;
        in_use += p->state != PORT_FREE && p->state != PORT_RESERVED;
        if (n % PORTS_PER_BUCKET == PORTS_PER_BUCKET - 1)
            assert_int_equal(
                t->group[n / (PORTS_PER_BUCKET * BUCKETS_PER_GROUP)]
                    ->used[n / PORTS_PER_BUCKET % BUCKETS_PER_GROUP],
                bucket);
    }
    assert_int_equal(t->in_use, in_use);
    assert_null(port_lookup(t, t->nr_ports));
}

void check_tables(struct port_table *const *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        check_table(t[i]);
}
