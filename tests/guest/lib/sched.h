/* Scheduler parameters, and children that keep a CPU busy. */
#ifndef GUEST_SCHED_H
#define GUEST_SCHED_H

#include "domain.h"
#include <xeno/sched.h>

/* What the hypervisor tells of its scheduler; read on first use. */
const struct xeno_sched_info *sched_info(void);
/* Of the domain, or with SCHED_MACHINE of the whole. 0 or -errno. */
#define SCHED_MACHINE (~0u)
long sched_get(unsigned id, struct xeno_sched_values *v);
long sched_put(unsigned id, struct xeno_sched_values *v);
/* Sets the first `count` of a domain's parameters. 0 or -errno. */
long sched_set(unsigned id, unsigned count, const int64_t *value);

/* A child that does nothing but run, paused, on a CPU of ours. */
void spinner_new(struct child *c, unsigned cpu);
long spinner_pin(const struct child *c, uint64_t cpus);
/* CPU time of a domain so far, in ns. */
uint64_t cpu_time(unsigned id);
/* Sleeps. */
void sleep_ms(unsigned ms);

#endif
