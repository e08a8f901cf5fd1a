/*
 * hvm_op and xenpmu_op as a domain without hardware virtualisation finds them:
 * most of hvm_op is refused, each command in its own way. Kernels probe it.
 */
#include "arch/x86/timer.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#define TRACE_EVENT_MAX 0xfff

/* No domain here has what the command is about. -EINVAL; -ESRCH. */
static long not_hvm(domid_t id)
{
    struct domain *d;

    if (id == DOMID_SELF)
        return -EINVAL;
    d = domain_get(id);
    if (!d)
        return -ESRCH;
    domain_put(d);
    return -EINVAL;
}

/* set_param, get_param: the index is looked at first. */
static long op_param(vaddr_t arg)
{
    struct xen_hvm_param p;

    if (copy_from_guest_va(&p, arg, sizeof(p)))
        return -EFAULT;
    return p.index >= HVM_NR_PARAMS ? -EINVAL : not_hvm(p.domid);
}

/* pagetable_dying, get_mem_type: their structures begin with the domain. */
static long op_on_domain(vaddr_t arg, size_t size)
{
    domid_t id;

    if (!guest_range_ok(arg, size) || copy_from_guest_va(&id, arg, sizeof(id)))
        return -EFAULT;
    return not_hvm(id);
}

/* get_time(-> now): nanoseconds since the machine started. */
static long op_get_time(vaddr_t arg)
{
    struct xen_hvm_get_time t = {.now = (uint64_t)now()};

    return copy_to_guest_va(arg, &t, sizeof(t)) ? -EFAULT : 0;
}

/* xentrace(event, extra): checked, and dropped, as nothing is traced. */
static long op_xentrace(vaddr_t arg)
{
    struct xen_hvm_xentrace t;

    if (copy_from_guest_va(&t, arg, sizeof(t)))
        return -EFAULT;
    return t.event > TRACE_EVENT_MAX || t.extra_bytes > sizeof(t.extra)
               ? -EINVAL
               : 0;
}

/*
 * hvm_op(cmd, arg). -EFAULT arg cannot be read or written; -ESRCH no such
 * domain; -EINVAL not for this kind of domain, or bad values; -EOPNOTSUPP
 * altp2m; -ENOSYS unknown cmd, or one for device models.
 */
static long do_hvm_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                      uint64_t a5, uint64_t a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch (cmd) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        return op_param(arg);
    case HVMOP_pagetable_dying:
        return op_on_domain(arg, sizeof(struct xen_hvm_pagetable_dying));
    case HVMOP_get_mem_type:
        return op_on_domain(arg, sizeof(struct xen_hvm_get_mem_type));
    case HVMOP_get_time:
        return op_get_time(arg);
    case HVMOP_xentrace:
        return op_xentrace(arg);
    case HVMOP_flush_tlbs:
    case HVMOP_set_evtchn_upcall_vector:
        return -EINVAL;
    case HVMOP_guest_request_vm_event: /* nobody listens */
        return arg ? -EINVAL : 0;
    case HVMOP_altp2m:
        return -EOPNOTSUPP;
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_hvm_op, 2, do_hvm_op);

/* xenpmu_op(cmd, arg): performance counters are off. -EOPNOTSUPP. */
static long do_xenpmu_op(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                         uint64_t a5, uint64_t a6)
{
    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return -EOPNOTSUPP;
}
HYPERCALL(__HYPERVISOR_xenpmu_op, 2, do_xenpmu_op);
