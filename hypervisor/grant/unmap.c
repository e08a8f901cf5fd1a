/*
 * GNTTABOP_unmap_grant_ref and unmap_and_replace.
 *
 * Elements are done in batches, each in three steps: the handles are claimed
 * and the L1 entries go; one flush makes sure that no CPU can use them any
 * more; then the pins and references are dropped, and the guest is told. The
 * order is the point: a frame that is back with its owner while some CPU can
 * still write to it would be a hole.
 *
 * The guest may have destroyed the entry itself, which the ABI forbids: then
 * the element fails and the mapping stays, with its pin and references, until
 * the domain maps the frame there again or dies.
 */
#include "grant/table.h"

#include "arch/x86/softirq.h"
#include "arch/x86/tlb.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "mm/page_type.h"

#define BATCH     32u
#define MAP_KINDS (GNTMAP_host_map | GNTMAP_device_map)

/* Both operations' arguments. */
struct request {
    uint64_t host_addr, dev_bus_addr, new_addr;
    grant_handle_t handle;
};

struct batch {
    unsigned n;
    bool flush; /* an L1 entry went */
    struct {
        struct maptrack_entry *entry; /* claimed, or NULL */
        grant_handle_t handle;
        int16_t status;
    } item[BATCH];
};

/* The parts of a claimed mapping that the request names. GNTST_*. */
static inline int detach(struct vcpu *v, struct maptrack_entry *e,
                         const struct request *r, bool *flush)
{
    mfn_t m = mfn(e->frame);
    int rc;

    if (unlikely(r->dev_bus_addr) && (e->flags & GNTMAP_device_map) &&
        r->dev_bus_addr != mfn_to_paddr(m))
        return GNTST_bad_dev_addr;
    if (likely(r->host_addr) && (e->flags & GNTMAP_host_map)) {
        rc = grant_host_unmap(v, r->host_addr, e->flags, m, r->new_addr);
        if (unlikely(rc))
            return rc;
        e->flags &= (uint16_t)~GNTMAP_host_map;
        *flush = true;
    }
    if (unlikely(r->dev_bus_addr))
        e->flags &= (uint16_t)~GNTMAP_device_map;
    return GNTST_okay;
}

static inline bool in_batch(const struct batch *b, grant_handle_t handle)
{
    for (unsigned i = 0; i < b->n; i++)
        if (b->item[i].entry && b->item[i].handle == handle)
            return true;
    return false;
}

/*
 * Adds the request to the batch. False: its handle is in there already, so the
 * batch must be finished first.
 */
static inline bool begin(struct batch *b, struct vcpu *v,
                         const struct request *r)
{
    struct maptrack_entry *e =
        maptrack_claim(&v->domain->grant->maptrack, r->handle);

    if (unlikely(!e) && in_batch(b, r->handle))
        return false;
    b->item[b->n].entry = e;
    b->item[b->n].handle = r->handle;
    b->item[b->n].status =
        (int16_t)(likely(e) ? detach(v, e, r, &b->flush) : GNTST_bad_handle);
    b->n++;
    return true;
}

static inline void complete(struct batch *b, struct domain *d)
{
    if (b->flush)
        tlb_flush_cpus(domain_dirty_cpus(d));
    for (unsigned i = 0; i < b->n; i++) {
        struct maptrack_entry *e = b->item[i].entry;
        if (unlikely(!e))
            continue;
        if (likely(!(e->flags & MAP_KINDS)))
            grant_drop_mapping(&d->grant->maptrack, b->item[i].handle);
        else
            maptrack_publish(e);
    }
}

/* The two structures, as the batch code sees them. */
struct kind {
    unsigned cmd;
    unsigned size, status; /* of the element; offset of its status */
    bool replace;
};

static __always_inline int read_request(vaddr_t arg, const struct kind *k,
                                        struct request *r)
{
    union {
        struct gnttab_unmap_grant_ref unmap;
        struct gnttab_unmap_and_replace replace;
    } u;

    if (unlikely(copy_from_guest_va(&u, arg, k->size)))
        return -EFAULT;
    if (k->replace)
        *r = (struct request){.host_addr = u.replace.host_addr,
                              .new_addr = u.replace.new_addr,
                              .handle = u.replace.handle};
    else
        *r = (struct request){.host_addr = u.unmap.host_addr,
                              .dev_bus_addr = u.unmap.dev_bus_addr,
                              .handle = u.unmap.handle};
    return 0;
}

/* Gives the number of elements done, or -EFAULT. */
static __always_inline long unmap_batch(struct vcpu *v, vaddr_t arg,
                                        unsigned count, const struct kind *k)
{
    struct request r;
    struct batch b;
    long rc = 0;

    b.n = 0;
    b.flush = false;
    while (b.n < count && b.n < BATCH) {
        rc = read_request(arg + b.n * k->size, k, &r);
        if (rc || !begin(&b, v, &r))
            break;
    }
    complete(&b, v->domain);
    for (unsigned i = 0; i < b.n; i++)
        if (copy_to_guest_va(arg + i * k->size + k->status, &b.item[i].status,
                             sizeof(b.item[i].status)))
            rc = -EFAULT;
    return rc ? rc : (long)b.n;
}

static __always_inline long unmap(vaddr_t arg, unsigned count,
                                  const struct kind *k)
{
    struct vcpu *v = current;
    long n;

    while (count) {
        n = unmap_batch(v, arg, count, k);
        if (n < 0)
            return n;
        count -= (unsigned)n;
        arg += (vaddr_t)n * k->size;
        if (count && preempt_needed())
            return grant_again(k->cmd, arg, count);
    }
    return 0;
}

/*
 * unmap_grant_ref (struct gnttab_unmap_grant_ref[])
 *
 * Call: -EFAULT an element cannot be read or written; those before are done.
 * Status of each, checks in order: no such mapping of the caller's, or another
 * vCPU is at it (bad_handle); dev_bus_addr given, and not the frame's
 * (bad_dev_addr); host_addr given, and no L1 entry there that maps the frame as
 * it was mapped, writable or not (general_error). An address that is 0 or of a
 * kind that is not mapped is ignored; the handle lives until nothing is mapped.
 */
long grant_op_unmap_grant_ref(vaddr_t arg, unsigned count)
{
    static const struct kind kind = {
        .cmd = GNTTABOP_unmap_grant_ref,
        .size = sizeof(struct gnttab_unmap_grant_ref),
        .status = offsetof(struct gnttab_unmap_grant_ref, status),
    };

    return unmap(arg, count, &kind);
}

/*
 * unmap_and_replace (struct gnttab_unmap_and_replace[])
 *
 * As unmap_grant_ref of a host mapping; the entry becomes that of new_addr,
 * which is cleared. general_error also: no L1 entry for new_addr, or the
 * mapping was made by the entry's address (GNTMAP_contains_pte).
 */
long grant_op_unmap_and_replace(vaddr_t arg, unsigned count)
{
    static const struct kind kind = {
        .cmd = GNTTABOP_unmap_and_replace,
        .size = sizeof(struct gnttab_unmap_and_replace),
        .status = offsetof(struct gnttab_unmap_and_replace, status),
        .replace = true,
    };

    return unmap(arg, count, &kind);
}
