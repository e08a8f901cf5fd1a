/* sysctl: the list of domains, and the one pool of CPUs that they share. */
#include "domain/domctl.h"

#include "arch/x86/irq.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"

#define ANY XEN_SYSCTL_CPUPOOL_PAR_ANY

static uint32_t count_domains(void)
{
    const struct domain *d;
    uint32_t n = 0;

    spin_lock(&domain_list_lock);
    for_each_domain(d)
        n++;
    spin_unlock(&domain_list_lock);
    return n;
}

/* -ENOENT: there is no pool of this or a higher number. */
static long pool_info(struct xen_sysctl_cpupool_op *op)
{
    if (op->cpupool_id && op->cpupool_id != ANY)
        return -ENOENT;
    op->cpupool_id = 0;
    op->sched_id = TOLD_SCHEDULER;
    op->n_dom = count_domains();
    return control_bits_put(&op->cpumap, cpu_online_map);
}

/* -ENOENT another pool, -ESRCH no such domain. */
static long pool_move(const struct xen_sysctl_cpupool_op *op)
{
    struct domain *d = domain_get_any((domid_t)op->domid);

    if (!d)
        return -ESRCH;
    domain_put(d);
    return op->cpupool_id ? -ENOENT : 0;
}

/*
 * cpupool_op: pool 0 has all CPUs and all domains, and that cannot be changed
 * (-EOPNOTSUPP). -EINVAL unknown.
 */
long sysctl_cpupool(struct xen_sysctl_cpupool_op *op)
{
    switch (op->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(op);
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        return pool_move(op);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return control_bits_put(&op->cpumap, 0);
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return -EOPNOTSUPP;
    default:
        return -EINVAL;
    }
}

/*
 * getdomaininfolist: domains from an id on, as many as there is room for.
 * -EFAULT.
 */
long sysctl_domain_list(struct xen_sysctl_getdomaininfolist *l)
{
    struct xen_domctl_getdomaininfo info;
    domid_t id = l->first_domain;
    struct domain *d;

    for (l->num_domains = 0; l->num_domains < l->max_domains; id++) {
        d = domain_get_from(id);
        if (!d)
            break;
        domain_info(d, &info);
        id = d->domain_id;
        domain_put(d);
        if (copy_to_guest_offset(l->buffer, l->num_domains++, &info, 1))
            return -EFAULT;
    }
    return 0;
}
