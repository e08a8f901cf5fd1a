/*
 * Validation and invalidation of tables: from "just a page" to "every entry
 * checked and holding its references", and back.
 *
 * A table goes up entry by entry, 0 to 511, and down from 511 to 0. So at any
 * moment one number describes it: entries [0, n) hold references, the others
 * don't. Wherever work stops, that number is left in the type word (PARTIAL),
 * and any later operation can go on from it in either direction.
 *
 *   fresh --up--> VALIDATED --down--> idle      count 1 all along
 *     |  \                   |
 *     |   bad entry: down    preempted: PARTIAL(n)
 *     |      |  \
 *     |      |   preempted: PARTIAL(n) FAILED, goes down only
 *     |      idle, error
 *     preempted: PARTIAL(n)
 *
 * Trees of tables recurse at most four deep, since a level-n entry must name a
 * table of level n-1. If a child stops half-way, its parent stops at that
 * entry:
 *
 *   going up    the entry holds nothing; the child keeps itself in PARTIAL.
 *               Validating the parent again comes to the same entry and
 *               resumes the child.
 *   going down  the entry's references are gone already; the child keeps
 *               itself. A parent that goes on downwards first looks at the
 *               entry where it stopped, and finishes the child if it is still
 *               PARTIAL. So no half-done child stays behind in a tree that has
 *               been taken apart.
 *
 * While in work the frame is typed with count 1, and neither VALIDATED nor
 * PARTIAL: pt_lock keeps others away from tables, and takers of writable
 * references see another type in use.
 *
 * The entries are read again on the way down. They are the same as on the way
 * up: nothing can write a typed table but pt_update_entry, and only if it is
 * VALIDATED. They stay in the page afterwards with the user bit set as it was
 * in the live table.
 */
#include "mm/page_engine.h"

#include "arch/x86/map.h"
#include "arch/x86/softirq.h"

/* An L1 asks for preemption once in so many entries. */
#define L1_STRIDE 32

/*
 * Most tables are mostly empty, and entries of zero need nothing: they are
 * passed over in groups. True: none of the group that starts at t is used.
 */
#define GROUP 8
static __always_inline bool group_empty(const pte_t *t)
{
    return !(t[0] | t[1] | t[2] | t[3] | t[4] | t[5] | t[6] | t[7]);
}

/* Entries to pass over, from the unused one at i on upwards / downwards. */
static __always_inline unsigned empty_up(const pte_t *t, unsigned i)
{
    return !t[i] && !(i % GROUP) && group_empty(&t[i]) ? GROUP : 1;
}
static __always_inline unsigned empty_down(const pte_t *t, unsigned i)
{
    return !t[i] && i % GROUP == GROUP - 1 && group_empty(&t[i + 1 - GROUP])
               ? GROUP
               : 1;
}

/* ---- Up ---- */

static int l1_up(struct frame *f, unsigned *at, struct domain *d)
{
    struct l1_ctx c = {
        .owner = d,
        .fg = d,
        .owner_bits = REF_OWNER(domain_id_of(d)),
    };
    pte_t *t = map_frame(frame_mfn(f));
    unsigned i;
    int rc = 0;

    for (i = *at; i < PTES_PER_TABLE; i++) {
        pte_t e = READ_ONCE(t[i]), real;

        if (unlikely(!(i % L1_STRIDE) && i != *at && preempt_needed())) {
            rc = -ERESTART_PREEMPT;
            break;
        }
        if (!(e & PTE_P)) {
            if (!l1tf_unsafe(e, d)) {
                i += empty_up(t, i) - 1;
                continue;
            }
            rc = -EINVAL;
            break;
        }
        rc = l1_get(e, &c);
        if (unlikely(rc))
            break;
        real = e & PTE_US ? e : e | PTE_US | PTE_GUEST_KERNEL;
        if (real != e)
            WRITE_ONCE(t[i], real);
    }
    unmap_frame(t);
    *at = i;
    return rc;
}

int child_get(pte_t e, unsigned level, struct domain *d)
{
    mfn_t m = pte_mfn(e);

    if ((e & UPPER_REFUSED) || m.m >= max_mfn)
        return -EINVAL;
    return page_get_and_type(frame_of(m), PGT_LEVEL(level - 1), d);
}

static int upper_up(struct frame *f, unsigned level, unsigned *at,
                    struct domain *d)
{
    pte_t *t = map_frame(frame_mfn(f));
    bool worked = false;
    unsigned i;
    int rc = 0;

