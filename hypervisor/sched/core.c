/*
 * The core of the scheduler: states of vCPUs, and the decision who runs.
 *
 * Everything about a vCPU's running is under the schedule lock of the CPU that
 * it is assigned to: is_running, its runstate, whether the policy has it
 * queued, and v->processor itself. Its reasons to pause are atomic words that
 * change without the lock; whoever changes one calls vcpu_wake or
 * vcpu_sleep_* afterwards, which take the lock and look again. So the state
 * under the lock may lag behind, but the last caller puts it right.
 *
 * A decision is made in SOFTIRQ_SCHEDULE, with nothing on the stack that would
 * be missed: if another vCPU is to run, context_switch abandons the stack.
 * is_running moves from the old to the new vCPU under the lock, interrupts
 * stay off until the switch is done. Between the two, the registers of the old
 * one may still be in the CPU; whoever wants them (vcpu_sleep_sync, a move to
 * another CPU) makes sure that is_running is false under the lock and then
 * calls sync_vcpu_state, which this CPU answers only when it has switched.
 * No CPU ever picks a vCPU whose registers another CPU holds: a vCPU changes
 * its CPU only after that synchronisation (move.c).
 */
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/panic.h"
#include "arch/x86/softirq.h"
#include "arch/x86/spec_ctrl.h"
#include "core/trace.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "sched/cpu.h"

#define DEFAULT_POLICY "bvt"

extern const struct scheduler schedulers_start[], schedulers_end[];

DEFINE_PER_CPU(struct sched_cpu, sched_cpu);
const struct scheduler *sched_policy;

/* sched=NAME: the policy. */
static char opt_sched[16] = DEFAULT_POLICY;
PARAM_STR("sched", opt_sched);

const struct scheduler *sched_active(void)
{
    return sched_policy;
}

struct sched_cpu *sched_lock_vcpu(struct vcpu *v, unsigned long *flags)
{
    for (;;) {
        unsigned cpu = READ_ONCE(v->processor);
        struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);

        *flags = spin_lock_irqsave(&sc->lock);
        if (likely(v->processor == cpu))
            return sc;
        spin_unlock_irqrestore(&sc->lock, *flags);
    }
}

/* ---- states; all with the schedule lock held ---- */

/* The runstate of a vCPU that does not run. */
static int waiting_state(const struct vcpu *v)
{
    if (vcpu_runnable(v))
        return RUNSTATE_runnable;
    return test_bit(VPF_BLOCKED, &v->pause_flags) ? RUNSTATE_blocked
                                                  : RUNSTATE_offline;
}

static void update_waiting(struct vcpu *v, s_time_t t)
{
    int state = waiting_state(v);

    if (v->runstate.state != state)
        vcpu_runstate_change(v, state, t);
}

/* Should its CPU decide anew? */
static bool policy_wake(struct vcpu *v, s_time_t t)
{
    if (v->sched_queued)
        return false;
    v->sched_queued = true;
    trace(XENO_TRACE_wake, v, 0, 0);
    return sched_policy->wake ? sched_policy->wake(v, t) : true;
}

static void policy_sleep(struct vcpu *v, s_time_t t)
{
    if (!v->sched_queued)
        return;
    v->sched_queued = false;
    if (sched_policy->sleep)
        sched_policy->sleep(v, t);
}

/* ---- what others call when a reason to pause came or went ---- */

void vcpu_wake(struct vcpu *v)
{
    unsigned long flags;
    struct sched_cpu *sc = sched_lock_vcpu(v, &flags);
    unsigned cpu = v->processor;
    bool decide = false;
    s_time_t t;

    if (!v->is_running) {
        t = now();
        update_waiting(v, t);
        if (vcpu_runnable(v))
            decide = policy_wake(v, t);
    }
    sched_unlock(sc, flags);
    if (decide)
        softirq_raise_cpu(cpu, SOFTIRQ_SCHEDULE);
}

void vcpu_sleep_nosync(struct vcpu *v)
{
    unsigned long flags;
    struct sched_cpu *sc = sched_lock_vcpu(v, &flags);
    unsigned cpu = v->processor;
    bool decide = false;
    s_time_t t;

    if (!vcpu_runnable(v)) {
        decide = v->is_running;
        if (!decide) {
            t = now();
            policy_sleep(v, t);
            update_waiting(v, t);
        }
    }
    sched_unlock(sc, flags);
    if (decide)
        softirq_raise_cpu(cpu, SOFTIRQ_SCHEDULE);
}

/* Not for `current`, and with interrupts on: the vCPU's CPU may need us. */
__cold void vcpu_sleep_sync(struct vcpu *v)
{
    ASSERT(v != current);
    vcpu_sleep_nosync(v);
    while (!vcpu_runnable(v) && READ_ONCE(v->is_running))
        cpu_relax();
    smp_mb();
    sync_vcpu_state(v);
}

