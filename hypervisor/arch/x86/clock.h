/*
 * What the files that keep time share: reference counters, the conversion
 * between system time and TSC, the hardware clock.
 */
#ifndef ARCH_X86_CLOCK_H
#define ARCH_X86_CLOCK_H

#include "lib/types.h"

/* A counter of known frequency that the TSC is measured against. */
struct clock_source {
    const char *name; /* as in clocksource= */
    bool (*start)(void); /* false: this machine has none; sets hz, mask */
    uint64_t (*read)(void);
    uint64_t hz;
    uint64_t mask; /* the counter wraps after this value */
};
/* In order of preference, ended by an entry without a name. */
extern struct clock_source clock_sources[];

/* TSC value of the calling CPU at a system time. */
uint64_t stime_to_tsc(s_time_t t);
/* Adds to the calling CPU's TSC readings, so that they equal the boot CPU's. */
void time_set_tsc_offset(int64_t ticks);
uint64_t time_tsc_offset(void);

/* The line between TSC and time is another: all hardware timers are set anew. */
void timers_bent(void);
/* Local timers of the calling CPU; by time_init_cpu. */
void timer_init_cpu(void);

/* ---- rtc.c: the battery-backed clock ---- */
/* Seconds since 1970 (UTC), 0 if it tells nothing sensible. */
uint64_t rtc_read(void);

/* ---- rtc_time.c: pure ---- */
struct rtc_registers {
    uint8_t sec, min, hour, day, month, year;
    uint8_t century; /* of its register, 0 = there is none */
    uint8_t status_b;
};
/* 0: not a date. */
uint64_t rtc_to_seconds(const struct rtc_registers *r);

#endif
