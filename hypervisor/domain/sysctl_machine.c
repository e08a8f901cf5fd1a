/* sysctl: processors, memory and devices of the machine. */
#include "domain/domctl.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/smp.h"
#include "arch/x86/topology.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/alloc.h"

#define CAPABILITIES (XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1)
#define NODE_DISTANCE 10u /* of a node from itself, as ACPI counts */

/* Words of features in the order in which the tools print them. */
static void hardware_capabilities(uint32_t cap[8])
{
    struct cpuid_regs r = cpuid(1, 0);

    cap[0] = r.d;
    cap[1] = r.c;
    r = cpuid(0x80000001, 0);
    cap[2] = r.d;
    cap[3] = r.c;
    if (cpu_features.max_leaf >= 0xd)
        cap[4] = cpuid(0xd, 1).a;
    if (cpu_features.max_leaf >= 7) {
        r = cpuid(7, 0);
        cap[5] = r.b;
        cap[6] = r.c;
    }
    if (cpu_features.max_ext_leaf >= 0x80000007)
        cap[7] = cpuid(0x80000007, 0).d;
}

long sysctl_physinfo(struct xen_sysctl_physinfo *p)
{
    memset(p, 0, sizeof(*p));
    p->threads_per_core = topology_threads_per_core();
    p->cores_per_socket = topology_cores_per_package();
    p->nr_cpus = nr_cpus_online();
    p->max_cpu_id = nr_cpus_known() - 1;
    p->nr_nodes = 1;
    p->cpu_khz = (uint32_t)cpu_khz;
    p->capabilities = CAPABILITIES;
    p->total_pages = heap_total_frames();
    p->free_pages = heap_free_frames();
    p->outstanding_pages = heap_claimed_frames();
    p->max_mfn = max_mfn - 1;
    hardware_capabilities(p->hw_cap);
    return 0;
}

/*
 * cputopoinfo: of as many CPUs as there is room for; without a buffer their
 * number. -EFAULT.
 */
long sysctl_cpu_topology(struct xen_sysctl_cputopoinfo *t)
{
    uint32_t n = nr_cpus_known(), room = t->num_cpus;

    t->num_cpus = n;
    if (guest_handle_is_null(t->cputopo))
        return 0;
    for (unsigned cpu = 0; cpu < min(n, room); cpu++) {
        const struct cpu_topology *c = cpu_topology(cpu);
        xen_sysctl_cputopo_t one = {XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID,
                                    XEN_INVALID_NODE_ID};
        if (cpu_present_map & CPUMASK(cpu))
            one = (xen_sysctl_cputopo_t){c->core, c->package, 0};
        if (copy_to_guest_offset(t->cputopo, cpu, &one, 1))
            return -EFAULT;
    }
    return 0;
}

/* numainfo: there is one node. -EFAULT. */
long sysctl_numa(struct xen_sysctl_numainfo *n)
{
    const xen_sysctl_meminfo_t m = {
        .memsize = heap_total_frames() << PAGE_SHIFT,
        .memfree = heap_free_frames() << PAGE_SHIFT,
    };
    const uint32_t distance = NODE_DISTANCE;
    uint32_t room = n->num_nodes;

    n->num_nodes = 1;
    if (!room)
        return 0;
    if (!guest_handle_is_null(n->meminfo) && copy_to_guest(n->meminfo, &m, 1))
        return -EFAULT;
    if (!guest_handle_is_null(n->distance) &&
        copy_to_guest(n->distance, &distance, 1))
        return -EFAULT;
    return 0;
}

/*
 * pcitopoinfo: every device is at the one node. -EINVAL without buffers;
 * -EFAULT.
 */
long sysctl_pci_topology(struct xen_sysctl_pcitopoinfo *t)
{
    const uint32_t node = 0;

    if (guest_handle_is_null(t->devs) || guest_handle_is_null(t->nodes))
        return -EINVAL;
    for (uint32_t i = 0; i < t->num_devs; i++)
        if (copy_to_guest_offset(t->nodes, i, &node, 1))
            return -EFAULT;
    return 0;
}

/* getcpuinfo: how long each CPU was idle. -EFAULT. */
long sysctl_cpu_info(struct xen_sysctl_getcpuinfo *g)
{
    uint32_t n = min(g->max_cpus, (uint32_t)nr_cpus_known());
    struct vcpu_runstate_info r;

    for (unsigned cpu = 0; cpu < n; cpu++) {
        xen_sysctl_cpuinfo_t one = {0};
        if (cpu_present_map & CPUMASK(cpu)) {
            vcpu_runstate_get(dom_idle.vcpu[cpu], &r);
            one.idletime = r.time[RUNSTATE_running];
        }
        if (copy_to_guest_offset(g->info, cpu, &one, 1))
            return -EFAULT;
    }
    g->nr_cpus = n;
    return 0;
}

/* availheap: address widths are not told apart. -EINVAL no such node. */
long sysctl_heap(struct xen_sysctl_availheap *a)
{
    if (a->node != -1 && a->node != 0)
        return -EINVAL;
    a->avail_bytes = heap_free_frames() << PAGE_SHIFT;
    return 0;
}
