/*
 * Which CPU a vCPU is assigned to: first placement, affinity, moving.
 *
 * A vCPU moves in two steps. Whoever wants it sets VPF_MIGRATING - so it
 * leaves its CPU and no CPU picks it - and starts its move timer. The timer's
 * handler, which runs without locks and with interrupts on, waits (by trying
 * again) until it has left, has the old CPU write its registers back, and only
 * then changes v->processor and lets it run again. So the vCPU itself may ask
 * for its move: it goes on the way out of the hypervisor.
 *
 * A CPU that is to be taken out of use is in `leaving`: it is chosen no more.
 * Who has chosen it before counts as assigned to it and then looks at `leaving`
 * again, and who makes it leave looks at the count after: one sees the other.
 */
#include "arch/x86/irq.h"
#include "arch/x86/softirq.h"
#include "arch/x86/topology.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/printk.h"
#include "sched/admit.h"
#include "sched/control.h"
#include "sched/cpu.h"
#include "sched/place.h"

#define MOVE_RETRY MICROSECS(20)

static cpumask_t leaving;

static cpumask_t usable_cpus(void)
{
    return READ_ONCE(cpu_online_map) & ~READ_ONCE(leaving);
}

static bool usable(unsigned cpu)
{
    return usable_cpus() & CPUMASK(cpu);
}

/* Counts of assigned vCPUs are a hint here, so no locks. */
static unsigned choose_cpu(cpumask_t allowed)
{
    struct cpu_place place[MAX_CPUS];
    cpumask_t online = cpu_online_map;
    unsigned cpu;

    for_each_cpu(cpu, online) {
        const struct cpu_topology *t = cpu_topology(cpu);
        place[cpu] = (struct cpu_place){
            t->package, t->core, READ_ONCE(per_cpu(sched_cpu, cpu).assigned)};
    }
    return place_vcpu(place, online, allowed);
}

static void count_assigned(unsigned cpu, int change)
{
    __atomic_fetch_add(&per_cpu(sched_cpu, cpu).assigned, (unsigned)change,
                       __ATOMIC_SEQ_CST);
}

static void set_processor(struct vcpu *v, unsigned cpu)
{
    unsigned long flags;
    unsigned old = v->processor;
    struct sched_cpu *sc = sched_lock_vcpu(v, &flags);

    WRITE_ONCE(v->processor, cpu);
    sched_unlock(sc, flags);
    count_assigned(old, -1);
    count_assigned(cpu, 1);
    timer_migrate(&v->periodic_timer, cpu);
    timer_migrate(&v->singleshot_timer, cpu);
    timer_migrate(&v->poll_timer, cpu);
    timer_migrate(&v->move_timer, cpu);
}

static bool still_running(struct vcpu *v)
{
    unsigned long flags;
    struct sched_cpu *sc = sched_lock_vcpu(v, &flags);
    bool running = v->is_running;

    sched_unlock(sc, flags);
    return running;
}

/* Those CPUs that can promise v `share`. */
static cpumask_t admitting(const struct vcpu *v, cpumask_t cpus, uint32_t share)
{
    cpumask_t fit = 0;
    unsigned cpu;

    for_each_cpu(cpu, cpus)
        if (admit_taken(v, cpu) + share <= ADMIT_LIMIT)
            fit |= CPUMASK(cpu);
    return share ? fit : cpus;
}

/* Chooses one of these CPUs and promises v `share` of it. -ENOSPC. */
static int reserve_cpu(struct vcpu *v, cpumask_t cpus, uint32_t share,
                       unsigned *cpu)
{
    cpumask_t fit;

    while ((fit = admitting(v, cpus, share)) != 0) {
        *cpu = choose_cpu(fit);
        if (!admit_vcpu(v, *cpu, share))
            return 0;
    }
    printk(XENLOG_G_INFO "d%uv%u: none of CPUs %#lx has %u.%04u %% left\n",
           v->domain->domain_id, v->vcpu_id, (unsigned long)cpus,
           share / 10000, share % 10000);
    return -ENOSPC;
}

/* Its CPU, or the one on the way to which it is. */
static unsigned cpu_to_be(const struct vcpu *v)
{
    return test_bit(VPF_MIGRATING, &v->pause_flags) ? READ_ONCE(v->move_to)
                                                    : READ_ONCE(v->processor);
}

/* A CPU for one that cannot be where it is, at any price. */
static unsigned refuge(struct vcpu *v)
{
    cpumask_t cpus = v->hard_affinity & usable_cpus();
    unsigned cpu;

    if (!cpus) {
        printk(XENLOG_WARNING "d%uv%u: none of its CPUs is left, may run on "
               "all\n", v->domain->domain_id, v->vcpu_id);
        WRITE_ONCE(v->hard_affinity, ~0UL);
        cpus = usable_cpus();
    }
    if (reserve_cpu(v, cpus, v->promised, &cpu)) {
        sched_renounce(v);
        (void)reserve_cpu(v, cpus, 0, &cpu);
    }
    return cpu;
}

