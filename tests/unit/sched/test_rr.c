#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "sched/sim.h"

extern const struct scheduler rr_scheduler;

#define QUANTUM MILLISECS(10)

static struct sim s;

static int setup(void **state)
{
    (void)state;
    sim_init(&s, &rr_scheduler);
    return 0;
}

/* One that is alone is never disturbed. */
static void alone_needs_no_timer(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    assert_int_equal(s.slice_end, 0);
    sim_run(&s, SECONDS(5));
    assert_int_equal(s.decisions, 1);
    assert_int_equal(s.vcpu[0].ran, SECONDS(5));
    sim_sleep(&s, 0);
    assert_null(s.runs);
}

/* Those that always want to run share to within one quantum. */
static void equal_shares(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        sim_wake(&s, i);
    sim_run(&s, SECONDS(10));
    for (unsigned i = 0; i < 5; i++) {
        assert_in_range(s.vcpu[i].ran, SECONDS(2) - QUANTUM,
                        SECONDS(2) + QUANTUM);
        assert_true(s.vcpu[i].longest_wait <= 4 * QUANTUM);
    }
}

/* The order is that of waking; the front goes to the back. */
static void takes_turns(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        sim_wake(&s, i);
    for (unsigned turn = 0; turn < 9; turn++) {
        assert_ptr_equal(s.runs, &s.vcpu[turn % 3].v);
        sim_run(&s, QUANTUM);
    }
}

/* Time alone counts: who had more than a quantum gives way at once. */
static void latecomer_after_long_run(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_run(&s, 3 * QUANTUM);
    sim_wake(&s, 1);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    sim_run(&s, QUANTUM);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
}

/* ... and who had less keeps the rest of it. */
static void latecomer_waits_for_the_rest(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_run(&s, QUANTUM / 4);
    sim_wake(&s, 1);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    assert_int_equal(s.slice_end, s.t + QUANTUM / 4 * 3);
    sim_run(&s, QUANTUM / 4 * 3);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
}

/* Others that come and go do not shorten or lengthen the front's turn. */
static void turn_survives_sleepers(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_wake(&s, 1);
    sim_run(&s, QUANTUM / 2);
    sim_sleep(&s, 1);
    sim_wake(&s, 2);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    sim_run(&s, QUANTUM / 2);
    assert_ptr_equal(s.runs, &s.vcpu[2].v);
}

/* One that blocks and comes back gets a new turn, at the back. */
static void sleeper_returns_at_the_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        sim_wake(&s, i);
    sim_run(&s, QUANTUM / 2);
    sim_sleep(&s, 0);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    sim_wake(&s, 0);
    sim_run(&s, QUANTUM);
    assert_ptr_equal(s.runs, &s.vcpu[2].v);
    sim_run(&s, QUANTUM);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
    sim_run(&s, QUANTUM - 1);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
}

static void yield_gives_way(void **state)
{
    (void)state;
    sim_wake(&s, 0);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[0].v); /* to nobody */
    sim_wake(&s, 1);
    sim_wake(&s, 2);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[1].v);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[2].v);
    sim_yield(&s);
    assert_ptr_equal(s.runs, &s.vcpu[0].v);
}

/* The simulator checks each decision; nobody who is awake starves. */
static void random_load(void **state)
{
    (void)state;
    sim_random_load(&s, 200000, QUANTUM, NULL);
    for (unsigned i = 0; i < SIM_VCPUS; i++) {
        assert_true(s.vcpu[i].longest_wait <= (SIM_VCPUS - 1) * QUANTUM);
        assert_true(s.vcpu[i].ran > 0);
    }
}

int run_rr_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(alone_needs_no_timer, setup),
        cmocka_unit_test_setup(equal_shares, setup),
        cmocka_unit_test_setup(takes_turns, setup),
        cmocka_unit_test_setup(latecomer_after_long_run, setup),
        cmocka_unit_test_setup(latecomer_waits_for_the_rest, setup),
        cmocka_unit_test_setup(turn_survives_sleepers, setup),
        cmocka_unit_test_setup(sleeper_returns_at_the_back, setup),
        cmocka_unit_test_setup(yield_gives_way, setup),
        cmocka_unit_test_setup(random_load, setup),
    };

    return cmocka_run_group_tests_name("round robin", tests, NULL, NULL);
}
