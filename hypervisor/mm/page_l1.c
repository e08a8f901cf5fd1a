/*
 * Level-1 entries, the rare cases: device memory, grants, frames of reserved
 * domains, descriptor pages. The common case is l1_get in page_engine.h.
 */
#include "mm/page_engine.h"

bool l1_special_ok(pte_t e, const struct domain *owner)
{
    if (e & PTE_G)
        return false;
    return !(e & L1_CACHE_BITS) || domain_has_hardware(owner);
}

/*
 * Frames of a foreign domain must be RAM. Those of DOMID_XEN are what the
 * hypervisor shows (the machine-to-physical table); a type reference that
 * never goes keeps them from being writable.
 */
bool l1_foreign_ok(const struct frame *f)
{
    return mfn_valid(frame_mfn(f));
}

/* Device memory has no references; the right to map it is the table owner's. */
int l1_get_device(mfn_t m, struct domain *owner, struct domain *fg, bool grant)
{
    if (grant)
        return 0;
    if (fg && fg != owner)
        return -EINVAL;
    return domain_may_map_io(owner, m) ? 0 : -EINVAL;
}

/* f is not fg's, not in use, at its maximum of references, or not RAM. */
int l1_get_special(struct frame *f, pte_t e, struct domain *owner,
                   struct domain *fg, bool grant)
{
    uint64_t foreign;
    uint16_t id;
    int rc;

    if (!mfn_valid(frame_mfn(f)))
        return l1_get_device(frame_mfn(f), owner, fg, grant);
    if (!grant)
        return -EINVAL;
    /* The grant table holds a reference: the owner can't change. */
    id = frame_owner_id(f);
    if (!ref_get(f, id))
        return -EINVAL;
    if (!(e & PTE_RW))
        return 0;
    foreign = id == domain_id_of(owner) ? 0 : PGT_FOREIGN;
    rc = writable_get(f, foreign ? NULL : owner, foreign);
    if (rc)
        ref_put(f);
    return rc;
}

/*
 * A guest that unmaps a page of its LDT wants to put it to another use: let
 * the descriptor type go with the mapping.
 */
void l1_put_descriptor(struct frame *f, struct domain *owner)
{
    if (page_type_count(f) && frame_owner_id(f) == domain_id_of(owner))
        descriptor_page_released(owner, frame_mfn(f));
}
