/* domctl: where vCPUs may run, and the bit maps that say so. */
#include "domain/domctl.h"

#include "arch/x86/irq.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"

#define HARD XEN_VCPUAFFINITY_HARD
#define SOFT XEN_VCPUAFFINITY_SOFT
#define FORCE XEN_VCPUAFFINITY_FORCE
#define NODES 1UL /* there is node 0 */

int control_bits_get(uint64_t *bits, const struct xenctl_bitmap *map)
{
    size_t bytes = min(DIV_ROUND_UP((size_t)map->nr_bits, 8), sizeof(*bits));

    *bits = 0;
    if (copy_from_guest_va(bits, (vaddr_t)map->bitmap.p, bytes))
        return -EFAULT;
    if (map->nr_bits < 64)
        *bits &= (1UL << map->nr_bits) - 1;
    return 0;
}

int control_bits_put(const struct xenctl_bitmap *map, uint64_t bits)
{
    size_t bytes = DIV_ROUND_UP((size_t)map->nr_bits, 8);
    size_t n = min(bytes, sizeof(bits));
    vaddr_t va = (vaddr_t)map->bitmap.p;

    if (map->nr_bits < 64)
        bits &= (1UL << map->nr_bits) - 1;
    if (copy_to_guest_va(va, &bits, n) || clear_guest_va(va + n, bytes - n))
        return -EFAULT;
    return 0;
}

static struct vcpu *vcpu_named(struct domain *d, struct xen_domctl *op)
{
    uint32_t id = op->u.vcpuaffinity.vcpu;

    return id < d->max_vcpus ? d->vcpu[id & (MAX_VCPUS - 1)] : NULL;
}

static bool flags_ok(uint32_t flags, uint32_t known)
{
    return (flags & (HARD | SOFT)) && !(flags & ~known);
}

/*
 * -EBUSY while the vCPU is pinned by itself, unless it is to be released from
 * that.
 */
static int set_hard(struct vcpu *v, cpumask_t cpus, bool force)
{
    int rc;

    if (v->saved_affinity && !force)
        return -EBUSY;
    rc = vcpu_set_affinity(v, cpus);
    if (!rc)
        v->saved_affinity = 0;
    return rc;
}

/*
 * setvcpuaffinity: tells in the maps what has effect. -EINVAL no such vCPU, no
 * or unknown flags, none of the CPUs is online; -EFAULT; -EBUSY.
 */
long domctl_set_affinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *v = vcpu_named(d, op);
    cpumask_t hard = 0, soft = 0;
    int rc = 0;

    if (!v)
        return -ESRCH;
    if (!flags_ok(a->flags, HARD | SOFT | FORCE))
        return -EINVAL;
    if (a->flags & HARD)
        rc = control_bits_get(&hard, &a->cpumap_hard);
    if (!rc && (a->flags & SOFT))
        rc = control_bits_get(&soft, &a->cpumap_soft);
    if (!rc && (a->flags & SOFT) && !(soft & cpu_online_map))
        rc = -EINVAL;
    if (!rc && (a->flags & HARD))
        rc = set_hard(v, hard, a->flags & FORCE);
    if (rc)
        return rc;
    if (a->flags & SOFT)
        v->soft_affinity = soft;
    hard = v->hard_affinity & cpu_online_map;
    if (a->flags & HARD)
        rc = control_bits_put(&a->cpumap_hard, hard);
    if (!rc && (a->flags & SOFT))
        rc = control_bits_put(&a->cpumap_soft, v->soft_affinity & hard);
    return rc;
}

/* getvcpuaffinity: -ESRCH, -EINVAL no or unknown flags, -EFAULT. */
long domctl_get_affinity(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
    struct vcpu *v = vcpu_named(d, op);
    int rc = 0;

    if (!v)
        return -ESRCH;
    if (!flags_ok(a->flags, HARD | SOFT))
        return -EINVAL;
    if (a->flags & HARD)
        rc = control_bits_put(&a->cpumap_hard, v->hard_affinity);
    if (!rc && (a->flags & SOFT))
        rc = control_bits_put(&a->cpumap_soft, v->soft_affinity);
    return rc;
}

/* setnodeaffinity: -EINVAL without the one node that there is; -EFAULT. */
long domctl_set_node_affinity(struct domain *d, struct xen_domctl *op)
{
    uint64_t nodes;
    int rc = control_bits_get(&nodes, &op->u.nodeaffinity.nodemap);

    (void)d;
    return rc ? rc : nodes & NODES ? 0 : -EINVAL;
}

long domctl_get_node_affinity(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return control_bits_put(&op->u.nodeaffinity.nodemap, NODES);
}
