/*
 * References on frames, the inline forms: for the page-type engine and the
 * updates of the M2P, where a function call per entry counts. All others use
 * frame.h.
 */
#ifndef MM_FRAME_REF_H
#define MM_FRAME_REF_H

#include "arch/x86/atomic.h"
#include "lib/compiler.h"
#include "mm/frame.h"

/* Full barriers both, as the processor's locked instructions are. */
#define atomic_cas(p, old, new)                                                \
    __atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST,    \
                                __ATOMIC_RELAXED)

/* In place of an owner's id, which has 16 bits: matches no frame. */
#define OWNER_NOBODY 0x10000u

/* The rare end of ref_put: none is left (free the frame), or a bug. */
void frame_put_slow(struct frame *f);

/* Of frame.ref: may one more be had? Count 0 (free) wraps round: no. */
static __always_inline bool ref_may_get(uint64_t x, uint32_t owner)
{
    return (uint16_t)(x >> REF_OWNER_SHIFT) == owner &&
           (uint32_t)x - 1u < (uint32_t)REF_COUNT_MAX - 1u;
}

/* frame_get, also with OWNER_NOBODY. */
static __always_inline bool ref_get(struct frame *f, uint32_t owner)
{
    uint64_t x = __atomic_load_n(&f->ref, __ATOMIC_RELAXED);

    do {
        if (unlikely(!ref_may_get(x, owner)))
            return false;
    } while (unlikely(!atomic_cas(&f->ref, &x, x + 1)));
    return true;
}

/* Likewise, but does not insist: also false if others were at the count. */
static __always_inline bool ref_try_get(struct frame *f, uint32_t owner)
{
    uint64_t x = __atomic_load_n(&f->ref, __ATOMIC_RELAXED);

    return likely(ref_may_get(x, owner)) && atomic_cas(&f->ref, &x, x + 1);
}

static __always_inline void ref_put(struct frame *f)
{
    /* The count is the word's low half. */
    if (unlikely(atomic_dec_was_low((atomic_half_t *)&f->ref)))
        frame_put_slow(f);
}

#endif
