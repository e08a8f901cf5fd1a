/*
 * memory_op: XENMEM_exchange, new frames for old ones.
 *
 * Guests use it to get contiguous memory, or memory below some address, for
 * devices. Work goes in chunks of 2^max(in order, out order) frames. A chunk
 * is exchanged as a whole or not at all:
 *   1. new frames are allocated, belonging to nobody;
 *   2. the old ones are taken from the domain, which fails if one is mapped;
 *   3. the new ones are given to the domain and told to the guest;
 *   4. the old ones are freed.
 * If 1 or 2 fails, all is undone. Frames on the way are chained through their
 * `next` fields, which nobody else uses while a frame has no owner.
 */
#include "mm/memory_op.h"

#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "mm/alloc.h"
#include "mm/page_type.h"
#include <xen/memory.h>

struct job {
    struct domain *d;
    vaddr_t in, out; /* guest arrays of frame numbers */
    unsigned in_order, out_order;
    unsigned in_per_chunk, out_per_chunk; /* log2 of extents in a chunk */
    unsigned memf;
    uint64_t chunks;
};

/* Entries [first, nr) of an array of numbers, which may be none. */
static bool guest_array_ok(vaddr_t array, uint64_t first, uint64_t nr)
{
    if (first >= nr)
        return true;
    nr -= first;
    return nr < 1UL << 47 && guest_range_ok(array + first * sizeof(xen_pfn_t),
                                            nr * sizeof(xen_pfn_t));
}

static void push(uint32_t *list, mfn_t m)
{
    frame_of(m)->next = *list;
    *list = (uint32_t)m.m;
}

static mfn_t pop(uint32_t *list)
{
    mfn_t m = mfn(*list);

    *list = frame_of(m)->next;
    return m;
}

static int alloc_new(const struct job *j, uint32_t *fresh)
{
    for (uint64_t i = 0; i < 1UL << j->out_per_chunk; i++) {
        mfn_t m = domheap_alloc(j->d, j->out_order, j->memf);
        if (mfn_is_invalid(m))
            return -ENOMEM;
        push(fresh, m);
    }
    return 0;
}

static int take_frame(struct domain *d, mfn_t m, uint32_t *old)
{
    struct frame *f;
    int rc;

    if (m.m >= max_mfn || !mfn_valid(m))
        return -EINVAL;
    f = frame_of(m);
    if (!frame_get(f, d->domain_id))
        return -EINVAL;
    rc = frame_steal(d, f);
    if (rc)
        frame_put(f);
    else
        push(old, m);
    return rc;
}

static int take_old(const struct job *j, uint64_t chunk, uint32_t *old)
{
    uint64_t first = chunk << j->in_per_chunk;

    for (uint64_t i = 0; i < 1UL << j->in_per_chunk; i++) {
        uint64_t m;
        if (copy_from_guest_va(&m, j->in + (first + i) * sizeof(m), sizeof(m)))
            return -EFAULT;
        for (uint64_t k = 0; k < 1UL << j->in_order; k++) {
            int rc = take_frame(j->d, mfn(m + k), old);
            if (rc)
                return rc;
        }
    }
    return 0;
}

static void free_fresh(const struct job *j, uint32_t fresh)
{
    while (fresh != FRAME_NIL)
        domheap_free_unowned(pop(&fresh), j->out_order);
}

static void free_old(uint32_t old)
{
    while (old != FRAME_NIL)
        domheap_free_unowned(pop(&old), 0);
}

/* The domain gets its own frames back; a dying one loses them. */
static void give_back(const struct job *j, uint32_t old)
{
    while (old != FRAME_NIL) {
        mfn_t m = pop(&old);
        if (frame_assign(j->d, frame_of(m)))
            domheap_free_unowned(m, 0);
    }
}

static int assign_extent(const struct job *j, mfn_t m)
{
    int rc = 0;

    for (uint64_t k = 0; k < 1UL << j->out_order; k++) {
        if (rc || frame_assign(j->d, frame_of(mfn_add(m, k)))) {
            rc = -EINVAL; /* it dies, or grew meanwhile */
            domheap_free_unowned(mfn_add(m, k), 0);
        }
    }
    return rc;
}

/* Reads the extent's PFN, writes the M2P and the guest's list. */
static int tell_guest(const struct job *j, uint64_t i, mfn_t m)
{
    vaddr_t entry = j->out + i * sizeof(xen_pfn_t);
    uint64_t pfn;

    if (copy_from_guest_va(&pfn, entry, sizeof(pfn)))
        return -EFAULT;
    for (uint64_t k = 0; k < 1UL << j->out_order; k++)
        m2p_set(mfn_add(m, k), pfn + k);
    return copy_to_guest_va(entry, &m.m, sizeof(m.m)) ? -EFAULT : 0;
}

