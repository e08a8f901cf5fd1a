/*
 * The frame table: one struct frame for each 4 KiB frame of machine memory.
 *
 * A frame has one owner, a count of all references and a type with a count of
 * its own (page_type.h). Owner and references share one atomic word, so that
 * "take a reference if it is still d's" is one compare-and-swap; type, flags
 * and type count share the other.
 *
 *   ref word     63..48 flags | 47..32 owner (domain id) | 31..0 references
 *   type word    see page_type.h
 *
 * References are held by: the owner (FRAME_ALLOCATED, one), each mapping in a
 * validated page table, a loaded base pointer, a pin, a grant mapping, I/O in
 * flight, and code that needs the frame for a moment. At 0 the frame goes back
 * to the heap, so a frame is free if and only if its count is 0. A count of 0
 * never rises again except through the allocator.
 *
 * next/prev link a frame into one list at a time: the owner's page list (under
 * domain->page_lock) or a free list of the heap (under the heap lock).
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "lib/compiler.h"
#include "lib/types.h"

struct domain;

struct frame {
    uint64_t type; /* atomic */
    uint64_t ref;  /* atomic */
    uint32_t next, prev; /* frame numbers; FRAME_NIL ends a list */
};
_Static_assert(sizeof(struct frame) == 24, "24 bytes of metadata a frame");

#define FRAME_NIL 0xffffffffu

#define REF_COUNT_MASK 0xffffffffUL
#define REF_COUNT_MAX 0xfffffff0UL
#define REF_OWNER_SHIFT 32
#define REF_OWNER_MASK (0xffffUL << REF_OWNER_SHIFT)
/* The owner's own reference: set from allocation until it gives the frame up. */
#define FRAME_ALLOCATED (1UL << 63)
/* The hypervisor's memory lent to the owner (shared_info, grant frames ...):
   not in its page list, not counted, freed by the hypervisor alone. */
#define FRAME_XENHEAP (1UL << 62)
/* Free, at the head of a free block; `prev` field then holds nothing else. */
#define FRAME_FREE_HEAD (1UL << 61)
/* Never used: a hole, firmware memory, or option badpage=. */
#define FRAME_OFFLINE (1UL << 60)
/* Not RAM of ours to give, may be mapped with iomem permission. */
#define FRAME_IO (1UL << 59)
#define FRAME_ORDER_SHIFT 48 /* of a free block's head: 5 bits */
#define FRAME_ORDER_MASK (0x1fUL << FRAME_ORDER_SHIFT)

#ifndef HOST_SHIM
#include "arch/x86/boot.h"
#include "arch/x86/layout.h"
#define frame_table ((struct frame *)FRAME_TABLE_START)
#else
extern struct frame *frame_table;
extern uint64_t max_mfn; /* frames [0, max_mfn) have an entry */
#endif

static inline struct frame *frame_of(mfn_t m)
{
    return &frame_table[m.m];
}
static inline mfn_t frame_mfn(const struct frame *f)
{
    return mfn((uint64_t)(f - frame_table));
}
static inline uint16_t frame_owner_id(const struct frame *f)
{
    return (uint16_t)(__atomic_load_n(&f->ref, __ATOMIC_RELAXED) >>
                      REF_OWNER_SHIFT);
}
static inline uint64_t frame_ref_count(const struct frame *f)
{
    return __atomic_load_n(&f->ref, __ATOMIC_RELAXED) & REF_COUNT_MASK;
}
/* In the table, RAM, and neither hole nor offline. */
static inline bool mfn_valid(mfn_t m)
{
    return m.m < max_mfn &&
           !(__atomic_load_n(&frame_of(m)->ref, __ATOMIC_RELAXED) &
             (FRAME_OFFLINE | FRAME_IO));
}

/*
 * Takes a reference if the frame is owned by domain id `owner` and in use.
 * False: not the owner's, free, or the count is at its maximum.
 */
bool frame_get(struct frame *f, uint16_t owner);
/* One more reference on a frame on which the caller already holds one. */
void frame_get_known(struct frame *f);
/* Drops a reference; the last one frees the frame (takes page and heap lock). */
void frame_put(struct frame *f);
/*
 * Drops the owner's reference (FRAME_ALLOCATED). False if it was not set, i.e.
 * somebody else was faster.
 */
bool frame_release(struct frame *f);

/*
 * What happens when the last reference goes: unlinks the frame from its
 * owner's list and accounts, stamps it, frees it. Provided by mm (alloc.c).
 */
void frame_last_put(struct frame *f);

#endif
