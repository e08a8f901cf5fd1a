/*
 * Which CPU a vCPU is assigned to: first placement, affinity, moving.
 *
 * A vCPU moves in two steps. Whoever wants it sets VPF_MIGRATING - so it
 * leaves its CPU and no CPU picks it - and starts its move timer. The timer's
 * handler, which runs without locks and with interrupts on, waits (by trying
 * again) until it has left, has the old CPU write its registers back, and only
 * then changes v->processor and lets it run again. So the vCPU itself may ask
 * for its move: it goes on the way out of the hypervisor.
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
                       __ATOMIC_RELAXED);
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
    clear_bit_atomic(VPF_MIGRATING, &v->pause_flags);
    vcpu_wake(v);
    /* An affinity that changed since `move_to` was read starts a new move. */
    if (!(READ_ONCE(v->hard_affinity) & CPUMASK(v->processor)))
        (void)vcpu_set_affinity(v, v->hard_affinity);
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
    cpumask_t usable = cpus & cpu_online_map;
    unsigned cpu = cpu_to_be(v);
    int rc;

    if (!usable)
        return -EINVAL;
    if (usable & CPUMASK(cpu)) {
        WRITE_ONCE(v->hard_affinity, cpus);
        return 0;
    }
    rc = reserve_cpu(v, usable, v->promised, &cpu);
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
        reserve_cpu(v, v->hard_affinity & cpu_online_map, share, &cpu))
        return;
    sched_set_vcpu(v, value);
    if (cpu != cpu_to_be(v))
        start_move(v, cpu);
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
    cpumask_t cpus = v->processor == CPU_ANY ? cpu_online_map
                                             : CPUMASK(v->processor);

    v->processor = lowest_bit(cpus);
    if (sched_policy->vcpu_size) {
        v->sched_priv = xzalloc(sched_policy->vcpu_size);
        if (!v->sched_priv)
            return -ENOMEM;
    }
    if (sched_policy->init_vcpu)
        sched_policy->init_vcpu(v);
    place_new(v, cpus);
    timer_init(&v->move_timer, move_vcpu, v, v->processor);
    count_assigned(v->processor, 1);
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
