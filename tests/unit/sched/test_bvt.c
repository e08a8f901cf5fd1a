#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include "lib/errno.h"
#include "sched/sim.h"

extern const struct scheduler bvt_scheduler;

#define CTX_ALLOW MILLISECS(5)
#define MCU MICROSECS(100)

static struct sim s;

static int setup(void **state)
{
    (void)state;
    sim_init(&s, &bvt_scheduler);
    return 0;
}

/* mcuadv, warpback, warp, warpl, warpu */
static void set(unsigned i, int64_t mcuadv, bool warpback, s_time_t warp,
                s_time_t warpl, s_time_t warpu)
{
    const int64_t value[XENO_SCHED_PARAMS] = {
        mcuadv, warpback, (int64_t)warp, (int64_t)warpl, (int64_t)warpu};

    sim_set(&s, i, value);
}

static void weigh(unsigned i, int64_t mcuadv)
{
    set(i, mcuadv, false, 0, 0, 0);
}

static s_time_t distance(s_time_t a, s_time_t b)
{
    return a > b ? a - b : b - a;
}

static void alone_needs_no_timer(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    assert_int_equal(s.slice_end, 0);
    sim_run(&s, SECONDS(5));
    assert_int_equal(s.decisions, 1);
    sim_sleep(&s, 0);
    assert_null(s.runs);
}

/* mcuadv 30 : 10 is 1 : 3, exactly, but for one turn. */
static void shares_by_weight(void **state)
{
    (void)state;
    weigh(0, 30);
    weigh(1, 10);
    sim_wake(&s, 0);
    sim_wake(&s, 1);
    sim_run(&s, SECONDS(10));
    assert_true(distance(s.vcpu[0].ran, MILLISECS(2500)) <= 4 * CTX_ALLOW);
    assert_true(distance(s.vcpu[1].ran, MILLISECS(7500)) <= 4 * CTX_ALLOW);
}

/* A million turns later it is still one turn that they are apart. */
static void no_drift(void **state)
{
    s_time_t day = SECONDS(86400), unit = day / (70 + 110 + 154);

    (void)state;
    weigh(0, 154);
    weigh(1, 110);
    weigh(2, 70);
    for (unsigned i = 0; i < 3; i++)
        sim_wake(&s, i);
    sim_run(&s, day);
    /* 1/154 : 1/110 : 1/70 = 5 : 7 : 11 */
    unit = day / 23;
    assert_true(distance(s.vcpu[0].ran, 5 * unit) < 8 * CTX_ALLOW);
    assert_true(distance(s.vcpu[1].ran, 7 * unit) < 8 * CTX_ALLOW);
    assert_true(distance(s.vcpu[2].ran, 11 * unit) < 8 * CTX_ALLOW);
}

/* It sleeps, the others run; then it has no more than its share. */
static void sleeping_earns_nothing(void **state)
{
    s_time_t before;

    (void)state;
    sim_wake(&s, 0);
    sim_wake(&s, 1);
    sim_run(&s, SECONDS(100));
    before = s.vcpu[0].ran;
    sim_wake(&s, 2);
    assert_ptr_equal(s.runs, &s.vcpu[2].v); /* it is served at once */
    sim_run(&s, SECONDS(3));
    assert_true(distance(s.vcpu[2].ran, SECONDS(1)) <= 2 * CTX_ALLOW);
    assert_true(distance(s.vcpu[0].ran - before, SECONDS(1)) <= 2 * CTX_ALLOW);
}

/* The one that runs has no timer and was never charged: still no credit. */
static void wakes_beside_a_long_run(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_run(&s, SECONDS(1000));
    sim_wake(&s, 1);
    sim_run(&s, SECONDS(2));
    assert_true(distance(s.vcpu[1].ran, SECONDS(1)) <= 2 * CTX_ALLOW);
}

/* It wakes by another CPU's clock, which is a little behind. */
static void wakes_in_the_past(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_wake(&s, 1);
    for (unsigned n = 0; n < 300; n++) {
        sim_run(&s, MILLISECS(10));
        s.t -= MICROSECS(3);
        sim_sleep(&s, 2);
        sim_wake(&s, 2);
        s.t += MICROSECS(3);
    }
    for (unsigned i = 0; i < 3; i++)
        assert_true(distance(s.vcpu[i].ran, SECONDS(1)) <= 3 * CTX_ALLOW);
}

/* One that ran much and slept a little is not forgiven. */
static void leaving_is_not_forgiven(void **state)
{
    (void)state;
    weigh(0, 1000);
    sim_wake(&s, 0);
    sim_wake(&s, 1);
    sim_run(&s, SECONDS(1));
    for (unsigned i = 0; i < 10000; i++) {
        sim_sleep(&s, 0);
        sim_wake(&s, 0);
        sim_run(&s, MILLISECS(1));
    }
    /* A share of 1/101. */
    assert_true(distance(s.vcpu[0].ran, SECONDS(11) / 101) <= 2 * CTX_ALLOW);
}

static void keeps_the_cpu_for_ctx_allow(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_run(&s, MILLISECS(1));
    sim_wake(&s, 1);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    assert_int_equal(s.slice_end, s.t + CTX_ALLOW);
    sim_run(&s, CTX_ALLOW);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
}

