/*
 * Bringing processors up and stopping them; their names. Calls between CPUs
 * are in irq.h.
 *
 * CPUs are numbered densely from 0, the boot CPU, in the order of the MADT.
 */
#ifndef ARCH_X86_SMP_H
#define ARCH_X86_SMP_H

#include "lib/types.h"

#define APIC_ID_NONE 0xffffffffu

/* APIC and ACPI identity of a CPU; APIC_ID_NONE if there is no such CPU. */
uint32_t cpu_apic_id(unsigned cpu);
uint32_t cpu_acpi_id(unsigned cpu);
/* CPUs that have been given a number (online or not). */
unsigned nr_cpus_known(void);

/* Numbers the processors that the MADT names and the options allow. */
void smp_number_cpus(uint32_t boot_apic_id);

/*
 * The calling CPU, which has nothing to run, leaves those that are online: it
 * is not called, flushed or counted any more. Coming back it compares its clock
 * with that of the CPU that wants it, which calls timesync_boot_cpu().
 */
void smp_leave(void);
void smp_rejoin(void);

/*
 * Stops all other CPUs for good by NMI and waits a little until they have
 * stopped. For panic, power-off and reboot: from any context; a second caller
 * stops itself.
 */
void smp_stop_others(void);

/*
 * From the VECTOR_CALL and VECTOR_TLB_FLUSH interrupts, and from CPUs that
 * wait with interrupts off: does what others asked this CPU to do.
 */
void smp_serve_calls(void);
void tlb_serve_requests(void);

#endif
