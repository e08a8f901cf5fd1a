/* domctl: what the tools see of a domain. */
#include "domain/domctl.h"

#include "arch/x86/cpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/alloc.h"

#define SHUTDOWN_FLAGS(code)                                                   \
    (XEN_DOMINF_shutdown | (uint32_t)(code) << XEN_DOMINF_shutdownshift)

static uint32_t state_flags(const struct domain *d)
{
    uint32_t flags = 0;

    if (d->dying == DOM_DEAD)
        flags |= XEN_DOMINF_dying;
    if (d->is_shut_down)
        flags |= SHUTDOWN_FLAGS(d->shutdown_code);
    if (READ_ONCE(d->controller_paused))
        flags |= XEN_DOMINF_paused;
    if (d->is_xenstore)
        flags |= XEN_DOMINF_xs_domain;
    return flags;
}

/* A domain is blocked if all its vCPUs that are up are. */
static void add_vcpus(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    uint32_t state = XEN_DOMINF_blocked;
    struct vcpu_runstate_info r;
    struct vcpu *v;

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    for_each_vcpu(d, v) {
        vcpu_runstate_get(v, &r);
        info->cpu_time += r.time[RUNSTATE_running];
        info->max_vcpu_id = v->vcpu_id;
        if (test_bit(VPF_DOWN, &v->pause_flags))
            continue;
        info->nr_online_vcpus++;
        if (!test_bit(VPF_BLOCKED, &v->pause_flags))
            state &= ~XEN_DOMINF_blocked;
        if (READ_ONCE(v->is_running))
            state |= XEN_DOMINF_running;
    }
    if (info->nr_online_vcpus)
        info->flags |= state;
}

void domain_info(struct domain *d, struct xen_domctl_getdomaininfo *info)
{
    memset(info, 0, sizeof(*info));
    info->domain = d->domain_id;
    info->flags = state_flags(d);
    info->tot_pages = READ_ONCE(d->tot_pages);
    info->max_pages = d->max_pages;
    info->outstanding_pages = READ_ONCE(d->claimed_pages);
    info->shared_info_frame = virt_to_mfn(d->shared_info).m;
    info->gpaddr_bits = cpu_features.phys_bits;
    memcpy(info->handle, d->handle, sizeof(info->handle));
    add_vcpus(d, info);
}

/*
 * getdomaininfo: of the domain, or else of the one with the next higher id.
 * -EINVAL no such id can be; -ESRCH there is no more.
 */
long domctl_getdomaininfo(struct domain *unused, struct xen_domctl *op)
{
    struct domain *d;

    (void)unused;
    if (op->domain >= DOMID_FIRST_RESERVED)
        return -EINVAL;
    d = domain_get_from(op->domain);
    if (!d)
        return -ESRCH;
    domain_info(d, &op->u.getdomaininfo);
    op->domain = d->domain_id;
    domain_put(d);
    return 0;
}
