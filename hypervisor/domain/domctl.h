/*
 * domctl: operations on one domain, for privileged domains. The entry, with the
 * table of operations, is domctl.c; the operations are in one file a topic.
 *
 * An operation gets the domain that the call names, with a reference, and the
 * call's structure. What it writes into the structure goes back to the caller
 * if the table says so and it gives 0. 0 or -errno; -ERESTART_PREEMPT: the call
 * is made again, with the structure as the caller has it.
 *
 * Those that change something run with d->control_busy set: one at a time for
 * a domain, and any number for different ones.
 */
#ifndef DOMAIN_DOMCTL_H
#define DOMAIN_DOMCTL_H

#include "core/vcpu.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>

/*
 * The scheduler that the tools are told of. They know a fixed list, and only
 * this one has no parameters that they would insist to set.
 */
#define TOLD_SCHEDULER XEN_SCHEDULER_NULL

typedef long domctl_fn(struct domain *d, struct xen_domctl *op);

/* domctl_life.c */
domctl_fn domctl_destroy, domctl_pause, domctl_unpause, domctl_resume,
    domctl_set_handle, domctl_set_virq_handler, domctl_subscribe;
long domctl_create(struct xen_domctl *op); /* names no domain yet */

/* domctl_info.c */
domctl_fn domctl_getdomaininfo;
void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info);

/* The vCPU that an operation names, or NULL. */
static inline struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
    return id < d->max_vcpus ? d->vcpu[id & (MAX_VCPUS - 1)] : NULL;
}

/* domctl_vcpu.c */
domctl_fn domctl_max_vcpus, domctl_set_context, domctl_get_context,
    domctl_vcpu_info, domctl_set_ext_context, domctl_get_ext_context,
    domctl_get_msrs, domctl_set_msrs, domctl_send_trigger;

/* domctl_xstate.c */
domctl_fn domctl_get_xstate, domctl_set_xstate;

/* domctl_place.c: where vCPUs run */
domctl_fn domctl_set_affinity, domctl_get_affinity, domctl_set_node_affinity,
    domctl_get_node_affinity;

/* domctl_memory.c */
domctl_fn domctl_max_mem, domctl_frame_info, domctl_hypercall_page,
    domctl_set_address_size, domctl_get_address_size;

/* domctl_permission.c */
domctl_fn domctl_iomem, domctl_ioport;

/* domctl_time.c */
domctl_fn domctl_time_offset, domctl_set_tsc, domctl_get_tsc;

/* ---- sysctl, by topic ---- */
/* They fill the structure; 0 or -errno. */
/* sysctl_machine.c */
long sysctl_physinfo(struct xen_sysctl_physinfo *p);
long sysctl_cpu_topology(struct xen_sysctl_cputopoinfo *t);
long sysctl_numa(struct xen_sysctl_numainfo *n);
long sysctl_pci_topology(struct xen_sysctl_pcitopoinfo *t);
long sysctl_cpu_info(struct xen_sysctl_getcpuinfo *g);
long sysctl_heap(struct xen_sysctl_availheap *a);
/* sysctl_pool.c */
long sysctl_cpupool(struct xen_sysctl_cpupool_op *op);
long sysctl_domain_list(struct xen_sysctl_getdomaininfolist *l);

/* ---- Bit maps of the interface: bit n of byte n / 8 ---- */
/* The first 64 bits, those beyond the map's end clear. -EFAULT. */
int control_bits_get(uint64_t *bits, const struct xenctl_bitmap *map);
/* The rest of the caller's map is cleared. -EFAULT. */
int control_bits_put(const struct xenctl_bitmap *map, uint64_t bits);

/* ---- Provided by sched ---- */
domctl_fn domctl_scheduler;
long sysctl_scheduler(struct xen_sysctl_scheduler_op *o);
/*
 * Takes a CPU out of use, or back. -EINVAL no such CPU, or CPU 0 off; -EEXIST
 * it is so already; -ENODEV it never started; -EADDRINUSE a vCPU has pinned
 * itself to it; -ERESTART_PREEMPT as in hypercalls.
 */
int cpu_set_online(unsigned cpu, bool wanted);
/* The same, or for all second threads. -EOPNOTSUPP: there are none. */
long sysctl_cpu_hotplug(const struct xen_sysctl_cpu_hotplug *h);

/* ---- Provided by event ---- */
/*
 * Global virtual interrupt `virq` goes to d from now on, not to domain 0, until
 * d dies. -EINVAL: no global one.
 */
int virq_set_handler(struct domain *d, unsigned virq);
/*
 * d may map the irq that is the caller's interrupt `pirq`, or no more. -EPERM:
 * it is not the caller's; -EINVAL, -ENOMEM.
 */
domctl_fn domctl_irq;

/* ---- Provided by pv ---- */
/* The context of a vCPU that does not run. */
void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c);
/* What a domain sees of the CPU: pv/cpu_policy.c. */
domctl_fn domctl_get_cpu_policy, domctl_set_cpu_policy;
long sysctl_cpu_policy(struct xen_sysctl_cpu_policy *p);
long sysctl_cpu_featureset(struct xen_sysctl_cpu_featureset *f);

#endif
