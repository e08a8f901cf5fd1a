#include "alloc/t.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/bitops.h"
#include "lib/spinlock.h"
#include "lib/string.h"

static struct frame frames[FRAMES];
struct frame *frame_table = frames;
uint64_t max_mfn = FRAMES;
struct buddy heap;

void bug_at(const char *file, int line, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
    abort();
}

void lock_check_acquire(spinlock_t *l)
{
    assert_false(spin_is_locked(l)); /* one thread: it would wait for ever */
}

void lock_check_release(spinlock_t *l)
{
    assert_true(spin_is_locked(l));
}

uint64_t rnd(void)
{
    static uint64_t x = 0x853c49e6748fea9b;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x >> 11;
}

void world_reset(void)
{
    memset(frames, 0, sizeof(frames));
    buddy_init(&heap);
}

static unsigned order_of(const struct frame *f)
{
    return (unsigned)((f->ref & FRAME_ORDER_MASK) >> FRAME_ORDER_SHIFT);
}

static void check_block(const uint8_t *used, uint8_t *seen, uint64_t m,
                        unsigned zone, unsigned order)
{
    uint64_t size = 1UL << order, other = m ^ size;
    const struct frame *f = &frames[m];

    assert_true(f->ref & FRAME_FREE_HEAD);
    assert_int_equal(order_of(f), order);
    assert_int_equal(frame_ref_count(f), 0);
    assert_int_equal(frame_owner_id(f), FRAME_OWNER_NONE);
    assert_int_equal(m % size, 0);
    assert_in_range(m + size, 1, FRAMES);
    assert_int_equal(zone, m ? highest_bit(m) : 0);
    for (uint64_t i = m; i < m + size; i++) {
        assert_false(seen[i]);
        assert_false(used[i]);
        seen[i] = 1;
        assert_int_equal(frame_ref_count(&frames[i]), 0);
    }
    /* Unmerged buddies only where frame 0 is one of them. */
    if (order + 1 < BUDDY_ORDERS && other + size <= FRAMES && (m & other))
        assert_false((frames[other].ref & FRAME_FREE_HEAD) &&
                     order_of(&frames[other]) == order);
}

void check_heap(const uint8_t *used)
{
    static uint8_t seen[FRAMES];
    uint64_t total = 0;

    memset(seen, 0, sizeof(seen));
    for (unsigned z = 0; z < BUDDY_ZONES; z++)
        for (unsigned o = 0; o < BUDDY_ORDERS; o++) {
            uint32_t prev = FRAME_NIL, m = heap.head[z][o];
            assert_int_equal((heap.orders[z] >> o) & 1, m != FRAME_NIL);
            for (; m != FRAME_NIL; prev = m, m = frames[m].next) {
                assert_int_equal(frames[m].prev, prev);
                check_block(used, seen, m, z, o);
                total += 1UL << o;
            }
        }
    assert_int_equal(total, heap.free);
}

int main(void)
{
    return run_buddy_tests() + run_xmalloc_tests();
}
