/*
 * System time and timers.
 *
 * System time is nanoseconds since boot, the same on every CPU, monotonic.
 * now() may be called anywhere, also in an NMI. A timer belongs to one CPU
 * (a heap per CPU, fired from SOFTIRQ_TIMER: interrupts on, no locks
 * held). A timer may be set, stopped and moved from any CPU and from its own
 * handler.
 */
#ifndef ARCH_X86_TIMER_H
#define ARCH_X86_TIMER_H

#include "lib/types.h"

s_time_t now(void);
/* System time at a TSC value of this CPU (in the near past or future). */
s_time_t tsc_to_stime(uint64_t tsc);

/* TSC scaling for the ABI's vcpu_time_info: ns = ((tsc << shift) * mul) >> 32 */
struct tsc_scale {
    uint64_t khz;
    uint32_t mul;
    int8_t shift;
    uint64_t tsc_base;    /* this TSC value was ... */
    s_time_t stime_base;  /* ... this system time */
};
void tsc_scale_get(unsigned cpu, struct tsc_scale *s); /* for TSCs of `cpu` */
/*
 * Do all CPUs' TSCs agree, so that one CPU's scale gives the right time, never
 * going back, on each of them? Settled once all CPUs are up.
 */
bool tsc_is_stable(void);
extern uint64_t cpu_khz;

struct timer {
    s_time_t expires;
    void (*fn)(void *data);
    void *data;
    unsigned cpu;
    /* The rest belongs to timer.c and timer_heap.c. */
    bool queued;
    struct timer *child, *next, *prev;
};
/* NULL function: a timer that was never initialised; stop and kill ignore it. */
void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu);
/* Absolute system time; one in the past fires at once. Replaces an old one. */
void timer_set(struct timer *t, s_time_t expires);
/* On return the handler may still be running on the timer's CPU. */
void timer_stop(struct timer *t);
/* As stop, and waits for a running handler; not from the handler itself. */
void timer_kill(struct timer *t);
void timer_migrate(struct timer *t, unsigned new_cpu);

/* Wall clock: seconds and ns (UTC since 1970) at system time 0. */
void wallclock_get(uint64_t *sec, uint32_t *nsec);
void wallclock_set(uint64_t sec, uint32_t nsec, s_time_t at);
/*
 * From now on system time runs `ppb` parts in 10^9 faster than measured, up to
 * TSC_RATE_MAX either way. In smp_alone() only; what guests compute time from
 * is the caller's to renew there, and the hardware timers follow by themselves.
 */
#define TSC_RATE_MAX 100000000L
void time_bend(int64_t ppb);
/*
 * How much faster, in parts in 10^9 (up to half of TSC_RATE_MAX), time must run
 * to come back to the counter that guides it, where there is one; 0 else. Since
 * the last call it was to run `ppb` faster than that. Serialised by the caller,
 * four times a second and before each change of ppb.
 */
int64_t time_guidance(int64_t ppb);
bool time_is_guided(void);
/* Does that from now on. Provided by domain (slew.c). */
void time_follow_guide(void);
/* Busy-waits; works as soon as time_init has run. */
void udelay(unsigned us);

void time_init(void);     /* boot CPU: clock sources, TSC calibration */
void time_init_cpu(void); /* every CPU: timebase, local timer */

#endif
