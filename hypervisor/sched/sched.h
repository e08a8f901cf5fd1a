/*
 * The scheduler: which vCPU a CPU runs next. docs/scheduling.md tells how to
 * add a policy.
 *
 * Policy lives behind struct scheduler; only `pick_next` is mandatory. The
 * core (core.c) keeps vCPU states, runstates, the CPU's switch softirq, and
 * calls the policy with the schedule lock of v->processor (or cpu) held
 * (LOCK_SCHED, irqs off). Each vCPU is assigned to one CPU; only that CPU's
 * queue holds it.
 *
 * What a policy can rely on:
 *   - wake and sleep of a vCPU alternate, beginning with wake;
 *   - between them the vCPU stays on one CPU (it is moved while asleep);
 *   - sleep comes before the next pick_next when the running vCPU stops;
 *   - what pick_next gives runs from that instant until the next pick_next of
 *     the CPU, so the policy accounts by itself;
 *   - pick_next's times never go back on a CPU; the others may come from other
 *     CPUs, and be a little behind;
 *   - idle vCPUs are never passed to a policy.
 * pick_next may give any awake vCPU of the CPU, also the one that runs.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "core/vcpu.h"
#include <xeno/sched.h>

/* Numbers that today's control interface leaves free. */
enum { SCHED_ID_BVT = 0, SCHED_ID_ATROPOS = 2, SCHED_ID_RR = 3 };

struct sched_decision {
    struct vcpu *next;  /* NULL: idle */
    s_time_t slice;     /* ns until the next decision, 0 = none needed */
};

/*
 * A parameter of a policy. The core copies a set of values from the caller,
 * compares each with its limits and asks the policy's check; only then it
 * takes effect.
 */
struct sched_param {
    const char *name;    /* NULL ends a table of at most XENO_SCHED_PARAMS */
    uint32_t unit;       /* XENO_SCHED_UNIT_* */
    int64_t low, high;   /* both allowed */
    int64_t start;       /* what domains begin with */
    int64_t start_dom0;
};

struct scheduler {
    const char *name;     /* "Round robin" */
    const char *opt_name; /* of sched= : "rr" */
    int sched_id;         /* number in the control interface */
    size_t vcpu_size;     /* of what v->sched_priv points to; zeroed */

    struct sched_decision (*pick_next)(unsigned cpu, s_time_t t);
    /* The rest may be NULL. */
    int (*init_cpu)(unsigned cpu);
    void (*init_vcpu)(struct vcpu *v);
    /* Became runnable on v->processor: enqueue. True: decide anew at once. */
    bool (*wake)(struct vcpu *v, s_time_t t);
    /* No longer runnable: dequeue. */
    void (*sleep)(struct vcpu *v, s_time_t t);
    void (*yield)(struct vcpu *v);   /* the running one lets others go first */
    void (*dump_cpu)(unsigned cpu);

    /* Parameters of the whole: globals has a value for each of the table. */
    const struct sched_param *global_params;
    int64_t *globals;
    int (*check_globals)(const int64_t *value); /* 0 or -EINVAL; no lock */
    /* Of a domain; each of its vCPUs is told. */
    const struct sched_param *domain_params;
    int (*check_domain)(const int64_t *value);  /* 0 or -EINVAL; no lock */
    void (*set_vcpu)(struct vcpu *v, const int64_t *value, s_time_t t);
    /*
     * What a vCPU with these values is promised, in millionths of a CPU: never
     * more of it is given away than there is (admit.h). renounce changes the
     * values to those of one without a promise.
     */
    uint32_t (*demand)(const int64_t *value);
    void (*renounce)(int64_t *value);
};
#if __STDC_HOSTED__ /* tests call it by its name */
#define SCHEDULER(nm)                                                          \
    extern const struct scheduler nm;                                          \
    const struct scheduler nm
#else
#define SCHEDULER(nm)                                                          \
    static const struct scheduler nm __used __section(".scheduler") __aligned(8)
#endif

/*
 * sched_init chooses the policy by sched=, once on the boot CPU.
 * sched_init_cpu, on every CPU before it enables interrupts, makes its idle
 * vCPU, which becomes `current`. idle_loop may be entered with interrupts off.
 */
void sched_init(void);
void sched_init_cpu(void);
void __noreturn idle_loop(void);
const struct scheduler *sched_active(void);

/*
 * The switch itself (pv/switch.c): leaves the current vCPU for `next` and
 * returns to the guest or idle loop on the CPU's fresh stack.
 */
void __noreturn context_switch(struct vcpu *prev, struct vcpu *next);
/*
 * Called by context_switch when `next` has been loaded, on the way into the
 * guest, interrupts off: time info, registered runstate. Provided by core.c.
 */
void sched_switched_in(struct vcpu *next);
/* Saves the registers of a lazily loaded vCPU that `cpu` still holds. */
void sync_vcpu_state(struct vcpu *v);

#endif
