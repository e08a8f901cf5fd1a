/*
 * Taking processors out of use, and back.
 *
 * A CPU that is off halts in its idle loop. No vCPU is assigned to it, no
 * interrupt goes to it, and it is in no mask of CPUs that are called, flushed
 * or counted; its memory is kept. A straggler, say an interrupt on its way when
 * its line was directed elsewhere, is served as on any idle CPU.
 *
 * First its vCPUs leave, each on its own way out of the hypervisor (move.c).
 * So the call gives way until nobody is left; the caller may be the last. Then
 * the CPU itself leaves, in SOFTIRQ_HOTPLUG; the caller waits for that.
 *
 * All under domain_list_lock: domains stay, and time is not bent meanwhile.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/smp.h"
#include "arch/x86/softirq.h"
#include "arch/x86/timesync.h"
#include "arch/x86/topology.h"
#include "domain/domctl.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/alloc.h"
#include "sched/cpu.h"

static bool online(unsigned cpu)
{
    return READ_ONCE(cpu_online_map) & CPUMASK(cpu);
}

/* ---- on the CPU concerned ---- */

static void idle_becomes(int state)
{
    struct sched_cpu *sc = &this_cpu(sched_cpu);
    unsigned long flags = spin_lock_irqsave(&sc->lock);

    vcpu_runstate_change(sc->idle, state, now());
    spin_unlock_irqrestore(&sc->lock, flags);
}

static void leave_or_rejoin(void)
{
    ASSERT(idle_vcpu(current) && !this_pcpu()->loaded);
    if (online(smp_cpu_id())) {
        idle_becomes(RUNSTATE_offline);
        smp_leave();
    } else {
        smp_rejoin();
        idle_becomes(RUNSTATE_running);
    }
}

/* ---- on the CPU that wants it ---- */

static void switch_over(unsigned cpu)
{
    bool was = online(cpu);

    softirq_raise_cpu(cpu, SOFTIRQ_HOTPLUG);
    if (!was)
        timesync_boot_cpu();
    while (online(cpu) == was)
        cpu_relax();
    printk(XENLOG_INFO "CPU %u is %s\n", cpu, was ? "off" : "online");
}

static int go_off(unsigned cpu)
{
    int rc = sched_vacate_cpu(cpu);

    if (rc)
        return rc;
    irq_move_all(cpu, 0);
    heap_drain_caches();
    switch_over(cpu);
    sched_cpu_vacated(cpu);
    return 0;
}

static int go_online(unsigned cpu)
{
    if (!(cpu_present_map & CPUMASK(cpu)))
        return -ENODEV;
    switch_over(cpu);
    sched_reclaim_all();
    return 0;
}

int cpu_set_online(unsigned cpu, bool wanted)
{
    int rc = -EEXIST;

    if (cpu >= nr_cpus_known() || (!cpu && !wanted))
        return -EINVAL;
    spin_lock(&domain_list_lock);
    if (online(cpu) != wanted)
        rc = wanted ? go_online(cpu) : go_off(cpu);
    spin_unlock(&domain_list_lock);
    if (!rc)
        evtchn_send_global_virq(dom0, VIRQ_PCPU_STATE);
    return rc;
}

/* All threads of the cores but their first ones. */
static int set_smt(bool wanted)
{
    int rc = 0;

    if (topology_threads_per_core() < 2)
        return -EOPNOTSUPP;
    for (unsigned cpu = 1; cpu < nr_cpus_known() && !rc; cpu++) {
        if (cpu_topology(cpu)->thread)
            rc = cpu_set_online(cpu, wanted);
        if (rc == -EEXIST)
            rc = 0;
    }
    return rc;
}

long sysctl_cpu_hotplug(const struct xen_sysctl_cpu_hotplug *h)
{
    switch (h->op) {
    case XEN_SYSCTL_CPU_HOTPLUG_ONLINE:
    case XEN_SYSCTL_CPU_HOTPLUG_OFFLINE:
        return cpu_set_online(h->cpu, h->op == XEN_SYSCTL_CPU_HOTPLUG_ONLINE);
    case XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE:
    case XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE:
        return set_smt(h->op == XEN_SYSCTL_CPU_HOTPLUG_SMT_ENABLE);
    default:
        return -EOPNOTSUPP;
    }
}

void __init sched_hotplug_init(void)
{
    softirq_open(SOFTIRQ_HOTPLUG, leave_or_rejoin);
}
