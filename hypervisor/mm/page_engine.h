/*
 * Inside of the page-type engine: shared by page_type.c, page_validate.c,
 * page_update.c and page_l1.c. page_type.h is the face; of this file others
 * may use pt_fill_own_l1 alone.
 */
#ifndef MM_PAGE_ENGINE_H
#define MM_PAGE_ENGINE_H

#include "arch/x86/layout.h"
#include "arch/x86/map.h"
#include "arch/x86/pte.h"
#include "arch/x86/tlb.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "mm/frame_ref.h"
#include "mm/page_type.h"

/* Entry bits that a guest may not set. */
#define L1_CACHE_BITS (PTE_PWT | PTE_PCD | PTE_PAT)
#define L1_SPECIAL    (L1_CACHE_BITS | PTE_G)
#define UPPER_REFUSED (PTE_PWT | PTE_PCD | PTE_PSE | PTE_G)

static __always_inline uint64_t type_load(const struct frame *f)
{
    return __atomic_load_n(&f->type, __ATOMIC_RELAXED);
}
/*
 * Plain store: right only where nobody else can write the word, i.e. for a
 * table or descriptor type with a count, under pt_lock.
 */
static __always_inline void type_store(struct frame *f, uint64_t x)
{
    __atomic_store_n(&f->type, x, __ATOMIC_RELEASE);
}

/* Is x the word of a validated table of this type? Its four top bits tell. */
static __always_inline bool type_is_valid(uint64_t x, uint64_t type)
{
    return x >> 60 == (type | PGT_VALIDATED) >> 60;
}

static __always_inline bool type_validates(uint64_t type)
{
    return pgt_level(type) || (type & PGT_MASK) == PGT_SEGDESC;
}

/*
 * Which parts of a VALIDATED table may be in use: a bit for so many entries.
 * Others need no look when the table is taken apart.
 */
#define TABLE_PART (PTES_PER_TABLE / FRAME_PARTS)
#define PARTS_ALL  ((1u << (PTES_PER_TABLE / TABLE_PART)) - 1)

static __always_inline unsigned parts_of(uint64_t x)
{
    return (unsigned)((x & PGT_AUX_MASK) >> PGT_AUX_SHIFT);
}
/* x: the type word of f. pt_lock held. */
static __always_inline void part_note(struct frame *f, uint64_t x,
                                      unsigned index)
{
    unsigned bit = PGT_AUX_SHIFT + index / TABLE_PART;

    if (unlikely(!((x >> bit) & 1)))
        type_store(f, x | 1UL << bit);
}

static __always_inline bool hyp_slot(unsigned level, unsigned index)
{
    return level == 4 && index >= HYP_L4_FIRST && index <= HYP_L4_LAST;
}

/* The word of a type whose last reference goes now: with the TLB's clock. */
uint64_t type_idle_word(uint64_t x);

/* A page of the hypervisor's memory, lent to its owner? */
static __always_inline bool frame_is_lent(const struct frame *f)
{
    return unlikely(__atomic_load_n(&f->ref, __ATOMIC_RELAXED) & FRAME_XENHEAP);
}

/*
 * Takes a type reference, see page_get_type; extra is PGT_FOREIGN or 0.
 */
int type_get(struct frame *f, uint64_t type, struct domain *owner,
             uint64_t extra);
/*
 * Drops a writable use and leaves the TLB's clock in the word, also when it is
 * not the last; why: page_type.c. If the use was a mapping, a locked
 * instruction has come since it ended: the write of the entry (page_update.c),
 * or, of the entries of a table that goes, that which took it away from its
 * user (an entry above, a load of CR3). The hypervisor's own uses leave no
 * translation of a guest's.
 */
static __always_inline void writable_put(struct frame *f)
{
    uint64_t x = type_load(f), stamp;

    do {
        BUG_ON(!(x & PGT_COUNT_MASK));
        stamp = (uint64_t)tlb_clock_ordered() << PGT_AUX_SHIFT;
    } while (unlikely(!atomic_cas(&f->type, &x,
                                  ((x & ~PGT_AUX_MASK) - 1) | stamp)));
}

/*
 * type_get for PGT_WRITABLE; at once where the frame is writable already, or
 * was so last: then no CPU needs a flush.
 */
static __always_inline int writable_get(struct frame *f, struct domain *owner,
                                        uint64_t foreign)
{
    uint64_t x = type_load(f), from;

    if (likely((x & PGT_MASK) == PGT_WRITABLE &&
               (uint32_t)x < (uint32_t)PGT_COUNT_MAX)) {
        from = x;
        if (!(uint32_t)x)
            from = frame_is_lent(f) ? 0 : x & (PGT_MASK | PGT_FOREIGN);
        if (likely(from && atomic_cas(&f->type, &x, (from + 1) | foreign)))
            return 0;
    }
    return type_get(f, PGT_WRITABLE, owner, foreign);
}

/*
 * Not-present entries reach the memory they seem to name when a CPU guesses
 * (L1 terminal fault): domains of the strict kind may not name RAM in them.
 */
static __always_inline bool l1tf_unsafe(pte_t e, const struct domain *owner)
{
    return unlikely(e) && domain_l1tf_unsafe(owner, pte_mfn(e));
}

/* ---- L1 entries ---- */

