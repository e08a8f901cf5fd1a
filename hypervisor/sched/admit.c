#include "sched/admit.h"

#include "lib/errno.h"

static spinlock_t lock = SPINLOCK_INIT(LOCK_ANY);
static uint32_t promised[MAX_CPUS];

static void give(struct vcpu *v, unsigned cpu, uint32_t share)
{
    promised[v->promised_cpu] -= v->promised;
    promised[cpu] += share;
    v->promised = share;
    v->promised_cpu = cpu;
}

/* Without a promise v fits anywhere. */
static bool fits(const struct vcpu *v, unsigned cpu, uint32_t share)
{
    return !share || admit_taken(v, cpu) + share <= ADMIT_LIMIT;
}

uint32_t admit_taken(const struct vcpu *v, unsigned cpu)
{
    return promised[cpu] - (v->promised_cpu == cpu ? v->promised : 0);
}

int admit_vcpu(struct vcpu *v, unsigned cpu, uint32_t share)
{
    unsigned long flags = spin_lock_irqsave(&lock);
    bool ok = fits(v, cpu, share);

    if (ok)
        give(v, cpu, share);
    spin_unlock_irqrestore(&lock, flags);
    return ok ? 0 : -ENOSPC;
}

/* All vCPUs let their promises go first: two may be on one CPU. */
static struct vcpu *try_all(struct domain *d, uint32_t share,
                            uint32_t old[MAX_VCPUS])
{
    struct vcpu *v;

    for_each_vcpu(d, v) {
        old[v->vcpu_id] = v->promised;
        give(v, v->promised_cpu, 0);
    }
    for_each_vcpu(d, v) {
        if (!fits(v, v->promised_cpu, share))
            return v;
        give(v, v->promised_cpu, share);
    }
    return NULL;
}

int admit_domain(struct domain *d, uint32_t share, struct vcpu **refused)
{
    unsigned long flags = spin_lock_irqsave(&lock);
    uint32_t old[MAX_VCPUS];
    struct vcpu *v;

    *refused = try_all(d, share, old);
    if (*refused)
        for_each_vcpu(d, v)
            give(v, v->promised_cpu, old[v->vcpu_id]);
    spin_unlock_irqrestore(&lock, flags);
    return *refused ? -ENOSPC : 0;
}
