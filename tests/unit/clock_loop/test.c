/* A machine's clock that is wrong is led to a right one. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "clock_loop.h"

#define SECOND 1e9

static double noise(double most)
{
    return ((double)random() / RAND_MAX * 2 - 1) * most;
}

struct machine {
    double error; /* ppb that its crystal is too fast */
    double behind;
    struct clock_advice now;
};

/* Time goes on by dt; the slew ends when it is to. */
static void pass(struct machine *m, double dt)
{
    double slewing = fmin(dt, (double)m->now.slew_ns);
    double gained = (m->error + (double)m->now.rate) * dt +
                    (double)m->now.slew * slewing;

    assert_true(llabs(m->now.rate) <= CLOCK_RATE_MAX);
    assert_true(llabs(m->now.slew) <= CLOCK_SLEW_MAX);
    m->behind -= gained / 1e9;
}

/* The worst offset of the last minute of `minutes`, in ns. */
static double lead_from(struct clock_loop l, double error, double behind,
                        double interval, double blur, unsigned minutes)
{
    struct machine m = {.error = error, .behind = behind};
    double worst = 0;

    for (double t = 0; t < minutes * 60 * SECOND;) {
        double dt = interval * (1 + noise(0.3));

        m.now = clock_loop_next(&l, m.behind + noise(blur), interval);
        pass(&m, dt);
        t += dt;
        if (t > (minutes - 1) * 60 * SECOND)
            worst = fmax(worst, fabs(m.behind));
    }
    return worst;
}

static double lead(double error, double behind, double interval, double blur,
                   unsigned minutes)
{
    return lead_from((struct clock_loop){0}, error, behind, interval, blur,
                     minutes);
}

static void test_converges(void **state)
{
    static const double errors[] = {0, 1000, -50000, 300000, -450000};
    static const double intervals[] = {1e7, 2.5e8, 1e9, 6e10};

    (void)state;
    for (unsigned e = 0; e < 5; e++) {
        for (unsigned i = 0; i < 4; i++) {
            unsigned minutes = intervals[i] > 1e10 ? 600 : 10;
            double worst = lead(errors[e], 1e6, intervals[i], 0, minutes);

            if (worst > 1000)
                fail_msg("%g ppb, every %g ns: %g ns", errors[e],
                         intervals[i], worst);
        }
    }
}

static void test_far_off(void **state)
{
    (void)state;
    assert_true(lead(100000, 4e8, 2.5e8, 0, 60) < 1000);
    assert_true(lead(-100000, -4e8, 2.5e8, 0, 60) < 1000);
}

/* It begins with a rate that is as wrong as can be. */
static void test_wrong_rate(void **state)
{
    struct clock_loop l = {.rate = CLOCK_RATE_MAX};

    (void)state;
    assert_true(lead_from(l, 0, -4e8, 2.5e8, 0, 60) < 1000);
    assert_true(lead_from(l, -450000, 4e8, 2.5e8, 0, 60) < 1000);
}

/* A blurred reading moves the clock by less than its blur. */
static void test_noise(void **state)
{
    (void)state;
    assert_true(lead(20000, 1e6, 2.5e8, 50000, 30) < 50000);
}

/* Left alone it stops slewing: no harm is done by a daemon that died. */
static void test_left_alone(void **state)
{
    struct clock_loop l = {0};
    struct clock_advice a = clock_loop_next(&l, 1e8, 2.5e8);

    (void)state;
    assert_true(a.slew > 0);
    assert_true(a.slew_ns <= 4 * 250000000UL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_converges),
        cmocka_unit_test(test_far_off),
        cmocka_unit_test(test_wrong_rate),
        cmocka_unit_test(test_noise),
        cmocka_unit_test(test_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
