/*
 * HYPERVISOR_mmu_update: a list of (machine address, value) pairs.
 *
 * The table owner's pt_lock is held over the whole list. Under it a frame with
 * a table type keeps that type, so an update of a table needs no references of
 * its own: the engine looks at owner and type, then changes the entry.
 */
#include "arch/x86/map.h"
#include "arch/x86/smap.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"
#include "mm/alloc.h"
#include "mm/frame_ref.h"
#include "mm/mmu.h"
#include "mm/page_engine.h"
#include "mm/page_type.h"

#define BATCH 8 /* requests copied at once */

struct job {
    struct vcpu *v;
    struct domain *pt;  /* owner of the tables */
    struct domain *fg;  /* owner of what L1 entries name; NULL device memory */
    bool own;           /* both are the caller: nothing to put */
};

static __noinline int table_write(const struct job *job, uint64_t ptr,
                                       uint64_t val, unsigned flags)
{
    mfn_t deferred;
    int rc;

    if (unlikely(ptr & 7))
        return -EINVAL;
    rc = pt_update_entry(paddr_to_mfn(ptr), PAGE_OFFSET(ptr) / sizeof(pte_t),
                         val, job->pt, job->fg, flags, &deferred);
    if (unlikely(!mfn_is_invalid(deferred)))
        mm_defer_table(job->v, deferred);
    /* Because the frame is no table? A table in use it will not write. */
    if (unlikely(rc == -EINVAL))
        return pt_write_plain(ptr, val, job->pt);
    return rc;
}

static int machphys_write(struct job *job, uint64_t ptr, uint64_t val)
{
    mfn_t m = paddr_to_mfn(ptr);
    struct frame *f;

    if (!job->fg || m.m >= max_mfn || !mfn_valid(m))
        return -EINVAL;
    f = frame_of(m);
    if (!ref_get(f, job->fg->domain_id))
        return -EINVAL;
    /* The M2P of frames that the hypervisor shows is its own business. */
    if (job->fg != &dom_xen)
        m2p_set(m, val);
    ref_put(f);
    return job->fg != &dom_xen ? 0 : -EPERM;
}

static int do_request(struct job *job, uint64_t ptr, uint64_t val)
{
    unsigned cmd = ptr & 3;

    ptr &= ~3UL;
    if (cmd == MMU_MACHPHYS_UPDATE)
        return machphys_write(job, ptr, val);
    return table_write(job, ptr, val, cmd == MMU_PT_UPDATE_PRESERVE_AD
                                          ? PT_UPDATE_PRESERVE_AD
                                          : 0);
}

/* pt_lock held. Works until an error or preemption; *done counts. */
static int do_list(struct job *job, vaddr_t ureqs, unsigned count,
                   unsigned *done)
{
    struct mmu_update req[BATCH];
    unsigned i = 0;
    int rc = 0;

    while (i < count && !rc) {
        unsigned n = min(count - i, (unsigned)BATCH);

        if (copy_from_guest_va(req, ureqs + i * sizeof(req[0]),
                               n * sizeof(req[0])))
            return -EFAULT;
        for (unsigned k = 0; k < n && !rc; k++) {
            rc = do_request(job, req[k].ptr, req[k].val);
            if (rc)
                break;
            *done = ++i;
            if (i < count && unlikely(preempt_needed() ||
                                      mm_old_table_pending(job->v)))
                rc = -ERESTART_PREEMPT;
        }
    }
    return rc;
}

/* foreigndom: low half FD; high half 0 = SELF, else PFD + 1, a plain id. */
static int get_domains(struct job *job, uint32_t foreigndom)
{
    struct domain *self = current->domain;
    uint32_t pfd = foreigndom >> 16;
    int rc = 0;

    job->pt = job->fg = self;
    job->own = foreigndom == DOMID_SELF;
    if (likely(job->own))
        return 0;
    if (pfd && --pfd != self->domain_id)
        rc = pfd < DOMID_FIRST_RESERVED
                 ? domain_get_remote((domid_t)pfd, &job->pt)
                 : -ESRCH;
    if (rc)
        return rc;
    rc = mmu_foreign_get((domid_t)foreigndom, &job->fg);
    if (rc)
        mmu_foreign_put(job->pt);
    return rc;
}

