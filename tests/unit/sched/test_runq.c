#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "lib/compiler.h"
#include "sched/runq.h"
#include "sched/sim.h"

#define NODES 3000

static struct runq_node node[NODES];
static struct runq q;

static int setup(void **state)
{
    (void)state;
    q = (struct runq){0};
    for (unsigned i = 0; i < NODES; i++)
        node[i] = (struct runq_node){0};
    return 0;
}

static bool before(const struct runq_node *a, const struct runq_node *b)
{
    return runq_before(a->key, b->key) || (a->key == b->key && a->turn < b->turn);
}

/* The nodes from n on, each of which is as it should be; deep enough for. */
static unsigned audit(const struct runq_node *n, const struct runq_node *parent,
                      unsigned depth)
{
    if (!n)
        return 0;
    assert_true(depth > 0);
    assert_ptr_equal(n->parent, parent);
    assert_true(!parent || before(parent, n));
    assert_true(n->left || !n->right);
    return 1 + audit(n->left, n, depth - 1) + audit(n->right, n, depth - 1);
}

/* No way down is longer than it has to be. */
static unsigned depth_of(unsigned count)
{
    unsigned depth = 0;

    for (; count; count /= 2)
        depth++;
    return depth;
}

/* The first two, found by looking at all. */
static void check_first(unsigned queued)
{
    struct runq_node *first = NULL, *second = NULL;

    for (unsigned i = 0; i < NODES; i++) {
        struct runq_node *n = &node[i];

        if (!runq_queued(n))
            continue;
        if (!first || before(n, first)) {
            second = first;
            first = n;
        } else if (!second || before(n, second)) {
            second = n;
        }
    }
    assert_int_equal(q.count, queued);
    assert_int_equal(audit(q.first, NULL, depth_of(queued)), queued);
    assert_ptr_equal(q.first, first);
    assert_ptr_equal(runq_second(&q), second);
}

static runq_key_t some_key(void)
{
    return (runq_key_t)(rand() % 500) - 250; /* around the wrap */
}

static void random_operations(void **state)
{
    unsigned queued = 0;

    (void)state;
    srand(7);
    for (unsigned step = 0; step < 100000; step++) {
        struct runq_node *n = &node[rand() % NODES];

        if (!runq_queued(n)) {
            if (rand() % 2)
                runq_insert(&q, n, some_key());
            else
                runq_insert_before(&q, n, some_key());
            queued++;
        } else if (rand() % 2) {
            runq_change(&q, n, some_key());
        } else {
            runq_remove(&q, n);
            queued--;
        }
        if (step % 500 == 0)
            check_first(queued);
    }
    check_first(queued);
}

/* Equal keys: as they came; a change counts as coming. */
static void equal_keys_keep_their_order(void **state)
{
    (void)state;
    for (unsigned i = 0; i < NODES; i++)
        runq_insert(&q, &node[i], 5);
    runq_change(&q, &node[0], 5);
    for (unsigned i = 1; i < NODES; i++) {
        assert_ptr_equal(q.first, &node[i]);
        runq_remove(&q, &node[i]);
    }
    assert_ptr_equal(q.first, &node[0]);
}

static void before_equal_keys(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        runq_insert_before(&q, &node[i], 5);
    runq_insert(&q, &node[10], 5);
    runq_insert(&q, &node[11], 4);
    assert_ptr_equal(q.first, &node[11]);
    runq_remove(&q, &node[11]);
    for (unsigned i = 10; i-- > 0;) {
        assert_ptr_equal(q.first, &node[i]);
        runq_remove(&q, &node[i]);
    }
    assert_ptr_equal(q.first, &node[10]);
}

int run_runq_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(random_operations, setup),
        cmocka_unit_test_setup(equal_keys_keep_their_order, setup),
        cmocka_unit_test_setup(before_equal_keys, setup),
    };

    return cmocka_run_group_tests_name("run queue", tests, NULL, NULL);
}
