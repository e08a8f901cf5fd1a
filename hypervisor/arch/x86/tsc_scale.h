/*
 * From the TSC to system time: one straight line, and how its slope changes
 * without a step. Pure.
 */
#ifndef ARCH_X86_TSC_SCALE_H
#define ARCH_X86_TSC_SCALE_H

#include "arch/x86/timer.h"

/* mul and shift of a TSC that counts `khz` * 1000 a second (100 MHz .. 20 GHz);
 * the other fields are the caller's. */
void tsc_scale_init(struct tsc_scale *s, uint64_t khz);
/* System time at a TSC value, before or after the scale's base. */
s_time_t tsc_scale_to_ns(const struct tsc_scale *s, uint64_t tsc);
/*
 * The first TSC value at which system time has reached t, if that is up to
 * nine years from the base; a time before the base gives the base.
 */
uint64_t tsc_scale_to_tsc(const struct tsc_scale *s, s_time_t t);
/*
 * From `tsc`, not before the base, on the line is `ppb` steeper than
 * `nominal`, |ppb| <= TSC_RATE_MAX: the same time there, another slope.
 */
void tsc_scale_bend(struct tsc_scale *s, const struct tsc_scale *nominal,
                    uint64_t tsc, int64_t ppb);

/* a * b / c; the result must fit 64 bits. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t high;

    __asm__("mulq %3; divq %4"
            : "=&a"(a), "=&d"(high)
            : "0"(a), "rm"(b), "rm"(c)
            : "cc");
    return a;
}

#endif