void vcpu_yield_current(void)
{
    struct vcpu *v = current;
    unsigned long flags;
    struct sched_cpu *sc = sched_lock_vcpu(v, &flags);

    if (v->sched_queued && sched_policy->yield)
        sched_policy->yield(v);
    sched_unlock(sc, flags);
    softirq_raise(SOFTIRQ_SCHEDULE);
}

__cold void vcpu_runstate_get(struct vcpu *v, struct vcpu_runstate_info *r)
{
    unsigned long flags;
    struct sched_cpu *sc = sched_lock_vcpu(v, &flags);
    s_time_t t = now();

    *r = v->runstate;
    sched_unlock(sc, flags);
    if (t > r->state_entry_time) {
        r->time[r->state] += t - r->state_entry_time;
        r->state_entry_time = t;
    }
}

/* ---- the decision ---- */

/* Schedule lock held. Arms or stops the CPU's slice timer. */
static struct vcpu *decide_next(struct sched_cpu *sc, s_time_t t)
{
    struct sched_decision d = sched_policy->pick_next(smp_cpu_id(), t);

    if (d.slice)
        timer_set(&sc->slice, t + d.slice);
    else if (sc->slice_armed)
        timer_stop(&sc->slice);
    sc->slice_armed = d.slice != 0;
    return d.next ? d.next : sc->idle;
}

static void schedule(void)
{
    struct sched_cpu *sc = &this_cpu(sched_cpu);
    struct vcpu *prev = current, *next;
    s_time_t t;

    irq_disable();
    spin_lock(&sc->lock);
    t = now();
    if (!idle_vcpu(prev) && !vcpu_runnable(prev))
        policy_sleep(prev, t);
    next = decide_next(sc, t);
    if (next == prev) {
        spin_unlock(&sc->lock);
        irq_enable();
        return;
    }
    if (!idle_vcpu(prev)) {
        vcpu_time_switch_out(prev);
        vcpu_runstate_change(prev, waiting_state(prev), t);
    } else {
        vcpu_runstate_change(prev, RUNSTATE_runnable, t);
    }
    vcpu_runstate_change(next, RUNSTATE_running, t);
    trace(XENO_TRACE_switch, next, trace_name(prev),
          (uint64_t)prev->runstate.state);
    prev->is_running = false;
    next->is_running = true;
    sc->switches++;
    spin_unlock(&sc->lock);
    context_switch(prev, next);
}

void sched_switched_in(struct vcpu *next)
{
    vcpu_time_switch_in(next);
}

static void slice_over(void *unused)
{
    (void)unused;
    softirq_raise(SOFTIRQ_SCHEDULE);
}

void __noreturn idle_loop(void)
{
    for (;;) {
        irq_enable();
        softirq_run();
        irq_disable();
        if (!softirq_pending()) {
            spec_ctrl_idle();
            safe_halt();
        }
    }
}

/* ---- start ---- */

static __cold const struct scheduler *find_policy(const char *name)
{
    for (const struct scheduler *s = schedulers_start; s < schedulers_end; s++)
        if (!strcmp(s->opt_name, name))
            return s;
    return NULL;
}

__cold void sched_init(void)
{
    sched_policy = find_policy(opt_sched);
    if (!sched_policy) {
        printk(XENLOG_WARNING
               "WARNING: option sched: no scheduler \"%s\", using \"%s\"\n",
               opt_sched, DEFAULT_POLICY);
        sched_policy = find_policy(DEFAULT_POLICY);
    }
    BUG_ON(!sched_policy);
    printk(XENLOG_INFO "Scheduler: %s (%s)\n", sched_policy->name,
           sched_policy->opt_name);
    softirq_open(SOFTIRQ_SCHEDULE, schedule);
    sched_hotplug_init();
    panic_describe_current = domain_describe_current;
}

__cold void sched_init_cpu(void)
{
    unsigned cpu = smp_cpu_id();
    struct sched_cpu *sc = &this_cpu(sched_cpu);
    struct vcpu *idle = vcpu_create(&dom_idle, cpu, cpu);

    if (!idle || (sched_policy->init_cpu && sched_policy->init_cpu(cpu)))
        panic("no memory for the scheduler of CPU %u\n", cpu);
    spin_lock_init(&sc->lock, LOCK_SCHED);
    timer_init(&sc->slice, slice_over, NULL, cpu);
    sc->idle = idle;
    idle->is_running = true;
    idle->is_initialised = true;
    vcpu_runstate_change(idle, RUNSTATE_running, now());
    current = idle;
}
