/*
 * Work deferred to the way out of the hypervisor: raised anywhere (also from
 * interrupts), run with interrupts enabled and no lock held just before the
 * guest is entered, and in the idle loop.
 */
#ifndef ARCH_X86_SOFTIRQ_H
#define ARCH_X86_SOFTIRQ_H

#include "lib/types.h"

enum softirq {
    SOFTIRQ_TIMER,    /* expired timers: arch/x86/timer.c */
    SOFTIRQ_SCHEDULE, /* choose the next vCPU: sched */
    SOFTIRQ_HOTPLUG,  /* leave or join the CPUs in use: sched */
    NR_SOFTIRQS,
};

void softirq_open(enum softirq nr, void (*handler)(void));
/* On this CPU / on another one (kicked by IPI if it may be in a guest). */
void softirq_raise(enum softirq nr);
void softirq_raise_cpu(unsigned cpu, enum softirq nr);
/* Runs until nothing is pending; called by entry code and the idle loop. */
void softirq_run(void);
bool softirq_pending(void);

/* Should a long operation give way now? (the preemption test) */
static inline bool preempt_needed(void);

#include "arch/x86/percpu.h"
static inline bool preempt_needed(void)
{
    return READ_ONCE(this_pcpu()->softirq_pending) != 0;
}

#endif
