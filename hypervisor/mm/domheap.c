/*
 * Memory of domains: who owns which frame, and how many.
 *
 * A domain's frames form a list under its page_lock, which also guards
 * tot_pages; the two always agree. A domain that owns a frame cannot be freed:
 * its first frame takes a reference on the structure and its last one drops
 * it. So from a frame with owner X, domain X can always be found.
 *
 * What a frame contained is cleared before another owner sees it; its M2P
 * entry is void while it is free. A domain that gives frames up and takes as
 * many again often gets the same ones: free frames remember the memory id of
 * the domain that had them last, and what comes back to it is not cleared.
 * Memory ids, unlike domain ids, are never used twice.
 */
#include "arch/x86/map.h"
#include "arch/x86/percpu.h"
#include "arch/x86/tlb.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/heap.h"

static inline uint64_t ref_owned(const struct domain *d)
{
    return ((uint64_t)d->domain_id << REF_OWNER_SHIFT) | FRAME_ALLOCATED | 1;
}

/* Links frames [m, m + n) in front of d's list. page_lock held. */
static void link_frames(struct domain *d, uint64_t m, uint64_t n)
{
    uint64_t ref = ref_owned(d), last = m + n - 1;
    struct frame *f = frame_of(mfn(m));
    uint32_t prev = FRAME_NIL;

    if (d->page_list != FRAME_NIL)
        frame_of(mfn(d->page_list))->prev = (uint32_t)last;
    for (; m <= last; m++, f++) {
        f->type = 0;
        f->prev = prev;
        f->next = (uint32_t)(m + 1);
        prev = (uint32_t)m;
        /* From here on others may take references. */
        __atomic_store_n(&f->ref, ref, __ATOMIC_RELEASE);
    }
    f[-1].next = d->page_list;
    d->page_list = (uint32_t)(last - n + 1);
    d->tot_pages += n;
}

/* Takes f out of the list that it is in. page_lock held. */
static void list_unlink(struct domain *d, struct frame *f)
{
    if (f->prev != FRAME_NIL)
        frame_of(mfn(f->prev))->next = f->next;
    else if (d->page_list == frame_mfn(f).m)
        d->page_list = f->next;
    else
        d->released_list = f->next;
    if (f->next != FRAME_NIL)
        frame_of(mfn(f->next))->prev = f->prev;
}

void domain_move_released(struct domain *d, struct frame *f)
{
    uint32_t m = (uint32_t)frame_mfn(f).m;

    list_unlink(d, f);
    f->prev = FRAME_NIL;
    f->next = d->released_list;
    if (f->next != FRAME_NIL)
        frame_of(mfn(f->next))->prev = m;
    d->released_list = m;
}

/* page_lock held. True: that was the last one, drop the domain reference. */
static bool unlink_frame(struct domain *d, struct frame *f)
{
    list_unlink(d, f);
    return --d->tot_pages == 0;
}

/*
 * An id that no other domain has or had; 0 if there is none left: such a
 * domain's frames are always cleared.
 */