/* The chain was built by pushing: the last extent comes first. */
static int hand_over(const struct job *j, uint64_t chunk, uint32_t fresh)
{
    uint64_t i = (chunk + 1) << j->out_per_chunk;
    int rc = 0, err;

    while (fresh != FRAME_NIL) {
        mfn_t m = pop(&fresh);
        i--;
        err = assign_extent(j, m);
        if (!err)
            err = tell_guest(j, i, m);
        rc = err ? err : rc;
    }
    return rc;
}

/* -EFAULT from hand_over: the chunk is exchanged, the guest can't see it. */
static int exchange_chunk(const struct job *j, uint64_t chunk)
{
    uint32_t fresh = FRAME_NIL, old = FRAME_NIL;
    int rc = alloc_new(j, &fresh);

    if (!rc)
        rc = take_old(j, chunk, &old);
    if (rc) {
        free_fresh(j, fresh);
        give_back(j, old);
        return rc;
    }
    rc = hand_over(j, chunk, fresh);
    free_old(old);
    return rc;
}

static int job_init(struct job *j, const struct xen_memory_exchange *x)
{
    const struct xen_memory_reservation *in = &x->in, *out = &x->out;
    unsigned limit = memory_op_max_order(current->domain);
    unsigned bits = XENMEMF_get_address_bits(out->mem_flags);

    if (in->extent_order > limit || out->extent_order > limit)
        return -EPERM;
    if (in->domid != out->domid || x->nr_exchanged > in->nr_extents ||
        in->nr_extents > ~0UL >> in->extent_order ||
        out->nr_extents > ~0UL >> out->extent_order ||
        in->nr_extents << in->extent_order !=
            out->nr_extents << out->extent_order)
        return -EINVAL;
    j->in = (vaddr_t)in->extent_start.p;
    j->out = (vaddr_t)out->extent_start.p;
    j->in_order = in->extent_order;
    j->out_order = out->extent_order;
    j->in_per_chunk = j->out_per_chunk = 0;
    if (j->in_order < j->out_order)
        j->in_per_chunk = j->out_order - j->in_order;
    else
        j->out_per_chunk = j->in_order - j->out_order;
    j->chunks = in->nr_extents >> j->in_per_chunk;
    j->memf = MEMF_NO_REFCOUNT;
    if (bits && bits < 64) {
        if (bits < PAGE_SHIFT + j->out_order)
            return -ENOMEM;
        j->memf |= MEMF_ADDR_BITS(bits);
    }
    return 0;
}

/* The entries from extent `first` on; x is what job_init has taken. */
static bool lists_ok(const struct job *j, const struct xen_memory_exchange *x)
{
    uint64_t first = x->nr_exchanged;
    uint64_t out = first >> j->in_per_chunk << j->out_per_chunk;

    return guest_array_ok(j->in, first, x->in.nr_extents) &&
           guest_array_ok(j->out, out, x->out.nr_extents);
}

/*
 * exchange (arg: struct xen_memory_exchange)
 *
 * Checks, in order: argument readable (-EFAULT); orders within the caller's
 * limit (-EPERM); both sides the same domain and amount, nr_exchanged not
 * beyond the end (-EINVAL); the lists' addresses a guest's (-EFAULT); domain
 * (-ESRCH, -EPERM); then for each chunk: new
 * memory (-ENOMEM), lists readable (-EFAULT), old frames the domain's
 * (-EINVAL) and not in use (-EBUSY). nr_exchanged is written back.
 */
long memory_exchange(vaddr_t arg)
{
    vaddr_t progress = arg + offsetof(struct xen_memory_exchange, nr_exchanged);
    struct xen_memory_exchange x;
    struct job j;
    uint64_t chunk, done;
    int rc;

    if (copy_from_guest_va(&x, arg, sizeof(x)))
        return -EFAULT;
    rc = job_init(&j, &x);
    if (!rc && !lists_ok(&j, &x))
        rc = -EFAULT;
    if (!rc)
        rc = domain_get_remote(x.in.domid, &j.d);
    if (rc)
        return rc;
    chunk = x.nr_exchanged >> j.in_per_chunk;
    while (chunk < j.chunks && !rc) {
        rc = exchange_chunk(&j, chunk);
        if (rc)
            break;
        chunk++;
        if (chunk < j.chunks && preempt_needed())
            rc = -ERESTART_PREEMPT;
    }
    domain_put(j.d);
    done = chunk << j.in_per_chunk;
    if (copy_to_guest_va(progress, &done, sizeof(done)))
        rc = -EFAULT;
    return rc;
}
