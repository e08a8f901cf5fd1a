/*
 * A domain's grant table: pins, growth, birth and death.
 *
 * The shared frames are the hypervisor's, lent to the domain. They and the
 * table stay until the last reference on the domain goes, since each mapping
 * of one of its grants holds one: there is no time at which a pin has no entry
 * to be dropped from. The domain's own mappings of others' grants go when it
 * dies.
 */
#include "grant/table.h"

#include "arch/x86/softirq.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/param.h"
#include "mm/alloc.h"
#include "mm/page_type.h"

#define FRAMES_LIMIT  4096u
#define HANDLES_LIMIT 16384u /* pages of maptrack */

static unsigned max_frames = 64;
static unsigned max_maptrack = 1024;
PARAM_UINT("gnttab_max_frames", max_frames);
PARAM_UINT("gnttab_max_maptrack_frames", max_maptrack);

/* ---- pins ---- */

/* With a reference, if it is a frame of d's. */
static inline struct frame *granted_frame(const struct domain *d, uint32_t m)
{
    if (unlikely(!mfn_valid(mfn(m)) || !frame_get(frame_of(mfn(m)),
                                                  d->domain_id)))
        return NULL;
    return frame_of(mfn(m));
}

/* The piece of pins that the reference is in. Lock held. */
static __noinline bool add_piece(struct grant_table *gt, uint32_t ref)
{
    struct active_entry **piece = &gt->active[ref / PINS_PER_PIECE];

    WRITE_ONCE(*piece, xzalloc_array(struct active_entry, PINS_PER_PIECE));
    return *piece;
}

static inline int pin(struct domain *d, uint32_t ref, domid_t who,
                      bool readonly, struct frame **out)
{
    struct grant_table *gt = d->grant;
    struct active_entry *a;
    int rc;

    if (unlikely(!grant_ref_ok(gt, ref)))
        return GNTST_bad_gntref;
    if (unlikely(d->dying != DOM_ALIVE))
        return GNTST_bad_domain;
    ref = grant_ref_clip(gt, ref);
    if (unlikely(!gt->active[ref / PINS_PER_PIECE]) && !add_piece(gt, ref))
        return GNTST_no_space;
    a = grant_active(gt, ref);
    rc = active_pin(a, grant_shared(gt, ref), who, readonly);
    if (unlikely(rc))
        return rc;
    *out = granted_frame(d, a->frame);
    if (likely(*out))
        return GNTST_okay;
    active_unpin(a, grant_shared(gt, ref), readonly);
    return GNTST_bad_page;
}

static inline void unpin(struct grant_table *gt, uint32_t ref, bool readonly)
{
    spin_lock(&gt->lock);
    active_unpin(grant_active(gt, ref), grant_shared(gt, ref), readonly);
    spin_unlock(&gt->lock);
}

int grant_acquire(struct domain *granter, uint32_t ref, domid_t who,
                  bool readonly, struct frame **out)
{
    struct grant_table *gt = granter->grant;
    int rc;

    spin_lock(&gt->lock);
    rc = pin(granter, ref, who, readonly, out);
    spin_unlock(&gt->lock);
    if (rc || readonly)
        return rc;
    if (likely(!page_get_type(*out, PGT_WRITABLE, granter)))
        return GNTST_okay;
    frame_put(*out);
    unpin(gt, ref, readonly);
    return GNTST_general_error;
}

/*
 * The marks in the guest's entry go last: once it sees them gone it may make
 * the frame a page table, which a writable type left over would forbid.
 */
void grant_release(struct domain *granter, uint32_t ref, bool readonly,
                   struct frame *f)
{
    if (!readonly)
        page_put_writable(f);
    frame_put(f);
    unpin(granter->grant, ref, readonly);
}

void grant_drop_mapping(struct maptrack *m, uint32_t handle)
{
    struct maptrack_entry *e = maptrack_at(m, handle);
    struct domain *granter = e->granter;

    grant_release(granter, e->ref, e->flags & GNTMAP_readonly,
                  frame_of(mfn(e->frame)));
    maptrack_retire(m, handle);
    domain_put(granter);
}

/* ---- growth ---- */

