/* The life of domains, and what they are doing. */
#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Domains in one listing call: what fits into the arena. */
#define LIST_BATCH 48

static int failed(struct xeno *x, int rc, uint32_t id, const char *what)
{
    if (rc >= 0)
        return rc;
    if (rc == -ESRCH)
        return xeno_fail(x, ESRCH, "there is no domain %u", id);
    return xeno_fail(x, -rc, "cannot %s domain %u: %s", what, id,
                     strerror(-rc));
}

/* An operation without arguments. */
static int simple(struct xeno *x, uint32_t cmd, uint32_t id, const char *what)
{
    return failed(x, domctl_run(x, domctl_start(x, cmd, id)), id, what);
}

static int make_vcpus(struct xeno *x, uint32_t id, unsigned count)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_max_vcpus, id);
    int rc;

    op->u.max_vcpus.max = count;
    rc = domctl_run(x, op);
    if (rc)
        return xeno_fail(x, -rc, "cannot make %u vCPUs: %s", count,
                         strerror(-rc));
    return 0;
}

int xeno_domain_create(struct xeno *x, struct xeno_create *c)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_createdomain, c->id);
    struct xen_domctl_createdomain *u = &op->u.createdomain;
    int rc;

    memcpy(u->handle, c->uuid, sizeof(u->handle));
    u->max_vcpus = c->max_vcpus;
    u->max_evtchn_port = c->max_event_ports ? c->max_event_ports : 1023;
    u->max_grant_frames = (int32_t)c->max_grant_frames;
    u->max_maptrack_frames = (int32_t)c->max_maptrack_frames;
    u->grant_opts = XEN_DOMCTL_GRANT_version(1);
    rc = domctl_run(x, op);
    if (rc < 0)
        return xeno_fail(x, -rc, "cannot create a domain with %u vCPUs: %s",
                         c->max_vcpus, strerror(-rc));
    c->id = op->domain;
    rc = make_vcpus(x, c->id, c->max_vcpus);
    if (rc)
        xeno_domain_destroy(x, c->id);
    return rc;
}

int xeno_domain_destroy(struct xeno *x, uint32_t id)
{
    int rc;

    do {
        rc = domctl_run(x, domctl_start(x, XEN_DOMCTL_destroydomain, id));
    } while (rc == -EAGAIN);
    return failed(x, rc, id, "destroy");
}

int xeno_domain_pause(struct xeno *x, uint32_t id)
{
    return simple(x, XEN_DOMCTL_pausedomain, id, "pause");
}

int xeno_domain_unpause(struct xeno *x, uint32_t id)
{
    return simple(x, XEN_DOMCTL_unpausedomain, id, "unpause");
}

int xeno_domain_resume(struct xeno *x, uint32_t id)
{
    return simple(x, XEN_DOMCTL_resumedomain, id, "resume");
}

int xeno_domain_max_memory(struct xeno *x, uint32_t id, uint64_t kib)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_max_mem, id);

    op->u.max_mem.max_memkb = kib;
    return failed(x, domctl_run(x, op), id, "set the memory limit of");
}

int xeno_domain_trigger(struct xeno *x, uint32_t id, unsigned trigger,
                        unsigned vcpu)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_sendtrigger, id);

    op->u.sendtrigger.trigger = trigger;
    op->u.sendtrigger.vcpu = vcpu;
    return failed(x, domctl_run(x, op), id, "send a trigger to");
}

/* ---- information ---- */

static void translate(struct xeno_domain *d,
                      const struct xen_domctl_getdomaininfo *i)
{
    *d = (struct xeno_domain){
        .id = i->domain,
        .running = i->flags & XEN_DOMINF_running,
        .blocked = i->flags & XEN_DOMINF_blocked,
        .paused = i->flags & XEN_DOMINF_paused,
        .shutdown = i->flags & XEN_DOMINF_shutdown,
        .dying = i->flags & XEN_DOMINF_dying,
        .shutdown_reason =
            i->flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask,
        .pages = i->tot_pages,
        .max_pages = i->max_pages,
        .cpu_ns = i->cpu_time,
        .shared_info_mfn = i->shared_info_frame,
        .online_vcpus = i->nr_online_vcpus,
        .max_vcpu_id = i->max_vcpu_id,
        .cpupool = i->cpupool,
    };
    memcpy(d->uuid, i->handle, sizeof(d->uuid));
}

int xeno_domain_info(struct xeno *x, uint32_t id, struct xeno_domain *d)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_getdomaininfo, id);
    int rc = domctl_run(x, op);

    if (!rc && op->u.getdomaininfo.domain != id)
        rc = -ESRCH;
    if (rc)
        return failed(x, rc, id, "look at");
    translate(d, &op->u.getdomaininfo);
    return 0;
}

int xeno_domain_list(struct xeno *x, uint32_t first, struct xeno_domain *d,
                     unsigned max)
{
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_getdomaininfolist);
    struct xen_sysctl_getdomaininfolist *u = &op->u.getdomaininfolist;
    unsigned batch = max < LIST_BATCH ? max : LIST_BATCH;
    struct xen_domctl_getdomaininfo *info =
        arena_alloc(x, batch * sizeof(*info));
    int rc;

    u->first_domain = (domid_t)first;
    u->max_domains = batch;
    set_xen_guest_handle(u->buffer, info);
    rc = sysctl_run(x, op);
    if (rc)
        return xeno_fail(x, -rc, "cannot list the domains: %s", strerror(-rc));
    for (unsigned i = 0; i < u->num_domains; i++)
        translate(&d[i], &info[i]);
    return (int)u->num_domains;
}

int xeno_domain_list_all(struct xeno *x, struct xeno_domain **list)
{
    struct xeno_domain *d = NULL, *more;
    unsigned n = 0;
    int got;

    do {
        more = realloc(d, (n + LIST_BATCH) * sizeof(*d));
        if (!more) {
            free(d);
            return xeno_fail(x, ENOMEM, "out of memory");
        }
        d = more;
        got = xeno_domain_list(x, n ? d[n - 1].id + 1 : 0, d + n, LIST_BATCH);
        if (got < 0) {
            free(d);
            return got;
        }
        n += (unsigned)got;
    } while (got == LIST_BATCH);
    *list = d;
    return (int)n;
}
