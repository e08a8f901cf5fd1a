/*
 * domctl: a vCPU's extended registers, as tools save and restore them: XCR0,
 * the components that may be in use, and an image of XSAVE's standard format.
 * A CPU without XSAVE has none; there the ordinary context has all.
 */
#include "domain/domctl.h"

#include "arch/x86/cpu.h"
#include "arch/x86/fpu.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/heap.h"

#define LEGACY_SIZE (FXSAVE_SIZE + 64) /* with the header: the least there is */

struct saved {
    uint64_t xcr0, components;
    uint8_t image[];
};

static uint64_t saved_size(void)
{
    return cpu_features.xsave ? sizeof(struct saved) + fpu_area_size() : 0;
}

/* The vCPU is paused. */
static bool give(const struct vcpu *v, vaddr_t to)
{
    const struct saved head = {v->pv.xcr0, cpu_features.xcr0_max};

    return !copy_to_guest_va(to, &head, sizeof(head)) &&
           !copy_to_guest_va(to + sizeof(head), v->pv.fpu, fpu_area_size());
}

/*
 * getvcpuextstate: without a buffer, the components and the size that there
 * are. -ESRCH; -EINVAL the caller's own domain, other components, too small a
 * buffer; -EFAULT.
 */
long domctl_get_xstate(struct domain *d, struct xen_domctl *op)
{
    struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct vcpu *v = vcpu_of(d, e->vcpu);
    bool query = guest_handle_is_null(e->buffer);
    bool ok = true;

    if (!v)
        return -ESRCH;
    if (d == current->domain)
        return -EINVAL;
    if (!query && (e->size < saved_size() ||
                   e->xfeature_mask != cpu_features.xcr0_max))
        return -EINVAL;
    e->xfeature_mask = cpu_features.xcr0_max;
    e->size = saved_size();
    if (!query && e->size) {
        vcpu_pause(v);
        ok = give(v, (vaddr_t)e->buffer.p);
        vcpu_unpause(v);
    }
    return ok ? 0 : -EFAULT;
}

static int take(struct vcpu *v, const struct saved *s)
{
    if ((s->components & ~cpu_features.xcr0_max) ||
        (s->xcr0 & ~s->components) || !fpu_xcr0_valid(s->xcr0) ||
        !fpu_import_xsave(v->pv.fpu, s->image))
        return -EINVAL;
    v->pv.xcr0 = s->xcr0;
    return 0;
}

/*
 * setvcpuextstate: a shorter image than ours has the last components in their
 * first state. -ESRCH; -EINVAL the caller's own domain, a wrong size or image;
 * -EFAULT, -ENOMEM.
 */
long domctl_set_xstate(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_vcpuextstate *e = &op->u.vcpuextstate;
    struct vcpu *v = vcpu_of(d, e->vcpu);
    struct saved *s;
    int rc = -EFAULT;

    if (!v)
        return -ESRCH;
    if (d == current->domain || e->size > saved_size() ||
        e->size < sizeof(*s) + LEGACY_SIZE)
        return -EINVAL;
    s = xzalloc(saved_size());
    if (!s)
        return -ENOMEM;
    if (!copy_from_guest_va(s, (vaddr_t)e->buffer.p, e->size)) {
        vcpu_pause(v);
        rc = take(v, s);
        vcpu_unpause(v);
    }
    xfree(s);
    return rc;
}