/* Warped, it comes before those that have had less. */
static void warped_goes_first(void **state)
{
    (void)state;
    set(0, 10, true, MILLISECS(50), 0, 0);
    sim_wake(&s, 1);
    sim_wake(&s, 2);
    sim_run(&s, SECONDS(1));
    sim_wake(&s, 0);
    sim_run(&s, MILLISECS(30));
    assert_int_equal(s.vcpu[0].ran, MILLISECS(30)); /* not interrupted */
    for (unsigned i = 0; i < 20; i++) {
        sim_sleep(&s, 0);
        sim_run(&s, MILLISECS(3));
        sim_wake(&s, 0);
        assert_ptr_equal(s.runs, &s.vcpu[0].v);
        sim_run(&s, MICROSECS(100));
    }
    assert_int_equal(s.vcpu[0].longest_wait, 0);
}

/* Warping borrows, it does not give: at most the warp value is ahead. */
static void warp_does_not_change_shares(void **state)
{
    (void)state;
    set(0, 10, true, MILLISECS(50), 0, 0);
    for (unsigned i = 0; i < 3; i++)
        sim_wake(&s, i);
    sim_run(&s, SECONDS(30));
    assert_true(distance(s.vcpu[0].ran, SECONDS(10)) <=
                MILLISECS(50) + 2 * CTX_ALLOW);
}

/* After warpl it is one of many, until warpu has passed. */
static void warp_limit_holds(void **state)
{
    (void)state;
    set(0, 10, true, SECONDS(10), MILLISECS(20), MILLISECS(100));
    sim_wake(&s, 1);
    sim_run(&s, MILLISECS(1));
    sim_wake(&s, 0);
    sim_run(&s, MILLISECS(20) + MCU);
    assert_true(s.vcpu[0].ran <= MILLISECS(20) + MCU);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    sim_sleep(&s, 0);
    sim_wake(&s, 0); /* too early to warp again */
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    sim_sleep(&s, 0);
    sim_run(&s, MILLISECS(100));
    sim_wake(&s, 0);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
}

/* warpu 0: not again before it has slept. */
static void unwarped_until_it_sleeps(void **state)
{
    s_time_t before;

    (void)state;
    set(0, 10, true, SECONDS(10), MILLISECS(20), 0);
    sim_wake(&s, 1);
    sim_wake(&s, 0);
    sim_run(&s, SECONDS(2));
    before = s.vcpu[0].ran;
    assert_true(distance(before, SECONDS(1)) <= MILLISECS(20) + 2 * CTX_ALLOW);
    sim_sleep(&s, 0);
    sim_wake(&s, 0);
    sim_run(&s, MILLISECS(20));
    assert_int_equal(s.vcpu[0].ran - before, MILLISECS(20));
}

static void yield_gives_way(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    sim_wake(&s, 1);
    sim_run(&s, MILLISECS(1));
    for (unsigned i = 0; i < 10; i++) {
        struct vcpu *was = s.runs;

        sim_yield(&s);
        assert_ptr_not_equal(s.runs, was);
    }
}

/* Three that do nothing but yield leave the CPU to one that has work. */
static void yielding_leaves_the_rest(void **state)
{
    s_time_t began;

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        sim_wake(&s, i);
    began = s.t;
    while (s.t < began + SECONDS(10)) {
        if (s.runs == &s.vcpu[0].v) {
            sim_run(&s, MICROSECS(100));
        } else {
            sim_run(&s, MICROSECS(5));
            sim_yield(&s);
        }
    }
    assert_true(s.vcpu[0].ran > SECONDS(10) / 100 * 95);
    /* Nor do they owe anything afterwards. */
    began = s.vcpu[1].ran;
    sim_run(&s, SECONDS(4));
    assert_true(distance(s.vcpu[1].ran - began, SECONDS(1)) <= 2 * CTX_ALLOW);
}

static void bad_globals(void **state)
{
    const int64_t good[] = {MILLISECS(1), MILLISECS(1)};
    const int64_t bad[] = {MILLISECS(1), MILLISECS(1) + 1};

    (void)state;
    assert_int_equal(bvt_scheduler.check_globals(good), 0);
    assert_int_equal(bvt_scheduler.check_globals(bad), -EINVAL);
}

static void change(unsigned i)
{
    set(i, 10 << rand() % 3, rand() % 2, MILLISECS(rand() % 9),
        MILLISECS(rand() % 9), MILLISECS(rand() % 9));
}

static void random_load(void **state)
{
    (void)state;
    sim_random_load(&s, 200000, 2 * CTX_ALLOW, change);
    for (unsigned i = 0; i < SIM_VCPUS; i++) {
        assert_true(s.vcpu[i].longest_wait <= MILLISECS(500));
        assert_true(s.vcpu[i].ran > 0);
    }
}

int run_bvt_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(alone_needs_no_timer, setup),
        cmocka_unit_test_setup(shares_by_weight, setup),
        cmocka_unit_test_setup(no_drift, setup),
        cmocka_unit_test_setup(sleeping_earns_nothing, setup),
        cmocka_unit_test_setup(wakes_beside_a_long_run, setup),
        cmocka_unit_test_setup(wakes_in_the_past, setup),
        cmocka_unit_test_setup(leaving_is_not_forgiven, setup),
        cmocka_unit_test_setup(keeps_the_cpu_for_ctx_allow, setup),
        cmocka_unit_test_setup(warped_goes_first, setup),
        cmocka_unit_test_setup(warp_does_not_change_shares, setup),
        cmocka_unit_test_setup(warp_limit_holds, setup),
        cmocka_unit_test_setup(unwarped_until_it_sleeps, setup),
        cmocka_unit_test_setup(yield_gives_way, setup),
        cmocka_unit_test_setup(yielding_leaves_the_rest, setup),
        cmocka_unit_test_setup(bad_globals, setup),
        cmocka_unit_test_setup(random_load, setup),
    };

    return cmocka_run_group_tests_name("borrowed virtual time", tests, NULL,
                                       NULL);
}
