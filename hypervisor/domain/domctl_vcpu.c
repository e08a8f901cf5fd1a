/*
 * domctl: vCPUs and their contexts. -EINVAL or, from the context operations,
 * -ESRCH for a vCPU that the domain has not.
 */
#include "domain/domctl.h"

#include "arch/x86/cpu.h"
#include "arch/x86/pte.h"
#include "arch/x86/usercopy.h"
#include "domain/version.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/string.h"

/*
 * max_vcpus: makes the vCPUs 0 .. max - 1 that are not there yet. -EINVAL the
 * caller's own domain, or more than it was created for; -ENOMEM.
 */
long domctl_max_vcpus(struct domain *d, struct xen_domctl *op)
{
    uint32_t n = op->u.max_vcpus.max;

    if (d == current->domain || n > d->max_vcpus || d->dying != DOM_ALIVE)
        return -EINVAL;
    for (unsigned id = 0; id < n; id++)
        if (!d->vcpu[id] && !vcpu_create(d, id, CPU_ANY))
            return -ENOMEM;
    return 0;
}

static int put_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct domain *d = v->domain;
    int rc;

    if (d->dying != DOM_ALIVE)
        return -EINVAL;
    spin_lock(&d->lock);
    rc = pv_set_context(v, c);
    spin_unlock(&d->lock);
    if (rc)
        return rc;
    if (v->vcpu_id == 0)
        d->vm_assist = c->vm_assist & GUEST_ASSISTS;
    if (c->flags & VGCF_online)
        clear_bit_atomic(VPF_DOWN, &v->pause_flags);
    else
        set_bit_atomic(VPF_DOWN, &v->pause_flags);
    return 0;
}

/*
 * setvcpucontext: the vCPU is up afterwards if the flags say online. -EINVAL
 * the caller's own domain, no such vCPU, a context that pv refuses; -EFAULT,
 * -ENOMEM; -EOPNOTSUPP new tables or descriptors for one that has a context.
 */
long domctl_set_context(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context *c;
    long rc = -EFAULT;

    if (d == current->domain || !v ||
        guest_handle_is_null(op->u.vcpucontext.ctxt))
        return -EINVAL;
    c = xmalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (!copy_from_guest(c, op->u.vcpucontext.ctxt, 1)) {
        domain_pause(d);
        rc = put_context(v, c);
        if (!rc && v->vcpu_id == 0)
            domain_update_wallclock(d); /* Xen's tools clear shared_info */
        domain_unpause(d);
    }
    xfree(c);
    return rc;
}

/*
 * getvcpucontext: -EINVAL the caller's own domain (two of its vCPUs would wait
 * for each other); -ESRCH; -ENODATA it has none; -EFAULT, -ENOMEM.
 */
long domctl_get_context(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = vcpu_of(d, op->u.vcpucontext.vcpu);
    struct vcpu_guest_context *c;
    long rc;

    if (d == current->domain)
        return -EINVAL;
    if (!v)
        return -ESRCH;
    if (!v->is_initialised)
        return -ENODATA;
    c = xzalloc_type(struct vcpu_guest_context);
    if (!c)
        return -ENOMEM;
    vcpu_pause(v);
    pv_get_context(v, c);
    vcpu_unpause(v);
    rc = copy_to_guest(op->u.vcpucontext.ctxt, c, 1) ? -EFAULT : 0;
    xfree(c);
    return rc;
}

/* getvcpuinfo: -ESRCH. */
long domctl_vcpu_info(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_getvcpuinfo *info = &op->u.getvcpuinfo;
    struct vcpu *v = vcpu_of(d, info->vcpu);
    struct vcpu_runstate_info r;

    if (!v)
        return -ESRCH;
    vcpu_runstate_get(v, &r);
    info->online = !test_bit(VPF_DOWN, &v->pause_flags);
    info->blocked = test_bit(VPF_BLOCKED, &v->pause_flags);
    info->running = READ_ONCE(v->is_running);
    info->cpu_time = r.time[RUNSTATE_running];
    info->cpu = READ_ONCE(v->processor);
    return 0;
}

#define EXT_CONTEXT_SIZE                                                       \
    (offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap) + sizeof(uint64_t))

