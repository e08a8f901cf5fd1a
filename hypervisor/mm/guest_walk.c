/* From a guest virtual address to the level-1 entry that maps it. */
#include "mm/guest_walk.h"

#include "arch/x86/usercopy.h"

static bool walk(uint64_t cr3, vaddr_t va, struct guest_l1 *out)
{
    mfn_t m = paddr_to_mfn(cr3);

    if (unlikely(!guest_start_ok(va)))
        return false;
#pragma GCC unroll 3
    for (unsigned level = 4; level > 1; level--) {
        const pte_t *t = map_frame(m);
        pte_t e = READ_ONCE(t[pt_index(va, level)]);

        unmap_frame(t);
        if (!(e & PTE_P) || (level == 4 && mfn_eq(pte_mfn(e), m)))
            return false;
        m = pte_mfn(e);
    }
    out->table = m;
    out->index = pt_index(va, 1);
    return true;
}

bool guest_walk_l1(const struct vcpu *v, vaddr_t va, struct guest_l1 *out)
{
    return walk(v->pv.in_kernel ? v->pv.cr3_kernel : v->pv.cr3_user, va, out);
}

bool guest_walk_kernel_l1(const struct vcpu *v, vaddr_t va,
                          struct guest_l1 *out)
{
    return walk(v->pv.cr3_kernel, va, out);
}
