/*
 * Grant tables inside: what the operations share. Others include grant.h.
 *
 * Two locks, never held together and no second one of their kind: the table
 * lock of the granting domain (entries and their pins) and the maptrack lock of
 * the mapping one. A mapping is made in steps that hold one lock each, and
 * every step leaves things so that the ones before can be undone:
 *
 *     handle (mapper) - pin, frame reference (granter) - writable type of the
 *     frame - L1 entry (mapper's pt_lock) - publish the handle
 *
 * What a mapping holds from then on, until unmapped or until the mapper dies:
 * a reference on the granting domain, so that its table stays; a pin; a
 * reference on the frame and, if writable, its type. The L1 entry holds its own
 * references beside these, as every entry does. So whatever the guest does to
 * the entry, and whichever domain dies first, each count has one owner that
 * drops it.
 */
#ifndef GRANT_TABLE_H
#define GRANT_TABLE_H

#include "core/vcpu.h"
#include "grant/active.h"
#include "grant/grant.h"
#include "grant/maptrack.h"
#include "lib/bitops.h"
#include "mm/frame.h"

#define REFS_PER_FRAME (PAGE_SIZE / sizeof(grant_entry_v1_t))
/* Pins come in pieces, made when the first reference of one is pinned. */
#define PINS_PER_PIECE 128u
#define PIECES_PER_FRAME (REFS_PER_FRAME / PINS_PER_PIECE)

struct grant_table {
    spinlock_t lock;       /* LOCK_GRANT: all but the maptrack */
    unsigned nr_frames;    /* of shared entries */
    unsigned max_frames;
    grant_entry_v1_t **shared;
    struct active_entry **active; /* pieces; NULL: nothing was pinned yet */
    struct maptrack maptrack;
    uint32_t relinquished; /* maptrack cursor of the domain's end */
};

/* Lock held (or the domain has one user only). ref is in the table. */
static inline grant_entry_v1_t *grant_shared(const struct grant_table *gt,
                                             uint32_t ref)
{
    return &gt->shared[ref / REFS_PER_FRAME][ref % REFS_PER_FRAME];
}
static inline struct active_entry *grant_active(const struct grant_table *gt,
                                                uint32_t ref)
{
    return &gt->active[ref / PINS_PER_PIECE][ref % PINS_PER_PIECE];
}
/* The same for a reference that may never have been pinned: to be read. */
static inline const struct active_entry *
grant_pins(const struct grant_table *gt, uint32_t ref)
{
    static const struct active_entry none;

    return READ_ONCE(gt->active[ref / PINS_PER_PIECE]) ? grant_active(gt, ref)
                                                       : &none;
}
static inline bool grant_ref_ok(const struct grant_table *gt, uint32_t ref)
{
    return ref / REFS_PER_FRAME < gt->nr_frames;
}
/* A reference found ok: also where the CPU only guesses that it is. */
static inline uint32_t grant_ref_clip(const struct grant_table *gt,
                                      uint32_t ref)
{
    return (uint32_t)nospec_index(ref, (uint64_t)gt->nr_frames *
                                           REFS_PER_FRAME);
}

/*
 * Pins a reference of `granter` for domain `who` and takes a reference on its
 * frame, and the writable type unless readonly. No locks held; the caller has
 * a reference on the domain and keeps it until grant_release. GNTST_*.
 */
int grant_acquire(struct domain *granter, uint32_t ref, domid_t who,
                  bool readonly, struct frame **out);
/* Gives all that back. No CPU may be able to use a mapping any more. */
void grant_release(struct domain *granter, uint32_t ref, bool readonly,
                   struct frame *f);
/* Ends a mapping whose entry is BUSY: all that it holds, and its handle. */
void grant_drop_mapping(struct maptrack *m, uint32_t handle);

/* At least n frames of shared entries. -EINVAL: over the limit; -ENOMEM. */
int grant_table_grow(struct domain *d, unsigned n);

/*
 * The L1 entry of a mapping: named by host_addr as GNTMAP_contains_pte in flags
 * says. GNTST_okay or GNTST_general_error, with nothing changed. Takes pt_lock.
 *
 * map: m is the granter's, and the caller holds a reference on it.
 * unmap: the entry must map m. It is cleared, or if new_addr is not 0 becomes
 * what the entry for that address was, which is cleared. TLBs are not flushed.
 */
int grant_host_map(struct vcpu *v, uint64_t host_addr, unsigned flags,
                   struct domain *granter, mfn_t m);
int grant_host_unmap(struct vcpu *v, uint64_t host_addr, unsigned flags,
                     mfn_t m, uint64_t new_addr);

/*
 * The operations. arg: guest array of `count` structures. 0 or -errno; when an
 * operation gives way it returns grant_again: the call is made again with the
 * `left` elements from arg on.
 */
long grant_again(unsigned cmd, vaddr_t arg, unsigned left);
typedef long grant_op_fn(vaddr_t arg, unsigned count);
grant_op_fn grant_op_map_grant_ref, grant_op_unmap_grant_ref,
    grant_op_unmap_and_replace, grant_op_setup_table, grant_op_dump_table,
    grant_op_transfer, grant_op_copy, grant_op_query_size,
    grant_op_set_version, grant_op_get_status_frames, grant_op_get_version,
    grant_op_swap_grant_ref, grant_op_cache_flush;

#endif
