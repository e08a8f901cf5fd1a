/* Parameters of the policy, as the control interface sets them. */
#ifndef SCHED_CONTROL_H
#define SCHED_CONTROL_H

#include "sched/sched.h"

/* What d has set, or began with. */
void sched_domain_values(struct domain *d, int64_t value[XENO_SCHED_PARAMS]);
/* Millionths of a CPU that a vCPU with these values is promised. */
uint32_t sched_demand(const int64_t *value);
/* Tells the policy; v's CPU decides anew. No locks held. */
void sched_set_vcpu(struct vcpu *v, const int64_t *value);

#endif
