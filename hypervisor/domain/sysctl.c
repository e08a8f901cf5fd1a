/*
 * sysctl: operations on the machine as a whole, for privileged domains. The
 * entry, and what concerns the log; the others are in sysctl_*.c.
 *
 * -EFAULT argument not readable or not writable, -EACCES another interface
 * version, -EPERM not privileged, -ENOSYS unknown operation, -EOPNOTSUPP a
 * known one that Xeno does not have.
 */
#include "arch/x86/keyhandler.h"
#include "arch/x86/log.h"
#include "arch/x86/smp.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "domain/domctl.h"
#include "lib/errno.h"

/* Debug keys that one call may press. */
#define MAX_KEYS 64

/*
 * readconsole: copies up to `count` bytes of the log to the buffer, from the
 * oldest on or, incremental, from position `index` on; `index` and `count` are
 * what was reached and copied. clear: forgets what was read.
 */
static long op_readconsole(struct xen_sysctl_readconsole *op)
{
    uint32_t pos = op->incremental ? op->index : log_oldest();
    uint32_t copied = 0;
    char buf[256];

    while (copied < op->count) {
        size_t n = log_read(&pos, buf, min((size_t)(op->count - copied),
                                           sizeof(buf)));
        if (!n)
            break;
        if (copy_to_guest_offset(op->buffer, copied, buf, n))
            return -EFAULT;
        copied += (uint32_t)n;
    }
    if (op->clear)
        log_clear(pos);
    op->index = pos;
    op->count = copied;
    return 0;
}

/* debug_keys: as if the keys were typed. -EINVAL more than 64. */
static long op_debug_keys(const struct xen_sysctl_debug_keys *op)
{
    char key;

    if (op->nr_keys > MAX_KEYS)
        return -EINVAL;
    for (uint32_t i = 0; i < op->nr_keys; i++) {
        if (copy_from_guest_offset(&key, op->keys, i, 1))
            return -EFAULT;
        (void)keyhandler_run(key);
    }
    return 0;
}

/* tbuf_op: there is no trace; it can be asked about and switched off. */
static long op_trace(struct xen_sysctl_tbuf_op *op)
{
    if (op->cmd > XEN_SYSCTL_TBUFOP_disable)
        return -EINVAL;
    if (op->cmd != XEN_SYSCTL_TBUFOP_get_info &&
        op->cmd != XEN_SYSCTL_TBUFOP_disable)
        return -EOPNOTSUPP;
    op->evt_mask = 0;
    op->buffer_mfn = 0;
    op->size = 0;
    return 0;
}

/* Of the CPU's power states dom0 takes care itself, or nobody. */
static long op_power_statistics(const struct xen_sysctl_get_pmstat *op)
{
    return op->cpuid < nr_cpus_known() ? -ENODEV : -EINVAL;
}

static long machine_op(struct xen_sysctl *op)
{
    switch (op->cmd) {
    case XEN_SYSCTL_physinfo:
        return sysctl_physinfo(&op->u.physinfo);
    case XEN_SYSCTL_cputopoinfo:
        return sysctl_cpu_topology(&op->u.cputopoinfo);
    case XEN_SYSCTL_numainfo:
        return sysctl_numa(&op->u.numainfo);
    case XEN_SYSCTL_pcitopoinfo:
        return sysctl_pci_topology(&op->u.pcitopoinfo);
    case XEN_SYSCTL_getcpuinfo:
        return sysctl_cpu_info(&op->u.getcpuinfo);
    case XEN_SYSCTL_availheap:
        return sysctl_heap(&op->u.availheap);
    case XEN_SYSCTL_get_pmstat:
        return op_power_statistics(&op->u.get_pmstat);
    case XEN_SYSCTL_get_cpu_levelling_caps:
        op->u.cpu_levelling_caps.caps = 0;
        return 0;
    case XEN_SYSCTL_get_cpu_featureset:
        return sysctl_cpu_featureset(&op->u.cpu_featureset);
    case XEN_SYSCTL_get_cpu_policy:
        return sysctl_cpu_policy(&op->u.cpu_policy);
    case XEN_SYSCTL_cpu_hotplug:
        return sysctl_cpu_hotplug(&op->u.cpu_hotplug);
    case XEN_SYSCTL_pm_op:
    case XEN_SYSCTL_page_offline_op:
        return -EOPNOTSUPP;
    case XEN_SYSCTL_psr_cmt_op:
    case XEN_SYSCTL_psr_alloc:
        return -ENODEV;
    default: /* perfc_op, lockprof_op, coverage_op, livepatch_op ... */
        return -ENOSYS;
    }
}

static long sysctl(struct xen_sysctl *op)
{
    switch (op->cmd) {
    case XEN_SYSCTL_readconsole:
        return op_readconsole(&op->u.readconsole);
    case XEN_SYSCTL_debug_keys:
        return op_debug_keys(&op->u.debug_keys);
    case XEN_SYSCTL_tbuf_op:
        return op_trace(&op->u.tbuf_op);
    case XEN_SYSCTL_sched_id:
        op->u.sched_id.sched_id = TOLD_SCHEDULER;
        return 0;
    case XEN_SYSCTL_scheduler_op:
        return sysctl_scheduler(&op->u.scheduler_op);
    case XEN_SYSCTL_getdomaininfolist:
        return sysctl_domain_list(&op->u.getdomaininfolist);
    case XEN_SYSCTL_cpupool_op:
        return sysctl_cpupool(&op->u.cpupool_op);
    default:
        return machine_op(op);
    }
}

static long do_sysctl(uint64_t arg, uint64_t a2, uint64_t a3, uint64_t a4,
                      uint64_t a5, uint64_t a6)
{
    struct xen_sysctl op;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION)
        return -EACCES;
    if (!current->domain->is_privileged)
        return -EPERM;
    rc = sysctl(&op);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_sysctl, 1, arg);
    /* No room: the answer says how much would be needed. */
    if ((!rc || rc == -ENOBUFS) && copy_to_guest_va(arg, &op, sizeof(op)))
        rc = -EFAULT;
    return rc;
}
HYPERCALL(__HYPERVISOR_sysctl, 1, do_sysctl);