static __noinline long update_list(uint64_t ureqs, uint64_t count_arg,
                                  uint64_t pdone, uint64_t foreigndom)
{
    uint32_t count = (uint32_t)count_arg & ~MMU_PREEMPTED;
    struct job job = {.v = current};
    uint32_t before = 0, done = 0;
    int rc;

    if (mm_old_table_pending(job.v) && mm_finish_old_table(job.v))
        return hypercall_continue(__HYPERVISOR_mmu_update, 4, ureqs, count_arg,
                                  pdone, foreigndom);
    if (((uint32_t)count_arg & MMU_PREEMPTED) && pdone &&
        copy_from_guest_va(&before, pdone, sizeof(before)))
        return -EFAULT;
    rc = get_domains(&job, (uint32_t)foreigndom);
    /* Linux counts on the number: else it clears its errors beyond the end. */
    if (unlikely(rc))
        return mmu_put_done(pdone, before, rc);
    spin_lock(&job.pt->pt_lock);
    rc = do_list(&job, ureqs, count, &done);
    spin_unlock(&job.pt->pt_lock);
    if (unlikely(!job.own)) {
        mmu_foreign_put(job.pt);
        mmu_foreign_put(job.fg);
    }
    rc = mmu_put_done(pdone, before + done, rc);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(
            __HYPERVISOR_mmu_update, 4,
            ureqs + done * sizeof(struct mmu_update),
            (uint64_t)((count - done) | MMU_PREEMPTED), pdone, foreigndom);
    return rc;
}

/* The rest of update_one, pt_lock held: whatever pt_fill_own_l1 leaves. */
static __noinline long update_one_locked(uint64_t ureqs, uint64_t ptr,
                                         uint64_t pdone, uint64_t val)
{
    struct vcpu *v = current;
    const struct job job = {v, v->domain, v->domain, true};
    int rc = pt_update_own_l1(ptr, val, v->domain);

    if (unlikely(rc == -EAGAIN))
        rc = table_write(&job, ptr, val, 0);
    spin_unlock(&v->domain->pt_lock);
    if (unlikely(rc == -ERESTART_PREEMPT))
        return update_list(ureqs, 1, pdone, DOMID_SELF);
    return mmu_put_done(pdone, !rc, rc);
}

/*
 * One request of the caller's own: what kernels do all day. Anything but a
 * plain update of a table is left to update_list, before it has changed
 * anything. Calls nothing but as its last step, so has no registers to save.
 */
static __always_inline long update_one(struct vcpu *v, uint64_t ureqs,
                                       uint64_t pdone)
{
    const struct mmu_update *g = (const struct mmu_update *)ureqs;
    struct domain *d = v->domain;
    uint64_t ptr, val;

    if (unlikely(!guest_start_ok(ureqs)))
        return update_list(ureqs, 1, pdone, DOMID_SELF);
    stac();
    GET_GUEST(ptr, &g->ptr, fault);
    GET_GUEST(val, &g->val, fault);
    clac();
    if (unlikely(ptr & 7))
        return update_list(ureqs, 1, pdone, DOMID_SELF);
    spin_lock(&d->pt_lock);
    if (unlikely(pdone || !pt_fill_own_l1(ptr, val, d)))
        return update_one_locked(ureqs, ptr, pdone, val);
    spin_unlock(&d->pt_lock);
    return 0;
fault:
    clac();
    return update_list(ureqs, 1, pdone, DOMID_SELF);
}

/*
 * mmu_update(reqs, count, pdone, foreigndom)
 *
 * Checks, in order: foreigndom (-ESRCH, -EPERM); then for each request: it can
 * be read (-EFAULT); for a table update the address is aligned to 8 and in a
 * frame of PFD (-EINVAL) and the engine accepts the entry (-EINVAL, -EBUSY);
 * for a machphys update the frame is FD's RAM (-EINVAL). The first error ends
 * the list. *pdone, if given, gets the number of requests done.
 */
static long do_mmu_update(uint64_t ureqs, uint64_t count, uint64_t pdone,
                          uint64_t foreigndom, uint64_t a5, uint64_t a6)
{
    (void)a5;
    (void)a6;
    if (count == 1 && foreigndom == DOMID_SELF) {
        struct vcpu *v = current;

        if (!mm_old_table_pending(v))
            return update_one(v, ureqs, pdone);
    }
    return update_list(ureqs, count, pdone, foreigndom);
}
HYPERCALL(__HYPERVISOR_mmu_update, 4, do_mmu_update);
