/*
 * The buddy allocator.
 *
 * Invariants, checked by tests/unit/alloc: free blocks are disjoint; no two
 * free buddies of one order exist unless merging would cross a zone; a block
 * lies within one zone; `orders` and `free` agree with the lists.
 *
 * A block's stamp is that of its youngest part. Merging happens only while
 * freeing, so the block being freed now is the younger one: its stamp is kept.
 */
#include "mm/buddy.h"

#include "lib/bitops.h"
#include "mm/page_type.h"

#define REF_FREE_HEAD(order)                                                   \
    (FRAME_FREE_HEAD | ((uint64_t)(order) << FRAME_ORDER_SHIFT) |              \
     ((uint64_t)FRAME_OWNER_NONE << REF_OWNER_SHIFT))
#define REF_FREE ((uint64_t)FRAME_OWNER_NONE << REF_OWNER_SHIFT)

static unsigned zone_of(uint64_t m)
{
    return m ? highest_bit(m) : 0;
}

void buddy_init(struct buddy *b)
{
    for (unsigned z = 0; z < BUDDY_ZONES; z++) {
        b->orders[z] = 0;
        for (unsigned o = 0; o < BUDDY_ORDERS; o++)
            b->head[z][o] = FRAME_NIL;
    }
    b->free = 0;
}

static void list_push(struct buddy *b, uint64_t m, unsigned order,
                      uint32_t stamp)
{
    unsigned zone = zone_of(m);
    struct frame *f = frame_of(mfn(m));
    uint32_t *head = &b->head[zone][order];

    f->ref = REF_FREE_HEAD(order);
    f->type = (uint64_t)stamp << PGT_AUX_SHIFT;
    f->prev = FRAME_NIL;
    f->next = *head;
    if (*head != FRAME_NIL)
        frame_of(mfn(*head))->prev = (uint32_t)m;
    *head = (uint32_t)m;
    b->orders[zone] |= 1u << order;
}

/* Takes a block out of its list; it has references 0 and no head any more. */
static void list_remove(struct buddy *b, uint64_t m, unsigned order)
{
    unsigned zone = zone_of(m);
    struct frame *f = frame_of(mfn(m));

    if (f->prev != FRAME_NIL)
        frame_of(mfn(f->prev))->next = f->next;
    else
        b->head[zone][order] = f->next;
    if (f->next != FRAME_NIL)
        frame_of(mfn(f->next))->prev = f->prev;
    if (b->head[zone][order] == FRAME_NIL)
        b->orders[zone] &= ~(1u << order);
    f->ref = REF_FREE;
}

/* May the block at m merge with the other half? */
static bool buddy_is_free(uint64_t m, uint64_t other, unsigned order)
{
    /* Frame 0 has no zone that a larger block at it would fit into. */
    if ((m & other) == 0 || other + (1UL << order) > max_mfn)
        return false;
    return frame_of(mfn(other))->ref == REF_FREE_HEAD(order);
}

void buddy_free(struct buddy *b, mfn_t mf, unsigned order, uint32_t stamp)
{
    uint64_t m = mf.m;

    ASSERT((m & ((1UL << order) - 1)) == 0);
    ASSERT(frame_ref_count(frame_of(mf)) == 0);
    b->free += 1UL << order;
    frame_of(mf)->ref = REF_FREE;
    while (order < BUDDY_ORDERS - 1) {
        uint64_t other = m ^ (1UL << order);
        if (!buddy_is_free(m, other, order))
            break;
        list_remove(b, other, order);
        m &= other;
        order++;
    }
    list_push(b, m, order, stamp);
}

/* The smallest free block of at least `order` in the zone, or FRAME_NIL. */
static uint32_t zone_find(const struct buddy *b, unsigned zone, unsigned order,
                          unsigned *found)
{
    uint32_t fit = b->orders[zone] >> order;

    if (!fit)
        return FRAME_NIL;
    *found = order + lowest_bit(fit);
    return b->head[zone][*found];
}

mfn_t buddy_alloc(struct buddy *b, unsigned order, unsigned max_bits,
                  uint32_t *stamp)
{
    unsigned zones = max_bits ? min(max_bits, (unsigned)BUDDY_ZONES)
                              : BUDDY_ZONES;
    uint32_t m = FRAME_NIL;
    unsigned found = 0;

    if (order >= BUDDY_ORDERS)
        return INVALID_MFN;
    while (zones-- && m == FRAME_NIL)
        m = zone_find(b, zones, order, &found);
    if (m == FRAME_NIL)
        return INVALID_MFN;
    *stamp = (uint32_t)((frame_of(mfn(m))->type & PGT_AUX_MASK) >>
                        PGT_AUX_SHIFT);
    list_remove(b, m, found);
    while (found > order) {
        found--;
        list_push(b, m + (1UL << found), found, *stamp);
    }
    frame_of(mfn(m))->type = 0;
    b->free -= 1UL << order;
    return mfn(m);
}

void buddy_free_range(struct buddy *b, mfn_t start, mfn_t end, uint32_t stamp)
{
    uint64_t m = start.m;

    while (m < end.m) {
        unsigned order = min(highest_bit(end.m - m), BUDDY_ORDERS - 1u);
        if (m)
            order = min(order, lowest_bit(m));
        buddy_free(b, mfn(m), order, stamp);
        m += 1UL << order;
    }
}
