/*
 * Page types: the state machine on the type word.
 *
 * The threat: a guest writes a page table or a descriptor table behind the
 * hypervisor's back, and with it maps any memory of the machine. Three ways
 * lead there: a writable mapping that is left when the frame becomes a table;
 * a TLB entry that outlives such a mapping; a frame whose counts are wrong
 * after an error or an interrupted operation.
 *
 * The answer to the first is the word itself: type and count change together
 * in one compare-and-swap, and the type changes only at count 0.
 *
 * To the second: the word of an idle frame holds the TLB clock at which its
 * count fell to 0. Before a new type is entered, the CPUs that have not
 * flushed since are flushed, then the word is exchanged, provided it is still
 * the same word. The stamp makes that safe without a lock: had somebody used
 * the frame in the meantime and dropped it again, the word would carry a later
 * stamp, since every flush (a CPU's joining a domain is one too) advances the
 * clock. So a frame is never seen with its new type before it is safe.
 *
 * Every put of a writable use leaves the clock in the word, not only the last:
 * between the last user's look at the clock and its exchange, another CPU may
 * take a use, flush, map, unmap and drop the use. The count is then the same
 * again; without the stamp the word would be too, and it would go idle with a
 * clock that is older than what that CPU's TLB holds.
 *
 * Which CPUs: those that may hold translations of the frame's owner; but a
 * privileged domain maps foreign frames, and grants are mapped by others, so
 * stale translations may also sit where the owner never ran. The FOREIGN bit
 * remembers that such a mapping was made since the last change of type; then
 * all CPUs are asked. Tables and descriptor pages are walked by CPUs that run
 * the owner only.
 *
 * To the third: page_validate.c.
 */
#include "mm/page_type.h"

#include "arch/x86/tlb.h"
#include "mm/page_engine.h"

#define ALL_CPUS (~(cpumask_t)0)

uint64_t type_idle_word(uint64_t x)
{
    uint64_t stamp = (uint64_t)tlb_clock() << PGT_AUX_SHIFT;

    return (x & (PGT_MASK | PGT_FOREIGN)) | (stamp & PGT_AUX_MASK);
}

/* No CPU may go on using the frame as what the idle word x says it was. */
static void flush_old_use(uint64_t x, const struct domain *owner)
{
    uint32_t stamp = (uint32_t)((x & PGT_AUX_MASK) >> PGT_AUX_SHIFT);
    cpumask_t cpus = ALL_CPUS;

    if ((x & PGT_MASK) == PGT_NONE)
        return; /* fresh from the allocator */
    if (owner && !(x & PGT_FOREIGN))
        cpus = domain_dirty_cpus(owner);
    cpus = tlb_filter(cpus, stamp);
    if (!cpus)
        return;
    /* Until the stamp is past: the clock may stand still while it wraps. */
    do {
        tlb_flush_cpus(cpus);
    } while (unlikely(tlb_clock() == stamp));
}

/* The word with which an idle frame starts a use, safe to be entered. */
static uint64_t type_first_word(uint64_t x, uint64_t type,
                                const struct domain *owner)
{
    if ((x & PGT_MASK) == type)
        return type | (x & PGT_FOREIGN) | 1;
    flush_old_use(x, owner);
    return type | 1;
}

/* The type is PARTIAL, with pt_lock held nobody else is at it. */
static int resume(struct frame *f, uint64_t x, struct domain *owner)
{
    uint64_t type = x & PGT_MASK;
    unsigned from = (unsigned)((x & PGT_AUX_MASK) >> PGT_AUX_SHIFT);
    int rc;

    type_store(f, type | 1);
    if (!(x & PGT_FAILED))
        return page_validate(f, type, from, true, owner);
    rc = page_invalidate(f, type, from, true, PGT_FAILED, owner);
    return rc ? rc : -EINVAL;
}

/* One more on a count that is not 0: the new word, or 0 if it can't be. */
static __always_inline uint64_t type_next_word(uint64_t x, uint64_t type)
{
    if ((x & PGT_MASK) != type || (x & PGT_COUNT_MASK) >= PGT_COUNT_MAX)
        return 0;
    if (type_validates(type) && !(x & PGT_VALIDATED))
        return 0; /* being validated: only reached by a loop of tables */
    return x + 1;
}

