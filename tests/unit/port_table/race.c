/*
 * Senders against a thread that connects and closes: whoever holds the lock of
 * one end of a connection must find the other end connected to it.
 */
#include "port_table/common.h"

#include <pthread.h>

#define ROUNDS 20000
#define PAIRS 3

static struct port_table a, b;
static bool stop;
static unsigned long sent, broken;

static bool check_one(struct port_table *t, evtchn_port_t n)
{
    struct port *p = port_lookup(t, n), *q;
    unsigned long f = spin_lock_irqsave(&p->lock);
    bool connected = p->state == PORT_INTERDOMAIN;

    if (connected) {
        q = port_lookup(p->peer, p->arg);
        if (q->state != PORT_INTERDOMAIN || q->peer != t || q->arg != n)
            __atomic_fetch_add(&broken, 1, __ATOMIC_RELAXED);
    }
    spin_unlock_irqrestore(&p->lock, f);
    return connected;
}

static void *sender(void *table)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        for (evtchn_port_t p = 1; p <= PAIRS; p++)
            if (check_one(table, p))
                __atomic_fetch_add(&sent, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void connect_and_close(unsigned round)
{
    evtchn_port_t r[PAIRS], l[PAIRS];

    for (unsigned i = 0; i < PAIRS; i++) {
        assert_int_equal(port_alloc_unbound(&b, 1, &r[i]), 0);
        assert_int_equal(port_bind_interdomain(&a, &b, r[i], &l[i]), 0);
    }
    for (unsigned i = 0; i < PAIRS; i++) {
        bool mine_first = (round + i) % 2;

        assert_int_equal(mine_first ? port_close(&a, l[i])
                                    : port_close(&b, r[i]), 0);
        assert_int_equal(mine_first ? port_close(&b, r[i])
                                    : port_close(&a, l[i]), 0);
    }
}

void test_senders_race(void **state)
{
    pthread_t thread[2];

    (void)state;
    heap_left = -1;
    assert_int_equal(port_table_init(&a, 1), 0);
    assert_int_equal(port_table_init(&b, 2), 0);
    stop = false;
    assert_int_equal(pthread_create(&thread[0], NULL, sender, &a), 0);
    assert_int_equal(pthread_create(&thread[1], NULL, sender, &b), 0);
    /* A busy machine may not have run the senders yet when the rounds end. */
    for (unsigned i = 0; i < ROUNDS ||
                         !__atomic_load_n(&sent, __ATOMIC_RELAXED); i++)
        connect_and_close(i);
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    assert_int_equal(broken, 0);
    port_table_free(&a);
    port_table_free(&b);
    assert_int_equal(heap_blocks, 0);
}
