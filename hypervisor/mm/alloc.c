/*
 * The heap: the buddy allocator, its lock, and a cache of single frames for
 * each CPU.
 *
 * Most requests are for one frame. They are served from the CPU's cache, which
 * is refilled from and emptied to the buddy allocator in batches. A cache has
 * a lock of its own, almost never contended, so that another CPU that runs out
 * of memory can empty it. The heap lock and a cache lock are never held
 * together. While somebody has a claim the caches stay out of use, so that the
 * claim can be checked against one number.
 *
 * Stale translations. A free frame carries the TLB clock of the moment it was
 * freed (for a cached frame in its own type word, for a block in its head's).
 * Taking it flushes those CPUs that have not flushed since. The same word says
 * whose data the frame still holds (PAST, mm/buddy.h).
 */
#include "arch/x86/boot.h"
#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/percpu.h"
#include "arch/x86/tlb.h"
#include "core/domain.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/heap.h"

#define CACHE_FRAMES 32
#define CACHE_BATCH_ORDER 4
#define CACHE_BATCH (1u << CACHE_BATCH_ORDER)

struct frame_cache {
    spinlock_t lock; /* leaf */
    unsigned n;
    uint32_t frame[CACHE_FRAMES];
};
static DEFINE_PER_CPU(struct frame_cache, frame_cache);

static spinlock_t heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static struct buddy heap; /* heap_lock */
static uint64_t total_frames, claimed_frames; /* heap_lock */

/* CPU areas, and with them the caches, come after the heap. */
static bool caches_usable(void)
{
    return cpu_online_map && !READ_ONCE(claimed_frames);
}

/* May d (or NULL) have n more frames in spite of the claims of others? */
static bool claims_allow(const struct domain *d, uint64_t n)
{
    uint64_t own = d ? d->claimed_pages : 0;

    return likely(!claimed_frames) || heap.free + own >= claimed_frames + n;
}

static void claim_use(struct domain *d, uint64_t n)
{
    uint64_t used = min(n, d->claimed_pages);

    d->claimed_pages -= used;
    claimed_frames -= used;
}

static mfn_t take_block(struct domain *d, unsigned order, unsigned max_bits,
                        uint64_t *past)
{
    mfn_t m = INVALID_MFN;

    spin_lock(&heap_lock);
    if (claims_allow(d, 1UL << order))
        m = buddy_alloc(&heap, order, max_bits, past);
    if (!mfn_is_invalid(m) && d && unlikely(d->claimed_pages))
        claim_use(d, 1UL << order);
    spin_unlock(&heap_lock);
    return m;
}

/* Makes single frames of a block; their numbers to `batch`. Heap lock held. */
static unsigned cut_to_frames(mfn_t m, unsigned order, uint64_t past,
                              uint32_t *batch)
{
    unsigned n = 1u << order;
    struct frame *f = frame_of(m);

    for (unsigned i = 0; i < n; i++) {
        f[i].type = past;
        f[i].ref = REF_UNOWNED;
        batch[i] = (uint32_t)m.m + i;
    }
    return n;
}

/* Moves a batch from the buddy allocator; one frame goes to the caller. */
static mfn_t cache_refill(void)
{
    struct frame_cache *c = &this_cpu(frame_cache);
    uint32_t batch[CACHE_BATCH];
    unsigned n = 0, order;
    uint64_t past;
    mfn_t m;

    spin_lock(&heap_lock);
    while (n < CACHE_BATCH) {
        order = highest_bit(CACHE_BATCH - n);
        m = buddy_alloc_some(&heap, &order, &past);
        if (mfn_is_invalid(m))
            break;
        n += cut_to_frames(m, order, past, batch + n);
    }
    spin_unlock(&heap_lock);
    if (!n)
        return INVALID_MFN;
    m = mfn(batch[--n]);
    spin_lock(&c->lock);
    while (n && c->n < CACHE_FRAMES)
        c->frame[c->n++] = batch[--n];
    spin_unlock(&c->lock);
    ASSERT(n == 0);
    return m;
}

static mfn_t take_one(uint64_t *past)
{
    struct frame_cache *c = &this_cpu(frame_cache);
    mfn_t m = INVALID_MFN;

    spin_lock(&c->lock);
    if (likely(c->n))
        m = mfn(c->frame[--c->n]);
    spin_unlock(&c->lock);
    if (unlikely(mfn_is_invalid(m)))
        m = cache_refill();
    if (!mfn_is_invalid(m)) {
        *past = frame_of(m)->type;
        frame_of(m)->type = 0;
    }
    return m;
}

static void free_batch(const uint32_t *batch, unsigned n)
{
    spin_lock(&heap_lock);
    for (unsigned i = 0; i < n; i++) {
        mfn_t m = mfn(batch[i]);
        buddy_free(&heap, m, 0, frame_of(m)->type);
    }
    spin_unlock(&heap_lock);
}

/* Empties a CPU's cache down to `keep` frames. */
static void cache_drain(struct frame_cache *c, unsigned keep)
{
    uint32_t batch[CACHE_FRAMES];
    unsigned n = 0;

    spin_lock(&c->lock);
    while (c->n > keep)
        batch[n++] = c->frame[--c->n];
    spin_unlock(&c->lock);
    if (n)
        free_batch(batch, n);
}

static void give_one(mfn_t m, uint64_t past)
{
    struct frame_cache *c = &this_cpu(frame_cache);

    frame_of(m)->type = past;
    frame_of(m)->ref = REF_UNOWNED;
    for (;;) {
        bool room;
        spin_lock(&c->lock);
        room = c->n < CACHE_FRAMES;
        if (likely(room))
            c->frame[c->n++] = (uint32_t)m.m;
        spin_unlock(&c->lock);
        if (likely(room))
            return;
        cache_drain(c, CACHE_FRAMES - CACHE_BATCH);
    }
}

