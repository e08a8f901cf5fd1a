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
#include "lib/printk.h"
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

int vcpu_set_affinity(struct vcpu *v, cpumask_t cpus)
{
    cpumask_t usable = cpus & cpu_online_map;

    if (!usable)
        return -EINVAL;
    WRITE_ONCE(v->hard_affinity, cpus);
    smp_mb();
    if (usable & CPUMASK(READ_ONCE(v->processor)))
        return 0;
    WRITE_ONCE(v->move_to, choose_cpu(usable));
    if (!test_and_set_bit_atomic(VPF_MIGRATING, &v->pause_flags)) {
        vcpu_sleep_nosync(v);
        timer_set(&v->move_timer, now());
    }
    return 0;
}

int sched_vcpu_init(struct vcpu *v)
{
    int rc;

    if (v->processor == CPU_ANY)
        v->processor = choose_cpu(cpu_online_map);
    timer_init(&v->move_timer, move_vcpu, v, v->processor);
    rc = sched_policy->init_vcpu ? sched_policy->init_vcpu(v) : 0;
    if (rc)
        return rc;
    count_assigned(v->processor, 1);
    return 0;
}

/* It does not run, and is not loaded on a CPU. */
void sched_vcpu_destroy(struct vcpu *v)
{
    timer_kill(&v->move_timer);
    vcpu_sleep_nosync(v); /* out of the policy's queue */
    if (sched_policy->destroy_vcpu)
        sched_policy->destroy_vcpu(v);
    count_assigned(v->processor, -1);
}
