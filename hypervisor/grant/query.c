/*
 * Grant table operations beside lending: size, frames and version of a table,
 * exchange of two entries, cache maintenance, a dump.
 */
#include "grant/table.h"

#include "arch/x86/keyhandler.h"
#include "arch/x86/map.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/alloc.h"

#define CACHE_LINE  64u
#define DUMPED_PINS 32u /* lines of a dump */

/* The domain a call names, as GNTST_*. */
static int named_domain(domid_t id, struct domain **d)
{
    int rc = domain_get_remote(id, d);

    if (!rc)
        return GNTST_okay;
    return rc == -EPERM ? GNTST_permission_denied : GNTST_bad_domain;
}

/* ---- frames of the table ---- */

static int put_frame_list(const struct grant_table *gt, unsigned n,
                          vaddr_t list)
{
    for (unsigned i = 0; i < n; i++, list += sizeof(xen_pfn_t)) {
        xen_pfn_t m = virt_to_mfn(gt->shared[i]).m;
        if (copy_to_guest_va(list, &m, sizeof(m)))
            return GNTST_bad_virt_addr;
    }
    return GNTST_okay;
}

/*
 * setup_table (one struct gnttab_setup_table): the table has nr_frames frames
 * from now on, or more; their numbers go to frame_list.
 *
 * Call: -EINVAL count is not 1; -EFAULT. Status: no such domain (bad_domain);
 * another one, and the caller is not privileged (permission_denied); more
 * frames than allowed, or no memory (general_error); the list cannot be written
 * (bad_virt_addr).
 */
