#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "lib/errno.h"
#include "sched/sim.h"

extern const struct scheduler atropos_scheduler;

static struct sim s;

static int setup(void **state)
{
    (void)state;
    sim_init(&s, &atropos_scheduler);
    return 0;
}

static void set(unsigned i, s_time_t period, s_time_t slice, s_time_t latency,
                bool xtratime)
{
    const int64_t value[XENO_SCHED_PARAMS] = {
        (int64_t)period, (int64_t)slice, (int64_t)latency, xtratime};

    assert_int_equal(atropos_scheduler.check_domain(value), 0);
    sim_set(&s, i, value);
}

static s_time_t distance(s_time_t a, s_time_t b)
{
    return a > b ? a - b : b - a;
}

/* 25 % in each period of 20 ms, whatever the others would like. */
static void slice_in_each_period(void **state)
{
    s_time_t before;

    (void)state;
    set(0, MILLISECS(20), MILLISECS(5), MILLISECS(20), false);
    for (unsigned i = 0; i < 4; i++)
        sim_wake(&s, i);
    for (unsigned n = 0; n < 500; n++) {
        before = s.vcpu[0].ran;
        sim_run(&s, MILLISECS(20));
        assert_true(distance(s.vcpu[0].ran - before, MILLISECS(5)) <=
                    MICROSECS(20));
    }
}

/* Without extra time never more, even if nobody else wants the CPU. */
static void no_extra_means_no_more(void **state)
{
    (void)state;
    s.may_idle = true;
    set(0, MILLISECS(10), MILLISECS(3), MILLISECS(10), false);
    sim_wake(&s, 0);
    sim_run(&s, SECONDS(10));
    assert_true(distance(s.vcpu[0].ran, SECONDS(3)) <= MILLISECS(3));
}

/* What is over goes in turns to those that want it. */
static void extra_time_is_shared(void **state)
{
    (void)state;
    set(0, MILLISECS(20), MILLISECS(10), MILLISECS(20), false);
    for (unsigned i = 1; i < 3; i++)
        set(i, MILLISECS(100), MILLISECS(10), MILLISECS(100), true);
    set(3, SECONDS(1), 0, SECONDS(1), true);
    for (unsigned i = 0; i < 4; i++)
        sim_wake(&s, i);
    sim_run(&s, SECONDS(30));
    assert_true(distance(s.vcpu[0].ran, SECONDS(15)) <= MILLISECS(10));
    /* 30 % are over: 10 % for each. */
    assert_true(distance(s.vcpu[1].ran, SECONDS(6)) <= MILLISECS(100));
    assert_true(distance(s.vcpu[2].ran, SECONDS(6)) <= MILLISECS(100));
    assert_true(distance(s.vcpu[3].ran, SECONDS(3)) <= MILLISECS(100));
}

/* Full but not over-full: every deadline is met, however they wake. */
static void deadlines_are_met(void **state)
{
    static const s_time_t period[] = {7, 11, 20, 50};

    (void)state;
    srand(3);
    s.may_idle = true;
    for (unsigned i = 0; i < 4; i++)
        set(i, MILLISECS(period[i]), MICROSECS(period[i] * 237),
            MILLISECS(period[i]), false);
    for (unsigned n = 0; n < 20000; n++) {
        unsigned i = (unsigned)rand() % 4;

        if (rand() % 3)
            sim_wake(&s, i);
        else
            sim_sleep(&s, i);
        sim_run(&s, MICROSECS(rand() % 3000));
    }
    /* It waits for a new period at most twice its length less its slice. */
    for (unsigned i = 0; i < 4; i++)
        assert_true(s.vcpu[i].longest_wait <= MICROSECS(period[i] * 1600));
}

/* Who slept long is served within its latency, at its share. */
static void wakes_within_latency(void **state)
{
    s_time_t before;

    (void)state;
    set(0, MILLISECS(160), MILLISECS(32), MILLISECS(10), false);
    set(1, MILLISECS(20), MILLISECS(15), MILLISECS(20), true);
    sim_wake(&s, 1);
    for (unsigned n = 0; n < 50; n++) {
        sim_run(&s, MICROSECS(500000 + 777 * n));
        before = s.vcpu[0].ran;
        sim_wake(&s, 0);
        sim_run(&s, MILLISECS(10));
        assert_true(distance(s.vcpu[0].ran - before, MILLISECS(2)) <=
                    MICROSECS(40));
        sim_sleep(&s, 0);
    }
}

