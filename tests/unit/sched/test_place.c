#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "sched/place.h"
#include "sched/sim.h"

/* Two packages of two cores of two threads, numbered threads last. */
static struct cpu_place place[8];

static int setup(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        place[i] = (struct cpu_place){i / 4, i / 2 % 2, 0};
    return 0;
}

static unsigned put(cpumask_t allowed)
{
    unsigned cpu = place_vcpu(place, 0xff, allowed);

    place[cpu].vcpus++;
    return cpu;
}

/* Packages first, then cores, then threads. */
static void spreads(void **state)
{
    (void)state;
    assert_int_equal(put(0xff), 0);
    assert_int_equal(put(0xff), 4);
    assert_int_equal(put(0xff), 2);
    assert_int_equal(put(0xff), 6);
    assert_int_equal(put(0xff), 1);
    assert_int_equal(put(0xff), 5);
    assert_int_equal(put(0xff), 3);
    assert_int_equal(put(0xff), 7);
    assert_int_equal(put(0xff), 0);
}

static void keeps_to_the_allowed(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 6; i++)
        assert_true(0x0c & CPUMASK(put(0x0c)));
    assert_int_equal(place[2].vcpus, 3);
    assert_int_equal(place[3].vcpus, 3);
    assert_int_equal(put(0x80), 7);
    assert_int_equal(put(0x80), 7);
}

/* An idle thread beside a busy one is better than a busy CPU. */
static void own_load_counts_first(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++)
        place[i].vcpus = 2;
    place[5].vcpus = 1;
    place[4].vcpus = 9;
    assert_int_equal(put(0xff), 5);
}

/* Core numbers repeat in each package. */
static void cores_of_other_packages_dont_count(void **state)
{
    (void)state;
    place[0].vcpus = 1;
    place[1].vcpus = 1;
    place[6].vcpus = 3;
    place[7].vcpus = 3;
    assert_int_equal(put(0xff), 2);
    assert_int_equal(put(0xff), 4); /* core 0 too, but of package 1 */
}

int run_place_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(spreads, setup),
        cmocka_unit_test_setup(keeps_to_the_allowed, setup),
        cmocka_unit_test_setup(own_load_counts_first, setup),
        cmocka_unit_test_setup(cores_of_other_packages_dont_count, setup),
    };

    return cmocka_run_group_tests_name("placement", tests, NULL, NULL);
}
