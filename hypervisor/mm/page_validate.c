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
 * use: others need no look.
 */
struct progress {
    unsigned at; /* entries below hold references */
    unsigned parts;
};

/*
 * Most tables are mostly empty, and entries of zero need nothing: they are
 * passed over in groups.
 */
static __always_inline pte_t any_of_8(const pte_t *p)
{
    return p[0] | p[1] | p[2] | p[3] | p[4] | p[5] | p[6] | p[7];
}
/* Does p stand between two groups of n? Tables begin at a page. */
static __always_inline bool between(const pte_t *p, unsigned n)
{
    return !((uintptr_t)p % (n * sizeof(*p)));
}

/*
 * The first entry of table t from p on that is not zero, as far as `parts` may
 * have such; the table's end: none.
 */
static __noinline pte_t *scan_up(pte_t *t, pte_t *p, unsigned parts)
{
    for (; !between(p, 8); p++)
        if (*p)
            return p;
    do {
        if (between(p, TABLE_PART)) {
            parts &= ~0u << ((unsigned)(p - t) / TABLE_PART);
            if (!parts)
                return t + PTES_PER_TABLE;
            p = t + lowest_bit(parts) * TABLE_PART;
        }
        p += 8;
    } while (!any_of_8(p - 8));
    for (p -= 8; !*p; p++)
        ;
    return p;
}

/*
 * One more than the last entry of table t below p that is not zero, as far as
 * `parts` may have such; t: none.
 */
static __noinline const pte_t *scan_down(const pte_t *t, const pte_t *p,
                                         unsigned parts)
{
    for (; !between(p, 8); p--)
        if (p[-1])
            return p;
    do {
        if (between(p, TABLE_PART)) {
            parts &= (1u << ((unsigned)(p - t) / TABLE_PART)) - 1;
            if (!parts)
                return t;
            p = t + (highest_bit(parts) + 1) * TABLE_PART;
        }
        p -= 8;
    } while (!any_of_8(p));
    for (p += 8; !p[-1]; p--)
        ;
    return p;
}

/* *p goes on to such an entry; gives it, 0: no more. Mostly it is at hand. */
static __always_inline pte_t used_up(pte_t *t, pte_t **p, unsigned parts)
{
    const pte_t *end = t + PTES_PER_TABLE;
    pte_t e = *p != end ? READ_ONCE(**p) : 0;

    if (likely(e))
        return e;
    *p = scan_up(t, *p, parts);
    return *p != end ? READ_ONCE(**p) : 0;
}
static __always_inline pte_t used_down(const pte_t *t, const pte_t **p,
                                       unsigned parts)
{
    pte_t e = *p != t ? READ_ONCE((*p)[-1]) : 0;

    if (likely(e))
        return e;
    *p = scan_down(t, *p, parts);
    return *p != t ? READ_ONCE((*p)[-1]) : 0;
}

/* The entries of table t that are of the same part as p: from and up to. */
static __always_inline const pte_t *part_begin(const pte_t *t, const pte_t *p)
{
    return t + (p - t) / TABLE_PART * TABLE_PART;
}
static __always_inline const pte_t *part_end(const pte_t *t, const pte_t *p)
{
    return part_begin(t, p) + TABLE_PART;
}

/* The hypervisor's slots of a table; past its end if it has none. */
static __always_inline const pte_t *hyp_slots(const pte_t *t, unsigned level)
{
    return t + (level == 4 ? HYP_L4_FIRST : PTES_PER_TABLE);
}
static __always_inline bool is_hyp_slot(const pte_t *p, const pte_t *slots)
{
    return (uintptr_t)p - (uintptr_t)slots <=
           (HYP_L4_LAST - HYP_L4_FIRST) * sizeof(*p);
}

/* ---- Up ---- */

static __always_inline int l1_take(pte_t e, const struct l1_ctx *c)
{
    if (likely(e & PTE_P))
        return likely(l1_flags_ok(e, c->owner)) ? l1_get(e, c) : -EINVAL;
    return l1tf_unsafe(e, c->owner) ? -EINVAL : 0;
}