static uint32_t new_memory_id(void)
{
    static uint32_t last;
    uint32_t x = __atomic_load_n(&last, __ATOMIC_RELAXED);

    do {
        if (x == ~0u)
            return 0;
    } while (!__atomic_compare_exchange_n(&last, &x, x + 1, false,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return x + 1;
}

static int assign_block(struct domain *d, mfn_t m, uint64_t n)
{
    int rc = 0;

    spin_lock(&d->page_lock);
    if (d->dying != DOM_ALIVE)
        rc = -EINVAL;
    else if (d->tot_pages + n > d->max_pages)
        rc = -ENOMEM;
    else if (!d->tot_pages && !domain_get_known(d))
        rc = -EINVAL;
    else
        link_frames(d, m.m, n);
    if (unlikely(!d->memory_id))
        d->memory_id = new_memory_id();
    spin_unlock(&d->page_lock);
    return rc;
}

static void set_unowned(mfn_t m, uint64_t n)
{
    struct frame *f = frame_of(m);

    for (uint64_t i = 0; i < n; i++) {
        f[i].type = 0;
        f[i].ref = REF_UNOWNED;
    }
}

mfn_t domheap_alloc(struct domain *d, unsigned order, unsigned memf)
{
    bool owned = d && !(memf & MEMF_NO_REFCOUNT);
    unsigned bits = memf >> 8;
    uint64_t n = 1UL << order;
    uint32_t id;
    mfn_t m;

    if (order > MAX_ORDER || (bits && bits <= PAGE_SHIFT))
        return INVALID_MFN;
    if (owned && READ_ONCE(d->tot_pages) + n > d->max_pages)
        return INVALID_MFN;
    m = heap_take(d, order, bits ? bits - PAGE_SHIFT : 0, &id);
    if (mfn_is_invalid(m))
        return m;
    if (!(memf & MEMF_NO_SCRUB) && !(owned && id && id == d->memory_id))
        clear_frames(m, n);
    if (owned && assign_block(d, m, n)) {
        heap_give(m, order, 0);
        return INVALID_MFN;
    }
    if (!owned)
        set_unowned(m, n);
    return m;
}

void domheap_free_unowned(mfn_t m, unsigned order)
{
    uint32_t stamp = order ? tlb_clock() : frame_stamp(frame_of(m));

    for (uint64_t i = 0; i < 1UL << order; i++) {
        ASSERT(frame_of(mfn_add(m, i))->ref == REF_UNOWNED);
        m2p_set(mfn_add(m, i), INVALID_M2P_ENTRY);
    }
    heap_give(m, order, PAST(stamp, 0));
}

int frame_assign(struct domain *d, struct frame *f)
{
    uint32_t stamp = frame_stamp(f);

    ASSERT(f->ref == REF_UNOWNED);
    if (stamp) {
        cpumask_t cpus = tlb_filter(~0UL, stamp);
        if (cpus)
            tlb_flush_cpus(cpus);
    }
    return assign_block(d, frame_mfn(f), 1);
}

int frame_steal(struct domain *d, struct frame *f)
{
    uint64_t expect = ref_owned(d) + 1; /* the owner's and the caller's */
    bool last;

    if (frame_owner_id(f) != d->domain_id || (f->ref & FRAME_XENHEAP))
        return -EINVAL;
    /* Every mapping, pin and type has a reference: none is left over. */
    if (!__atomic_compare_exchange_n(&f->ref, &expect, REF_UNOWNED, false,
                                     __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
        return -EBUSY;
    spin_lock(&d->page_lock);
    last = unlink_frame(d, f);
    spin_unlock(&d->page_lock);
    f->type = (uint64_t)tlb_clock() << PGT_AUX_SHIFT;
    if (last)
        domain_put(d);
    return 0;
}

static void free_owned(struct domain *d, struct frame *f)
{
    mfn_t m = frame_mfn(f);
    bool last;

    spin_lock(&d->page_lock);
    last = unlink_frame(d, f);
    spin_unlock(&d->page_lock);
    f->ref = REF_UNOWNED;
    m2p_set(m, INVALID_M2P_ENTRY);
#ifdef DEBUG
    memset(map_frame(m), 0xc2, PAGE_SIZE);
#endif
    heap_give(m, 0, PAST(tlb_clock(), d->memory_id));
    if (last)
        domain_put(d);
}

/* Frames that follow each other, in blocks as large as they make. */
static void give_run(uint64_t m, uint64_t n, uint64_t past)
{
    while (n) {
        unsigned order = min(lowest_bit(m), highest_bit(n));

#ifdef DEBUG
        for (uint64_t i = 0; i < 1UL << order; i++)
            memset(map_frame(mfn(m + i)), 0xc2, PAGE_SIZE);
#endif
        heap_give(mfn(m), order, past);
        m += 1UL << order;
        n -= 1UL << order;
    }
}

uint64_t domain_free_unused(struct domain *d, uint64_t limit)
{
    uint64_t first, m, n = 0;
    bool last = false;

    spin_lock(&d->page_lock);
    first = m = d->page_list;
    while (n < limit && m != FRAME_NIL && m == first + n) {
        struct frame *f = frame_of(mfn(m));
        uint64_t expect = ref_owned(d);

        /* Pins, mappings and types have references of their own. */
        if (!__atomic_compare_exchange_n(&f->ref, &expect, REF_UNOWNED, false,
                                         __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
            break;
        m2p_set(mfn(m), INVALID_M2P_ENTRY);
        m = f->next;
        n++;
    }
    if (n) {
        d->page_list = (uint32_t)m;
        if (m != FRAME_NIL)
            frame_of(mfn(m))->prev = FRAME_NIL;
        d->tot_pages -= n;
        last = !d->tot_pages;
    }
    spin_unlock(&d->page_lock);
    give_run(first, n, PAST(tlb_clock(), d->memory_id));
    if (last)
        domain_put(d);
    return n;
}

void frame_last_put(struct frame *f)
{
    uint16_t owner = frame_owner_id(f);
    struct domain *d = current->domain;

    if (f->ref & FRAME_XENHEAP) {
        xenheap_last_put(f);
    } else if (likely(d->domain_id == owner)) {
        free_owned(d, f);
    } else {
        d = domain_get(owner);
        if (unlikely(!d))
            panic("frame %#lx lost its owner d%u\n",
                  (unsigned long)frame_mfn(f).m, owner);
        free_owned(d, f);
        domain_put(d);
    }
}
