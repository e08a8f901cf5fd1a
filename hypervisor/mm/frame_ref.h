/*
 * References on frames, the inline forms: for the page-type engine and the
 * updates of the M2P, where a function call per entry counts. All others use
 * frame.h.
 */
#ifndef MM_FRAME_REF_H
#define MM_FRAME_REF_H

#include "lib/compiler.h"
#include "mm/frame.h"

/* Full barriers both, as the processor's locked instructions are. */
#define atomic_cas(p, old, new)                                                \
    __atomic_compare_exchange_n((p), (old), (new), false, __ATOMIC_SEQ_CST,    \
                                __ATOMIC_RELAXED)

/* A domain's id at its place in the reference word. */
#define REF_OWNER(id) ((uint64_t)(id) << REF_OWNER_SHIFT)
/* In place of such an id: matches no frame. */
#define REF_OWNER_NOBODY (~0UL)

/* The rare end of ref_put: `old` was 1 (free the frame) or 0 (a bug). */
void frame_put_slow(struct frame *f, uint64_t old);

/* frame_get with the owner's id already shifted (REF_OWNER). */
static __always_inline bool ref_get(struct frame *f, uint64_t owner_bits)
{
    uint64_t x = __atomic_load_n(&f->ref, __ATOMIC_RELAXED);

    do {
        /* Count 0 (free) wraps round and is refused as well. */
        if (unlikely((x & REF_OWNER_MASK) != owner_bits ||
                     (uint32_t)x - 1u >= (uint32_t)REF_COUNT_MAX - 1u))
            return false;
    } while (unlikely(!atomic_cas(&f->ref, &x, x + 1)));
    return true;
}

static __always_inline void ref_put(struct frame *f)
{
    uint64_t old = __atomic_fetch_sub(&f->ref, 1, __ATOMIC_SEQ_CST);

    if (unlikely((uint32_t)old <= 1))
        frame_put_slow(f, old);
}

#endif
