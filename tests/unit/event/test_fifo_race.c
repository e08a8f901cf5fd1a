/*
 * Sending and consuming at the same time, on two threads each: the guest takes
 * its queues apart while the hypervisor appends to them. In the end everything
 * that was raised after the last look has been seen.
 */
#include "event/world.h"

#include <pthread.h>

#define PORTS 8
#define ROUNDS 40000

static struct fifo_guest g;
static evtchn_port_t port[PORTS];
static unsigned long raised[PORTS], seen[PORTS];
static bool senders_done;

/* Thread v sends to its own half of the ports; counts before it raises. */
static void *sender(void *which)
{
    unsigned v = (unsigned)(uintptr_t)which;

    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned k = (i * 7 + v) % PORTS;

        __atomic_fetch_add(&raised[k], 1, __ATOMIC_SEQ_CST);
        evtchn_notify_local(&dom[0], port[k]);
    }
    return NULL;
}

/* A handler: what was raised before the event was taken counts as seen. */
static void handle_all(unsigned v)
{
    evtchn_port_t n;

    while ((n = fifo_next(&g, v)) != 0) {
        unsigned k = n - port[0];
        unsigned long now = __atomic_load_n(&raised[k], __ATOMIC_SEQ_CST);

        __atomic_store_n(&seen[k], now, __ATOMIC_SEQ_CST);
    }
}

static void *guest(void *which)
{
    unsigned v = (unsigned)(uintptr_t)which;

    while (!__atomic_load_n(&senders_done, __ATOMIC_SEQ_CST))
        handle_all(v);
    handle_all(v);
    return NULL;
}

static void test_race(void **state)
{
    pthread_t s[2], c[VCPUS];

    (void)state;
    fifo_start(&g, 1);
    for (unsigned i = 0; i < PORTS; i++) {
        port[i] = bind_ipi(i % 2);
        raised[i] = seen[i] = 0;
    }
    senders_done = false;
    for (uintptr_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&s[i], NULL, sender, (void *)i), 0);
        assert_int_equal(pthread_create(&c[i], NULL, guest, (void *)i), 0);
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(s[i], NULL);
    __atomic_store_n(&senders_done, true, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(c[i], NULL);
    for (unsigned i = 0; i < PORTS; i++) {
        assert_true(raised[i] > 0);
        assert_int_equal(seen[i], raised[i]);
    }
}

const struct CMUnitTest fifo_race_tests[] = {T(test_race)};
const size_t fifo_race_tests_num = ARRAY_SIZE(fifo_race_tests);
