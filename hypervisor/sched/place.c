#include "sched/place.h"

#include "lib/bitops.h"

struct load {
    unsigned cpu, core, package; /* vCPUs on each */
};

static struct load load_at(const struct cpu_place *place, cpumask_t online,
                           unsigned at)
{
    struct load l = {.cpu = place[at].vcpus};
    unsigned cpu;

    for_each_cpu(cpu, online) {
        if (place[cpu].package != place[at].package)
            continue;
        l.package += place[cpu].vcpus;
        if (place[cpu].core == place[at].core)
            l.core += place[cpu].vcpus;
    }
    return l;
}

static bool less(const struct load *a, const struct load *b)
{
    if (a->cpu != b->cpu)
        return a->cpu < b->cpu;
    if (a->core != b->core)
        return a->core < b->core;
    return a->package < b->package;
}

unsigned place_vcpu(const struct cpu_place *place, cpumask_t online,
                    cpumask_t allowed)
{
    unsigned best = lowest_bit(allowed), cpu;
    struct load best_load = load_at(place, online, best);

    for_each_cpu(cpu, allowed & (allowed - 1)) {
        struct load l = load_at(place, online, cpu);
        if (less(&l, &best_load)) {
            best = cpu;
            best_load = l;
        }
    }
    return best;
}
