/*
 * Debug builds: does anybody still know each piece of the hypervisor's memory?
 *
 * Frames. Those whose reference word says "free" must be as many as the heap
 * has, and those that name a domain as many as are in its accounts.
 *
 * Objects. What xmalloc gave away, and each page lent to a domain, must be
 * named by a pointer in memory of the hypervisor: the image, stacks and other
 * frames of its own, or an object that is itself reached in this way. What is
 * not can never be given back: a leak. Any word that has the value of such a
 * pointer counts as one, so a leak may hide behind a stale word; nothing that
 * is in use is taken for a leak, as long as its owner keeps a pointer to it or
 * into its first page.
 *
 * Other CPUs may be about to free something (the reaper of domains does), so
 * what looks wrong is counted again before it is reported.
 */
#include "arch/x86/boot.h"
#include "arch/x86/boot/memory.h"
#include "arch/x86/map.h"
#include "core/domain.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/heap.h"

#ifdef DEBUG

#define TRIES 3
#define PRINTED 10
#define MAP_WORDS 4 /* a bit for each of the smallest objects of a page */

/* A slab, a large object, or a lent page: bits are by object. */
struct item {
    uint32_t frame;
    unsigned shift; /* log2 of the objects' size; large ones: PAGE_SHIFT */
    uint64_t used[MAP_WORDS], reached[MAP_WORDS], scanned[MAP_WORDS];
};

struct heap_scan {
    struct item *item; /* in rising order of frames */
    size_t n, room;
};

static bool bit(const uint64_t *map, unsigned i)
{
    return map[i / 64] >> i % 64 & 1;
}

static void set_bit_in(uint64_t *map, unsigned i)
{
    map[i / 64] |= 1UL << i % 64;
}

/* ---- what there is ---- */

static bool is_private(const struct frame *f)
{
    return f->ref == REF_PRIVATE;
}

static uint64_t kind_of(const struct frame *f)
{
    return is_private(f) ? f->type & KIND_MASK : 0;
}

/* Lent to a domain that lives, not shown to all for ever as the M2P is. */
static bool is_lent(const struct frame *f)
{
    return (f->ref & FRAME_XENHEAP) && (f->ref & FRAME_ALLOCATED) &&
           frame_owner_id(f) < DOMID_FIRST_RESERVED;
}

static bool is_item(const struct frame *f)
{
    return kind_of(f) == KIND_SLAB || kind_of(f) == KIND_LARGE || is_lent(f);
}

/* All objects but those in the slab's chain of free ones. */
static void slab_item(struct item *it, const struct frame *f)
{
    const char *page = mfn_to_virt(frame_mfn(f));
    unsigned n, at = (unsigned)(f->type & FREE_MASK);

    it->shift = slab_arg(f) + MIN_SHIFT;
    n = 1u << (PAGE_SHIFT - it->shift);
    for (unsigned i = 0; i < n; i++)
        set_bit_in(it->used, i);
    for (; n && at != NO_FREE; n--) {
        it->used[(at >> it->shift) / 64] &= ~(1UL << (at >> it->shift) % 64);
        at = *(const uint16_t *)(page + at);
    }
}

static void add_item(struct heap_scan *s, const struct frame *f)
{
    struct item *it = &s->item[s->n++];

    memset(it, 0, sizeof(*it));
    it->frame = (uint32_t)frame_mfn(f).m;
    if (kind_of(f) == KIND_SLAB) {
        slab_item(it, f);
        return;
    }
    it->shift = PAGE_SHIFT;
    set_bit_in(it->used, 0);
}

static size_t count_items(void)
{
    size_t n = 0;

    for (uint64_t m = 0; m < max_mfn; m++)
        n += mfn_valid(mfn(m)) && is_item(frame_of(mfn(m)));
    return n;
}

/* ---- what is known ---- */

static struct item *find_item(const struct heap_scan *s, uint64_t m)
{
    size_t lo = 0, hi = s->n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (s->item[mid].frame < m)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < s->n && s->item[lo].frame == m ? &s->item[lo] : NULL;
}

static void reach(const struct heap_scan *s, uint64_t word)
{
    uint64_t m = mapped_frame((void *)word).m;
    struct item *it;

    if (word < DIRECT_MAP_START || m >= max_mfn)
        return;
    it = find_item(s, m);
    if (it)
        set_bit_in(it->reached, (unsigned)(PAGE_OFFSET(word) >> it->shift));
}

static void scan_words(const struct heap_scan *s, const void *from,
                       size_t bytes)
{
    const uint64_t *word = from;

    for (size_t i = 0; i < bytes / sizeof(*word); i++)
        reach(s, READ_ONCE(word[i]));
}

/* True: there was something to scan. Of lent pages the content is a guest's. */
static bool scan_item(const struct heap_scan *s, struct item *it)
{
    const struct frame *f = frame_of(mfn(it->frame));
    const char *page = mfn_to_virt(mfn(it->frame));
    bool any = false;

    for (unsigned i = 0; i < 1u << (PAGE_SHIFT - it->shift); i++) {
        if (!bit(it->used, i) || !bit(it->reached, i) || bit(it->scanned, i))
            continue;
        set_bit_in(it->scanned, i);
        any = true;
        if (!is_lent(f))
            scan_words(s, page + ((size_t)i << it->shift),
                       kind_of(f) == KIND_LARGE ? PAGE_SIZE << slab_arg(f)
                                                : 1UL << it->shift);
    }
    return any;
}