int type_get(struct frame *f, uint64_t type, struct domain *owner,
             uint64_t extra)
{
    uint64_t x = type_load(f), next;

    do {
        if (!(x & PGT_COUNT_MASK)) {
            if (frame_is_lent(f))
                return -EBUSY; /* not lent for this use */
            next = type_first_word(x, type, owner);
        } else if (unlikely((x & PGT_PARTIAL) && (x & PGT_MASK) == type)) {
            return resume(f, x, owner);
        } else {
            next = type_next_word(x, type);
            if (unlikely(!next))
                return -EBUSY;
        }
    } while (unlikely(!atomic_cas(&f->type, &x, next | extra)));

    if (!(x & PGT_COUNT_MASK) && type_validates(type))
        return page_validate(f, type, 0, false, owner);
    return 0;
}

int page_get_type(struct frame *f, uint64_t type, struct domain *owner)
{
    if (type == PGT_NONE || (type & ~PGT_MASK))
        return -EINVAL;
    return type_get(f, type, owner, 0);
}

void page_put_writable(struct frame *f)
{
    ASSERT(page_type(f) == PGT_WRITABLE);
    writable_put(f);
}

int page_put_type(struct frame *f, struct domain *owner)
{
    uint64_t x = type_load(f);

    if (!type_validates(x)) {
        writable_put(f);
        return 0;
    }
    ASSERT(!(x & PGT_PARTIAL));
    if (likely((x & PGT_COUNT_MASK) > 1)) {
        type_store(f, x - 1);
        return 0;
    }
    BUG_ON(!(x & PGT_COUNT_MASK) || (x & PGT_PINNED));
    type_store(f, x & ~PGT_VALIDATED);
    return page_invalidate(f, x & PGT_MASK, PTES_PER_TABLE, false, 0, owner);
}

int page_finish_put(struct frame *f, struct domain *owner)
{
    uint64_t x = type_load(f);

    if (!(x & PGT_PARTIAL) || frame_owner_id(f) != domain_id_of(owner))
        return 0;
    type_store(f, (x & PGT_MASK) | 1);
    return page_invalidate(f, x & PGT_MASK,
                           (unsigned)((x & PGT_AUX_MASK) >> PGT_AUX_SHIFT),
                           true, x & PGT_FAILED, owner);
}

int page_get_and_type(struct frame *f, uint64_t type, struct domain *owner)
{
    uint64_t x;
    int rc;

    if (!ref_get(f, domain_id_of(owner)))
        return -EINVAL;
    x = type_load(f);
    /* In use as such already: with pt_lock held nobody else writes the word. */
    if (type_validates(type) &&
        type_is_valid(x, type) &&
        likely((x & PGT_COUNT_MASK) < PGT_COUNT_MAX)) {
        type_store(f, x + 1);
        return 0;
    }
    rc = page_get_type(f, type, owner);
    if (rc)
        ref_put(f);
    return rc;
}

int page_put_and_type(struct frame *f, struct domain *owner)
{
    int rc = page_put_type(f, owner);

    ref_put(f);
    return rc;
}

int page_pin(mfn_t m, unsigned level, struct domain *owner)
{
    struct frame *f;
    uint64_t x;
    int rc;

    if (level - 1 > 3 || !mfn_valid(m))
        return -EINVAL;
    f = frame_of(m);
    rc = page_get_and_type(f, PGT_LEVEL(level), owner);
    if (rc)
        return rc;
    x = type_load(f);
    if (x & PGT_PINNED) {
        (void)page_put_and_type(f, owner); /* not the last: the pin's is left */
        return -EINVAL;
    }
    type_store(f, x | PGT_PINNED);
    return 0;
}

int page_unpin(mfn_t m, struct domain *owner)
{
    struct frame *f;
    uint64_t x;
    int rc = -EINVAL;

    if (!mfn_valid(m))
        return -EINVAL;
    f = frame_of(m);
    if (!frame_get(f, domain_id_of(owner)))
        return -EINVAL;
    x = type_load(f);
    if (x & PGT_PINNED) {
        type_store(f, x & ~PGT_PINNED);
        rc = page_put_and_type(f, owner);
    } else if (x & PGT_PARTIAL) {
        rc = page_finish_put(f, owner);
    }
    ref_put(f);
    return rc;
}
