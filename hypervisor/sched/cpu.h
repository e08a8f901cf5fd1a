/* A CPU as the scheduler sees it. Private to sched. */
#ifndef SCHED_CPU_H
#define SCHED_CPU_H

#include "sched/sched.h"

struct sched_cpu {
    spinlock_t lock;   /* the schedule lock: LOCK_SCHED, taken irqsave */
    struct vcpu *idle;
    struct timer slice;
    bool slice_armed;  /* the timer may be running */
    unsigned assigned; /* vCPUs whose processor this is */
    uint64_t switches;
};
DECLARE_PER_CPU(struct sched_cpu, sched_cpu);

extern const struct scheduler *sched_policy;

/*
 * Takes the schedule lock of the CPU that v is assigned to; v->processor and
 * v->is_running do not change while it is held.
 */
struct sched_cpu *sched_lock_vcpu(struct vcpu *v, unsigned long *flags);
static inline void sched_unlock(struct sched_cpu *sc, unsigned long flags)
{
    spin_unlock_irqrestore(&sc->lock, flags);
}

/*
 * v does without what its domain's parameters promise it, where it is; and
 * gets it back, on a CPU of its affinity that has it, if there is one.
 */
void sched_renounce(struct vcpu *v);
void sched_reclaim(struct vcpu *v);

/* For all vCPUs. domain_list_lock. */
void sched_reclaim_all(void);

/*
 * CPU `cpu` gets no vCPUs any more, and those that it has leave; who may run
 * nowhere else then may run everywhere. -ERESTART_PREEMPT: some are on their
 * way, ask again; -EADDRINUSE and no change: one pinned itself to it.
 * domain_list_lock.
 */
int sched_vacate_cpu(unsigned cpu);
/* It is not online any more. */
void sched_cpu_vacated(unsigned cpu);
void sched_hotplug_init(void);

#endif
