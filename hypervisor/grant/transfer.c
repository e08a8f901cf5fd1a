/*
 * GNTTABOP_transfer: a frame changes its owner for good.
 *
 * The frame is taken from the caller, which works only if nothing refers to it,
 * and is then nobody's. The receiver owns it before its entry says so, so that
 * "committed" is always followed by "completed": a guest that sees the one
 * waits for the other. From the moment it is taken the caller does not get it
 * back, whatever goes wrong; the ABI says so.
 */
#include "grant/table.h"

#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "mm/alloc.h"

static struct frame *take(struct domain *d, uint64_t m)
{
    struct frame *f;

    if (m >= max_mfn || !mfn_valid(mfn(m)))
        return NULL;
    f = frame_of(mfn(m));
    if (!frame_get(f, d->domain_id))
        return NULL;
    if (frame_steal(d, f)) {
        frame_put(f);
        return NULL;
    }
    m2p_set(mfn(m), INVALID_M2P_ENTRY);
    return f;
}

static bool accepts(struct domain *to, grant_ref_t ref, domid_t from)
{
    struct grant_table *gt = to->grant;
    bool yes;

    spin_lock(&gt->lock);
    yes = grant_ref_ok(gt, ref) &&
          active_accepts_transfer(grant_shared(gt, grant_ref_clip(gt, ref)),
                                  from);
    spin_unlock(&gt->lock);
    return yes;
}

/* Tells the receiver, if its entry still is what it was. */
static bool tell(struct domain *to, grant_ref_t ref, domid_t from, mfn_t m)
{
    struct grant_table *gt = to->grant;
    grant_entry_v1_t *e;
    bool ok;

    spin_lock(&gt->lock);
    e = grant_shared(gt, grant_ref_clip(gt, ref));
    ok = active_commit_transfer(e, from);
    if (ok)
        m2p_set(m, active_complete_transfer(e, (uint32_t)m.m));
    spin_unlock(&gt->lock);
    return ok;
}

/*
 * Hands over a frame that is nobody's. On failure it has been freed, or is the
 * receiver's if that has got hold of it meanwhile: it asked for one.
 */
static int give(struct domain *to, grant_ref_t ref, domid_t from,
                struct frame *f)
{
    mfn_t m = frame_mfn(f);

    if (!accepts(to, ref, from) || frame_assign(to, f)) {
        domheap_free_unowned(m, 0);
        return GNTST_general_error;
    }
    if (tell(to, ref, from, m))
        return GNTST_okay;
    if (frame_get(f, to->domain_id)) {
        if (!frame_steal(to, f))
            domheap_free_unowned(m, 0);
        else
            frame_put(f);
    }
    return GNTST_general_error;
}

static int transfer_one(struct domain *d, const struct gnttab_transfer *op)
{
    struct frame *f = take(d, op->mfn);
    struct domain *to;
    int rc;

    if (!f)
        return GNTST_bad_page;
    to = domain_get(op->domid);
    if (!to) {
        domheap_free_unowned(frame_mfn(f), 0);
        return GNTST_bad_domain;
    }
    rc = give(to, op->ref, d->domain_id, f);
    domain_put(to);
    return rc;
}

/*
 * transfer (struct gnttab_transfer[])
 *
 * Call: -EFAULT an element cannot be read or written; those before are done.
 * Status of each, checks in order: not a frame of the caller's, or something
 * refers to it (bad_page; the caller keeps it). Then the caller has lost it: no
 * such domain (bad_domain); the entry does not accept a frame from the caller,
 * or the receiver may own no more or is dying (general_error).
 */
long grant_op_transfer(vaddr_t arg, unsigned count)
{
    struct gnttab_transfer op;

    for (unsigned i = 0; i < count; i++, arg += sizeof(op)) {
        if (i && preempt_needed())
            return grant_again(GNTTABOP_transfer, arg, count - i);
        if (copy_from_guest_va(&op, arg, sizeof(op)))
            return -EFAULT;
        op.status = (int16_t)transfer_one(current->domain, &op);
        if (copy_to_guest_va(arg + offsetof(struct gnttab_transfer, status),
                             &op.status, sizeof(op.status)))
            return -EFAULT;
    }
    return 0;
}
