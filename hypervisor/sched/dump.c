/* Debug keys: run queues, domains and their vCPUs. */
#include "arch/x86/irq.h"
#include "arch/x86/keyhandler.h"
#include "lib/printk.h"
#include "sched/cpu.h"

static void dump_cpu(unsigned cpu)
{
    struct sched_cpu *sc = &per_cpu(sched_cpu, cpu);
    struct vcpu *idle = sc->idle, *cur;
    struct vcpu_runstate_info r;
    unsigned long flags;

    vcpu_runstate_get(idle, &r);
    flags = spin_lock_irqsave(&sc->lock);
    cur = per_cpu(pcpu, cpu).curr;
    printk("  CPU %u: d%uv%u runs, %u vCPUs here, %lu switches, %u interrupts, "
           "idle %lu ms\n",
           cpu, cur->domain->domain_id, cur->vcpu_id, sc->assigned,
           (unsigned long)sc->switches, per_cpu(pcpu, cpu).interrupts,
           (unsigned long)(r.time[RUNSTATE_running] / MILLISECS(1)));
    if (sched_policy->dump_cpu)
        sched_policy->dump_cpu(cpu);
    spin_unlock_irqrestore(&sc->lock, flags);
}

static void dump_run_queues(char key)
{
    unsigned cpu;

    (void)key;
    printk("Scheduler: %s, time %lu ms\n", sched_policy->name,
           (unsigned long)(now() / MILLISECS(1)));
    for_each_online_cpu(cpu)
        dump_cpu(cpu);
}
KEYHANDLER('r', dump_run_queues, "run queues");

static void dump_vcpu(struct vcpu *v)
{
    static const char *const state[] = {"running", "runnable", "blocked",
                                        "offline"};
    struct vcpu_runstate_info r;

    vcpu_runstate_get(v, &r);
    printk("  v%u CPU %u %s, pause flags %x count %d, upcall pending %u mask "
           "%u, ran %lu ms\n",
           v->vcpu_id, v->processor, state[r.state & 3], v->pause_flags,
           v->pause_count, v->vcpu_info->evtchn_upcall_pending,
           v->vcpu_info->evtchn_upcall_mask,
           (unsigned long)(r.time[RUNSTATE_running] / MILLISECS(1)));
}

static void dump_domains(char key)
{
    struct domain *d;
    struct vcpu *v;

    (void)key;
    spin_lock(&domain_list_lock);
    for_each_domain(d) {
        printk("Domain %u: refs %d, paused %d, dying %d, shut down %d (code "
               "%u), pages %lu of %lu\n",
               d->domain_id, d->refs, d->pause_count, d->dying,
               d->is_shut_down, d->shutdown_code, (unsigned long)d->tot_pages,
               (unsigned long)d->max_pages);
        for_each_vcpu(d, v)
            dump_vcpu(v);
    }
    spin_unlock(&domain_list_lock);
}
KEYHANDLER('q', dump_domains, "domains and vCPUs");