/* Gives way only between used entries of different parts. */
static int l1_up(struct frame *f, struct progress *p, struct domain *d)
{
    struct l1_ctx c = {
        .owner = d,
        .fg = d,
        .fg_id = domain_id_of(d),
    };
    pte_t *t = map_frame(frame_mfn(f)), *at = t + p->at;
    const pte_t *end = part_end(t, at);
    const unsigned parts = p->parts;
    pte_t e;
    int rc = 0;

    while ((e = used_up(t, &at, parts))) {
        if (unlikely(at >= end)) {
            end = part_end(t, at);
            if (preempt_needed()) {
                rc = -ERESTART_PREEMPT;
                break;
            }
        }
        rc = l1_take(e, &c);
        if (unlikely(rc))
            break;
        if (unlikely(!(e & PTE_US)) && (e & PTE_P))
            WRITE_ONCE(*at, e | PTE_US | PTE_GUEST_KERNEL);
        at++;
    }
    p->at = (unsigned)(at - t);
    unmap_frame(t);
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
 * The common case of child_get: a child of d (id) that is valid already gets
 * one use more. False: nothing was done. With pt_lock held its type word stays
 * as it is, and the uses that it has keep the frame: so the reference needs no
 * comparison, only its limit.
 */
#define CHILD_LOOKS_AT (PTE_P | PTE_US | UPPER_REFUSED)
static __always_inline bool child_share(pte_t e, uint64_t type, uint16_t id)
{
    struct frame *f = frame_of(pte_mfn(e));
    uint64_t x, ref;

    if (unlikely((e & CHILD_LOOKS_AT) != (PTE_P | PTE_US) ||
                 pte_mfn(e).m >= max_mfn))
        return false;
    x = type_load(f);
    ref = __atomic_load_n(&f->ref, __ATOMIC_RELAXED);
    if (unlikely(!type_is_valid(x, type) ||
                 (uint16_t)(ref >> REF_OWNER_SHIFT) != id ||
                 (uint32_t)x >= (uint32_t)PGT_COUNT_MAX ||
                 (uint32_t)ref >= (uint32_t)REF_COUNT_MAX))
        return false;
    (void)__atomic_fetch_add(&f->ref, 1, __ATOMIC_SEQ_CST);
    type_store(f, x + 1);
    return true;
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
    const uint16_t id = domain_id_of(d);
    pte_t e, *t = map_frame(frame_mfn(f)), *at = t + p->at;
    const pte_t *hyp = hyp_slots(t, level);
    const unsigned parts = p->parts;
    bool worked = false;
    int rc = 0;

    for (; (e = used_up(t, &at, parts)); at++) {
        if (is_hyp_slot(at, hyp))
            continue;
        if (likely(child_share(e, PGT_LEVEL(level - 1), id)))
            continue;
        if (e & PTE_P)
            rc = child_build(f, e, level, d, &worked);
        else
            rc = l1tf_unsafe(e, d) ? -EINVAL : 0;
        if (unlikely(rc))
            break;
        if (!(e & PTE_US) && (e & PTE_P))
            WRITE_ONCE(*at, e | PTE_US);
    }
    if (!rc && level == 4)
        l4_install_hypervisor(t);
    p->at = (unsigned)(at - t);
    unmap_frame(t);
    return rc;
}

/* ---- Down ---- */

/* Gives way only between used entries of different parts. */
static int l1_down(struct frame *f, struct progress *p, struct domain *d)
{
    const pte_t *t = map_frame(frame_mfn(f)), *at = t + p->at;
    const pte_t *begin = p->at ? part_begin(t, at - 1) : t;
    const unsigned parts = p->parts;
    pte_t e;
    int rc = 0;

    for (; (e = used_down(t, &at, parts)); at--) {
        if (unlikely(at <= begin)) {
            begin = part_begin(t, at - 1);
            if (preempt_needed()) {
                rc = -ERESTART_PREEMPT;
                break;
            }
        }
        if (likely(e & PTE_P))
            l1_put(e, d);
    }
    p->at = (unsigned)(at - t);
    unmap_frame(t);
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

/*
 * Drops a use of a child. False: it is the last one, nothing was done. Else
 * there is another one, and its reference is not the last either.
 */
static __always_inline bool child_unshare(pte_t e)
{
    struct frame *f = frame_of(pte_mfn(e));
    uint64_t x = type_load(f);

    if (unlikely((x & PGT_COUNT_MASK) <= 1))
        return false;
    type_store(f, x - 1);
    x = __atomic_fetch_sub(&f->ref, 1, __ATOMIC_SEQ_CST);
    ASSERT((x & REF_COUNT_MASK) > 1);
    return true;
}

static int upper_down(struct frame *f, unsigned level, struct progress *p,
                      bool parked, struct domain *d)
{
    const pte_t *t = map_frame(frame_mfn(f)), *at = t + p->at;
    const pte_t *hyp = hyp_slots(t, level);
    const unsigned parts = p->parts;
    bool worked = false;
    int rc = 0;
    pte_t e;

    if (parked && p->at < PTES_PER_TABLE && !hyp_slot(level, p->at))
        rc = finish_child(READ_ONCE(*at), level, d);
    while (!rc && (e = used_down(t, &at, parts))) {
        if (!(e & PTE_P) || is_hyp_slot(at - 1, hyp) || child_unshare(e)) {
            at--;
        } else if (worked && preempt_needed()) {
            rc = -ERESTART_PREEMPT;
        } else {
            at--;
            if (!linear_entry(f, level, e))
                rc = page_put_and_type(frame_of(pte_mfn(e)), d);
            worked = true;
        }
    }
    p->at = (unsigned)(at - t);
    unmap_frame(t);
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
    struct progress p = {.at = from};
    unsigned level = pgt_level(type);
    int rc, down;

    if (!level)
        return segdesc_validate(f);
    p.parts = used_parts(map_frame(frame_mfn(f)));
    rc = level == 1 ? l1_up(f, &p, d) : upper_up(f, level, &p, d);
    if (likely(!rc)) {
        type_store(f, type | PGT_VALIDATED |
                          (uint64_t)p.parts << PGT_AUX_SHIFT | 1);
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
