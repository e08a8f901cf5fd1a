/* Handles of grant mappings: see maptrack.h. */
#include "grant/maptrack.h"

#include "lib/bitops.h"
#include "lib/heap.h"

void maptrack_init(struct maptrack *m, unsigned limit)
{
    spin_lock_init(&m->lock, LOCK_GRANT);
    m->free = MAPTRACK_NONE;
    m->nr = 0;
    m->limit = limit;
    m->pages = NULL;
}

void maptrack_free(struct maptrack *m)
{
    if (!m->pages)
        return;
    for (uint32_t i = 0; i < m->nr; i++)
        BUG_ON(maptrack_at(m, i)->state != MAPTRACK_FREE);
    for (uint32_t i = 0; i < m->nr / MAPTRACK_PER_PAGE; i++)
        xfree(m->pages[i]);
    xfree(m->pages);
    m->pages = NULL;
    m->nr = 0;
}

/* One page more; its entries are chained in rising order. Lock held. */
static __noinline bool grow(struct maptrack *m)
{
    uint32_t first = m->nr, end = first + (uint32_t)MAPTRACK_PER_PAGE;
    struct maptrack_entry *page;

    if (first / MAPTRACK_PER_PAGE >= m->limit)
        return false;
    if (!m->pages) /* most domains never map anything */
        m->pages = xzalloc_array(struct maptrack_entry *, m->limit);
    if (!m->pages)
        return false;
    page = xzalloc(PAGE_SIZE);
    if (!page)
        return false;
    for (uint32_t i = first; i < end; i++)
        page[i - first].next = i + 1 < end ? i + 1 : m->free;
    m->pages[first / MAPTRACK_PER_PAGE] = page;
    m->free = first;
    __atomic_store_n(&m->nr, end, __ATOMIC_RELEASE);
    return true;
}

uint32_t maptrack_alloc(struct maptrack *m)
{
    uint32_t handle = MAPTRACK_NONE;
    struct maptrack_entry *e;

    spin_lock(&m->lock);
    if (likely(m->free != MAPTRACK_NONE) || grow(m)) {
        handle = m->free;
        e = maptrack_at(m, handle);
        m->free = e->next;
        __atomic_store_n(&e->state, MAPTRACK_BUSY, __ATOMIC_RELAXED);
    }
    spin_unlock(&m->lock);
    return handle;
}

void maptrack_retire(struct maptrack *m, uint32_t handle)
{
    struct maptrack_entry *e = maptrack_at(m, handle);

    BUG_ON(__atomic_load_n(&e->state, __ATOMIC_RELAXED) != MAPTRACK_BUSY);
    spin_lock(&m->lock);
    __atomic_store_n(&e->state, MAPTRACK_FREE, __ATOMIC_RELAXED);
    e->next = m->free;
    m->free = handle;
    spin_unlock(&m->lock);
}

static inline bool claim(struct maptrack_entry *e)
{
    uint32_t live = MAPTRACK_LIVE;

    return __atomic_compare_exchange_n(&e->state, &live, MAPTRACK_BUSY, false,
                                       __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

struct maptrack_entry *maptrack_claim(struct maptrack *m, uint32_t handle)
{
    struct maptrack_entry *e;

    if (unlikely(handle >= maptrack_size(m)))
        return NULL;
    e = maptrack_at(m, (uint32_t)nospec_index(handle, maptrack_size(m)));
    return likely(claim(e)) ? e : NULL;
}

struct maptrack_entry *maptrack_claim_next(struct maptrack *m,
                                           uint32_t *cursor, unsigned budget)
{
    uint32_t nr = maptrack_size(m);

    for (; *cursor < nr && budget; (*cursor)++, budget--) {
        struct maptrack_entry *e = maptrack_at(m, *cursor);
        if (claim(e))
            return e;
    }
    return NULL;
}

/*
 * The frame of an entry is written while it is BUSY, so what is read here may
 * belong to a mapping that is just being made or unmade.
 */
bool maptrack_has_frame(const struct maptrack *m, uint64_t frame)
{
    uint32_t nr = maptrack_size(m);

    for (uint32_t i = 0; i < nr; i++) {
        const struct maptrack_entry *e = maptrack_at(m, i);
        if (__atomic_load_n(&e->state, __ATOMIC_ACQUIRE) == MAPTRACK_LIVE &&
            __atomic_load_n(&e->frame, __ATOMIC_RELAXED) == frame)
            return true;
    }
    return false;
}
