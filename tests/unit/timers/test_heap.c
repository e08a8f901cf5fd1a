/* The timer heap against a plain search for the minimum. */
#include "timers_tests.h"

#include <stdlib.h>

#include "arch/x86/timer_heap.h"

#define N 500

static struct timer timers[N];

/* Every link is two-way, no child is earlier than its parent; counts them. */
static unsigned check(const struct timer *t)
{
    unsigned n = 0;

    for (; t; t = t->next) {
        assert_true(t->queued);
        if (t->next)
            assert_ptr_equal(t->next->prev, t);
        if (t->child) {
            assert_ptr_equal(t->child->prev, t);
            for (const struct timer *c = t->child; c; c = c->next)
                assert_true(c->expires >= t->expires);
        }
        n += 1 + check(t->child);
    }
    return n;
}

static void add(struct timer_heap *h, struct timer *t, s_time_t expires)
{
    t->expires = expires;
    timer_heap_add(h, t);
}

void test_heap_order(void **state)
{
    static const s_time_t in[] = {5, 3, 9, 3, 1, 7, 1UL << 63, 0};
    static const s_time_t out[] = {0, 1, 3, 3, 5, 7, 9, 1UL << 63};
    struct timer_heap h = {NULL};
    struct timer t[8] = {{0}};

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        add(&h, &t[i], in[i]);
        assert_int_equal(check(h.root), i + 1);
    }
    for (unsigned i = 0; i < 8; i++) {
        struct timer *first = h.root;
        assert_int_equal(first->expires, out[i]);
        timer_heap_remove(&h, first);
        assert_false(first->queued);
        assert_int_equal(check(h.root), 7 - i);
    }
    assert_null(h.root);
}

static s_time_t earliest(void)
{
    s_time_t min = ~0UL;

    for (unsigned i = 0; i < N; i++)
        if (timers[i].queued && timers[i].expires < min)
            min = timers[i].expires;
    return min;
}

void test_heap_random(void **state)
{
    struct timer_heap h = {NULL};
    unsigned queued = 0;

    (void)state;
    srand(1);
    for (unsigned step = 0; step < 30000; step++) {
        struct timer *t = &timers[rand() % N];
        if (rand() % 8 == 0 && h.root)
            t = h.root;
        if (t->queued) {
            timer_heap_remove(&h, t);
            queued--;
        } else {
            add(&h, t, (s_time_t)(rand() % 1000));
            queued++;
        }
        if (queued)
            assert_int_equal(h.root->expires, earliest());
        else
            assert_null(h.root);
        if (step % 64 == 0)
            assert_int_equal(check(h.root), queued);
    }
}
