/*
 * The heap below xenheap and domheap (mm/alloc.h): free frames without regard
 * to who gets them. Private to mm.
 *
 * Every frame taken has references 0 and owner FRAME_OWNER_NONE, its type word
 * is 0 (interior frames of a block: not set), and no CPU holds a translation
 * of its old use any more: heap_take flushes what is needed.
 */
#ifndef MM_HEAP_H
#define MM_HEAP_H

#include "mm/alloc.h"
#include "mm/buddy.h"
#include "mm/page_type.h"

#define REF_UNOWNED ((uint64_t)FRAME_OWNER_NONE << REF_OWNER_SHIFT)
/* A private frame of the hypervisor. */
#define REF_PRIVATE (REF_UNOWNED | FRAME_ALLOCATED | 1)

/*
 * 2^order frames below 2^max_bits frames (0 = anywhere). `d` may use what it
 * has claimed (NULL: nobody). INVALID_MFN if there are none. *memory_id: whose
 * data is in there (mm/buddy.h).
 */
mfn_t heap_take(struct domain *d, unsigned order, unsigned max_bits,
                uint32_t *memory_id);
/*
 * Gives a block back, with its past as in mm/buddy.h. All frames must have
 * references 0.
 */
void heap_give(mfn_t m, unsigned order, uint64_t past);

/* heap_init's part for memory in use: private frames of the hypervisor. */
void frames_set_private(mfn_t start, mfn_t end);

/*
 * Death: frees up to `limit` frames from the head of d's page list that follow
 * each other and that nobody refers to but d. Gives their number; 0: look at
 * the first one. The caller has a reference on d.
 */
uint64_t domain_free_unused(struct domain *d, uint64_t limit);

/* Moves a frame from d's page list to the released ones; page_lock held. */
void domain_move_released(struct domain *d, struct frame *f);

/*
 * The type word of a private frame that xmalloc uses: the first one of a large
 * object, or a slab of objects of 2^(MIN_SHIFT + class) bytes.
 */
#define MIN_SHIFT 4
#define MAX_SHIFT 11
#define KIND_SLAB (0x51UL << 48)
#define KIND_LARGE (0x52UL << 48)
#define KIND_MASK (0xffUL << 48)
#define ARG_SHIFT 32 /* class or order: 8 bits */
#define USED_SHIFT 16
#define USED_ONE (1UL << USED_SHIFT)
#define USED_MASK (0xffffUL << USED_SHIFT)
#define FREE_MASK 0xffffUL /* offset of the first free object */
#define NO_FREE 0xffffUL

static inline unsigned slab_arg(const struct frame *f)
{
    return (unsigned)(f->type >> ARG_SHIFT) & 0xff;
}

/* A page lent by xenheap_share lost its last reference. */
void xenheap_last_put(struct frame *f);

static inline uint32_t frame_stamp(const struct frame *f)
{
    return (uint32_t)((f->type & PGT_AUX_MASK) >> PGT_AUX_SHIFT);
}

#endif