static int add_frame(struct domain *d, struct grant_table *gt)
{
    unsigned i = gt->nr_frames;
    void *page = xenheap_zalloc(0);

    if (!page)
        return -ENOMEM;
    xenheap_share(page, d, SHARE_RW);
    gt->shared[i] = page;
    gt->nr_frames++;
    return 0;
}

int grant_table_grow(struct domain *d, unsigned n)
{
    struct grant_table *gt = d->grant;
    int rc = 0;

    spin_lock(&gt->lock);
    if (n > gt->max_frames)
        rc = -EINVAL;
    while (!rc && gt->nr_frames < n)
        rc = add_frame(d, gt);
    spin_unlock(&gt->lock);
    return rc;
}

int grant_table_frame(struct domain *d, unsigned index, mfn_t *m)
{
    int rc = index < FRAMES_LIMIT ? grant_table_grow(d, index + 1) : -EINVAL;

    if (!rc)
        *m = virt_to_mfn(d->grant->shared[index]);
    return rc;
}

unsigned grant_table_limit(const struct domain *d)
{
    return d->grant->max_frames;
}

bool grant_maps_frame(struct domain *d, mfn_t m)
{
    return maptrack_has_frame(&d->grant->maptrack, m.m);
}

/* ---- life ---- */

static int alloc_arrays(struct grant_table *gt, unsigned frames)
{
    gt->shared = xzalloc_array(grant_entry_v1_t *, frames);
    gt->active = xzalloc_array(struct active_entry *,
                               frames * PIECES_PER_FRAME);
    gt->max_frames = frames;
    return gt->shared && gt->active ? 0 : -ENOMEM;
}

static void free_table(struct grant_table *gt, struct domain *d)
{
    for (unsigned i = 0; i < gt->nr_frames; i++)
        xenheap_unshare_free(gt->shared[i], d);
    for (unsigned i = 0; i < gt->nr_frames * PIECES_PER_FRAME; i++)
        xfree(gt->active[i]);
    xfree(gt->shared);
    xfree(gt->active);
    maptrack_free(&gt->maptrack);
    xfree(gt);
}

/* A limit asked for, or the default; 0: out of range. */
static unsigned limit(int32_t asked, unsigned normal, unsigned most)
{
    if (asked < 0)
        return max(1u, min(normal, most));
    return (unsigned)asked <= most ? (unsigned)asked : 0;
}

static int grant_init(struct domain *d, const struct domain_config *config)
{
    unsigned frames = limit(config->grant_frames, max_frames, FRAMES_LIMIT);
    unsigned handles =
        limit(config->grant_handles, max_maptrack, HANDLES_LIMIT);
    struct grant_table *gt;
    int rc;

    if (!frames || !handles)
        return -EINVAL;
    gt = xzalloc_type(struct grant_table);
    if (!gt)
        return -ENOMEM;
    spin_lock_init(&gt->lock, LOCK_GRANT);
    maptrack_init(&gt->maptrack, handles);
    rc = alloc_arrays(gt, frames);
    if (rc) {
        free_table(gt, d);
        return rc;
    }
    d->grant = gt;
    return grant_table_grow(d, 1);
}

/* All mappings that the domain has made. Its vCPUs run no more. */
static int grant_relinquish(struct domain *d)
{
    struct grant_table *gt = d->grant;
    uint32_t *at = &gt->relinquished;

    while (*at < maptrack_size(&gt->maptrack)) {
        if (maptrack_claim_next(&gt->maptrack, at, 256))
            grant_drop_mapping(&gt->maptrack, *at);
        if (preempt_needed())
            return -ERESTART_PREEMPT;
    }
    return 0;
}

static void grant_destroy(struct domain *d)
{
    if (d->grant)
        free_table(d->grant, d);
    d->grant = NULL;
}

static void grant_audit(const struct domain *d, struct audit_scratch *scratch)
{
    const struct maptrack *m = &d->grant->maptrack;

    for (uint32_t i = 0; i < maptrack_size(m); i++) {
        const struct maptrack_entry *e = maptrack_at(m, i);
        if (e->state == MAPTRACK_LIVE)
            audit_count(scratch, mfn(e->frame), 1,
                        !(e->flags & GNTMAP_readonly));
    }
}

DOMAIN_HOOKS(grant_hooks) = {
    .name = "grant",
    .init = grant_init,
    .relinquish = grant_relinquish,
    .destroy = grant_destroy,
    .audit = grant_audit,
};
