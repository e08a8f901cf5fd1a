/*
 * GNTTABOP_copy: bytes from one frame to another, each either the caller's own
 * (by frame number) or granted to it (by reference).
 *
 * Drivers copy many pieces from or into the same page, one element after the
 * other. So the frame of each side stays acquired until an element names
 * another one, or the call ends or gives way.
 */
#include "grant/table.h"

#include "arch/x86/map.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/page_type.h"

/* Source or destination. */
struct side {
    bool write;            /* destination */
    struct frame *frame;   /* NULL: nothing acquired */
    struct domain *granter; /* NULL: own frame */
    bool by_ref;           /* what was asked for: */
    domid_t domid;
    uint64_t name;         /* reference or frame number */
};

static void side_release(struct side *s)
{
    if (!s->frame)
        return;
    if (s->granter) {
        grant_release(s->granter, (uint32_t)s->name, !s->write, s->frame);
        domain_put(s->granter);
    } else {
        if (s->write)
            page_put_writable(s->frame);
        frame_put(s->frame);
    }
    s->frame = NULL;
}

static int acquire_ref(struct side *s, struct domain *caller)
{
    int rc;

    s->granter = domain_get_any(s->domid);
    if (!s->granter)
        return GNTST_bad_domain;
    rc = grant_acquire(s->granter, (uint32_t)s->name, caller->domain_id,
                       !s->write, &s->frame);
    if (rc) {
        s->frame = NULL;
        domain_put(s->granter);
    }
    return rc;
}

static int acquire_own(struct side *s, struct domain *caller)
{
    struct domain *named;
    struct frame *f;

    s->granter = NULL;
    if (unlikely(s->domid != DOMID_SELF)) {
        named = domain_get(s->domid);
        if (!named)
            return GNTST_bad_domain;
        domain_put(named);
        return GNTST_permission_denied;
    }
    if (s->name >= max_mfn || !mfn_valid(mfn(s->name)))
        return GNTST_bad_page;
    f = frame_of(mfn(s->name));
    if (!frame_get(f, caller->domain_id))
        return GNTST_bad_page;
    if (s->write && page_get_type(f, PGT_WRITABLE, caller)) {
        frame_put(f);
        return GNTST_general_error;
    }
    s->frame = f;
    return GNTST_okay;
}

static inline int side_acquire(struct side *s, struct domain *caller,
                               const struct gnttab_copy_ptr *p, bool by_ref)
{
    uint64_t name = by_ref ? p->u.ref : p->u.gmfn;

    if (s->frame && s->by_ref == by_ref && s->name == name &&
        s->domid == p->domid)
        return GNTST_okay;
    side_release(s);
    s->by_ref = by_ref;
    s->domid = p->domid;
    s->name = name;
    return by_ref ? acquire_ref(s, caller) : acquire_own(s, caller);
}

static inline void copy_bytes(const struct side *src, unsigned from,
                              const struct side *dst, unsigned to,
                              unsigned len)
{
    char *d = map_frame(frame_mfn(dst->frame));
    const char *s = map_frame(frame_mfn(src->frame));

    if (unlikely(src->frame == dst->frame))
        memmove(d + to, s + from, len);
    else
        memcpy(d + to, s + from, len);
    unmap_frame(s);
    unmap_frame(d);
}

static inline int copy_one(struct domain *caller, const struct gnttab_copy *op,
                           struct side *src, struct side *dst)
{
    int rc;

    if (op->source.offset + op->len > PAGE_SIZE ||
        op->dest.offset + op->len > PAGE_SIZE)
        return GNTST_bad_copy_arg;
    rc = side_acquire(src, caller, &op->source,
                      op->flags & GNTCOPY_source_gref);
    if (!rc)
        rc = side_acquire(dst, caller, &op->dest,
                          op->flags & GNTCOPY_dest_gref);
    if (!rc)
        copy_bytes(src, op->source.offset, dst, op->dest.offset, op->len);
    return rc;
}

static long copy_all(vaddr_t arg, unsigned count, struct side *src,
                     struct side *dst)
{
    struct domain *caller = current->domain;
    struct gnttab_copy op;

    for (unsigned i = 0; i < count; i++, arg += sizeof(op)) {
        if (i && preempt_needed())
            return grant_again(GNTTABOP_copy, arg, count - i);
        if (copy_from_guest_va(&op, arg, sizeof(op)))
            return -EFAULT;
        op.status = (int16_t)copy_one(caller, &op, src, dst);
        if (copy_to_guest_va(arg + offsetof(struct gnttab_copy, status),
                             &op.status, sizeof(op.status)))
            return -EFAULT;
    }
    return 0;
}

/*
 * copy (struct gnttab_copy[])
 *
 * Call: -EFAULT an element cannot be read or written; those before are done.
 * Status of each, checks in order: a piece that crosses the end of its page
 * (bad_copy_arg); then source, then destination: by frame number: no such
 * domain (bad_domain), not DOMID_SELF (permission_denied), not a frame of the
 * caller's (bad_page); by reference: as map_grant_ref; a destination that
 * cannot be writable now (general_error).
 */
long grant_op_copy(vaddr_t arg, unsigned count)
{
    struct side src = {.write = false}, dst = {.write = true};
    long rc = copy_all(arg, count, &src, &dst);

    side_release(&src);
    side_release(&dst);
    return rc;
}
