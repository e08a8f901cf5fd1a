/*
 * The local APIC: acknowledging interrupts, sending them to other CPUs, and
 * the CPU's timer. x2APIC (MSRs) where there is one, else xAPIC (memory).
 */
#ifndef ARCH_X86_APIC_H
#define ARCH_X86_APIC_H

#include "lib/types.h"

/* Interrupt command: delivery modes, for apic_send. */
#define APIC_DM_FIXED 0x000u
#define APIC_DM_NMI 0x400u
#define APIC_DM_INIT 0x500u
#define APIC_DM_STARTUP 0x600u
#define APIC_LEVEL_ASSERT 0x4000u

/* The local APIC of the calling CPU; with the boot CPU's mode. */
void apic_init_cpu(void);
uint32_t apic_read_id(void);
bool apic_is_x2apic(void);
void apic_eoi(void);
/* mode_and_vector: delivery mode | vector. From any context. */
void apic_send(uint32_t apic_id, uint32_t mode_and_vector);
/* The error interrupt: logs what the APIC complains about. */
void apic_error_interrupt(void);

/*
 * The timer: one interrupt (VECTOR_TIMER) at a TSC value, or nothing (0). One
 * that has passed fires at once. Far ones may come early; then set it again.
 */
void apic_timer_set(uint64_t tsc);
/*
 * Counting rate where there is no TSC deadline; found by time_init: start,
 * counts since then, and how many there were in so many TSC ticks.
 */
void apic_timer_calibrate_start(void);
uint64_t apic_timer_counts(void);
void apic_timer_calibrate_end(uint64_t counts, uint64_t tsc_ticks);

#endif
