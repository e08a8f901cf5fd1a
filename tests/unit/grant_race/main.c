/*
 * Races under the thread sanitizer.
 *
 * A guest that keeps to the protocol owns its page again when it has withdrawn
 * the grant. So it writes to it without any lock; a domain with a pin reads or
 * writes it. If one got in where it should not, that is a data race.
 *
 * Handles: threads make, claim and end mappings; the contents of an entry
 * belong to who holds it BUSY, so they too are plain accesses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "grant/active.h"
#include "grant/maptrack.h"

#define ROUNDS  10000u
#define THREADS 4u

static spinlock_t lock;
static struct active_entry a;
static grant_entry_v1_t e;
static unsigned long page[2]; /* what may be granted; plain accesses */
static unsigned pins, withdrawals, stop, wrong;

static void count(unsigned *n)
{
    __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
}

static bool pin(bool readonly)
{
    int rc;

    spin_lock(&lock);
    rc = active_pin(&a, &e, 7, readonly);
    spin_unlock(&lock);
    return !rc;
}

static void unpin(bool readonly)
{
    spin_lock(&lock);
    active_unpin(&a, &e, readonly);
    spin_unlock(&lock);
}

static void use(unsigned who, bool readonly)
{
    unsigned frame;

    if (!pin(readonly))
        return;
    frame = a.frame % 2;
    if (readonly)
        wrong += page[frame] == ~0UL;
    else
        __atomic_store_n(&page[frame], who, __ATOMIC_RELAXED);
    unpin(readonly);
    count(&pins);
}

static void *writer(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        use(1, false);
    return NULL;
}

static uint32_t *word(void)
{
    return (uint32_t *)(void *)&e.flags;
}

static void publish(unsigned frame)
{
    __atomic_store_n(&e.frame, frame, __ATOMIC_RELAXED);
    __atomic_store_n(word(), 7u << 16 | GTF_permit_access, __ATOMIC_RELEASE);
}

static void withdraw(void)
{
    uint32_t old = 7u << 16 | GTF_permit_access; /* not in use */

    while (!__atomic_compare_exchange_n(word(), &old, 0, false,
                                        __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
        old = 7u << 16 | GTF_permit_access;
        sched_yield();
    }
    count(&withdrawals);
}

/* The others may not have begun yet. */
static void wait_for_a_pin(void)
{
    for (unsigned i = 0;
         i < 100 * ROUNDS && !__atomic_load_n(&pins, __ATOMIC_RELAXED); i++)
        sched_yield();
}

static void *honest_guest(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        publish(i);
        if (i == 0)
            wait_for_a_pin();
        if (i % 16 == 0)
            sched_yield(); /* time for the others, if they share a CPU */
        withdraw();
        page[i % 2] = i; /* its own again: a plain write */
        page[(i + 1) % 2] = i;
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void *hostile_guest(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ROUNDS * 4; i++) {
        __atomic_store_n(word(), (i & 1 ? 7u : 8u) << 16 | (i & 15),
                         __ATOMIC_RELAXED);
        __atomic_store_n(&e.frame, i, __ATOMIC_RELAXED);
        if (i % 32 == 1)
            sched_yield();
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void run(void *(*first)(void *), void *(*others)(void *))
{
    pthread_t t[THREADS];

    stop = 0;
    spin_lock_init(&lock, LOCK_GRANT);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(
            pthread_create(&t[i], NULL, i + 1 < THREADS ? others : first, NULL),
            0);
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
}

static void honest(void **state)
{
    (void)state;
    pins = 0;
    run(honest_guest, writer);
    print_message("%u pins, %u withdrawals\n", pins, withdrawals);
    assert_true(pins > 0);
    assert_int_equal(withdrawals, ROUNDS);
    assert_false(active_in_use(&a));
    assert_int_equal(*word(), 0);
}

/* The frame of a pin stays while it is held, whatever the guest writes. */
static void *checker(void *arg)
{
    (void)arg;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        uint32_t frame;

        if (!pin(true))
            continue;
        frame = a.frame;
        for (unsigned i = 0; i < 3; i++) {
            if (pin(false))
                unpin(false);
            if (a.frame != frame || a.domid != 7)
                count(&wrong);
        }
        unpin(true);
        count(&pins);
    }
    return NULL;
}

static void hostile(void **state)
{
    (void)state;
    pins = wrong = 0;
    run(hostile_guest, checker);
    print_message("%u pins\n", pins);
    assert_int_equal(wrong, 0);
    assert_false(active_in_use(&a));
}

static struct maptrack m;
static uint32_t shared_handles[8];
static unsigned made, ended;

/* The entry is ours: nobody else may touch it now. */
static void scribble(struct maptrack_entry *entry, uint32_t handle)
{
    entry->ref++;
    entry->flags = (uint16_t)handle;
    if (entry->flags != (uint16_t)handle)
        count(&wrong);
}

static void *mapper(void *arg)
{
    unsigned seed = (unsigned)(uintptr_t)&arg;

    for (unsigned i = 0; i < ROUNDS; i++) {
        uint32_t *slot = &shared_handles[rand_r(&seed) % 8], h;
        struct maptrack_entry *entry;

        if (rand_r(&seed) % 2) {
            h = maptrack_alloc(&m);
            if (h == MAPTRACK_NONE)
                continue;
            scribble(maptrack_at(&m, h), h);
            maptrack_publish(maptrack_at(&m, h));
            __atomic_store_n(slot, h, __ATOMIC_RELAXED);
            count(&made);
            continue;
        }
        /* Several know the handle and try. */
        h = __atomic_load_n(slot, __ATOMIC_RELAXED);
        entry = maptrack_claim(&m, h);
        if (!entry)
            continue;
        scribble(entry, h);
        if (rand_r(&seed) % 4) {
            maptrack_retire(&m, h);
            count(&ended);
        } else {
            maptrack_publish(entry);
        }
    }
    return NULL;
}

static void handles(void **state)
{
    uint32_t at = 0;

    (void)state;
    wrong = 0;
    maptrack_init(&m, 64);
    run(mapper, mapper);
    while (at < maptrack_size(&m))
        if (maptrack_claim_next(&m, &at, 1000)) {
            maptrack_retire(&m, at);
            ended++;
        }
    print_message("%u made, %u ended\n", made, ended);
    assert_int_equal(made, ended);
    assert_int_equal(wrong, 0);
    maptrack_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(honest),
        cmocka_unit_test(hostile),
        cmocka_unit_test(handles),
    };

    return cmocka_run_group_tests_name("grant races", tests, NULL, NULL);
}
