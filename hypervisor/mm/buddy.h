/*
 * The buddy allocator proper: free blocks of 2^order frames, aligned to their
 * size. Pure: it touches only the frame table. The caller holds the heap lock.
 *
 * A free block is described by its first frame:
 *   ref    FRAME_FREE_HEAD, order, owner DOMID_IDLE, references 0
 *   type   TLB clock when the block was freed, in PGT_AUX; 0 = never mapped
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
 * Frees 2^order frames (aligned), merging with free neighbours. `stamp`: TLB
 * clock when the last mapping of any of them went.
 */
void buddy_free(struct buddy *b, mfn_t m, unsigned order, uint32_t stamp);
/*
 * Takes 2^order frames, all below frame 2^max_bits (0 = anywhere). The head's
 * state is reset to references 0; *stamp is the clock to flush after.
 * INVALID_MFN if there is no such block.
 */
mfn_t buddy_alloc(struct buddy *b, unsigned order, unsigned max_bits,
                  uint32_t *stamp);
/* Frees any range [start, end) in blocks as large as possible. */
void buddy_free_range(struct buddy *b, mfn_t start, mfn_t end, uint32_t stamp);

#endif
