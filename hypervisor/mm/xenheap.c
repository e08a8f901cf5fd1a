/*
 * Memory of the hypervisor: private frames, and pages lent to domains.
 *
 * A lent page (shared_info, grant frames) is owned by the domain on paper, so
 * that its page tables may name it, but it is neither on the domain's page
 * list nor in its accounts, and one type reference that is never dropped
 * fixes what it can be used for: SHARE_RW keeps it writable, SHARE_RO keeps it
 * without type, and neither can become a table.
 *
 * The loan ends in one step that changes the owner and drops the hypervisor's
 * reference: after it nobody can take new references, and whoever drops the
 * last one (the hypervisor right now, or the guest unmapping later) frees it.
 */
#include "arch/x86/map.h"
#include "arch/x86/tlb.h"
#include "core/domain.h"
#include "lib/string.h"
#include "mm/heap.h"

mfn_t virt_to_mfn(const void *p)
{
    return mapped_frame(p);
}

void *mfn_to_virt(mfn_t m)
{
    return map_frame(m);
}

void *xenheap_alloc(unsigned order)
{
    uint32_t memory_id; /* no matter: it is the hypervisor that reads it */
    mfn_t m = heap_take(NULL, order, 0, &memory_id);

    if (mfn_is_invalid(m))
        return NULL;
    for (uint64_t i = 0; i < 1UL << order; i++) {
        struct frame *f = frame_of(mfn_add(m, i));
        f->type = 0;
        f->ref = REF_PRIVATE;
    }
    return mfn_to_virt(m);
}

void *xenheap_zalloc(unsigned order)
{
    void *p = xenheap_alloc(order);

    if (p)
        memset(p, 0, PAGE_SIZE << order);
    return p;
}

void xenheap_free(void *p, unsigned order)
{
    mfn_t m;

    if (!p)
        return;
    m = virt_to_mfn(p);
    memset(p, 0, PAGE_SIZE << order);
    for (uint64_t i = 0; i < 1UL << order; i++) {
        struct frame *f = frame_of(mfn_add(m, i));
        BUG_ON(f->ref != REF_PRIVATE);
        f->ref = REF_UNOWNED;
    }
    heap_give(m, order, 0);
}

void xenheap_share(void *page, struct domain *d, enum share_mode mode)
{
    struct frame *f = frame_of(virt_to_mfn(page));
    uint64_t owner = (uint64_t)d->domain_id << REF_OWNER_SHIFT;

    BUG_ON(f->ref != REF_PRIVATE);
    f->type = (mode == SHARE_RW ? PGT_WRITABLE : PGT_NONE) | PGT_VALIDATED | 1;
    spin_lock(&d->page_lock);
    d->xenheap_pages++;
    spin_unlock(&d->page_lock);
    __atomic_store_n(&f->ref, owner | FRAME_ALLOCATED | FRAME_XENHEAP | 1,
                     __ATOMIC_RELEASE);
}

void xenheap_unshare_free(void *page, struct domain *d)
{
    struct frame *f = frame_of(virt_to_mfn(page));
    uint64_t old = __atomic_load_n(&f->ref, __ATOMIC_RELAXED), new;

    BUG_ON(!(old & FRAME_XENHEAP) || !(old & FRAME_ALLOCATED));
    spin_lock(&d->page_lock);
    d->xenheap_pages--;
    spin_unlock(&d->page_lock);
    do {
        new = (old & (REF_COUNT_MASK | FRAME_XENHEAP)) | REF_UNOWNED;
        new--;
    } while (!__atomic_compare_exchange_n(&f->ref, &old, new, false,
                                          __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
    if (!(new & REF_COUNT_MASK))
        xenheap_last_put(f);
}

void xenheap_last_put(struct frame *f)
{
    mfn_t m = frame_mfn(f);

    clear_frame(m);
    f->type = 0;
    f->ref = REF_UNOWNED;
    heap_give(m, 0, PAST(tlb_clock(), 0));
}
