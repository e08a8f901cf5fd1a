/* How the machine's clock is led to another one that is right. Pure. */
#ifndef XENO_CLOCK_LOOP_H
#define XENO_CLOCK_LOOP_H

#include <stdint.h>

#define CLOCK_RATE_MAX 500000 /* ppb: no crystal is worse */
/* More: so that an offset goes away even where the rate is wrong, too. */
#define CLOCK_SLEW_MAX (2 * CLOCK_RATE_MAX)

struct clock_loop {
    double rate; /* ppb that the machine's clock needs for good */
};

struct clock_advice {
    int64_t rate, slew; /* ppb, up to CLOCK_RATE_MAX, CLOCK_SLEW_MAX */
    uint64_t slew_ns;
};

/*
 * The machine's clock is `offset` ns behind, and was asked `interval` ns ago:
 * what it is to do until it is asked again. If nobody asks, the slewing ends
 * by itself.
 */
struct clock_advice clock_loop_next(struct clock_loop *l, double offset,
                                    double interval);

#endif