/* The image's frames are mapped at its own address alone. */
static bool in_image(uint64_t m)
{
    return m >= image_mfn(_image_start).m && m < image_mfn(_image_end).m;
}

/* The image's data, stacks, tables: private frames that are not xmalloc's. */
static void scan_roots(const struct heap_scan *s)
{
    scan_words(s, _init_end, (size_t)(_image_end - _init_end));
    for (uint64_t m = 0; m < max_mfn; m++) {
        const struct frame *f = frame_of(mfn(m));

        if (!mfn_valid(mfn(m)) || !is_private(f) || in_image(m))
            continue;
        if (kind_of(f) == KIND_LARGE)
            m += (1UL << slab_arg(f)) - 1;
        else if (kind_of(f) != KIND_SLAB)
            scan_words(s, mfn_to_virt(mfn(m)), PAGE_SIZE);
    }
}

static void scan_all(struct heap_scan *s)
{
    bool any = true;

    s->n = 0;
    for (uint64_t m = 0; m < max_mfn && s->n < s->room; m++)
        if (mfn_valid(mfn(m)) && is_item(frame_of(mfn(m))))
            add_item(s, frame_of(mfn(m)));
    scan_roots(s);
    while (any) {
        any = false;
        for (size_t i = 0; i < s->n; i++)
            any |= scan_item(s, &s->item[i]);
    }
}

static void show_leak(const struct item *it, unsigned i)
{
    const uint64_t *p = mfn_to_virt(mfn(it->frame));

    p += ((size_t)i << it->shift) / sizeof(*p);
    printk(XENLOG_ERR "audit: nobody knows %p (%s, %lu bytes): %lx %lx\n",
           (const void *)p, is_lent(frame_of(mfn(it->frame))) ? "lent" : "heap",
           1UL << it->shift, p[0], p[1]);
}

static uint64_t count_leaks(const struct heap_scan *s, bool show)
{
    uint64_t bad = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct item *it = &s->item[i];

        for (unsigned j = 0; j < 1u << (PAGE_SHIFT - it->shift); j++)
            if (bit(it->used, j) && !bit(it->reached, j) &&
                bad++ < PRINTED && show)
                show_leak(it, j);
    }
    return bad;
}

/* By use, so that what grows can be seen. */
static void show_use(const struct heap_scan *s)
{
    uint64_t slabs = 0, small = 0, large = 0, frames = 0, lent = 0;

    for (size_t i = 0; i < s->n; i++) {
        const struct item *it = &s->item[i];
        const struct frame *f = frame_of(mfn(it->frame));

        if (kind_of(f) == KIND_SLAB) {
            slabs++;
            small += (f->type & USED_MASK) >> USED_SHIFT;
        } else if (kind_of(f) == KIND_LARGE) {
            large++;
            frames += 1UL << slab_arg(f);
        } else {
            lent++;
        }
    }
    printk(XENLOG_DEBUG "audit: %lu small objects in %lu frames, %lu large in "
                        "%lu frames, %lu lent frames\n",
           small, slabs, large, frames, lent);
}

static uint64_t audit_objects(void)
{
    struct heap_scan s = {.room = count_items() + 64};
    uint64_t bad = 0;
    unsigned order = 0;

    while ((PAGE_SIZE << order) < s.room * sizeof(*s.item))
        order++;
    s.item = xenheap_alloc(order);
    if (!s.item) {
        printk(XENLOG_ERR "AUDIT: SKIPPED for the heap's objects\n");
        return 0;
    }
    for (unsigned try = 1; try <= TRIES; try++) {
        scan_all(&s);
        bad = count_leaks(&s, try == TRIES);
        if (!bad)
            break;
    }
    show_use(&s);
    xenheap_free(s.item, order);
    return bad;
}

/* ---- frames ---- */

static bool differ(const char *what, unsigned id, uint64_t counted,
                   uint64_t account)
{
    if (counted == account)
        return false;
    printk(XENLOG_ERR "audit: d%u: %lu %s frames, accounts say %lu\n", id,
           counted, what, account);
    return true;
}

static uint64_t audit_domain_frames(const struct domain *d)
{
    uint64_t own = 0, lent = 0;

    for (uint64_t m = 0; m < max_mfn; m++) {
        const struct frame *f = frame_of(mfn(m));

        if (!mfn_valid(mfn(m)) || frame_owner_id(f) != d->domain_id ||
            !frame_ref_count(f))
            continue;
        if (f->ref & FRAME_XENHEAP)
            lent++;
        else
            own++;
    }
    return differ("own", d->domain_id, own, d->tot_pages) +
           differ("lent", d->domain_id, lent, d->xenheap_pages);
}

static uint64_t audit_free_frames(void)
{
    uint64_t n = 0;

    for (uint64_t m = 0; m < max_mfn; m++)
        n += mfn_valid(mfn(m)) && !frame_ref_count(frame_of(mfn(m)));
    return differ("free", DOMID_IDLE, n, heap_free_frames());
}

uint64_t heap_audit(void)
{
    const struct domain *d;
    uint64_t bad = audit_free_frames() + audit_objects();

    for_each_domain(d)
        bad += audit_domain_frames(d);
    return bad;
}

#endif
