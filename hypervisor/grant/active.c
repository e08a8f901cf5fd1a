/*
 * The guest's shared entry is the one place where guest and hypervisor both
 * write, without a lock between them.
 *
 * What can go wrong. We read flags that permit access, and before we have
 * marked the entry as used the guest withdraws it and puts the page to another
 * use: then a page would be lent that is not for lending. Therefore the check
 * and the mark are one step: flags and domain, which share a 32-bit word, are
 * compared and exchanged together. If that fails somebody has written the word
 * in between, and all checks begin again. Only the guest itself can make that
 * happen, so a guest that does it for ever is given up after PIN_TRIES turns:
 * nobody else's time is its to waste.
 *
 * The frame number is read once, after the mark. An honest guest wrote it
 * before the flags and leaves it while the mark is there; what a dishonest one
 * has written is as good as any other number, as the caller checks that the
 * frame is the guest's.
 *
 * Marks are taken away by a locked AND. It can only clear, so whatever the
 * guest has made of the word, nothing is permitted that was not before.
 */
#include "grant/active.h"

/* Flags in the low half, domain in the high half, as they lie in memory. */
static inline uint32_t *entry_word(const grant_entry_v1_t *shared)
{
    return (uint32_t *)(uintptr_t)&shared->flags;
}

static inline uint32_t word_load(const grant_entry_v1_t *shared)
{
    return __atomic_load_n(entry_word(shared), __ATOMIC_ACQUIRE);
}

static inline bool word_cas(grant_entry_v1_t *shared, uint32_t *old,
                            uint32_t new)
{
    return __atomic_compare_exchange_n(entry_word(shared), old, new, false,
                                       __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE);
}

/* Permits access, to `who`, and to write unless readonly. */
static inline bool permits(uint32_t word, domid_t who, bool readonly)
{
    uint32_t looked_at =
        0xffff0000 | GTF_type_mask | (readonly ? 0 : GTF_readonly);

    return (word & looked_at) == ((uint32_t)who << 16 | GTF_permit_access);
}

static inline int mark_used(grant_entry_v1_t *shared, domid_t who, bool readonly)
{
    uint32_t marks = GTF_reading | (readonly ? 0 : GTF_writing);
    uint32_t word = word_load(shared);

    for (unsigned i = 0; i < PIN_TRIES; i++) {
        if (unlikely(!permits(word, who, readonly)))
            break;
        if (likely(word_cas(shared, &word, word | marks)))
            return GNTST_okay;
    }
    return GNTST_general_error;
}

/* Pinned already: domain and frame are fixed. */
static __noinline int pin_again(struct active_entry *a,
                                grant_entry_v1_t *shared, domid_t who,
                                bool readonly)
{
    uint32_t *pins = readonly ? &a->readers : &a->writers;
    int rc;

    if (unlikely(a->domid != who))
        return GNTST_general_error;
    if (unlikely(*pins >= PIN_MAX))
        return GNTST_no_space;
    if (!readonly && !a->writers) {
        rc = mark_used(shared, who, readonly);
        if (unlikely(rc))
            return rc;
    }
    (*pins)++;
    return GNTST_okay;
}

int active_pin(struct active_entry *a, grant_entry_v1_t *shared, domid_t who,
               bool readonly)
{
    int rc;

    if (active_in_use(a))
        return pin_again(a, shared, who, readonly);
    rc = mark_used(shared, who, readonly);
    if (unlikely(rc))
        return rc;
    a->domid = who;
    a->frame = __atomic_load_n(&shared->frame, __ATOMIC_RELAXED);
    a->readers = readonly;
    a->writers = !readonly;
    return GNTST_okay;
}

void active_unpin(struct active_entry *a, grant_entry_v1_t *shared,
                  bool readonly)
{
    uint32_t *pins = readonly ? &a->readers : &a->writers;
    uint32_t gone = 0;

    BUG_ON(!*pins);
    (*pins)--;
    if (!readonly && !a->writers)
        gone = GTF_writing;
    if (!active_in_use(a))
        gone |= GTF_reading;
    if (gone)
        __atomic_fetch_and(entry_word(shared), ~gone, __ATOMIC_SEQ_CST);
}

int active_swap(const struct active_entry *a, grant_entry_v1_t *shared_a,
                const struct active_entry *b, grant_entry_v1_t *shared_b)
{
    uint64_t *pa = (uint64_t *)(void *)shared_a, x;
    uint64_t *pb = (uint64_t *)(void *)shared_b;

    _Static_assert(sizeof(*shared_a) == sizeof(*pa), "one word an entry");
    if (active_in_use(a) || active_in_use(b))
        return GNTST_eagain;
    if (pa == pb)
        return GNTST_okay;
    x = __atomic_load_n(pa, __ATOMIC_RELAXED);
    x = __atomic_exchange_n(pb, x, __ATOMIC_SEQ_CST);
    __atomic_store_n(pa, x, __ATOMIC_RELEASE);
    return GNTST_okay;
}

static inline bool word_accepts(uint32_t word, domid_t from)
{
    return word == ((uint32_t)from << 16 | GTF_accept_transfer);
}

bool active_accepts_transfer(const grant_entry_v1_t *shared, domid_t from)
{
    return word_accepts(word_load(shared), from);
}

bool active_commit_transfer(grant_entry_v1_t *shared, domid_t from)
{
    uint32_t word = word_load(shared);

    for (unsigned i = 0; i < PIN_TRIES; i++) {
        if (!word_accepts(word, from))
            break;
        if (word_cas(shared, &word, word | GTF_transfer_committed))
            return true;
    }
    return false;
}

uint32_t active_complete_transfer(grant_entry_v1_t *shared, uint32_t frame)
{
    uint32_t pfn = __atomic_exchange_n(&shared->frame, frame, __ATOMIC_SEQ_CST);

    __atomic_fetch_or(entry_word(shared), GTF_transfer_completed,
                      __ATOMIC_SEQ_CST);
    return pfn;
}