void heap_drain_caches(void)
{
    unsigned cpu;

    for_each_online_cpu(cpu)
        cache_drain(&per_cpu(frame_cache, cpu), 0);
}

static void flush_stale(uint32_t stamp)
{
    cpumask_t cpus;

    if (!stamp)
        return;
    cpus = tlb_filter(cpu_online_map, stamp);
    if (cpus)
        tlb_flush_cpus(cpus);
}

mfn_t heap_take(struct domain *d, unsigned order, unsigned max_bits,
                uint32_t *memory_id)
{
    uint64_t past = 0;
    mfn_t m;

    if (order == 0 && !max_bits && caches_usable())
        m = take_one(&past);
    else
        m = take_block(d, order, max_bits, &past);
    if (unlikely(mfn_is_invalid(m)) && cpu_online_map && heap_free_frames()) {
        heap_drain_caches();
        m = take_block(d, order, max_bits, &past);
    }
    if (!mfn_is_invalid(m))
        flush_stale(PAST_STAMP(past));
    *memory_id = PAST_ID(past);
    return m;
}

void heap_give(mfn_t m, unsigned order, uint64_t past)
{
    if (order == 0 && caches_usable()) {
        give_one(m, past);
        return;
    }
    spin_lock(&heap_lock);
    buddy_free(&heap, m, order, past);
    spin_unlock(&heap_lock);
}

uint64_t heap_free_frames(void)
{
    uint64_t n;
    unsigned cpu;

    spin_lock(&heap_lock);
    n = heap.free;
    spin_unlock(&heap_lock);
    for_each_online_cpu(cpu)
        n += READ_ONCE(per_cpu(frame_cache, cpu).n);
    return n;
}

uint64_t heap_total_frames(void)
{
    return READ_ONCE(total_frames);
}

uint64_t heap_claimed_frames(void)
{
    return READ_ONCE(claimed_frames);
}

int heap_claim(struct domain *d, uint64_t pages)
{
    int rc = 0;

    if (pages)
        heap_drain_caches();
    spin_lock(&heap_lock);
    if (!pages) {
        claimed_frames -= d->claimed_pages;
        d->claimed_pages = 0;
    } else if (d->claimed_pages || pages <= d->tot_pages ||
               pages > d->max_pages) {
        rc = -EINVAL;
    } else if (pages - d->tot_pages + claimed_frames > heap.free) {
        rc = -ENOMEM;
    } else {
        d->claimed_pages = pages - d->tot_pages;
        claimed_frames += d->claimed_pages;
    }
    spin_unlock(&heap_lock);
    return rc;
}

void frames_set_private(mfn_t start, mfn_t end)
{
    for (struct frame *f = frame_of(start); f < frame_of(end); f++)
        if (!f->ref) /* not yet somebody's (the M2P is) */
            f->ref = REF_PRIVATE;
}

void heap_add_range(paddr_t start, paddr_t end)
{
    mfn_t first = paddr_to_mfn(ROUND_UP(start, PAGE_SIZE));
    mfn_t last = paddr_to_mfn(end);

    if (first.m >= last.m)
        return;
    for (struct frame *f = frame_of(first); f < frame_of(last); f++) {
        BUG_ON(f->ref != REF_PRIVATE);
        f->ref = REF_UNOWNED;
    }
    spin_lock(&heap_lock);
    buddy_free_range(&heap, first, last, 0);
    total_frames += last.m - first.m;
    spin_unlock(&heap_lock);
}

/* ---- Start: free RAM as the boot allocator left it ---- */

struct free_range {
    mfn_t start, end;
};
#define MAX_FREE_RANGES 128
static struct free_range free_range[MAX_FREE_RANGES] __initdata;
static unsigned nr_free_ranges __initdata;

/* Keeps the ranges sorted. */
static void __init note_free_range(mfn_t start, mfn_t end)
{
    unsigned i = nr_free_ranges;

    if (start.m >= end.m)
        return;
    if (i == MAX_FREE_RANGES) {
        printk(XENLOG_WARNING "memory %#lx-%#lx not used: too many ranges\n",
               (unsigned long)mfn_to_paddr(start),
               (unsigned long)mfn_to_paddr(end));
        return;
    }
    for (; i && free_range[i - 1].start.m > start.m; i--)
        free_range[i] = free_range[i - 1];
    free_range[i] = (struct free_range){start, end};
    nr_free_ranges++;
}

/* RAM that is not in a free range is the hypervisor's. */
static void __init set_used_private(mfn_t start, mfn_t end)
{
    for (unsigned i = 0; i < nr_free_ranges && start.m < end.m; i++) {
        const struct free_range *r = &free_range[i];
        if (r->end.m <= start.m)
            continue;
        if (r->start.m > start.m)
            frames_set_private(start, mfn(min(r->start.m, end.m)));
        start = r->end;
    }
    if (start.m < end.m)
        frames_set_private(start, end);
}

void __init heap_init(void)
{
    buddy_init(&heap);
    boot_free_ranges(note_free_range);
    for (unsigned i = 0; i < boot_info.nr_e820; i++) {
        const struct e820_entry *e = &boot_info.e820[i];
        paddr_t end = min(e->addr + e->size, mfn_to_paddr(mfn(max_mfn)));
        if (e->type == E820_RAM)
            set_used_private(paddr_to_mfn(ROUND_UP(e->addr, PAGE_SIZE)),
                             paddr_to_mfn(end));
    }
    for (unsigned i = 0; i < nr_free_ranges; i++) {
        const struct free_range *r = &free_range[i];
        buddy_free_range(&heap, r->start, r->end, 0);
        total_frames += r->end.m - r->start.m;
    }
}
