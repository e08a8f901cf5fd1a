/*
 * Changes of single entries of live tables: the only place that writes them.
 *
 * pt_lock makes all software changes to one domain's tables one after the
 * other, so what an entry names cannot change between the look at the old one
 * and the write. The CPUs, however, set accessed and dirty bits at any time:
 * writes that must keep those are compare-and-swap.
 *
 * Every write is a locked instruction. So it is visible before any count of
 * the old entry is dropped and stamped with the TLB clock (page_type.c).
 */
#include "mm/page_engine.h"

#include "arch/x86/map.h"

pte_t pt_adjust(pte_t val, unsigned level)
{
    if (!(val & PTE_P) || (val & PTE_US))
        return val;
    return val | PTE_US | (level == 1 ? PTE_GUEST_KERNEL : 0);
}

/* What an edit must know about the table; false: no such table. */
struct edit {
    pte_t *slot;
    unsigned level;
};

static __always_inline bool edit_open(struct edit *ed, mfn_t table,
                                      unsigned index, const struct domain *d)
{
    struct frame *f;
    uint64_t type;

    if (unlikely(table.m >= max_mfn || index >= PTES_PER_TABLE))
        return false;
    f = frame_of(table);
    type = type_load(f);
    ed->level = pgt_level(type);
    /* The type can't go away: its last drop needs pt_lock. */
    if (unlikely(!(type & PGT_VALIDATED) || !ed->level ||
                 frame_owner_id(f) != domain_id_of(d)))
        return false;
    part_note(f, type, index);
    ed->slot = (pte_t *)map_frame(table) + index;
    return true;
}

/* Writes the entry; `old` is what it names now. */
static __always_inline void entry_write(pte_t *slot, pte_t old, pte_t val,
                                        unsigned flags)
{
    if ((flags & PT_UPDATE_PRESERVE_AD) && (old & val & PTE_P)) {
        while (!atomic_cas(slot, &old, val | (old & (PTE_A | PTE_D))))
            ;
        return;
    }
    (void)__atomic_exchange_n(slot, val, __ATOMIC_SEQ_CST);
}

/*
 * Is what the new entry needs covered by the old one's references? Same frame,
 * and not more than that one allowed.
 */
static __always_inline bool l1_covered(pte_t old, pte_t val)
{
    pte_t diff = old ^ val;

    return !(diff & PTE_ADDR) && (old & PTE_P) &&
           (!(diff & PTE_RW) || (old & PTE_RW));
}

/* The entry became `val`, which needs no more than `old` did: drops the rest.
 */
static __always_inline void l1_put_surplus(pte_t old, pte_t val)
{
    if (((old ^ val) & PTE_RW) && mfn_valid(pte_mfn(old)))
        writable_put(frame_of(pte_mfn(old)));
}

/* A table that names its own domain's frames: the common case. */
static __always_inline struct l1_ctx own_ctx(struct domain *owner)
{
    return (struct l1_ctx){owner, owner, domain_id_of(owner), 0,
                           false};
}

static __always_inline int l1_check(pte_t *val, const struct l1_ctx *c)
{
    if (*val & PTE_P) {
        if (unlikely(!l1_flags_ok(*val, c->owner)))
            return -EINVAL;
        *val = pt_adjust(*val, 1);
        return 0;
    }
    return l1tf_unsafe(*val, c->owner) ? -EINVAL : 0;
}

/* In an L1 of d that names d's own frames. */
static __noinline int l1_edit_own(pte_t *slot, pte_t val, struct domain *d,
                                  unsigned flags)
{
    const struct l1_ctx own = own_ctx(d), *c = &own;
    pte_t old = READ_ONCE(*slot);
    int rc = l1_check(&val, c);

    if (unlikely(rc))
        return rc;
    if (val & PTE_P) {
        if (l1_covered(old, val)) {
            entry_write(slot, old, val, flags);
            l1_put_surplus(old, val);
            return 0;
        }
        rc = l1_get(val, c);
        if (unlikely(rc))
            return rc;
    }
    entry_write(slot, old, val, flags);
    if (old & PTE_P)
        l1_put(old, c->owner);
    return 0;
}

static struct l1_ctx foreign_ctx(struct domain *owner, struct domain *fg)
{
    return (struct l1_ctx){
        .owner = owner,
        .fg = fg,
        .fg_id = fg ? domain_id_of(fg) : OWNER_NOBODY,
        .foreign = PGT_FOREIGN,
    };
}

/* The old entry of an upper table has been replaced. */
static void drop_child(pte_t old, struct domain *d, mfn_t *deferred)
{
    struct frame *f = frame_of(pte_mfn(old));
    int rc = page_put_type(f, d);

    if (rc && deferred) {
        *deferred = frame_mfn(f);
        return;
    }
    while (rc)
        rc = page_finish_put(f, d);
    ref_put(f);
}

