/*
 * The L1 entries of grant mappings.
 *
 * They are changed through the page-type engine like any other, under the
 * mapper's pt_lock, and the engine keeps their references. What differs is only
 * whose the frame may be: the granter's, as the caller holds the pin that makes
 * it right; or, for an entry that moves, whoever's it was (PT_UPDATE_GRANT).
 *
 * An entry is replaced only if it still is what was looked at. Under pt_lock
 * nobody but a CPU setting accessed and dirty bits can change it, so a few
 * turns are enough.
 */
#include "grant/table.h"

#include "lib/errno.h"
#include "mm/guest_walk.h"
#include "mm/page_type.h"

#define ENTRY_TRIES 4

/*
 * Whether the frame is an L1 table of the domain at all, the engine checks
 * before it changes anything; here it must only be safe to read.
 */
static inline bool locate(const struct vcpu *v, uint64_t addr, bool is_entry,
                          struct guest_l1 *w)
{
    if (likely(!is_entry))
        return guest_walk_l1(v, addr, w);
    w->table = paddr_to_mfn(addr);
    w->index = (unsigned)(PAGE_OFFSET(addr) / sizeof(pte_t));
    return !(addr % sizeof(pte_t)) && mfn_valid(w->table) &&
           frame_owner_id(frame_of(w->table)) == v->domain->domain_id;
}

static inline pte_t entry_value(mfn_t m, unsigned flags)
{
    pte_t e = pte_make(m, PTE_P | PTE_A | PTE_D);

    if (!(flags & GNTMAP_readonly))
        e |= PTE_RW;
    if (flags & GNTMAP_application_map)
        e |= PTE_US;
    return e | ((flags >> _GNTMAP_guest_avail0) * PTE_AVAIL0 &
                (PTE_AVAIL0 | PTE_AVAIL1 | PTE_AVAIL2));
}

/*
 * pt_lock held. made not 0: only if the entry is such a mapping of the frame,
 * with the same right to write. fg, flags: see pt_update_l1_if. 0 or -errno.
 */
static inline int replace(struct domain *d, const struct guest_l1 *w,
                          pte_t made, pte_t val, struct domain *fg,
                          unsigned flags)
{
    int rc = -EAGAIN;

    for (unsigned i = 0; rc == -EAGAIN && i < ENTRY_TRIES; i++) {
        pte_t old = guest_l1_read(w);
        if (made && ((old ^ made) & (PTE_ADDR | PTE_P | PTE_RW)))
            return -EINVAL;
        rc = pt_update_l1_if(w->table, w->index, old, val, d, fg, flags);
    }
    return rc;
}

int grant_host_map(struct vcpu *v, uint64_t host_addr, unsigned flags,
                   struct domain *granter, mfn_t m)
{
    struct domain *d = v->domain;
    struct guest_l1 w;
    int rc = -EINVAL;

    spin_lock(&d->pt_lock);
    if (likely(locate(v, host_addr, flags & GNTMAP_contains_pte, &w)))
        rc = replace(d, &w, 0, entry_value(m, flags), granter, 0);
    spin_unlock(&d->pt_lock);
    return likely(!rc) ? GNTST_okay : GNTST_general_error;
}

/*
 * The entry at new_addr moves to w. Its frame may be anybody's: it is mapped
 * there already, with the same rights, and stays so until it is cleared here.
 */
static int move_entry(struct vcpu *v, const struct guest_l1 *w, pte_t made,
                      uint64_t new_addr)
{
    struct domain *d = v->domain;
    struct guest_l1 from;
    int rc;

    if (!locate(v, new_addr, false, &from))
        return -EINVAL;
    rc = replace(d, w, made, guest_l1_read(&from), d, PT_UPDATE_GRANT);
    return rc ? rc : replace(d, &from, 0, 0, d, 0);
}

int grant_host_unmap(struct vcpu *v, uint64_t host_addr, unsigned flags,
                     mfn_t m, uint64_t new_addr)
{
    bool is_entry = flags & GNTMAP_contains_pte;
    pte_t made = entry_value(m, flags);
    struct domain *d = v->domain;
    struct guest_l1 w;
    int rc = -EINVAL;

    if (unlikely(is_entry && new_addr))
        return GNTST_general_error;
    spin_lock(&d->pt_lock);
    if (likely(locate(v, host_addr, is_entry, &w)))
        rc = likely(!new_addr) ? replace(d, &w, made, 0, d, 0)
                               : move_entry(v, &w, made, new_addr);
    spin_unlock(&d->pt_lock);
    return likely(!rc) ? GNTST_okay : GNTST_general_error;
}