/* What a compatible kernel's entries are, beside the ordinary context. */
long domctl_get_ext_context(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v = vcpu_of(d, e->vcpu);

    if (!v)
        return -ESRCH;
    memset((char *)e + offsetof(struct xen_domctl_ext_vcpucontext, size), 0,
           sizeof(*e) - offsetof(struct xen_domctl_ext_vcpucontext, size));
    e->size = EXT_CONTEXT_SIZE;
    e->syscall32_callback_eip = v->pv.syscall32_callback;
    e->syscall32_callback_cs = v->pv.syscall32_cs;
    e->syscall32_disables_events = v->pv.syscall32_masks_events;
    e->sysenter_callback_eip = v->pv.sysenter_callback;
    e->sysenter_callback_cs = v->pv.sysenter_cs;
    e->sysenter_disables_events = v->pv.sysenter_masks_events;
    return 0;
}

/* -EINVAL: the caller's own domain, another size, no canonical address. */
long domctl_set_ext_context(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_ext_vcpucontext *e = &op->u.ext_vcpucontext;
    struct vcpu *v = vcpu_of(d, e->vcpu);

    if (!v)
        return -ESRCH;
    if (d == current->domain || e->size < EXT_CONTEXT_SIZE ||
        !is_canonical(e->syscall32_callback_eip) ||
        !is_canonical(e->sysenter_callback_eip))
        return -EINVAL;
    domain_pause(d);
    v->pv.syscall32_callback = e->syscall32_callback_eip;
    v->pv.syscall32_cs = e->syscall32_callback_cs;
    v->pv.syscall32_masks_events = e->syscall32_disables_events;
    v->pv.sysenter_callback = e->sysenter_callback_eip;
    v->pv.sysenter_cs = e->sysenter_callback_cs;
    v->pv.sysenter_masks_events = e->sysenter_disables_events;
    domain_unpause(d);
    return 0;
}

/*
 * get_vcpu_msrs: there is one that a guest can set and others see, TSC_AUX.
 * Without a buffer: how many there can be. -ENOBUFS no room; -EFAULT.
 */
long domctl_get_msrs(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
    struct vcpu *v = vcpu_of(d, m->vcpu);
    xen_domctl_vcpu_msr_t aux = {.index = MSR_TSC_AUX};
    uint32_t room = m->msr_count;

    if (!v)
        return -ESRCH;
    if (d == current->domain)
        return -EINVAL;
    aux.value = READ_ONCE(v->pv.tsc_aux);
    m->msr_count = guest_handle_is_null(m->msrs) || aux.value;
    if (guest_handle_is_null(m->msrs) || !m->msr_count)
        return 0;
    if (!room)
        return -ENOBUFS;
    return copy_to_guest(m->msrs, &aux, 1) ? -EFAULT : 0;
}

static int set_msr(struct vcpu *v, const xen_domctl_vcpu_msr_t *msr)
{
    if (msr->reserved || msr->index != MSR_TSC_AUX || msr->value >> 32 ||
        !cpu_features.rdtscp)
        return -EINVAL;
    v->pv.tsc_aux = msr->value;
    return 0;
}

/* set_vcpu_msrs: -EINVAL the caller's own domain, or another MSR; -EFAULT. */
long domctl_set_msrs(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpu_msrs *m = &op->u.vcpu_msrs;
    struct vcpu *v = vcpu_of(d, m->vcpu);
    xen_domctl_vcpu_msr_t msr;
    int rc = 0;

    if (!v)
        return -ESRCH;
    if (d == current->domain || m->msr_count > 1)
        return -EINVAL;
    if (!m->msr_count)
        return 0;
    if (copy_from_guest(&msr, m->msrs, 1))
        return -EFAULT;
    vcpu_pause(v);
    rc = set_msr(v, &msr);
    vcpu_unpause(v);
    return rc;
}

/* sendtrigger: NMI. -EINVAL no such vCPU; -EOPNOTSUPP what needs a machine. */
long domctl_send_trigger(struct domain *d, struct xen_domctl *op)
{
    struct vcpu *v = vcpu_of(d, op->u.sendtrigger.vcpu);

    if (!v)
        return -ESRCH;
    if (op->u.sendtrigger.trigger != XEN_DOMCTL_SENDTRIGGER_NMI)
        return -EOPNOTSUPP;
    WRITE_ONCE(v->pv.nmi_pending, true);
    vcpu_kick(v);
    return 0;
}
