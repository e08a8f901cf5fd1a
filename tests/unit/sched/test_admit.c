#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include "lib/errno.h"
#include "sched/admit.h"
#include "sched/sim.h"

#define PERCENT(n) ((n)*10000u)

static struct vcpu v[4];
static struct domain d = {.max_vcpus = 4, .vcpu = {&v[0], &v[1], &v[2], &v[3]}};
static struct vcpu other;

static int setup(void **state)
{
    (void)state;
    assert_int_equal(admit_vcpu(&other, other.promised_cpu, 0), 0);
    for (unsigned i = 0; i < 4; i++) {
        v[i].domain = &d;
        v[i].vcpu_id = i;
        assert_int_equal(admit_vcpu(&v[i], i / 2, 0), 0);
    }
    return 0;
}

static void never_more_than_the_limit(void **state)
{
    (void)state;
    assert_int_equal(admit_vcpu(&other, 0, PERCENT(60)), 0);
    assert_int_equal(admit_vcpu(&v[0], 0, PERCENT(36)), -ENOSPC);
    assert_int_equal(v[0].promised, 0);
    assert_int_equal(admit_vcpu(&v[0], 0, PERCENT(35)), 0);
    assert_int_equal(admit_vcpu(&v[1], 0, 1), -ENOSPC);
    assert_int_equal(admit_vcpu(&v[1], 0, 0), 0);
    assert_int_equal(admit_taken(&v[0], 0), PERCENT(60));
    assert_int_equal(admit_taken(&v[1], 0), PERCENT(95));
}

/* Its own promise is no hindrance, wherever it was. */
static void moves_and_changes(void **state)
{
    (void)state;
    assert_int_equal(admit_vcpu(&v[0], 0, PERCENT(90)), 0);
    assert_int_equal(admit_vcpu(&v[0], 0, PERCENT(95)), 0);
    assert_int_equal(admit_vcpu(&other, 1, PERCENT(10)), 0);
    assert_int_equal(admit_vcpu(&v[0], 1, PERCENT(90)), -ENOSPC);
    assert_int_equal(v[0].promised_cpu, 0);
    assert_int_equal(admit_vcpu(&v[0], 1, PERCENT(80)), 0);
    assert_int_equal(admit_taken(&other, 0), 0);
    assert_int_equal(admit_taken(&other, 1), PERCENT(80));
}

/* Two vCPUs on each of two CPUs: all or none. */
static void whole_domain(void **state)
{
    struct vcpu *refused;

    (void)state;
    assert_int_equal(admit_domain(&d, PERCENT(20), &refused), 0);
    assert_null(refused);
    assert_int_equal(admit_vcpu(&other, 1, PERCENT(30)), 0);
    assert_int_equal(admit_domain(&d, PERCENT(40), &refused), -ENOSPC);
    assert_ptr_equal(refused, &v[3]);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(v[i].promised, PERCENT(20));
    assert_int_equal(admit_taken(&other, 0), PERCENT(40));
    assert_int_equal(admit_taken(&other, 1), PERCENT(40));
    assert_int_equal(admit_domain(&d, PERCENT(32), &refused), 0);
    assert_int_equal(admit_taken(&other, 1), PERCENT(64));
}

int run_admit_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(never_more_than_the_limit, setup),
        cmocka_unit_test_setup(moves_and_changes, setup),
        cmocka_unit_test_setup(whole_domain, setup),
    };

    return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
