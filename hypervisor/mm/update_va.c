/*
 * HYPERVISOR_update_va_mapping and _otherdomain: one level-1 entry, named by
 * the address it maps in the caller's own address space, and a flush.
 */
#include "arch/x86/tlb.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"
#include "mm/guest_walk.h"
#include "mm/mmu.h"
#include "mm/page_type.h"

/* UVMF_*: kind of flush in the low bits, the rest says where. */
static int flush(const struct domain *d, vaddr_t va, uint64_t flags)
{
    uint64_t target = flags & ~UVMF_FLUSHTYPE_MASK;
    bool one = (flags & UVMF_FLUSHTYPE_MASK) == UVMF_INVLPG;
    cpumask_t cpus;
    int rc;

    if (target == UVMF_LOCAL) {
        if (one)
            tlb_flush_page_local(va);
        else
            tlb_flush_local();
        return 0;
    }
    if (target == UVMF_ALL) {
        cpus = domain_dirty_cpus(d);
    } else {
        rc = mmu_vcpu_mask(d, target, &cpus);
        if (rc)
            return rc;
    }
    if (one)
        tlb_flush_page_cpus(cpus, va);
    else
        tlb_flush_cpus(cpus);
    return 0;
}

static __always_inline int update_va(struct vcpu *v, vaddr_t va, uint64_t val,
                                     struct domain *fg)
{
    struct domain *d = v->domain;
    struct guest_l1 w;
    int rc = -EINVAL;

    spin_lock(&d->pt_lock);
    if (unlikely(!guest_walk_l1(v, va, &w)))
        ;
    else if (likely(fg == d))
        rc = pt_update_walked_l1(w.table, w.index, val, d);
    else
        rc = pt_update_entry(w.table, w.index, val, d, fg, 0, NULL);
    spin_unlock(&d->pt_lock);
    return rc;
}

static __always_inline bool flush_wanted(uint64_t flags)
{
    unsigned type = flags & UVMF_FLUSHTYPE_MASK;

    return type == UVMF_TLB_FLUSH || type == UVMF_INVLPG;
}

/*
 * update_va_mapping(va, val, flags)
 *
 * -EINVAL: va is not mapped by a level-1 table (a missing table, the
 * hypervisor's addresses) or the engine refuses the entry (-EBUSY too);
 * -EFAULT: the vCPU bit map of UVMF_MULTI cannot be read, after the change.
 */
static long do_update_va_mapping(uint64_t va, uint64_t val, uint64_t flags,
                                 uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;
    int rc = -ERESTART_PREEMPT;

    (void)a4;
    (void)a5;
    (void)a6;
    if (!mm_old_table_pending(v) || !mm_finish_old_table(v))
        rc = update_va(v, va, val, v->domain);
    if (unlikely(rc == -ERESTART_PREEMPT))
        return hypercall_continue(__HYPERVISOR_update_va_mapping, 3, va, val,
                                  flags);
    if (!rc && flush_wanted(flags))
        rc = flush(v->domain, va, flags);
    return rc;
}
HYPERCALL(__HYPERVISOR_update_va_mapping, 3, do_update_va_mapping);

/*
 * update_va_mapping_otherdomain(va, val, flags, domid): the entry may name
 * frames of domid. -ESRCH, -EPERM: as for mmu_update's foreigndom.
 */
static long do_update_va_mapping_otherdomain(uint64_t va, uint64_t val,
                                             uint64_t flags, uint64_t domid,
                                             uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;
    struct domain *fg;
    int rc;

    (void)a5;
    (void)a6;
    rc = mm_finish_old_table(v);
    if (!rc) {
        rc = mmu_foreign_get((domid_t)domid, &fg);
        if (rc)
            return rc;
        rc = update_va(v, va, val, fg);
        mmu_foreign_put(fg);
    }
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_update_va_mapping_otherdomain, 4,
                                  va, val, flags, domid);
    if (!rc && flush_wanted(flags))
        rc = flush(v->domain, va, flags);
    return rc;
}
HYPERCALL(__HYPERVISOR_update_va_mapping_otherdomain, 4,
          do_update_va_mapping_otherdomain);