static __noinline int upper_edit(struct edit ed, unsigned index, pte_t val,
                                 struct domain *d, unsigned flags,
                                 mfn_t *deferred)
{
    const struct frame *f = frame_of(mapped_frame(ed.slot));
    pte_t old = READ_ONCE(*ed.slot);
    bool same = false;
    int rc;

    if (hyp_slot(ed.level, index))
        return -EINVAL;
    if (val & PTE_P) {
        if (val & UPPER_REFUSED)
            return -EINVAL;
        same = (old & PTE_P) && !((old ^ val) & PTE_ADDR);
        if (linear_entry(f, ed.level, val))
            rc = linear_check(val, d);
        else
            rc = same ? 0 : child_get(val, ed.level, d);
        if (rc)
            return rc;
        val = pt_adjust(val, ed.level);
    } else if (l1tf_unsafe(val, d)) {
        return -EINVAL;
    }
    entry_write(ed.slot, old, val, flags);
    if (ed.level == 4 && (old & PTE_P))
        l4_entry_replaced(d, frame_mfn(f), index);
    if ((old & PTE_P) && !same && !linear_entry(f, ed.level, old))
        drop_child(old, d, deferred);
    return 0;
}

/* Rare: a slower way. -EAGAIN: the CPU set A or D meanwhile. */
static __noinline int l1_edit_foreign(struct edit ed, unsigned index, pte_t val,
                                      struct domain *owner, struct domain *fg,
                                      unsigned flags)
{
    mfn_t table = mapped_frame(ed.slot);
    int rc;

    do {
        rc = pt_update_l1_if(table, index, READ_ONCE(*ed.slot), val, owner, fg,
                             flags);
    } while (unlikely(rc == -EAGAIN));
    return rc;
}

int pt_update_entry(mfn_t table, unsigned index, pte_t val,
                    struct domain *owner, struct domain *fg, unsigned flags,
                    mfn_t *deferred)
{
    struct edit ed;

    if (deferred)
        *deferred = INVALID_MFN;
    if (unlikely(!edit_open(&ed, table, index, owner)))
        return -EINVAL;
    if (unlikely(ed.level != 1))
        return upper_edit(ed, index, val, owner, flags, deferred);
    if (unlikely(fg != owner))
        return l1_edit_foreign(ed, index, val, owner, fg, flags);
    return l1_edit_own(ed.slot, val, owner, flags);
}

int pt_write_plain(uint64_t at, uint64_t val, struct domain *d)
{
    mfn_t m = paddr_to_mfn(at);
    struct frame *f = frame_of(m);
    int rc;

    if (unlikely(m.m >= max_mfn || !ref_get(f, domain_id_of(d))))
        return -EINVAL;
    rc = writable_get(f, d, 0);
    if (likely(!rc)) {
        WRITE_ONCE(*(uint64_t *)map_paddr(at), val);
        writable_put(f);
    }
    ref_put(f);
    return rc ? -EINVAL : 0;
}

int pt_update_own_l1(uint64_t at, pte_t val, struct domain *d)
{
    mfn_t table = paddr_to_mfn(at);
    struct frame *f;
    uint64_t type;

    if (unlikely(table.m >= max_mfn))
        return -EAGAIN;
    f = frame_of(table);
    type = type_load(f);
    if (unlikely(!pgt_level(type)))
        return pt_write_plain(at, val, d);
    if (unlikely(!type_is_valid(type, PGT_L1) ||
                 frame_owner_id(f) != domain_id_of(d)))
        return -EAGAIN;
    part_note(f, type, PAGE_OFFSET(at) / sizeof(pte_t));
    return l1_edit_own(map_paddr(at), val, d, 0);
}

int pt_update_walked_l1(mfn_t table, unsigned index, pte_t val,
                        struct domain *d)
{
    struct frame *f = frame_of(table);
    uint64_t type = type_load(f);

    ASSERT(type_is_valid(type, PGT_L1));
    part_note(f, type, index);
    return l1_edit_own((pte_t *)map_frame(table) + index, val, d, 0);
}

/* As l1_edit_own; the write is a compare-and-swap, undone if it fails. */
static int l1_edit_if(pte_t *slot, pte_t expect, pte_t val,
                      const struct l1_ctx *c, unsigned flags)
{
    bool covered;
    int rc;

    if (READ_ONCE(*slot) != expect)
        return -EAGAIN;
    rc = l1_check(&val, c);
    if (rc)
        return rc;
    if ((flags & PT_UPDATE_PRESERVE_AD) && (expect & val & PTE_P))
        val |= expect & (PTE_A | PTE_D);
    covered = (val & PTE_P) && l1_covered(expect, val);
    if ((val & PTE_P) && !covered) {
        rc = l1_get(val, c);
        if (rc)
            return rc;
    }
    if (!atomic_cas(slot, &expect, val)) {
        /* expect now holds what was there; only A and D can differ. */
        if ((val & PTE_P) && !covered)
            l1_put(val, c->owner);
        return -EAGAIN;
    }
    if (covered)
        l1_put_surplus(expect, val);
    else if (expect & PTE_P)
        l1_put(expect, c->owner);
    return 0;
}

int pt_update_l1_if(mfn_t table, unsigned index, pte_t expect, pte_t val,
                    struct domain *owner, struct domain *fg, unsigned flags)
{
    struct l1_ctx c;
    struct edit ed;
    int rc;

    if (!edit_open(&ed, table, index, owner))
        return -EINVAL;
    if (ed.level != 1) {
        unmap_frame(ed.slot);
        return -EINVAL;
    }
    c = fg == owner ? own_ctx(owner) : foreign_ctx(owner, fg);
    if (flags & PT_UPDATE_GRANT) {
        c.grant = true;
        c.fg_id = OWNER_NOBODY;
    }
    rc = l1_edit_if(ed.slot, expect, val, &c, flags);
    unmap_frame(ed.slot);
    return rc;
}
