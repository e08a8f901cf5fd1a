/* vCPUs: what they do, where they may run, what they start with. */
#include "internal.h"

#include <errno.h>
#include <string.h>

static int failed(struct xeno *x, int rc, uint32_t id, unsigned vcpu,
                  const char *what)
{
    if (rc >= 0)
        return 0;
    return xeno_fail(x, -rc, "cannot %s vCPU %u of domain %u: %s", what, vcpu,
                     id, strerror(-rc));
}

int xeno_vcpu_info(struct xeno *x, uint32_t id, unsigned vcpu,
                   struct xeno_vcpu *info)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_getvcpuinfo, id);
    const struct xen_domctl_getvcpuinfo *u = &op->u.getvcpuinfo;
    int rc;

    op->u.getvcpuinfo.vcpu = vcpu;
    rc = domctl_run(x, op);
    if (rc)
        return failed(x, rc, id, vcpu, "look at");
    *info = (struct xeno_vcpu){.online = u->online,
                               .blocked = u->blocked,
                               .running = u->running,
                               .cpu_ns = u->cpu_time,
                               .cpu = u->cpu};
    return 0;
}

/* A bitmap in the arena that the operation points to. */
static struct xeno_cpus *bitmap(struct xeno *x, struct xenctl_bitmap *b,
                                const struct xeno_cpus *from)
{
    struct xeno_cpus *set = arena_alloc(x, sizeof(*set));

    if (from)
        *set = *from;
    b->nr_bits = sizeof(set->bits) * 8;
    set_xen_guest_handle(b->bitmap, (uint8_t *)set->bits);
    return set;
}

int xeno_vcpu_affinity(struct xeno *x, uint32_t id, unsigned vcpu,
                       struct xeno_cpus *hard, struct xeno_cpus *soft)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_getvcpuaffinity, id);
    struct xen_domctl_vcpuaffinity *u = &op->u.vcpuaffinity;
    struct xeno_cpus *h = bitmap(x, &u->cpumap_hard, NULL);
    struct xeno_cpus *s = bitmap(x, &u->cpumap_soft, NULL);
    int rc;

    u->vcpu = vcpu;
    u->flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) |
               (soft ? XEN_VCPUAFFINITY_SOFT : 0);
    rc = domctl_run(x, op);
    if (rc)
        return failed(x, rc, id, vcpu, "read the affinity of");
    if (hard)
        *hard = *h;
    if (soft)
        *soft = *s;
    return 0;
}

int xeno_vcpu_set_affinity(struct xeno *x, uint32_t id, unsigned vcpu,
                           const struct xeno_cpus *hard,
                           const struct xeno_cpus *soft)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_setvcpuaffinity, id);
    struct xen_domctl_vcpuaffinity *u = &op->u.vcpuaffinity;

    (void)bitmap(x, &u->cpumap_hard, hard);
    (void)bitmap(x, &u->cpumap_soft, soft);
    u->vcpu = vcpu;
    u->flags = (hard ? XEN_VCPUAFFINITY_HARD : 0) |
               (soft ? XEN_VCPUAFFINITY_SOFT : 0);
    return failed(x, domctl_run(x, op), id, vcpu, "set the affinity of");
}

int xeno_vcpu_set_context(struct xeno *x, uint32_t id, unsigned vcpu,
                          const struct vcpu_guest_context *context)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_setvcpucontext, id);
    vcpu_guest_context_t *c = arena_alloc(x, sizeof(*c));

    *c = *context;
    op->u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(op->u.vcpucontext.ctxt, c);
    return failed(x, domctl_run(x, op), id, vcpu, "set the registers of");
}

int xeno_vcpu_context(struct xeno *x, uint32_t id, unsigned vcpu,
                      struct vcpu_guest_context *context)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_getvcpucontext, id);
    vcpu_guest_context_t *c = arena_alloc(x, sizeof(*c));
    int rc;

    op->u.vcpucontext.vcpu = vcpu;
    set_xen_guest_handle(op->u.vcpucontext.ctxt, c);
    rc = domctl_run(x, op);
    if (rc)
        return failed(x, rc, id, vcpu, "read the registers of");
    *context = *c;
    return 0;
}
