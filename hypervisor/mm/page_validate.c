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
#include "lib/bitops.h"

/*
 * Where the work on a table is, and which parts of it (TABLE_PART) may be in
 * use: collected on the way up, and on the way down those to look at.
 */
struct progress {
    unsigned at; /* entries below hold references */
    unsigned parts;
};

/* An L1 gives way only between used entries of different parts. */
#define PART_LAST (TABLE_PART - 1)

/*
 * Most tables are mostly empty, and entries of zero need nothing: they are
 * passed over in groups.
 */
static __always_inline pte_t any_of_8(const pte_t *t)
{
    return t[0] | t[1] | t[2] | t[3] | t[4] | t[5] | t[6] | t[7];
}
static __always_inline pte_t any_of_32(const pte_t *t)
{
    return any_of_8(t) | any_of_8(t + 8) | any_of_8(t + 16) | any_of_8(t + 24);
}

/* The first entry from i on that is not zero; PTES_PER_TABLE: none. */
static __noinline unsigned scan_up(const pte_t *t, unsigned i)
{
    while (i < PTES_PER_TABLE) {
        if (!(i % 32) && !any_of_32(&t[i]))
            i += 32;
        else if (!(i % 8) && !any_of_8(&t[i]))
            i += 8;
        else if (t[i])
            break;
        else
            i++;
    }
    return i;
}
/* One more than the last entry below i that is not zero; 0: none. */
static __noinline unsigned scan_down(const pte_t *t, unsigned i, unsigned parts)
{
    while (i) {
        if (!(i % TABLE_PART)) {
            parts &= (1u << (i / TABLE_PART)) - 1;
            if (!parts)
                return 0;
            i = (highest_bit(parts) + 1) * TABLE_PART;
        }
        if (!(i % 8) && !any_of_8(&t[i - 8]))
            i -= 8;
        else if (t[i - 1])
            break;
        else
            i--;
    }
    return i;
}
/* That entry and its number in *i; 0: no more. Mostly it is the next one. */
static __always_inline pte_t used_up(const pte_t *t, unsigned *i)
{
    pte_t e = *i < PTES_PER_TABLE ? READ_ONCE(t[*i]) : 0;

    if (likely(e))
        return e;
    *i = scan_up(t, *i);
    return *i < PTES_PER_TABLE ? READ_ONCE(t[*i]) : 0;
}
static __always_inline pte_t used_down(const pte_t *t, unsigned *i,
                                       unsigned parts)
{
    pte_t e = *i ? READ_ONCE(t[*i - 1]) : 0;

    if (likely(e))
        return e;
    *i = scan_down(t, *i, parts);
    return *i ? READ_ONCE(t[*i - 1]) : 0;
}

/* ---- Up ---- */

static __always_inline int l1_take(pte_t e, const struct l1_ctx *c)
{
    if (likely(e & PTE_P))
        return likely(l1_flags_ok(e, c->owner)) ? l1_get(e, c) : -EINVAL;
    return l1tf_unsafe(e, c->owner) ? -EINVAL : 0;
}

static int l1_up(struct frame *f, struct progress *p, struct domain *d)
{
    struct l1_ctx c = {
        .owner = d,
        .fg = d,
        .owner_bits = REF_OWNER(domain_id_of(d)),
    };
    pte_t *t = map_frame(frame_mfn(f));
    unsigned i = p->at, end = i | PART_LAST;
    pte_t e;
    int rc = 0;

    while ((e = used_up(t, &i))) {
        if (unlikely(i > end)) {
            end = i | PART_LAST;
            p->parts |= 1u << (i / TABLE_PART);
            if (preempt_needed()) {
                rc = -ERESTART_PREEMPT;
                break;
            }
        }
        rc = l1_take(e, &c);
        if (unlikely(rc))
            break;
        if (unlikely((e & (PTE_P | PTE_US)) == PTE_P))
            WRITE_ONCE(t[i], e | PTE_US | PTE_GUEST_KERNEL);
        i++;
    }
    unmap_frame(t);
    p->at = i;
    return rc;
}

int child_get(pte_t e, unsigned level, struct domain *d)
{
    mfn_t m = pte_mfn(e);

    if ((e & UPPER_REFUSED) || m.m >= max_mfn)
        return -EINVAL;
    return page_get_and_type(frame_of(m), PGT_LEVEL(level - 1), d);
}

/*
 * The common case of child_get: a child that is valid already gets one use
 * more. False: nothing was done. While there is a reference its owner is the
 * table's, so with pt_lock held the type word stays as it is.
 */
static __always_inline bool child_share(pte_t e, uint64_t type,
                                        uint64_t owner_bits)
{
    struct frame *f = frame_of(pte_mfn(e));
    uint64_t x;

    if (unlikely((e & UPPER_REFUSED) || pte_mfn(e).m >= max_mfn ||
                 !ref_get(f, owner_bits)))
        return false;
    x = type_load(f);
    if (likely((x & (PGT_MASK | PGT_VALIDATED)) == (type | PGT_VALIDATED) &&
               (x & PGT_COUNT_MASK) < PGT_COUNT_MAX)) {
        type_store(f, x + 1);
        return true;
    }
    ref_put(f);
    return false;
}

