/* References on frames (mm/frame.h): the owner and the count in one word. */
#include "mm/frame_ref.h"

bool frame_get(struct frame *f, uint16_t owner)
{
    return ref_get(f, owner);
}

void frame_get_known(struct frame *f)
{
    uint64_t old = __atomic_fetch_add(&f->ref, 1, __ATOMIC_SEQ_CST);

    /*
     * frame_get stops at REF_COUNT_MAX; what is left up to the wrap is for
     * the few references that the hypervisor itself adds here.
     */
    BUG_ON((uint32_t)old - 1u >= 0xfffffffeu - 1u);
}

void frame_put_slow(struct frame *f)
{
    BUG_ON(frame_ref_count(f));
    frame_last_put(f);
}

void frame_put(struct frame *f)
{
    ref_put(f);
}

bool frame_release(struct frame *f)
{
    uint64_t x = __atomic_load_n(&f->ref, __ATOMIC_RELAXED);

    do {
        if (!(x & FRAME_ALLOCATED))
            return false;
        BUG_ON(!(x & REF_COUNT_MASK));
    } while (!atomic_cas(&f->ref, &x, (x & ~FRAME_ALLOCATED) - 1));
    if ((x & REF_COUNT_MASK) == 1)
        frame_last_put(f);
    return true;
}
