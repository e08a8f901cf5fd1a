/*
 * Bounded explorer: all states that two domains with three ports each can get
 * into, found breadth-first; in each of them every operation is tried with
 * every argument. After each, what must always hold is checked; an operation
 * that fails must have changed nothing.
 */
#include "port_table/common.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORTS 4 /* with port 0 */
#define STATES_MAX 60000
#define HASH_SIZE 131071

/* What operations change in the two tables; everything stays in its place. */
struct snapshot {
    struct {
        bool closing;
        uint8_t used;
        uint32_t in_use, hint;
    } table[2];
    struct port port[2][PORTS];
};

static struct port_table table[2];
static struct port_table *const both[] = {&table[0], &table[1]};
static struct snapshot *states;
static unsigned nr_states;
static uint32_t hash[HASH_SIZE]; /* index + 1 */

static void save(struct snapshot *s)
{
    memset(s, 0, sizeof(*s));
    for (unsigned d = 0; d < 2; d++) {
        s->table[d].closing = table[d].closing;
        s->table[d].used = table[d].group[0]->used[0];
        s->table[d].in_use = table[d].in_use;
        s->table[d].hint = table[d].hint;
        memcpy(s->port[d], table[d].group[0]->bucket[0], sizeof(s->port[d]));
    }
}

static void restore(const struct snapshot *s)
{
    for (unsigned d = 0; d < 2; d++) {
        table[d].closing = s->table[d].closing;
        table[d].group[0]->used[0] = s->table[d].used;
        table[d].in_use = s->table[d].in_use;
        table[d].hint = s->table[d].hint;
        memcpy(table[d].group[0]->bucket[0], s->port[d], sizeof(s->port[d]));
    }
}

/*
 * What makes two states the same. The hint may be lower than it needs to be,
 * and locks count how often they were taken.
 */
static uint64_t key(const struct snapshot *s)
{
    uint64_t k = 0;

    for (unsigned d = 0; d < 2; d++) {
        k = k * 2 + s->table[d].closing;
        for (unsigned n = 1; n < PORTS; n++) {
            const struct port *p = &s->port[d][n];
            unsigned x = p->state;

            if (p->state == PORT_UNBOUND)
                x += 8u * p->remote;
            if (p->state == PORT_INTERDOMAIN)
                x += 8u * (4 * (p->peer == &table[1]) + p->arg);
            k = k * 64 + x;
        }
    }
    return k;
}

static void remember(const struct snapshot *s)
{
    uint64_t k = key(s);
    unsigned h = (unsigned)(k * 0x9e3779b97f4a7c15UL >> 32) % HASH_SIZE;

    for (; hash[h]; h = (h + 1) % HASH_SIZE)
        if (key(&states[hash[h] - 1]) == k)
            return;
    assert_true(nr_states < STATES_MAX);
    states[nr_states] = *s;
    hash[h] = ++nr_states;
}

enum op { UNBOUND, CONNECT, VIRQ, CLOSE, DIE, NR_OPS };

/* Operation `op` of domain d with arguments a (domain) and n (port). */
static int run(enum op op, unsigned d, unsigned a, unsigned n,
               evtchn_port_t *result)
{
    switch (op) {
    case UNBOUND:
        return port_alloc_unbound(&table[d], (domid_t)(a + 1), result);
    case CONNECT:
        return port_bind_interdomain(&table[d], &table[a], n, result);
    case VIRQ:
        return port_bind_virq(&table[d], VIRQ_CONSOLE, 0, result);
    case CLOSE:
        return port_close(&table[d], n);
    default:
        table[d].closing = true;
        return 0;
    }
}

static bool same_ports(const struct snapshot *x, const struct snapshot *y)
{
    return key(x) == key(y) && x->table[0].in_use == y->table[0].in_use &&
           x->table[1].in_use == y->table[1].in_use;
}

static bool full(const struct snapshot *s, unsigned d)
{
    return s->table[d].in_use == PORTS - 1;
}

/* The result that the rules ask for in this state. */
static int wanted(const struct snapshot *s, enum op op, unsigned d, unsigned a,
                  unsigned n)
{
    const struct port *p = &s->port[op == CONNECT ? a : d][n % PORTS];

    switch (op) {
    case CONNECT:
        if (n >= PORTS || p->state != PORT_UNBOUND || p->remote != d + 1 ||
            s->table[a].closing)
            return -EINVAL;
        break;
    case CLOSE:
        return n == 0 || n >= PORTS || p->state == PORT_FREE ? -EINVAL : 0;
    case DIE:
        return 0;
    default:
        break;
    }
    return s->table[d].closing ? -EINVAL : full(s, d) ? -ENOSPC : 0;
}

static void try_all(const struct snapshot *from)
{
    static const unsigned args[NR_OPS] = {2, 2 * (PORTS + 1), 1, PORTS + 1,
                                          1};
    struct snapshot after;
    evtchn_port_t result;

    for (unsigned d = 0; d < 2; d++) {
        for (unsigned op = 0; op < NR_OPS; op++) {
            for (unsigned i = 0; i < args[op]; i++) {
                unsigned a = op == CLOSE ? 0 : i % 2;
                unsigned n = op == CLOSE ? i : i / 2;
                int rc;

                restore(from);
                result = 0;
                rc = run(op, d, a, n, &result);
                assert_int_equal(rc, wanted(from, op, d, a, n));
                check_tables(both, 2);
                save(&after);
                if (rc)
                    assert_true(same_ports(from, &after));
                else
                    remember(&after);
            }
        }
    }
}

void test_explore(void **state)
{
    struct snapshot s;

    (void)state;
    heap_left = -1;
    states = calloc(STATES_MAX, sizeof(*states));
    assert_non_null(states);
    for (unsigned d = 0; d < 2; d++) {
        assert_int_equal(port_table_init(&table[d], (domid_t)(d + 1)), 0);
        table[d].limit = PORTS;
    }
    save(&s);
    remember(&s);
    for (unsigned i = 0; i < nr_states; i++)
        try_all(&states[i]);
    printf("%u states\n", nr_states);
    assert_true(nr_states > 1000);
    for (unsigned d = 0; d < 2; d++)
        port_table_free(&table[d]);
    free(states);
    assert_int_equal(heap_blocks, 0);
}
