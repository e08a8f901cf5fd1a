/*
 * domctl: the entry. Checks, in order: the structure can be read (-EFAULT);
 * interface version (-EACCES); the caller is privileged (-EPERM); the domain
 * exists (-ESRCH); the operation is known (-ENOSYS); then the operation's own.
 * Giving way when another operation on the domain is at work is no error.
 */
#include "domain/domctl.h"

#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"

#define COPYBACK 1u  /* also on errors: some say what was wrong */
#define EXCLUSIVE 2u /* one at a time for a domain */

static long refuse_unsupported(struct domain *d, struct xen_domctl *op)
{
    (void)d, (void)op;
    return -EOPNOTSUPP;
}

/* No device can be kept apart from the others without an IOMMU. */
static long refuse_device(struct domain *d, struct xen_domctl *op)
{
    (void)d, (void)op;
    return -ENODEV;
}

static const struct {
    domctl_fn *fn;
    unsigned flags;
} ops[] = {
#define OP(name, function, how) [XEN_DOMCTL_##name] = {function, how}
    OP(destroydomain, domctl_destroy, EXCLUSIVE),
    OP(pausedomain, domctl_pause, EXCLUSIVE),
    OP(unpausedomain, domctl_unpause, EXCLUSIVE),
    OP(resumedomain, domctl_resume, EXCLUSIVE),
    OP(setdomainhandle, domctl_set_handle, EXCLUSIVE),
    OP(set_virq_handler, domctl_set_virq_handler, EXCLUSIVE),
    OP(subscribe, domctl_subscribe, EXCLUSIVE),

    OP(max_vcpus, domctl_max_vcpus, EXCLUSIVE),
    OP(setvcpucontext, domctl_set_context, EXCLUSIVE),
    OP(getvcpucontext, domctl_get_context, EXCLUSIVE),
    OP(getvcpuinfo, domctl_vcpu_info, COPYBACK),
    OP(set_ext_vcpucontext, domctl_set_ext_context, EXCLUSIVE),
    OP(get_ext_vcpucontext, domctl_get_ext_context, COPYBACK | EXCLUSIVE),
    OP(get_vcpu_msrs, domctl_get_msrs, COPYBACK | EXCLUSIVE),
    OP(set_vcpu_msrs, domctl_set_msrs, EXCLUSIVE),
    OP(getvcpuextstate, domctl_get_xstate, COPYBACK | EXCLUSIVE),
    OP(setvcpuextstate, domctl_set_xstate, EXCLUSIVE),
    OP(sendtrigger, domctl_send_trigger, EXCLUSIVE),

    OP(setvcpuaffinity, domctl_set_affinity, EXCLUSIVE),
    OP(getvcpuaffinity, domctl_get_affinity, 0),
    OP(setnodeaffinity, domctl_set_node_affinity, EXCLUSIVE),
    OP(getnodeaffinity, domctl_get_node_affinity, 0),
    OP(scheduler_op, domctl_scheduler, EXCLUSIVE),

    OP(max_mem, domctl_max_mem, EXCLUSIVE),
    OP(getpageframeinfo3, domctl_frame_info, 0),
    OP(hypercall_init, domctl_hypercall_page, EXCLUSIVE),
    OP(set_address_size, domctl_set_address_size, 0),
    OP(get_address_size, domctl_get_address_size, COPYBACK),

    OP(iomem_permission, domctl_iomem, EXCLUSIVE),
    OP(ioport_permission, domctl_ioport, EXCLUSIVE),
    OP(irq_permission, domctl_irq, EXCLUSIVE),

    OP(settimeoffset, domctl_time_offset, EXCLUSIVE),
    OP(settscinfo, domctl_set_tsc, EXCLUSIVE),
    OP(gettscinfo, domctl_get_tsc, COPYBACK),

    OP(get_cpu_policy, domctl_get_cpu_policy, COPYBACK | EXCLUSIVE),
    OP(set_cpu_policy, domctl_set_cpu_policy, COPYBACK | EXCLUSIVE),

    OP(shadow_op, refuse_unsupported, 0),
    OP(setdebugging, refuse_unsupported, 0),
    OP(debug_op, refuse_unsupported, 0),
    OP(setvnumainfo, refuse_unsupported, 0),
    OP(vmtrace_op, refuse_unsupported, 0),
    OP(psr_cmt_op, refuse_device, 0),
    OP(psr_alloc, refuse_device, 0),
    OP(assign_device, refuse_device, 0),
    OP(test_assign_device, refuse_device, 0),
    OP(deassign_device, refuse_device, 0),
    OP(get_device_group, refuse_device, 0),
#undef OP
};

/* With d->control_busy where the operation wants it; else it is tried again. */
static long run(struct domain *d, struct xen_domctl *op)
{
    bool alone = ops[op->cmd].flags & EXCLUSIVE;
    long rc;

    if (alone && __atomic_exchange_n(&d->control_busy, true, __ATOMIC_ACQUIRE))
        return -ERESTART_PREEMPT;
    rc = ops[op->cmd].fn(d, op);
    if (alone)
        __atomic_store_n(&d->control_busy, false, __ATOMIC_RELEASE);
    return rc;
}

static long on_domain(struct xen_domctl *op, bool *copyback)
{
    struct domain *d;
    long rc;

    *copyback = false;
    d = domain_get_any(op->domain);
    if (!d)
        return -ESRCH;
    if (op->cmd >= ARRAY_SIZE(ops) || !ops[op->cmd].fn) {
        rc = -ENOSYS;
    } else {
        *copyback = ops[op->cmd].flags & COPYBACK;
        rc = run(d, op);
    }
    domain_put(d);
    return rc;
}

static long do_domctl(uint64_t arg, uint64_t a2, uint64_t a3, uint64_t a4,
                      uint64_t a5, uint64_t a6)
{
    struct xen_domctl op;
    bool copyback = true;
    long rc;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
        return -EACCES;
    if (!current->domain->is_privileged)
        return -EPERM;
    if (op.cmd == XEN_DOMCTL_createdomain)
        rc = domctl_create(&op);
    else if (op.cmd == XEN_DOMCTL_getdomaininfo)
        rc = domctl_getdomaininfo(NULL, &op);
    else
        rc = on_domain(&op, &copyback);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_domctl, 1, arg);
    if (copyback && copy_to_guest_va(arg, &op, sizeof(op)))
        return -EFAULT;
    return rc;
}
HYPERCALL(__HYPERVISOR_domctl, 1, do_domctl);
