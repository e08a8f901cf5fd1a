/*
 * memory_op: growing and shrinking a domain's memory.
 *
 * Works on one extent (2^order frames) after the other and stops at the first
 * that fails; the number of those done is the result. Nothing of an extent
 * that failed to be allocated is kept.
 */
#include "mm/memory_op.h"

#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "mm/alloc.h"
#include "mm/page_type.h"
#include <xen/memory.h>

/* Their number must fit into 32 bits beside the command. */
#define MAX_EXTENTS (~0U >> MEMOP_CMD_BITS)

struct job {
    struct domain *d;
    vaddr_t list; /* guest array of frame numbers; 0 = none */
    unsigned order, memf;
};

/* Populate: entry i is the first PFN of the extent, and gets the MFN. */
static int populate_one(const struct job *j, uint64_t i)
{
    vaddr_t entry = j->list + i * sizeof(xen_pfn_t);
    uint64_t pfn;
    mfn_t m;

    if (copy_from_guest_va(&pfn, entry, sizeof(pfn)))
        return -EFAULT;
    m = domheap_alloc(j->d, j->order, j->memf);
    if (mfn_is_invalid(m))
        return -ENOMEM;
    for (uint64_t k = 0; k < 1UL << j->order; k++)
        m2p_set(mfn_add(m, k), pfn + k);
    return copy_to_guest_va(entry, &m.m, sizeof(m.m)) ? -EFAULT : 0;
}

/* Increase: entry i, if there is a list, gets the MFN. */
static int increase_one(const struct job *j, uint64_t i)
{
    mfn_t m = domheap_alloc(j->d, j->order, j->memf);

    if (mfn_is_invalid(m))
        return -ENOMEM;
    if (j->list && copy_to_guest_va(j->list + i * sizeof(xen_pfn_t), &m.m,
                                    sizeof(m.m)))
        return -EFAULT;
    return 0;
}

/*
 * The domain gives a frame up. If it is still mapped or pinned somewhere, it
 * goes back to the heap when that ends.
 */
static int give_up_frame(struct domain *d, mfn_t m)
{
    struct frame *f;

    if (m.m >= max_mfn || !mfn_valid(m))
        return -EINVAL;
    f = frame_of(m);
    if ((f->ref & FRAME_XENHEAP) || !frame_get(f, d->domain_id))
        return -EINVAL;
    if (!frame_release(f)) { /* given up before, still in use */
        frame_put(f);
        return -EINVAL;
    }
    frame_put(f);
    return 0;
}

static int decrease_one(const struct job *j, uint64_t i)
{
    uint64_t m;

    if (copy_from_guest_va(&m, j->list + i * sizeof(xen_pfn_t), sizeof(m)))
        return -EFAULT;
    for (uint64_t k = 0; k < 1UL << j->order; k++) {
        int rc = give_up_frame(j->d, mfn(m + k));
        if (rc)
            return rc;
    }
    return 0;
}

static int do_one(unsigned op, const struct job *j, uint64_t i)
{
    if (op == XENMEM_populate_physmap)
        return populate_one(j, i);
    if (op == XENMEM_increase_reservation)
        return increase_one(j, i);
    return decrease_one(j, i);
}

/* False: the request can't be served at all. */
static bool job_init(struct job *j, const struct xen_memory_reservation *r,
                     unsigned op)
{
    unsigned bits = XENMEMF_get_address_bits(r->mem_flags);

    j->list = (vaddr_t)r->extent_start.p;
    j->order = r->extent_order;
    j->memf = 0;
    if (j->order > memory_op_max_order(current->domain))
        return false;
    if (!j->list && op != XENMEM_increase_reservation)
        return false;
    if (bits && bits < 64 && op != XENMEM_decrease_reservation) {
        if (bits < PAGE_SHIFT + j->order)
            return false;
        j->memf = MEMF_ADDR_BITS(bits);
    }
    return true;
}

/*
 * increase_reservation, decrease_reservation, populate_physmap (arg: struct
 * xen_memory_reservation)
 *
 * Checks, in order: argument readable, extents not too many, such a domain;
 * may the caller act on it (-EPERM); extent order within the caller's limit,
 * address width sensible, a list given where one is needed. All but -EPERM are
 * told by the number of extents done, which then does not grow. NUMA nodes are
 * ignored.
 */
long memory_reservation(unsigned op, vaddr_t arg, uint64_t start,
                        bool *preempted)
{
    struct xen_memory_reservation r;
    struct job j;
    uint64_t i = start;
    int rc;

    if (copy_from_guest_va(&r, arg, sizeof(r)) || r.nr_extents > MAX_EXTENTS)
        return (long)start;
    rc = memory_domain_get(r.domid, &j.d);
    if (rc)
        return rc == -ESRCH ? (long)start : rc;
    if (job_init(&j, &r, op)) {
        while (i < r.nr_extents && !*preempted) {
            if (do_one(op, &j, i))
                break;
            i++;
            *preempted = i < r.nr_extents && preempt_needed();
        }
    }
    memory_domain_put(j.d);
    return (long)i;
}

/*
 * claim_pages. -EPERM the caller is not privileged; -EINVAL order, flags or
 * list not zero, no such domain; then as heap_claim.
 */
long memory_claim(vaddr_t arg)
{
    struct xen_memory_reservation r;
    struct domain *d;
    int rc;

    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&r, arg, sizeof(r)))
        return -EFAULT;
    if (r.extent_start.p || r.extent_order || r.mem_flags)
        return -EINVAL;
    d = domain_get_any(r.domid);
    if (!d)
        return -EINVAL;
    rc = d->dying == DOM_ALIVE ? heap_claim(d, r.nr_extents) : -EINVAL;
    domain_put(d);
    return rc;
}
