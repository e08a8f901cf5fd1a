/*
 * A loop of second order, critically damped: the slew takes the offset away
 * within some time constant, the rate learns from what comes back.
 */
#include "clock_loop.h"

#define SECOND 1e9
#define PPB 1e9
#define LEAST_CONSTANT (2 * SECOND)
#define INTERVALS 8 /* in a time constant, at least */

static double clamp(double v, double most)
{
    if (v > most)
        return most;
    return v < -most ? -most : v;
}

struct clock_advice clock_loop_next(struct clock_loop *l, double offset,
                                    double interval)
{
    double constant = INTERVALS * interval;
    double slew, most;

    if (constant < LEAST_CONSTANT)
        constant = LEAST_CONSTANT;
    slew = offset / constant * PPB;
    most = clamp(slew, CLOCK_SLEW_MAX);
    /* While the slew is at its limit the offset tells nothing of the rate. */
    if (slew == most)
        l->rate = clamp(l->rate + slew * interval / (4 * constant),
                        CLOCK_RATE_MAX);
    return (struct clock_advice){.rate = (int64_t)l->rate,
                                 .slew = (int64_t)most,
                                 .slew_ns = (uint64_t)(4 * interval)};
}
