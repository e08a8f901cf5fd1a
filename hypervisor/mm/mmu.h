/*
 * What the page-table hypercalls share. Private to mm, except that vCPUs are
 * destroyed through mm_finish_old_table.
 *
 * All of them edit tables under the table owner's pt_lock. An edit may free a
 * whole tree of tables; when the invalidation of that tree is preempted, the
 * edit itself is done, and the rest is left in v->pv.old_table: one table
 * (frame number + 1) that the vCPU still holds a general reference on. The
 * next page-table hypercall of the vCPU finishes it before anything else, so
 * one slot is enough.
 */
#ifndef MM_MMU_H
#define MM_MMU_H

#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/types.h"

/*
 * Top bit of the count argument of a continued call: *pdone holds what was done
 * before. (A guest that sets it itself gets a wrong *pdone and nothing else.)
 */
#define MMU_PREEMPTED 0x80000000u

/* Works on v->pv.old_table. 0: nothing is left, or -ERESTART_PREEMPT. */
int mm_finish_old_table(struct vcpu *v);
static inline bool mm_old_table_pending(const struct vcpu *v)
{
    return unlikely(v->pv.old_table != 0);
}
/* Leaves the table to mm_finish_old_table; the slot must be empty. */
static inline void mm_defer_table(struct vcpu *v, mfn_t m)
{
    ASSERT(!v->pv.old_table);
    v->pv.old_table = m.m + 1;
}

/* Tells the guest how many requests were done, if it asked; rc or -EFAULT. */
static inline int mmu_put_done(vaddr_t pdone, uint32_t done, int rc)
{
    if (pdone && copy_to_guest_va(pdone, &done, sizeof(done)) && !rc)
        return -EFAULT;
    return rc;
}

/*
 * The domain whose frames a call may name: DOMID_SELF or another one's id, but
 * by the ABI not the caller's own (-ESRCH); DOMID_XEN for privileged callers;
 * DOMID_IO gives *out = NULL (device memory only).
 * 0, -ESRCH, -EPERM. Undo with mmu_foreign_put.
 */
int mmu_foreign_get(domid_t id, struct domain **out);
void mmu_foreign_put(struct domain *fg);

/*
 * CPUs on which the vCPUs of a guest's bit map (guest address; bit n is vCPU n,
 * as many bytes as max_vcpus needs) may have translations of d. -EFAULT.
 */
int mmu_vcpu_mask(const struct domain *d, vaddr_t bitmap, cpumask_t *cpus);

/*
 * MMUEXT_NEW_BASEPTR / NEW_USER_BASEPTR (user): frame m becomes the base of v,
 * the old one is given up; m = 0 only for user: no base. v is current, or not
 * running. -EINVAL: not a valid L4 of the domain; -ERESTART_PREEMPT: again.
 */
int mmu_new_base(struct vcpu *v, uint64_t m, bool user);

/* ---- Provided by pv ---- */
/* Forgets the mapped pages of v's LDT; pt_lock held. */
void pv_drop_ldt(struct vcpu *v);
/* Loads the LDT of the current vCPU; interrupts off. */
void pv_load_ldt(struct vcpu *v);

#endif