/* The move timer's handler. */
static void move_vcpu(void *data)
{
    struct vcpu *v = data;

    if (still_running(v)) {
        timer_set(&v->move_timer, now() + MOVE_RETRY);
        return;
    }
    sync_vcpu_state(v);
    set_processor(v, READ_ONCE(v->move_to));
    while (!usable(v->processor))
        set_processor(v, refuge(v));
    clear_bit_atomic(VPF_MIGRATING, &v->pause_flags);
    vcpu_wake(v);
    /* An affinity that changed since `move_to` was read starts a new move. */
    if (!(READ_ONCE(v->hard_affinity) & CPUMASK(v->processor)))
        (void)vcpu_set_affinity(v, v->hard_affinity);
}

/* It goes to `cpu` as soon as it can. */
static void start_move(struct vcpu *v, unsigned cpu)
{
    WRITE_ONCE(v->move_to, cpu);
    if (!test_and_set_bit_atomic(VPF_MIGRATING, &v->pause_flags)) {
        vcpu_sleep_nosync(v);
        timer_set(&v->move_timer, now());
    }
}

int vcpu_set_affinity(struct vcpu *v, cpumask_t cpus)
{
    cpumask_t fit = cpus & usable_cpus();
    unsigned cpu = cpu_to_be(v);
    int rc;

    if (!fit)
        return -EINVAL;
    if (fit & CPUMASK(cpu)) {
        WRITE_ONCE(v->hard_affinity, cpus);
        return 0;
    }
    rc = reserve_cpu(v, fit, v->promised, &cpu);
    if (rc)
        return rc;
    WRITE_ONCE(v->hard_affinity, cpus);
    smp_mb();
    start_move(v, cpu);
    return 0;
}

void sched_renounce(struct vcpu *v)
{
    int64_t value[XENO_SCHED_PARAMS];

    sched_domain_values(v->domain, value);
    sched_policy->renounce(value);
    (void)admit_vcpu(v, cpu_to_be(v), 0);
    sched_set_vcpu(v, value);
}

void sched_reclaim(struct vcpu *v)
{
    int64_t value[XENO_SCHED_PARAMS];
    uint32_t share;
    unsigned cpu;

    sched_domain_values(v->domain, value);
    share = sched_demand(value);
    if (share == v->promised ||
        reserve_cpu(v, v->hard_affinity & usable_cpus(), share, &cpu))
        return;
    sched_set_vcpu(v, value);
    if (cpu != cpu_to_be(v))
        start_move(v, cpu);
}

void sched_reclaim_all(void)
{
    struct domain *d;
    struct vcpu *v;

    for_each_domain(d)
        for_each_vcpu(d, v)
            sched_reclaim(v);
}

/* ---- taking a CPU out of use ---- */

/* It has pinned itself, and to this CPU. */
static bool insists_on(const struct vcpu *v, unsigned cpu)
{
    return v->saved_affinity && v->hard_affinity == CPUMASK(cpu);
}

int sched_vacate_cpu(unsigned cpu)
{
    struct domain *d;
    struct vcpu *v;

    for_each_domain(d)
        for_each_vcpu(d, v)
            if (insists_on(v, cpu))
                return -EADDRINUSE;
    set_bit_atomic(cpu, &leaving);
    for_each_domain(d)
        for_each_vcpu(d, v)
            if (cpu_to_be(v) == cpu)
                start_move(v, refuge(v));
    return READ_ONCE(per_cpu(sched_cpu, cpu).assigned) ? -ERESTART_PREEMPT : 0;
}

void sched_cpu_vacated(unsigned cpu)
{
    clear_bit_atomic(cpu, &leaving);
}

/* ---- birth and end ---- */

/* With its domain's parameters; without their promise if no CPU has it. */
static void place_new(struct vcpu *v, cpumask_t cpus)
{
    int64_t value[XENO_SCHED_PARAMS];

    sched_domain_values(v->domain, value);
    if (reserve_cpu(v, cpus, sched_demand(value), &v->processor)) {
        (void)reserve_cpu(v, cpus, 0, &v->processor);
        sched_renounce(v);
        return;
    }
    sched_set_vcpu(v, value);
}

int sched_vcpu_init(struct vcpu *v)
{
    v->processor = lowest_bit(usable_cpus());
    if (sched_policy->vcpu_size) {
        v->sched_priv = xzalloc(sched_policy->vcpu_size);
        if (!v->sched_priv)
            return -ENOMEM;
    }
    if (sched_policy->init_vcpu)
        sched_policy->init_vcpu(v);
    place_new(v, usable_cpus());
    count_assigned(v->processor, 1);
    while (!usable(v->processor)) {
        count_assigned(v->processor, -1);
        place_new(v, usable_cpus());
        count_assigned(v->processor, 1);
    }
    timer_init(&v->move_timer, move_vcpu, v, v->processor);
    return 0;
}

/* It does not run, and is not loaded on a CPU. */
void sched_vcpu_destroy(struct vcpu *v)
{
    timer_kill(&v->move_timer);
    vcpu_sleep_nosync(v); /* out of the policy's queue */
    (void)admit_vcpu(v, v->promised_cpu, 0);
    count_assigned(v->processor, -1);
    xfree(v->sched_priv);
}
