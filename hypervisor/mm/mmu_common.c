/* What the page-table hypercalls share: mm/mmu.h. */
#include "mm/mmu.h"

#include "arch/x86/tlb.h"
#include "arch/x86/usercopy.h"
#include "arch/x86/xpti.h"
#include "lib/errno.h"
#include "mm/page_type.h"

int mm_finish_old_table(struct vcpu *v)
{
    struct frame *f;
    struct domain *d = v->domain;
    bool foreign;
    int rc;

    if (!v->pv.old_table)
        return 0;
    f = frame_of(mfn(v->pv.old_table - 1));
    /* A privileged domain may have edited the tables of another one. */
    foreign = frame_owner_id(f) != d->domain_id;
    if (foreign)
        d = domain_get(frame_owner_id(f));
    BUG_ON(!d); /* d lives as long as it owns a frame */
    spin_lock(&d->pt_lock);
    rc = page_finish_put(f, d);
    spin_unlock(&d->pt_lock);
    if (!rc) {
        v->pv.old_table = 0;
        frame_put(f);
    }
    if (foreign)
        domain_put(d);
    return rc;
}

int mmu_foreign_get(domid_t id, struct domain **out)
{
    struct domain *self = current->domain;

    if (id == DOMID_SELF) {
        *out = self;
        return 0;
    }
    if (id == self->domain_id)
        return -ESRCH;
    if (id == DOMID_IO || id == DOMID_XEN) {
        *out = id == DOMID_IO ? NULL : &dom_xen;
        return id == DOMID_IO || self->is_privileged ? 0 : -EPERM;
    }
    return domain_get_remote(id, out);
}

void mmu_foreign_put(struct domain *fg)
{
    if (fg && fg != current->domain && fg != &dom_xen)
        domain_put(fg);
}

int mmu_vcpu_mask(const struct domain *d, vaddr_t bitmap, cpumask_t *cpus)
{
    uint64_t want = 0;

    _Static_assert(MAX_VCPUS <= 64, "one word of vCPU bits");
    if (copy_from_guest_va(&want, bitmap, DIV_ROUND_UP(d->max_vcpus, 8)))
        return -EFAULT;
    *cpus = 0;
    for (; want; want &= want - 1) {
        unsigned id = lowest_bit(want);
        const struct vcpu *v = id < d->max_vcpus ? d->vcpu[id] : NULL;
        if (v)
            *cpus |= CPUMASK(READ_ONCE(v->processor));
    }
    *cpus &= domain_dirty_cpus(d);
    return 0;
}

int mmu_new_base(struct vcpu *v, uint64_t m, bool user)
{
    uint64_t *base = user ? &v->pv.cr3_user : &v->pv.cr3_kernel;
    uint64_t old = *base >> PAGE_SHIFT;
    struct domain *d = v->domain;
    int rc = 0;

    if (m >= max_mfn || (!m && !user))
        return -EINVAL;
    spin_lock(&d->pt_lock);
    if (m && m != old)
        rc = page_get_and_type(frame_of(mfn(m)), PGT_L4, d);
    if (rc) {
        spin_unlock(&d->pt_lock);
        return rc == -ERESTART_PREEMPT ? rc : -EINVAL;
    }
    *base = m << PAGE_SHIFT;
    if (v == current && d->xpti)
        xpti_new_base(*base, user);
    else if (!user && v == current && v->pv.in_kernel)
        write_guest_cr3(*base);
    if (old && m != old) {
        if (page_put_type(frame_of(mfn(old)), d))
            mm_defer_table(v, mfn(old));
        else
            frame_put(frame_of(mfn(old)));
    }
    spin_unlock(&d->pt_lock);
    return 0;
}
