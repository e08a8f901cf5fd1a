/*
 * Pages of a guest that the hypervisor writes to for long: a general and a
 * writable type reference keep them what they are.
 */
#ifndef EVENT_GUEST_PAGE_H
#define EVENT_GUEST_PAGE_H

#include "mm/page_type.h"

/* INVALID_MFN: not a page of d's that may be written. */
static inline mfn_t guest_page_take(struct domain *d, uint64_t gfn)
{
    mfn_t m = mfn(gfn);

    if (!mfn_valid(m) || page_get_and_type(frame_of(m), PGT_WRITABLE, d))
        return INVALID_MFN;
    return m;
}

static inline void guest_page_drop(mfn_t m)
{
    page_put_writable(frame_of(m));
    frame_put(frame_of(m));
}

#endif
