/*
 * From a guest virtual address to the level-1 entry that maps it.
 *
 * The domain's pt_lock must be held from the walk to the last use: it keeps
 * the tables validated, so that every entry on the way names a table.
 */
#ifndef MM_GUEST_WALK_H
#define MM_GUEST_WALK_H

#include "arch/x86/map.h"
#include "arch/x86/pte.h"
#include "core/vcpu.h"

struct guest_l1 {
    mfn_t table;    /* frame of the L1 */
    unsigned index; /* entry in it */
};

/*
 * Walks the tables that v runs on. False: a level is not present, the address
 * is the hypervisor's, or it leads through a linear entry (page_type.h), to a
 * table that is no L1.
 */
bool guest_walk_l1(const struct vcpu *v, vaddr_t va, struct guest_l1 *out);
/* Walks the tables of v's kernel, also while its user mode runs. */
bool guest_walk_kernel_l1(const struct vcpu *v, vaddr_t va,
                          struct guest_l1 *out);

static inline pte_t guest_l1_read(const struct guest_l1 *w)
{
    const pte_t *t = map_frame(w->table);
    pte_t e = READ_ONCE(t[w->index]);

    unmap_frame(t);
    return e;
}

#endif
