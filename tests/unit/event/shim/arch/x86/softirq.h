/* Host replacement: softirqs are only counted. */
#ifndef ARCH_X86_SOFTIRQ_H
#define ARCH_X86_SOFTIRQ_H

#include "lib/types.h"

enum softirq { SOFTIRQ_TIMER, SOFTIRQ_SCHEDULE, SOFTIRQ_TASKLET };
void softirq_raise(enum softirq nr);
bool preempt_needed(void);

#endif