/* Whose table it is and what its entries may name; made once per operation. */
struct l1_ctx {
    struct domain *owner; /* of the table */
    struct domain *fg;    /* of the frames named; NULL: device memory only */
    uint32_t fg_id;       /* of fg, or OWNER_NOBODY */
    uint64_t foreign;     /* PGT_FOREIGN if fg is not owner, else 0 */
    bool grant;           /* the grant table vouches for the frame */
};

/*
 * Rare cases of l1_get: not an ordinary frame of fg. They don't take the
 * context: so it need not be in memory for the common ones.
 */
int l1_get_device(mfn_t m, struct domain *owner, struct domain *fg, bool grant);
int l1_get_special(struct frame *f, pte_t e, struct domain *owner,
                   struct domain *fg, bool grant);
bool l1_special_ok(pte_t e, const struct domain *owner);
bool l1_foreign_ok(const struct frame *f);
/* Drops the references of a present entry, if it names RAM. */
void l1_put_descriptor(struct frame *f, struct domain *owner);

/* May a present entry have the flags that it has? */
static __always_inline bool l1_flags_ok(pte_t e, const struct domain *owner)
{
    return likely(!(e & L1_SPECIAL)) || l1_special_ok(e, owner);
}

/*
 * Checks what a present entry names (the flags have been checked: l1_flags_ok)
 * and takes the references it needs: a general one, and with RW a writable one.
 * 0, -EINVAL, -EBUSY.
 */
static __always_inline int l1_get(pte_t e, const struct l1_ctx *c)
{
    mfn_t m = pte_mfn(e);
    struct frame *f;
    int rc;

    if (unlikely(m.m >= max_mfn))
        return l1_get_device(m, c->owner, c->fg, c->grant);
    f = frame_of(m);
    if (unlikely(!ref_get(f, c->fg_id)))
        return l1_get_special(f, e, c->owner, c->fg, c->grant);
    if (unlikely(c->foreign && !l1_foreign_ok(f))) {
        ref_put(f);
        return -EINVAL;
    }
    if (e & PTE_RW) {
        rc = writable_get(f, c->fg, c->foreign);
        if (unlikely(rc)) {
            ref_put(f);
            return rc;
        }
    }
    return 0;
}

/* Drops what l1_get took. owner: of the table. */
static __always_inline void l1_put(pte_t e, struct domain *owner)
{
    mfn_t m = pte_mfn(e);
    struct frame *f;

    if (unlikely(!mfn_valid(m)))
        return; /* device memory */
    f = frame_of(m);
    if (e & PTE_RW)
        writable_put(f);
    else if (unlikely(type_load(f) >> PGT_SHIFT == PGT_SEGDESC >> PGT_SHIFT))
        l1_put_descriptor(f, owner);
    ref_put(f);
}

/*
 * What page faults end with, hundreds of times a program: an empty entry, at
 * machine address `at`, of an L1 of d gets a read-only mapping of RAM of d.
 * One reference, one write. False: it is not as simple as that (or refused);
 * nothing was done, pt_update_entry will tell. pt_lock of d held; `at` is a
 * multiple of 8.
 */
#define L1_FILL_LOOKS_AT (PTE_P | PTE_RW | PTE_US | L1_SPECIAL)
static __always_inline bool pt_fill_own_l1(uint64_t at, pte_t val,
                                           const struct domain *d)
{
    mfn_t table = paddr_to_mfn(at), m = pte_mfn(val);
    pte_t *slot = map_paddr(at);
    struct frame *f = frame_of(table);
    uint64_t type;

    if (unlikely(table.m >= max_mfn || m.m >= max_mfn))
        return false;
    type = type_load(f);
    if (unlikely(!type_is_valid(type, PGT_L1) ||
                 frame_owner_id(f) != domain_id_of(d)))
        return false;
    part_note(f, type, PAGE_OFFSET(at) / sizeof(pte_t));
    if ((val & L1_FILL_LOOKS_AT) != (PTE_P | PTE_US) || READ_ONCE(*slot) ||
        !ref_try_get(frame_of(m), domain_id_of(d)))
        return false;
    (void)__atomic_exchange_n(slot, val, __ATOMIC_SEQ_CST);
    return true;
}

/* ---- Tables (page_validate.c) ---- */

/*
 * Takes both references on the table that a present level-n entry names
 * (level 2..4, of a table of d). As page_get_and_type.
 */
int child_get(pte_t e, unsigned level, struct domain *d);

/*
 * The linear entry: a present entry of an L4 that names the L4 itself. It holds
 * no references, as it means something only while its table is valid; and it
 * is read-only, so all that can be seen through it is. See page_type.h.
 */
static __always_inline bool linear_entry(const struct frame *table,
                                         unsigned level, pte_t e)
{
    return level == 4 && mfn_eq(pte_mfn(e), frame_mfn(table));
}
/* Whether d may have it so: 0 or -EINVAL. */
int linear_check(pte_t e, const struct domain *d);
/*
 * Validation and invalidation of a frame with type count 1 that is neither
 * VALIDATED nor PARTIAL. from: entries below hold references. parked: the
 * frame was PARTIAL and still has that state's own reference. They end in a
 * proper state of the frame whatever they return. page_invalidate, not parked:
 * the word still says which parts were in use.
 */
int page_validate(struct frame *f, uint64_t type, unsigned from, bool parked,
                  struct domain *d);
int page_invalidate(struct frame *f, uint64_t type, unsigned from, bool parked,
                    uint64_t failed, struct domain *d);
/* Checks and repairs all entries of a descriptor page. */
bool descriptor_page_check(mfn_t m);

#endif