int linear_check(pte_t e, const struct domain *d)
{
    return (e & (UPPER_REFUSED | PTE_RW)) || !domain_may_be_linear(d) ? -EINVAL
                                                                      : 0;
}

/*
 * Any other child of table f, or f itself. May give way before it, unless it is
 * the first such.
 */
static __noinline int child_build(const struct frame *f, pte_t e,
                                  unsigned level, struct domain *d,
                                  bool *worked)
{
    if (linear_entry(f, level, e))
        return linear_check(e, d);
    if (*worked && preempt_needed())
        return -ERESTART_PREEMPT;
    *worked = true;
    return child_get(e, level, d);
}

static int upper_up(struct frame *f, unsigned level, struct progress *p,
                    struct domain *d)
{
    const uint64_t owner_bits = REF_OWNER(domain_id_of(d));
    pte_t e, *t = map_frame(frame_mfn(f));
    bool worked = false;
    unsigned i = p->at;
    int rc = 0;

    for (; (e = used_up(t, &i)); i++) {
        if (hyp_slot(level, i))
            continue;
        p->parts |= 1u << (i / TABLE_PART);
        if (unlikely(!(e & PTE_P)))
            rc = l1tf_unsafe(e, d) ? -EINVAL : 0;
        else if (unlikely(!child_share(e, PGT_LEVEL(level - 1), owner_bits)))
            rc = child_build(f, e, level, d, &worked);
        if (unlikely(rc))
            break;
        if (unlikely((e & (PTE_P | PTE_US)) == PTE_P))
            WRITE_ONCE(t[i], e | PTE_US);
    }
    if (!rc && level == 4)
        l4_install_hypervisor(t);
    unmap_frame(t);
    p->at = i;
    return rc;
}

/* ---- Down ---- */

static int l1_down(struct frame *f, struct progress *p, struct domain *d)
{
    const pte_t *t = map_frame(frame_mfn(f));
    unsigned i = p->at, begin = (i - 1) & ~PART_LAST;
    pte_t e;
    int rc = 0;

    for (; (e = used_down(t, &i, p->parts)); i--) {
        if (unlikely(i <= begin)) {
            begin = (i - 1) & ~PART_LAST;
            if (preempt_needed()) {
                rc = -ERESTART_PREEMPT;
                break;
            }
        }
        if (likely(e & PTE_P))
            l1_put(e, d);
    }
    unmap_frame(t);
    p->at = i;
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

/* Drops a use of a child. False: it is the last one, nothing was done. */
static __always_inline bool child_unshare(pte_t e)
{
    struct frame *f = frame_of(pte_mfn(e));
    uint64_t x = type_load(f);

    if (unlikely((x & PGT_COUNT_MASK) <= 1))
        return false;
    type_store(f, x - 1);
    ref_put(f);
    return true;
}

static int upper_down(struct frame *f, unsigned level, struct progress *p,
                      bool parked, struct domain *d)
{
    const pte_t *t = map_frame(frame_mfn(f));
    bool worked = false;
    unsigned i = p->at;
    int rc = 0;
    pte_t e;

    if (parked && i < PTES_PER_TABLE && !hyp_slot(level, i))
        rc = finish_child(READ_ONCE(t[i]), level, d);
    while (!rc && (e = used_down(t, &i, p->parts))) {
        if (!(e & PTE_P) || hyp_slot(level, i - 1) || child_unshare(e)) {
            i--;
        } else if (worked && preempt_needed()) {
            rc = -ERESTART_PREEMPT;
        } else {
            i--;
            if (!linear_entry(f, level, e))
                rc = page_put_and_type(frame_of(pte_mfn(e)), d);
            worked = true;
        }
    }
    unmap_frame(t);
    p->at = i;
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
    /* What was done before, and the part where work starts. */
    struct progress p = {from, (2u << (from / TABLE_PART)) - 1};
    unsigned level = pgt_level(type);
    int rc, down;

    if (!level)
        return segdesc_validate(f);
    rc = level == 1 ? l1_up(f, &p, d) : upper_up(f, level, &p, d);
    if (likely(!rc)) {
        type_store(f, type | PGT_VALIDATED |
                          (uint64_t)(p.parts & PARTS_ALL) << PGT_AUX_SHIFT | 1);
        if (parked)
            ref_put(f); /* the caller has one */
        return 0;
    }
    if (rc == -ERESTART_PREEMPT) {
        park(f, type, p.at, 0, parked);
        return rc;
    }
    /* Entry p.at is bad; its child, if any, is not this table's to finish. */
    down = level == 1 ? l1_down(f, &p, d) : upper_down(f, level, &p, false, d);
    if (down) {
        park(f, type, p.at, PGT_FAILED, parked);
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
    struct progress p = {from, parked ? PARTS_ALL : parts_of(type_load(f))};
    unsigned level = pgt_level(type);
    int rc = 0;

    if (level == 1)
        rc = l1_down(f, &p, d);
    else if (level)
        rc = upper_down(f, level, &p, parked, d);
    if (rc) {
        park(f, type, p.at, failed, parked);
        return rc;
    }
    type_store(f, type_idle_word(type));
    if (parked)
        ref_put(f);
    return 0;
}
