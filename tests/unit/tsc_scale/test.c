/* The line from TSC to system time, straight and bent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "arch/x86/tsc_scale.h"

static const uint64_t speeds[] = {100000,  999999,  1000000, 1000001,
                                  1999999, 2000000, 2000001, 2599998,
                                  4700000, 20000000};
#define N_SPEEDS (sizeof(speeds) / sizeof(speeds[0]))
#define SECOND 1000000000UL

static uint64_t random64(void)
{
    return (uint64_t)random() << 40 ^ (uint64_t)random() << 20 ^
           (uint64_t)random();
}

static struct tsc_scale line(uint64_t khz)
{
    struct tsc_scale s = {.tsc_base = 12345678};

    tsc_scale_init(&s, khz);
    return s;
}

/* |a - b| <= slack */
static void assert_near(uint64_t a, uint64_t b, uint64_t slack)
{
    if (a - b + slack > 2 * slack)
        fail_msg("%lu is not near %lu", a, b);
}

static void test_seconds(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SPEEDS; i++) {
        struct tsc_scale s = line(speeds[i]);

        for (uint64_t sec = 0; sec < 100000; sec = 3 * sec + 1) {
            uint64_t tsc = s.tsc_base + sec * speeds[i] * 1000;

            assert_near(tsc_scale_to_ns(&s, tsc), sec * SECOND, 2 * sec + 2);
        }
    }
}

/* Time has come at the TSC value given for it, and had not much before. */
static void test_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t khz = speeds[i % N_SPEEDS];
        struct tsc_scale s = line(khz);
        uint64_t t = random64() % (1000000 * SECOND), tsc;

        s.stime_base = random64() % SECOND;
        tsc = tsc_scale_to_tsc(&s, t);
        assert_true(tsc_scale_to_ns(&s, tsc) >= t || t < s.stime_base);
        if (t > s.stime_base + 100)
            assert_true(tsc_scale_to_ns(&s, tsc - 64) <= t);
    }
}

static void test_limits(void **state)
{
    struct tsc_scale s = line(2600000);

    (void)state;
    s.stime_base = 1000;
    assert_int_equal(tsc_scale_to_tsc(&s, 0), s.tsc_base);
    assert_int_equal(tsc_scale_to_tsc(&s, 1000), s.tsc_base);
    assert_true(tsc_scale_to_tsc(&s, STIME_MAX) > s.tsc_base + (1UL << 58));
    /* Before the base. */
    assert_near(tsc_scale_to_ns(&s, s.tsc_base - 1300), 500, 1);
}

/* Bent a thousand times, anyhow: no step, no way back, and the right rate. */
static void test_bend(void **state)
{
    (void)state;
    for (unsigned i = 0; i < N_SPEEDS; i++) {
        const struct tsc_scale nominal = line(speeds[i]);
        struct tsc_scale s = nominal;
        uint64_t tsc = s.tsc_base, hz = speeds[i] * 1000;

        for (unsigned n = 0; n < 1000; n++) {
            struct tsc_scale old = s;
            int64_t ppb = (int64_t)(random64() % (2 * TSC_RATE_MAX + 1)) -
                          TSC_RATE_MAX;
            uint64_t want = SECOND + (uint64_t)ppb;

            tsc += random64() % hz;
            tsc_scale_bend(&s, &nominal, tsc, ppb);
            assert_int_equal(tsc_scale_to_ns(&s, tsc),
                             tsc_scale_to_ns(&old, tsc));
            assert_true(tsc_scale_to_ns(&s, tsc + 40) >=
                        tsc_scale_to_ns(&old, tsc));
            assert_near(tsc_scale_to_ns(&s, tsc + hz) - s.stime_base, want, 4);
        }
        tsc_scale_bend(&s, &nominal, tsc, 0);
        assert_int_equal(s.mul, nominal.mul);
        assert_int_equal(s.shift, nominal.shift);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seconds),
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_bend),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