long grant_op_setup_table(vaddr_t arg, unsigned count)
{
    struct gnttab_setup_table op;
    struct domain *d;
    int rc;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = named_domain(op.dom, &d);
    if (!rc) {
        if (grant_table_grow(d, op.nr_frames))
            rc = GNTST_general_error;
        else
            rc = put_frame_list(d->grant, op.nr_frames,
                                (vaddr_t)op.frame_list.p);
        domain_put(d);
    }
    op.status = (int16_t)rc;
    return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/*
 * query_size (one struct gnttab_query_size). Call: -EINVAL count is not 1;
 * -EFAULT. Status: bad_domain, permission_denied.
 */
long grant_op_query_size(vaddr_t arg, unsigned count)
{
    struct gnttab_query_size op;
    struct domain *d;
    int rc;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = named_domain(op.dom, &d);
    if (!rc) {
        op.nr_frames = READ_ONCE(d->grant->nr_frames);
        op.max_nr_frames = d->grant->max_frames;
        domain_put(d);
    }
    op.status = (int16_t)rc;
    return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* ---- versions: there is 1 ---- */

/*
 * set_version (struct gnttab_set_version): tells the version in use in any
 * case. -EFAULT; -EINVAL neither 1 nor 2; -ENOSYS 2.
 */
long grant_op_set_version(vaddr_t arg, unsigned count)
{
    struct gnttab_set_version op;
    uint32_t wanted;

    (void)count;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    wanted = op.version;
    op.version = 1;
    if (copy_to_guest_va(arg, &op, sizeof(op)))
        return -EFAULT;
    if (wanted == 1)
        return 0;
    return wanted == 2 ? -ENOSYS : -EINVAL;
}

/* get_version (struct gnttab_get_version). -EFAULT, -ESRCH, -EPERM. */
long grant_op_get_version(vaddr_t arg, unsigned count)
{
    struct gnttab_get_version op;
    struct domain *d;
    int rc;

    (void)count;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = domain_get_remote(op.dom, &d);
    if (rc)
        return rc;
    domain_put(d);
    op.version = 1;
    return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/*
 * get_status_frames (one struct gnttab_get_status_frames): version 1 has none.
 * Call: -EINVAL count is not 1; -EFAULT. Status: bad_domain, permission_denied,
 * else general_error.
 */
long grant_op_get_status_frames(vaddr_t arg, unsigned count)
{
    struct gnttab_get_status_frames op;
    struct domain *d;
    int rc;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = named_domain(op.dom, &d);
    if (!rc) {
        domain_put(d);
        rc = GNTST_general_error;
    }
    op.status = (int16_t)rc;
    return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

/* ---- exchange of entries ---- */

static int swap_one(struct grant_table *gt, grant_ref_t a, grant_ref_t b)
{
    int rc = GNTST_bad_gntref;

    spin_lock(&gt->lock);
    if (grant_ref_ok(gt, a) && grant_ref_ok(gt, b)) {
        a = grant_ref_clip(gt, a);
        b = grant_ref_clip(gt, b);
        rc = active_swap(grant_pins(gt, a), grant_shared(gt, a),
                         grant_pins(gt, b), grant_shared(gt, b));
    }
    spin_unlock(&gt->lock);
    return rc;
}

/*
 * swap_grant_ref (struct gnttab_swap_grant_ref[]), in the caller's own table.
 * Call: -EFAULT. Status: beyond the table (bad_gntref), in use (eagain).
 */
long grant_op_swap_grant_ref(vaddr_t arg, unsigned count)
{
    struct gnttab_swap_grant_ref op;

    for (unsigned i = 0; i < count; i++, arg += sizeof(op)) {
        if (i && preempt_needed())
            return grant_again(GNTTABOP_swap_grant_ref, arg, count - i);
        if (copy_from_guest_va(&op, arg, sizeof(op)))
            return -EFAULT;
        op.status = (int16_t)swap_one(current->domain->grant, op.ref_a,
                                      op.ref_b);
        if (copy_to_guest_va(arg, &op, sizeof(op)))
            return -EFAULT;
    }
    return 0;
}

/* ---- caches ---- */

static void flush_lines(mfn_t m, unsigned offset, unsigned length)
{
    const char *page = map_frame(m);

    for (unsigned i = ROUND_DOWN(offset, CACHE_LINE); i < offset + length;
         i += CACHE_LINE)
        __asm__ volatile("clflush %0" ::"m"(page[i]) : "memory");
    smp_mb();
    unmap_frame(page);
}

/*
 * Writing lines back harms nobody, so the frame is not held: if it goes to
 * somebody else at this moment, it is that domain's lines.
 */
static int cache_flush_one(struct domain *d,
                           const struct gnttab_cache_flush *op)
{
    mfn_t m = paddr_to_mfn(op->a.dev_bus_addr);

    if (op->offset + op->length > PAGE_SIZE)
        return -EINVAL;
    if (!op->length || !op->op)
        return 0;
    if (op->op & GNTTAB_CACHE_SOURCE_GREF)
        return -EOPNOTSUPP;
    if (op->op & ~(GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL))
        return -EINVAL;
    if (!(op->op & GNTTAB_CACHE_CLEAN))
        return -EOPNOTSUPP; /* throwing data away: the CPU cannot */
    if (!mfn_valid(m))
        return -EINVAL;
    if (frame_owner_id(frame_of(m)) != d->domain_id && !grant_maps_frame(d, m))
        return -EINVAL;
    flush_lines(m, op->offset, op->length);
    return 0;
}

/*
 * cache_flush (struct gnttab_cache_flush[]): cleans, or cleans and invalidates,
 * the lines of a piece of a frame that is the caller's or mapped by it.
 *
 * The first that fails ends the call: -EFAULT; -EINVAL the piece crosses the
 * end of the page, unknown operation, no RAM, not a frame of the caller's nor
 * mapped; -EOPNOTSUPP by reference, or to invalidate without cleaning.
 */
long grant_op_cache_flush(vaddr_t arg, unsigned count)
{
    struct gnttab_cache_flush op;

    for (unsigned i = 0; i < count; i++, arg += sizeof(op)) {
        int rc;

        if (i && preempt_needed())
            return grant_again(GNTTABOP_cache_flush, arg, count - i);
        if (copy_from_guest_va(&op, arg, sizeof(op)))
            return -EFAULT;
        rc = cache_flush_one(current->domain, &op);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- dump ---- */

/* Pins are looked at without the lock: the console is slow. */
static void dump(struct domain *d)
{
    struct grant_table *gt = d->grant;
    unsigned frames = READ_ONCE(gt->nr_frames), pinned = 0;

    printk(XENLOG_G_INFO "d%u: %u of %u grant frames, %u handles\n",
           d->domain_id, frames, gt->max_frames, maptrack_size(&gt->maptrack));
    for (uint32_t ref = 0; ref < frames * REFS_PER_FRAME; ref++) {
        const struct active_entry *a = grant_pins(gt, ref);
        uint32_t r = READ_ONCE(a->readers), w = READ_ONCE(a->writers);

        if (!(r | w) || pinned++ >= DUMPED_PINS)
            continue;
        printk(XENLOG_G_INFO "  ref %u: frame %#x for d%u, %u read %u write\n",
               ref, READ_ONCE(a->frame), READ_ONCE(a->domid), r, w);
    }
    if (pinned > DUMPED_PINS)
        printk(XENLOG_G_INFO "  and %u more\n", pinned - DUMPED_PINS);
}

/*
 * dump_table (one struct gnttab_dump_table): what is in use, to the log. Call:
 * -EINVAL count is not 1; -EFAULT. Status: bad_domain, permission_denied.
 */
long grant_op_dump_table(vaddr_t arg, unsigned count)
{
    struct gnttab_dump_table op;
    struct domain *d;
    int rc;

    if (count != 1)
        return -EINVAL;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    rc = named_domain(op.dom, &d);
    if (!rc) {
        dump(d);
        domain_put(d);
    }
    op.status = (int16_t)rc;
    return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}

static void dump_all(char key)
{
    struct domain *d;

    (void)key;
    for_each_domain(d)
        dump(d);
}
KEYHANDLER('g', dump_all, "grant tables");
