/*
 * The set against a model: one bool for each of a few numbers.
 */
#include "lib_tests.h"

#include <string.h>

#include "lib/errno.h"
#include "lib/rangeset.h"

#define N 64

static void assert_like_model(const struct rangeset *r, const bool *model,
                              uint64_t base)
{
    bool any = false;

    for (unsigned i = 0; i < N; i++) {
        bool all = true;
        any |= model[i];
        for (unsigned j = i; j < N; j++) {
            all &= model[j];
            assert_int_equal(rangeset_contains(r, base + i, base + j), all);
        }
    }
    assert_int_equal(rangeset_empty(r), !any);
}

static void random_steps(uint64_t base, unsigned seed)
{
    struct rangeset *r = rangeset_new();
    bool model[N] = {false};
    uint32_t x = seed;

    assert_non_null(r);
    for (unsigned step = 0; step < 300; step++) {
        unsigned a, b;
        x = x * 1664525 + 1013904223;
        a = (x >> 8) % N;
        b = a + (x >> 16) % 6;
        if (b >= N)
            b = N - 1;
        memset(model + a, (x >> 31) & 1, b - a + 1);
        if (x >> 31)
            assert_int_equal(rangeset_add(r, base + a, base + b), 0);
        else
            assert_int_equal(rangeset_remove(r, base + a, base + b), 0);
        if (step % 10 == 0)
            assert_like_model(r, model, base);
    }
    assert_like_model(r, model, base);
    rangeset_free(r);
}

void test_rangeset_random(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 6; seed++) {
        random_steps(0, seed);
        random_steps(1000, seed);
        random_steps(UINT64_MAX - N + 1, seed);
    }
}

void test_rangeset_known(void **state)
{
    struct rangeset *r = rangeset_new();
    (void)state;

    assert_true(rangeset_empty(NULL));
    assert_false(rangeset_contains(NULL, 1, 1));
    assert_true(rangeset_empty(r));
    assert_int_equal(rangeset_add(r, 5, 4), -EINVAL);
    assert_int_equal(rangeset_remove(r, 5, 4), -EINVAL);
    assert_int_equal(rangeset_add(r, 0, UINT64_MAX), 0);
    assert_true(rangeset_contains(r, 0, UINT64_MAX));
    assert_false(rangeset_contains(r, 5, 4));
    assert_int_equal(rangeset_remove(r, 0x60, 0x6f), 0);
    assert_false(rangeset_contains(r, 0x60, 0x60));
    assert_true(rangeset_contains(r, 0, 0x5f));
    assert_true(rangeset_contains(r, 0x70, UINT64_MAX));
    assert_false(rangeset_contains(r, 0x5f, 0x70));
    assert_int_equal(rangeset_remove(r, 0, UINT64_MAX), 0);
    assert_true(rangeset_empty(r));
    rangeset_free(r);
    rangeset_free(NULL);
}

void test_rangeset_no_memory(void **state)
{
    struct rangeset *r;
    uint64_t i;
    (void)state;

    fail_alloc_at = 1;
    assert_null(rangeset_new());
    fail_alloc_at = 0;
    r = rangeset_new();
    fail_alloc_at = 3; /* two arrays, then none */
    for (i = 0; rangeset_add(r, i * 10, i * 10 + 1) == 0; i++)
        assert_in_range(i, 0, 1000);
    /* What was there is still there, and only that. */
    for (uint64_t j = 0; j < i; j++)
        assert_true(rangeset_contains(r, j * 10, j * 10 + 1));
    assert_false(rangeset_contains(r, i * 10, i * 10));
    assert_int_equal(rangeset_remove(r, 0, 0), -ENOMEM);
    assert_true(rangeset_contains(r, 0, 1));
    fail_alloc_at = 0;
    assert_int_equal(rangeset_remove(r, 0, 0), 0);
    assert_false(rangeset_contains(r, 0, 0));
    rangeset_free(r);
}
