/*
 * Random sequences of operations, compared step by step with a second
 * description of what they should do: a plain array without locks, pointers
 * and buckets.
 */
#include "port_table/common.h"

#include <stdio.h>
#include <stdlib.h>

#define DOMAINS 3
#define LIMIT 150 /* over one bucket, so that growth is tried */
#define STEPS 60000

struct model_port {
    unsigned kind; /* EVTCHNSTAT_* */
    unsigned dom, port, vcpu, number;
    bool bound_vcpu; /* may not be moved */
};

static struct port_table table[DOMAINS];
static struct model_port model[DOMAINS][LIMIT];
static uint64_t seed;

static unsigned rnd(unsigned n)
{
    seed = seed * 6364136223846793005UL + 1442695040888963407UL;
    return (unsigned)(seed >> 33) % n;
}

static unsigned lowest_free(unsigned d)
{
    for (unsigned n = 1; n < LIMIT; n++)
        if (model[d][n].kind == EVTCHNSTAT_closed)
            return n;
    return 0;
}

/* The table's answer to a bind, given what the model expects. */
static struct model_port *expect_bind(unsigned d, int rc,
                                      const evtchn_port_t *n)
{
    unsigned want = lowest_free(d);

    if (!want) {
        assert_int_equal(rc, -ENOSPC);
        return NULL;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(*n, want);
    return &model[d][want];
}

static void do_bind_simple(unsigned d)
{
    evtchn_port_t n = 0;
    unsigned arg = rnd(64), vcpu = rnd(4);
    struct model_port *m;

    switch (rnd(4)) {
    case 0:
        m = expect_bind(d, port_alloc_unbound(&table[d], rnd(DOMAINS) + 1, &n),
                        &n);
        if (m)
            *m = (struct model_port){
                .kind = EVTCHNSTAT_unbound,
                .dom = port_lookup(&table[d], n)->remote};
        break;
    case 1:
        m = expect_bind(d, port_bind_pirq(&table[d], arg, &n), &n);
        if (m)
            *m = (struct model_port){.kind = EVTCHNSTAT_pirq, .number = arg};
        break;
    case 2:
        m = expect_bind(d, port_bind_ipi(&table[d], vcpu, &n), &n);
        if (m)
            *m = (struct model_port){.kind = EVTCHNSTAT_ipi,
                                     .vcpu = vcpu,
                                     .bound_vcpu = true};
        break;
    default:
        m = expect_bind(d, port_bind_virq(&table[d], VIRQ_TIMER, vcpu, &n), &n);
        if (m)
            *m = (struct model_port){.kind = EVTCHNSTAT_virq,
                                     .vcpu = vcpu,
                                     .number = VIRQ_TIMER,
                                     .bound_vcpu = true};
        break;
    }
}

static void do_connect(unsigned d)
{
    unsigned r = rnd(DOMAINS), rn = rnd(LIMIT + 10), ln;
    evtchn_port_t n = 0;
    int rc = port_bind_interdomain(&table[d], &table[r], rn, &n);
    struct model_port *rp = rn < LIMIT ? &model[r][rn] : NULL;

    if (!rp || rp->kind != EVTCHNSTAT_unbound || rp->dom != d + 1) {
        assert_int_equal(rc, -EINVAL);
        return;
    }
    ln = lowest_free(d);
    if (!expect_bind(d, rc, &n))
        return;
    model[d][ln] = (struct model_port){
        .kind = EVTCHNSTAT_interdomain, .dom = r + 1, .port = rn};
    rp->kind = EVTCHNSTAT_interdomain;
    rp->port = ln;
}

static void do_close(unsigned d)
{
    unsigned n = rnd(LIMIT + 10);
    int rc = port_close(&table[d], n);
    struct model_port *m = n < LIMIT ? &model[d][n] : NULL;

    if (!m || m->kind == EVTCHNSTAT_closed) {
        assert_int_equal(rc, -EINVAL);
        return;
    }
    assert_int_equal(rc, 0);
    if (m->kind == EVTCHNSTAT_interdomain) {
        model[m->dom - 1][m->port].kind = EVTCHNSTAT_unbound;
        model[m->dom - 1][m->port].dom = d + 1;
    }
    *m = (struct model_port){0};
}

static void do_set_vcpu(unsigned d)
{
    unsigned n = rnd(LIMIT + 10), vcpu = rnd(4);
    int rc = port_set_vcpu(&table[d], n, vcpu);
    struct model_port *m = n < LIMIT ? &model[d][n] : NULL;

    if (!m || m->kind == EVTCHNSTAT_closed || m->bound_vcpu) {
        assert_int_equal(rc, -EINVAL);
        return;
    }
    assert_int_equal(rc, 0);
    m->vcpu = vcpu;
}

static void compare(unsigned d, unsigned n)
{
    const struct model_port *m = &model[d][n];
    struct evtchn_status s;

    if (n >= table[d].nr_ports) {
        assert_int_equal(m->kind, EVTCHNSTAT_closed);
        return;
    }
    assert_int_equal(port_status(&table[d], n, &s), 0);
    assert_int_equal(s.status, m->kind);
    assert_int_equal(s.vcpu, m->vcpu);
    if (m->kind == EVTCHNSTAT_unbound)
        assert_int_equal(s.u.unbound.dom, m->dom);
    if (m->kind == EVTCHNSTAT_interdomain) {
        assert_int_equal(s.u.interdomain.dom, m->dom);
        assert_int_equal(s.u.interdomain.port, m->port);
    }
    if (m->kind == EVTCHNSTAT_virq || m->kind == EVTCHNSTAT_pirq)
        assert_int_equal(s.u.virq, m->number);
}

static void step(void)
{
    unsigned d = rnd(DOMAINS), what = rnd(10);

    if (what < 4)
        do_bind_simple(d);
    else if (what < 6)
        do_connect(d);
    else if (what < 9)
        do_close(d);
    else
        do_set_vcpu(d);
}

void test_random_against_model(void **state)
{
    struct port_table *all[DOMAINS];
    const char *given = getenv("SEED");

    (void)state;
    seed = given ? strtoull(given, NULL, 0) : 20260117;
    printf("seed %llu (set SEED to try another)\n", (unsigned long long)seed);
    heap_left = -1;
    for (unsigned d = 0; d < DOMAINS; d++) {
        assert_int_equal(port_table_init(&table[d], (domid_t)(d + 1)), 0);
        table[d].limit = LIMIT;
        all[d] = &table[d];
    }
    for (unsigned i = 0; i < STEPS; i++) {
        step();
        compare(rnd(DOMAINS), rnd(LIMIT));
        if (i % 100 == 0) {
            check_tables(all, DOMAINS);
            for (unsigned d = 0; d < DOMAINS; d++)
                for (unsigned n = 0; n < LIMIT; n++)
                    compare(d, n);
        }
    }
    for (unsigned d = 0; d < DOMAINS; d++)
        port_table_free(&table[d]);
    assert_int_equal(heap_blocks, 0);
}
