/* Where a new vCPU goes. Pure. */
#ifndef SCHED_PLACE_H
#define SCHED_PLACE_H

#include "lib/types.h"

struct cpu_place {
    uint32_t package, core; /* numbers as the hardware counts */
    unsigned vcpus;         /* assigned to this CPU */
};

/*
 * The CPU of `allowed` (not empty) with the fewest vCPUs; among these the one
 * on the least loaded core, then package; then the lowest number. place[] is
 * indexed by CPU; those in `online` count as load.
 */
unsigned place_vcpu(const struct cpu_place *place, cpumask_t online,
                    cpumask_t allowed);

#endif
