/*
 * The buddy allocator proper: free blocks of 2^order frames, aligned to their
 * size. Pure: it touches only the frame table. The caller holds the heap lock.
 *
 * A free block is described by its first frame:
 *   ref    FRAME_FREE_HEAD, order, owner DOMID_IDLE, references 0
 *   type   the past of its frames, see below
 *   next, prev  the free list of its zone and order
 * The other frames of a block have references 0 and nothing else is known.
 *
 * Zone n holds the blocks at frame numbers [2^n, 2^(n+1)), so "below 2^b
 * bytes" means "zones below b - 12". Allocation takes the highest zone that
 * can serve it: low memory is kept for those that need it.
 */
#ifndef MM_BUDDY_H
#define MM_BUDDY_H

#include "mm/frame.h"
#include "mm/page_type.h"

/*
 * What was before with a free frame, in the layout of a type word: the TLB
 * clock when its last mapping went (PGT_AUX; 0 = never mapped), and below whose
 * data it holds: a domain's memory id, or 0: anybody's. Of a block: the
 * youngest clock of its parts, and the id if it is that of all of them.
 */
#define PAST(stamp, id) ((uint64_t)(stamp) << PGT_AUX_SHIFT | (uint32_t)(id))
#define PAST_STAMP(past) ((uint32_t)(((past) & PGT_AUX_MASK) >> PGT_AUX_SHIFT))
#define PAST_ID(past) ((uint32_t)(past))

#define BUDDY_ORDERS 21
#define BUDDY_ZONES 32

/*
 * Owner of free frames and of hypervisor memory: the idle domain's id, which
 * no caller can name (the ABI's DOMID_IDLE).
 */
#define FRAME_OWNER_NONE 0x7fffu

struct buddy {
    uint32_t head[BUDDY_ZONES][BUDDY_ORDERS]; /* FRAME_NIL = empty */
    uint32_t orders[BUDDY_ZONES]; /* bit n: head[zone][n] not empty */
    uint64_t free;                /* frames */
};

void buddy_init(struct buddy *b);
/*
 * Frees 2^order frames (aligned), merging with free neighbours.
 */
void buddy_free(struct buddy *b, mfn_t m, unsigned order, uint64_t past);
/*
 * Takes 2^order frames, all below frame 2^max_bits (0 = anywhere). The head's
 * state is reset to references 0; *past is that of the block.
 * INVALID_MFN if there is no such block.
 */
mfn_t buddy_alloc(struct buddy *b, unsigned order, unsigned max_bits,
                  uint64_t *past);
/*
 * For a stock of single frames: from the block that buddy_alloc would take one
 * from, as much as there is up to *order. *order: what it is.
 */
mfn_t buddy_alloc_some(struct buddy *b, unsigned *order, uint64_t *past);
/* Frees any range [start, end) in blocks as large as possible. */
void buddy_free_range(struct buddy *b, mfn_t start, mfn_t end, uint64_t past);

#endif
