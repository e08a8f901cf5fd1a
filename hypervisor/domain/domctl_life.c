/* domctl: birth, pauses and death of domains, and who they are. */
#include "domain/domctl.h"

#include "arch/x86/softirq.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"

/* Domains are paravirtual, devices and CPUs have no help for guests. */
#define FLAGS_KNOWN (XEN_DOMCTL_CDF_xs_domain | XEN_DOMCTL_CDF_oos_off)

static bool config_ok(const struct xen_domctl_createdomain *c)
{
    const char *why = NULL;

    if (c->flags & XEN_DOMCTL_CDF_hvm)
        why = "HVM is not available";
    else if (c->flags & ~FLAGS_KNOWN || c->iommu_opts || c->vmtrace_size ||
             c->arch.misc_flags)
        why = "a feature that is not available";
    else if (c->arch.emulation_flags & ~XEN_X86_EMU_PIT)
        why = "emulated devices are not available";
    else if (XEN_DOMCTL_GRANT_version(c->grant_opts) != 1 ||
             c->grant_opts & ~XEN_DOMCTL_GRANT_version_mask)
        why = "the grant table's version must be 1";
    else if (c->cpupool_id)
        why = "there is one CPU pool";
    if (why)
        printk(XENLOG_G_WARNING "createdomain: %s\n", why);
    return !why;
}

/*
 * createdomain: the domain's id, or 0 or a reserved one: it gets a free one,
 * which is told in op->domain. -EINVAL a feature or limit that is not there,
 * -EEXIST, -ENOMEM, -ENOSPC no id is left.
 */
long domctl_create(struct xen_domctl *op)
{
    const struct xen_domctl_createdomain *c = &op->u.createdomain;
    struct domain_config config = {
        .id = op->domain,
        .xenstore = c->flags & XEN_DOMCTL_CDF_xs_domain,
        .max_vcpus = c->max_vcpus,
        .max_port = c->max_evtchn_port,
        .grant_frames = c->max_grant_frames,
        .grant_handles = c->max_maptrack_frames,
    };
    struct domain *d;
    int rc;

    if (!config_ok(c))
        return -EINVAL;
    if (!config.id || config.id >= DOMID_FIRST_RESERVED) {
        config.id = domain_free_id();
        if (!config.id)
            return -ENOSPC;
    }
    rc = domain_create(&config, &d);
    if (rc)
        return rc;
    memcpy(d->handle, c->handle, sizeof(d->handle));
    op->domain = config.id;
    return 0;
}

/*
 * destroydomain: -EINVAL the caller's own, or domain 0. Gives way in the
 * middle; the domain then is dying, and anyone may go on.
 */
long domctl_destroy(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return domain_kill(d);
}

/* pausedomain: -EINVAL the caller's own. One more each time. */
long domctl_pause(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    return d == current->domain ? -EINVAL : domain_controller_pause(d);
}

/*
 * unpausedomain: -EINVAL it is not paused. If it lets a vCPU run here, that one
 * begins at once: who waits for a guest to start has no use for the time.
 */
long domctl_unpause(struct domain *d, struct xen_domctl *op)
{
    int rc = domain_controller_unpause(d);

    (void)op;
    if (!rc)
        vcpu_yield_current();
    return rc;
}

/* resumedomain: one that has shut down goes on. -EINVAL the caller's own. */
long domctl_resume(struct domain *d, struct xen_domctl *op)
{
    (void)op;
    if (d == current->domain)
        return -EINVAL;
    if (d->dying == DOM_ALIVE)
        domain_resume(d);
    return 0;
}

long domctl_set_handle(struct domain *d, struct xen_domctl *op)
{
    memcpy(d->handle, op->u.setdomainhandle.handle, sizeof(d->handle));
    return 0;
}

long domctl_set_virq_handler(struct domain *d, struct xen_domctl *op)
{
    return virq_set_handler(d, op->u.set_virq_handler.virq);
}

/*
 * subscribe: when the domain suspends, an event goes out on its port instead
 * of VIRQ_DOM_EXC. 0: no more.
 */
long domctl_subscribe(struct domain *d, struct xen_domctl *op)
{
    WRITE_ONCE(d->suspend_port, op->u.subscribe.port);
    return 0;
}
