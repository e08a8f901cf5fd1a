/*
 * A sorted array of disjoint ranges that never touch each other, so that each
 * set has exactly one form. A change needs at most one more slot than there
 * are ranges; it is made sure of before the change starts, with the lock
 * dropped for the allocation.
 */
#include "lib/rangeset.h"

#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/spinlock.h"
#include "lib/string.h"

struct range {
    uint64_t first, last;
};

struct rangeset {
    spinlock_t lock; /* all fields */
    unsigned n, room;
    struct range *r;
};

struct rangeset *rangeset_new(void)
{
    struct rangeset *set = xzalloc_type(struct rangeset);

    if (set)
        spin_lock_init(&set->lock, LOCK_ANY);
    return set;
}

void rangeset_free(struct rangeset *set)
{
    if (!set)
        return;
    xfree(set->r);
    xfree(set);
}

/* Index of the first range that ends at `x` or behind it. Lock held. */
static unsigned find_range(const struct rangeset *set, uint64_t x)
{
    unsigned lo = 0, hi = set->n;

    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        if (set->r[mid].last < x)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Replaces ranges [at, at + old) by `n` new ones; there is room. */
static void splice(struct rangeset *set, unsigned at, unsigned old,
                   const struct range *new_ranges, unsigned n)
{
    memmove(set->r + at + n, set->r + at + old,
            (set->n - at - old) * sizeof(struct range));
    for (unsigned i = 0; i < n; i++)
        set->r[at + i] = new_ranges[i];
    set->n += n - old;
}

/* Takes the lock with room for one more range; -ENOMEM: not taken. */
static int lock_with_room(struct rangeset *set, unsigned long *flags)
{
    for (;;) {
        unsigned room;
        struct range *bigger, *old;

        *flags = spin_lock_irqsave(&set->lock);
        if (set->n < set->room)
            return 0;
        room = set->room ? 2 * set->room : 8;
        spin_unlock_irqrestore(&set->lock, *flags);

        bigger = xmalloc(room * sizeof(*bigger));
        if (!bigger)
            return -ENOMEM;
        *flags = spin_lock_irqsave(&set->lock);
        old = bigger;
        if (room > set->room) {
            if (set->n)
                memcpy(bigger, set->r, set->n * sizeof(*bigger));
            old = set->r;
            set->r = bigger;
            set->room = room;
        }
        spin_unlock_irqrestore(&set->lock, *flags);
        xfree(old);
    }
}

int rangeset_add(struct rangeset *set, uint64_t first, uint64_t last)
{
    struct range merged = {first, last};
    unsigned long flags;
    unsigned i, j;
    int rc;

    if (first > last)
        return -EINVAL;
    rc = lock_with_room(set, &flags);
    if (rc)
        return rc;
    /* Neighbours count as overlapping. */
    i = find_range(set, first ? first - 1 : 0);
    for (j = i; j < set->n; j++) {
        if (last != UINT64_MAX && set->r[j].first > last + 1)
            break;
        merged.first = min(merged.first, set->r[j].first);
        merged.last = max(merged.last, set->r[j].last);
    }
    splice(set, i, j - i, &merged, 1);
    spin_unlock_irqrestore(&set->lock, flags);
    return 0;
}

int rangeset_remove(struct rangeset *set, uint64_t first, uint64_t last)
{
    struct range rest[2];
    unsigned long flags;
    unsigned i, j, n = 0;
    int rc;

    if (first > last)
        return -EINVAL;
    rc = lock_with_room(set, &flags);
    if (rc)
        return rc;
    i = find_range(set, first);
    for (j = i; j < set->n && set->r[j].first <= last; j++) {
        if (set->r[j].first < first)
            rest[n++] = (struct range){set->r[j].first, first - 1};
        if (set->r[j].last > last)
            rest[n++] = (struct range){last + 1, set->r[j].last};
    }
    splice(set, i, j - i, rest, n);
    spin_unlock_irqrestore(&set->lock, flags);
    return 0;
}

bool rangeset_contains(const struct rangeset *r, uint64_t first, uint64_t last)
{
    struct rangeset *set = (struct rangeset *)r; /* only the lock changes */
    unsigned long flags;
    unsigned i;
    bool in;

    if (!set || first > last)
        return false;
    flags = spin_lock_irqsave(&set->lock);
    i = find_range(set, first);
    in = i < set->n && set->r[i].first <= first && set->r[i].last >= last;
    spin_unlock_irqrestore(&set->lock, flags);
    return in;
}

bool rangeset_empty(const struct rangeset *set)
{
    return !set || READ_ONCE(set->n) == 0;
}
