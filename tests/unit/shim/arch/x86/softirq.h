/* Host replacement: the test decides when a long operation must give way. */
#ifndef ARCH_X86_SOFTIRQ_H
#define ARCH_X86_SOFTIRQ_H

#include "lib/types.h"

bool preempt_needed(void);

#endif
