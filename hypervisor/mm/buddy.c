/*
 * The buddy allocator.
 *
 * Invariants, checked by tests/unit/alloc: free blocks are disjoint; no two
 * free buddies of one order exist unless merging would cross a zone; a block
 * lies within one zone; `orders` and `free` agree with the lists.
 *
 * A block has the youngest stamp of its parts. What is freed now need not be
 * the younger one: frames wait in the CPUs' caches. (Stamps from before the
 * clock wrapped look young: that costs a flush, no more.)
 */
#include "mm/buddy.h"

#include "lib/bitops.h"

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
                      uint64_t past)
{
    unsigned zone = zone_of(m);
    struct frame *f = frame_of(mfn(m));
    uint32_t *head = &b->head[zone][order];

    f->ref = REF_FREE_HEAD(order);
    f->type = past;
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

/* The past of a block made of two. */
static uint64_t past_of_both(uint64_t a, uint64_t b)
{
    return PAST(max(PAST_STAMP(a), PAST_STAMP(b)),
                PAST_ID(a) == PAST_ID(b) ? PAST_ID(a) : 0);
}

void buddy_free(struct buddy *b, mfn_t mf, unsigned order, uint64_t past)
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
        past = past_of_both(past, frame_of(mfn(other))->type);
        m &= other;
        order++;
    }
    list_push(b, m, order, past);
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

/* The block that 2^order frames below frame 2^max_bits are best cut from. */
static uint32_t find_block(const struct buddy *b, unsigned order,
                           unsigned max_bits, unsigned *found)
{
    unsigned zones = max_bits ? min(max_bits, (unsigned)BUDDY_ZONES)
                              : BUDDY_ZONES;
    uint32_t m = FRAME_NIL;

    while (zones-- && m == FRAME_NIL)
        m = zone_find(b, zones, order, found);
    return m;
}

/* Takes the first 2^order frames of the free block of order `found` at m. */
static mfn_t cut_block(struct buddy *b, uint32_t m, unsigned found,
                       unsigned order, uint64_t *past)
{
    *past = frame_of(mfn(m))->type;
    list_remove(b, m, found);
    while (found > order) {
        found--;
        list_push(b, m + (1UL << found), found, *past);
    }
    frame_of(mfn(m))->type = 0;
    b->free -= 1UL << order;
    return mfn(m);
}

mfn_t buddy_alloc(struct buddy *b, unsigned order, unsigned max_bits,
                  uint64_t *past)
{
    unsigned found = 0;
    uint32_t m;

    if (order >= BUDDY_ORDERS)
        return INVALID_MFN;
    m = find_block(b, order, max_bits, &found);
    return m == FRAME_NIL ? INVALID_MFN : cut_block(b, m, found, order, past);
}

mfn_t buddy_alloc_some(struct buddy *b, unsigned *order, uint64_t *past)
{
    unsigned found = 0;
    uint32_t m = find_block(b, 0, 0, &found);

    if (m == FRAME_NIL)
        return INVALID_MFN;
    *order = min(*order, found);
    return cut_block(b, m, found, *order, past);
}

void buddy_free_range(struct buddy *b, mfn_t start, mfn_t end, uint64_t past)
{
    uint64_t m = start.m;

    while (m < end.m) {
        unsigned order = min(highest_bit(end.m - m), BUDDY_ORDERS - 1u);
        if (m)
            order = min(order, lowest_bit(m));
        buddy_free(b, mfn(m), order, past);
        m += 1UL << order;
    }
}