    for (i = *at; i < PTES_PER_TABLE; i++) {
        pte_t e = READ_ONCE(t[i]);

        if (hyp_slot(level, i))
            continue;
        if (!(e & PTE_P)) {
            if (!l1tf_unsafe(e, d)) {
                i += empty_up(t, i) - 1;
                continue;
            }
            rc = -EINVAL;
            break;
        }
        rc = worked && preempt_needed() ? -ERESTART_PREEMPT
                                        : child_get(e, level, d);
        if (rc)
            break;
        if (!(e & PTE_US))
            WRITE_ONCE(t[i], e | PTE_US);
        worked = true;
    }
    if (!rc && level == 4)
        l4_install_hypervisor(t);
    unmap_frame(t);
    *at = i;
    return rc;
}

/* ---- Down ---- */

static int l1_down(struct frame *f, unsigned *at, struct domain *d)
{
    const pte_t *t = map_frame(frame_mfn(f));
    unsigned i = *at;
    int rc = 0;

    while (i) {
        pte_t e = READ_ONCE(t[i - 1]);

        if (unlikely(!(i % L1_STRIDE) && i != *at && preempt_needed())) {
            rc = -ERESTART_PREEMPT;
            break;
        }
        if (e & PTE_P) {
            l1_put(e, d);
            i--;
        } else {
            i -= empty_down(t, i - 1);
        }
    }
    unmap_frame(t);
    *at = i;
    return rc;
}

/* The child at the entry where the parent stopped may have stopped as well. */
static int finish_child(pte_t e, unsigned level, struct domain *d)
{
    struct frame *f;

    if (!(e & PTE_P) || !mfn_valid(pte_mfn(e)))
        return 0;
    f = frame_of(pte_mfn(e));
    if (page_type(f) != PGT_LEVEL(level - 1))
        return 0;
    return page_finish_put(f, d);
}

static int upper_down(struct frame *f, unsigned level, unsigned *at,
                      bool parked, struct domain *d)
{
    const pte_t *t = map_frame(frame_mfn(f));
    bool worked = false;
    unsigned i = *at;
    int rc = 0;

    if (parked && i < PTES_PER_TABLE && !hyp_slot(level, i))
        rc = finish_child(READ_ONCE(t[i]), level, d);
    while (!rc && i) {
        pte_t e = READ_ONCE(t[i - 1]);

        if (hyp_slot(level, i - 1)) {
            i--;
            continue;
        }
        if (!(e & PTE_P)) {
            i -= empty_down(t, i - 1);
            continue;
        }
        if (worked && preempt_needed()) {
            rc = -ERESTART_PREEMPT;
            break;
        }
        i--;
        rc = page_put_and_type(frame_of(pte_mfn(e)), d);
        worked = true;
    }
    unmap_frame(t);
    *at = i;
    return rc;
}

/* ---- Both ---- */

/* Leaves the frame PARTIAL; `parked`: it already has that state's reference. */
static void park(struct frame *f, uint64_t type, unsigned progress,
                 uint64_t failed, bool parked)
{
    if (!parked)
        frame_get_known(f);
    type_store(f, type | PGT_PARTIAL | failed |
                      (uint64_t)progress << PGT_AUX_SHIFT | 1);
}

static int segdesc_validate(struct frame *f)
{
    if (descriptor_page_check(frame_mfn(f))) {
        type_store(f, PGT_SEGDESC | PGT_VALIDATED | 1);
        return 0;
    }
    type_store(f, type_idle_word(PGT_SEGDESC));
    return -EINVAL;
}

int page_validate(struct frame *f, uint64_t type, unsigned from, bool parked,
                  struct domain *d)
{
    unsigned level = pgt_level(type), at = from;
    int rc, down;

    if (!level)
        return segdesc_validate(f);
    rc = level == 1 ? l1_up(f, &at, d) : upper_up(f, level, &at, d);
    if (likely(!rc)) {
        type_store(f, type | PGT_VALIDATED | 1);
        if (parked)
            ref_put(f); /* the caller has one */
        return 0;
    }
    if (rc == -ERESTART_PREEMPT) {
        park(f, type, at, 0, parked);
        return rc;
    }
    /* Entry `at` is bad; its child, if any, is not this table's to finish. */
    down =
        level == 1 ? l1_down(f, &at, d) : upper_down(f, level, &at, false, d);
    if (down) {
        park(f, type, at, PGT_FAILED, parked);
        return down;
    }
    type_store(f, type_idle_word(type));
    if (parked)
        ref_put(f);
    return rc;
}

int page_invalidate(struct frame *f, uint64_t type, unsigned from, bool parked,
                    uint64_t failed, struct domain *d)
{
    unsigned level = pgt_level(type), at = from;
    int rc = 0;

    if (level == 1)
        rc = l1_down(f, &at, d);
    else if (level)
        rc = upper_down(f, level, &at, parked, d);
    if (rc) {
        park(f, type, at, failed, parked);
        return rc;
    }
    type_store(f, type_idle_word(type));
    if (parked)
        ref_put(f);
    return 0;
}