/* The short periods after a long sleep grow until they are whole again. */
static void periods_double(void **state)
{
    (void)state;
    set(0, MILLISECS(160), MILLISECS(32), MILLISECS(10), false);
    set(1, MILLISECS(20), MILLISECS(15), MILLISECS(20), true);
    sim_wake(&s, 1);
    sim_run(&s, SECONDS(1));
    sim_wake(&s, 0);
    sim_run(&s, MILLISECS(10 + 20 + 40 + 80));
    assert_true(distance(s.vcpu[0].ran, MILLISECS(30)) <= MICROSECS(100));
    s.vcpu[0].longest_wait = 0;
    sim_run(&s, MILLISECS(320));
    assert_true(distance(s.vcpu[0].ran, MILLISECS(94)) <= MICROSECS(200));
}

/* A short sleep keeps the rest of the slice, but earns nothing. */
static void short_sleep_keeps_the_rest(void **state)
{
    (void)state;
    set(0, MILLISECS(20), MILLISECS(5), MILLISECS(20), false);
    sim_wake(&s, 1);
    sim_wake(&s, 0);
    sim_run(&s, MILLISECS(2));
    assert_int_equal(s.vcpu[0].ran, MILLISECS(2));
    sim_sleep(&s, 0);
    sim_run(&s, MILLISECS(3));
    sim_wake(&s, 0);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    sim_run(&s, MILLISECS(15));
    assert_int_equal(s.vcpu[0].ran, MILLISECS(5));
}

/* Its own and the other's clock differ a little. */
static void wakes_in_the_past(void **state)
{
    (void)state;
    set(0, MILLISECS(20), MILLISECS(5), MILLISECS(20), false);
    sim_wake(&s, 0);
    sim_wake(&s, 1);
    for (unsigned n = 0; n < 300; n++) {
        sim_run(&s, MILLISECS(10));
        s.t -= MICROSECS(3);
        sim_sleep(&s, 2);
        sim_wake(&s, 2);
        s.t += MICROSECS(3);
    }
    assert_true(distance(s.vcpu[0].ran, MILLISECS(750)) <= MILLISECS(10));
}

static void yield_gives_way(void **state)
{
    (void)state;
    set(0, MILLISECS(20), MILLISECS(15), MILLISECS(20), true);
    sim_wake(&s, 0);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    set(1, SECONDS(1), 0, SECONDS(1), true);
    sim_wake(&s, 1);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
}

static void bad_values(void **state)
{
    static const int64_t bad[][XENO_SCHED_PARAMS] = {
        {MILLISECS(10), MILLISECS(11), MILLISECS(10), 1},
        {MILLISECS(10), MILLISECS(5), MILLISECS(11), 1},
        {MILLISECS(10), 0, MILLISECS(10), 0},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(atropos_scheduler.check_domain(bad[i]), -EINVAL);
}

static void promises(void **state)
{
    int64_t value[] = {MILLISECS(20), MILLISECS(15), MILLISECS(5), 0};

    (void)state;
    assert_int_equal(atropos_scheduler.demand(value), 750000);
    value[0] = SECONDS(100);
    value[1] = 1;
    assert_int_equal(atropos_scheduler.demand(value), 1);
    atropos_scheduler.renounce(value);
    assert_int_equal(atropos_scheduler.demand(value), 0);
    assert_int_equal(atropos_scheduler.check_domain(value), 0);
}

static void change(unsigned i)
{
    set(i, MILLISECS(10), MICROSECS(rand() % 1100), MILLISECS(1 + rand() % 9),
        true);
}

static void random_load(void **state)
{
    (void)state;
    sim_random_load(&s, 200000, MILLISECS(10), change);
    for (unsigned i = 0; i < SIM_VCPUS; i++) {
        assert_true(s.vcpu[i].longest_wait <= MILLISECS(500));
        assert_true(s.vcpu[i].ran > 0);
    }
}

int run_atropos_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(slice_in_each_period, setup),
        cmocka_unit_test_setup(no_extra_means_no_more, setup),
        cmocka_unit_test_setup(extra_time_is_shared, setup),
        cmocka_unit_test_setup(deadlines_are_met, setup),
        cmocka_unit_test_setup(wakes_within_latency, setup),
        cmocka_unit_test_setup(periods_double, setup),
        cmocka_unit_test_setup(short_sleep_keeps_the_rest, setup),
        cmocka_unit_test_setup(wakes_in_the_past, setup),
        cmocka_unit_test_setup(yield_gives_way, setup),
        cmocka_unit_test_setup(bad_values, setup),
        cmocka_unit_test_setup(promises, setup),
        cmocka_unit_test_setup(random_load, setup),
    };

    return cmocka_run_group_tests_name("Atropos", tests, NULL, NULL);
}
