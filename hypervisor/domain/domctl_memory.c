/* domctl: a domain's memory. */
#include "domain/domctl.h"

#include "arch/x86/map.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"
#include "mm/page_type.h"

#define FRAME_INFO_MAX 1024 /* frames of one call */
#define FRAME_INFO_BATCH 64

/* max_mem: may be less than the domain has; then it cannot grow. */
long domctl_max_mem(struct domain *d, struct xen_domctl *op)
{
    spin_lock(&d->page_lock);
    d->max_pages = op->u.max_mem.max_memkb >> (PAGE_SHIFT - 10);
    spin_unlock(&d->page_lock);
    return 0;
}

/* What saves of the domain must know of a frame: its type now, and pins. */
static uint64_t frame_info(const struct domain *d, uint64_t m)
{
    struct frame *f;
    uint64_t info, type;

    if (m >= max_mfn)
        return XEN_DOMCTL_PFINFO_XTAB;
    f = frame_of(mfn(m));
    if (!frame_get(f, d->domain_id))
        return XEN_DOMCTL_PFINFO_XTAB;
    type = __atomic_load_n(&f->type, __ATOMIC_RELAXED);
    info = type & PGT_COUNT_MASK
               ? (uint64_t)pgt_level(type) << XEN_DOMCTL_PFINFO_LTAB_SHIFT
               : XEN_DOMCTL_PFINFO_NOTAB;
    if (type & PGT_PINNED)
        info |= XEN_DOMCTL_PFINFO_LPINTAB;
    frame_put(f);
    return info;
}

/*
 * getpageframeinfo3: puts the frames' kinds in place of their numbers. -E2BIG
 * more than 1024; -EFAULT.
 */
long domctl_frame_info(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_getpageframeinfo3 *g = &op->u.getpageframeinfo3;
    uint64_t batch[FRAME_INFO_BATCH], n;

    if (g->num > FRAME_INFO_MAX)
        return -E2BIG;
    for (uint64_t at = 0; at < g->num; at += n) {
        n = min(g->num - at, (uint64_t)FRAME_INFO_BATCH);
        if (copy_from_guest_offset(batch, g->array, at, n))
            return -EFAULT;
        for (uint64_t i = 0; i < n; i++)
            batch[i] = frame_info(d, batch[i]);
        if (copy_to_guest_offset(g->array, at, batch, n))
            return -EFAULT;
    }
    return 0;
}

/* hypercall_init: fills a frame of the domain. -EACCES: it can't be written. */
long domctl_hypercall_page(struct domain *d, struct xen_domctl *op)
{
    mfn_t m = mfn(op->u.hypercall_init.gmfn);
    void *p;

    if (!mfn_valid(m) || page_get_and_type(frame_of(m), PGT_WRITABLE, d))
        return -EACCES;
    p = map_frame(m);
    hypercall_page_init(p);
    unmap_frame(p);
    page_put_writable(frame_of(m));
    frame_put(frame_of(m));
    return 0;
}

/* set_address_size: -EINVAL for anything but 64 bits. */
long domctl_set_address_size(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    return op->u.address_size.size == 64 ? 0 : -EINVAL;
}

long domctl_get_address_size(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    op->u.address_size.size = 64;
    return 0;
}
