/*
 * The mappings of other domains' grants that a domain has made: a table that
 * is indexed by the handle which map gave and unmap wants back. Pure.
 *
 * An entry is FREE, BUSY or LIVE. BUSY belongs to the one CPU that made it so:
 * an operation is at work on the mapping, and to all others the handle does not
 * exist. So of two CPUs that unmap the same handle one finds nothing, and the
 * fields of an entry need no lock:
 *
 *     FREE -- alloc --> BUSY -- publish --> LIVE
 *      ^                 | ^                  |
 *      +---- retire -----+ +----- claim ------+
 *
 * The table grows by a page when no entry is free, up to its limit, and never
 * shrinks. The lock is for growth and the list of free entries alone.
 */
#ifndef GRANT_MAPTRACK_H
#define GRANT_MAPTRACK_H

#include "lib/compiler.h"
#include "lib/spinlock.h"
#include "lib/types.h"

struct domain;

enum maptrack_state { MAPTRACK_FREE, MAPTRACK_BUSY, MAPTRACK_LIVE };

struct maptrack_entry {
    struct domain *granter; /* a reference of the domain is held */
    uint64_t frame;         /* machine frame */
    uint32_t ref;           /* in the granter's table */
    uint32_t next;          /* FREE: handle of the next free one */
    uint32_t state;         /* atomic; enum maptrack_state */
    uint16_t flags;         /* GNTMAP_*: what is mapped, and how */
    uint16_t unused;
};
_Static_assert(sizeof(struct maptrack_entry) == 32, "128 in a page");

#define MAPTRACK_PER_PAGE (PAGE_SIZE / sizeof(struct maptrack_entry))
#define MAPTRACK_NONE 0xffffffffu /* no handle */

struct maptrack {
    spinlock_t lock;
    uint32_t free;     /* first free handle, or MAPTRACK_NONE */
    uint32_t nr;       /* handles 0 .. nr - 1 exist; atomic */
    uint32_t limit;    /* pages */
    struct maptrack_entry **pages;
};

/* At most `limit` pages. */
void maptrack_init(struct maptrack *m, unsigned limit);
/* All entries must be FREE. */
void maptrack_free(struct maptrack *m);

/*
 * A new BUSY entry's handle, or MAPTRACK_NONE: at the limit, or no memory. The
 * caller fills it and publishes it, or retires it.
 */
uint32_t maptrack_alloc(struct maptrack *m);
static inline struct maptrack_entry *maptrack_at(const struct maptrack *m,
                                                 uint32_t handle)
{
    return &m->pages[handle / MAPTRACK_PER_PAGE][handle % MAPTRACK_PER_PAGE];
}
/* LIVE to BUSY. NULL: no such handle, or another operation has it. */
struct maptrack_entry *maptrack_claim(struct maptrack *m, uint32_t handle);
/* BUSY to LIVE. */
static inline void maptrack_publish(struct maptrack_entry *e)
{
    __atomic_store_n(&e->state, MAPTRACK_LIVE, __ATOMIC_RELEASE);
}
/* BUSY to FREE. */
void maptrack_retire(struct maptrack *m, uint32_t handle);

/*
 * Claims the next LIVE entry at or after *cursor, looking at up to `budget` of
 * them; *cursor becomes its handle. NULL: none; *cursor is where to go on, and
 * the end if that is maptrack_size.
 */
struct maptrack_entry *maptrack_claim_next(struct maptrack *m,
                                           uint32_t *cursor, unsigned budget);
static inline uint32_t maptrack_size(const struct maptrack *m)
{
    return __atomic_load_n(&m->nr, __ATOMIC_ACQUIRE);
}
/*
 * Is there a LIVE mapping of this frame? A look without lock: true or false of
 * some moment during the call.
 */
bool maptrack_has_frame(const struct maptrack *m, uint64_t frame);

#endif
