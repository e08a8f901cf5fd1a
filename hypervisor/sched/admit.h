/*
 * What is promised of each CPU, in millionths of it: the sum never passes
 * ADMIT_LIMIT, so that those without a promise are never locked out. One lock
 * for all, a leaf: promises change seldom.
 */
#ifndef SCHED_ADMIT_H
#define SCHED_ADMIT_H

#include "core/vcpu.h"

#define ADMIT_LIMIT 950000u

/* A vCPU's promise is v->promised of CPU v->promised_cpu. */

/* Of the CPU, to others than v. */
uint32_t admit_taken(const struct vcpu *v, unsigned cpu);
/*
 * v is promised `share` of the CPU, instead of what it had anywhere. -ENOSPC
 * and unchanged: that would be too much.
 */
int admit_vcpu(struct vcpu *v, unsigned cpu, uint32_t share);
/*
 * The same share for all vCPUs of a domain, each on its CPU; all or none.
 * *refused: the first one that does not fit.
 */
int admit_domain(struct domain *d, uint32_t share, struct vcpu **refused);

#endif
