/*
 * Which CPUs share a core and a package; for placement of vCPUs and for what
 * dom0 is told of the machine. From CPUID, found by each CPU for itself.
 */
#ifndef ARCH_X86_TOPOLOGY_H
#define ARCH_X86_TOPOLOGY_H

#include "lib/types.h"

struct cpu_topology {
    uint32_t package; /* number of the socket, as the hardware counts */
    uint32_t core;    /* within the package */
    uint32_t thread;  /* within the core */
};

/* Zeros for a CPU that was never up. */
const struct cpu_topology *cpu_topology(unsigned cpu);
/* CPUs of the same core (itself included) / of the same package. */
cpumask_t cpu_siblings(unsigned cpu);
cpumask_t cpu_package_mates(unsigned cpu);
/* Of the machine: threads of the largest core, cores of the largest package. */
unsigned topology_threads_per_core(void);
unsigned topology_cores_per_package(void);

/* ---- for smp.c ---- */
/* How an APIC identifier splits, on this machine. */
struct cpu_topology topology_of_apic_id(uint32_t apic_id);
/* Finds out how; boot CPU, after cpu_identify. */
void topology_init(void);
void topology_set(unsigned cpu, uint32_t apic_id);

#endif
