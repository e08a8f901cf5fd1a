/*
 * Guest segment descriptors.
 *
 * The threat is a descriptor that leads to ring 0: a call gate to hypervisor
 * code, or a segment that hypervisor code would trust. All system descriptors
 * are refused, except type 0, which no instruction accepts. Code and data
 * segments need no check of base and limit: the hypervisor's memory is
 * protected by its pages being supervisor pages. They are repaired instead:
 *
 *   DPL       3, since guest kernels run in ring 3 too
 *   accessed  set, since the CPU sees these tables read-only and could not
 *             set it when it loads the segment
 *
 * A descriptor that is not present faults in the guest when it is used.
 */
#include "mm/page_engine.h"

#include "arch/x86/map.h"

#define DESC_TYPE_SHIFT 40
#define DESC_ACCESSED   (1UL << 40)
#define DESC_CODE       (1UL << 43)
#define DESC_S          (1UL << 44) /* code or data, not system */
#define DESC_DPL        (3UL << 45)
#define DESC_P          (1UL << 47)
#define DESC_L          (1UL << 53) /* 64-bit code */

bool descriptor_check(uint64_t *desc, bool compat)
{
    uint64_t d = *desc;

    if (!(d & DESC_P))
        return true;
    if (!(d & DESC_S))
        return !((d >> DESC_TYPE_SHIFT) & 15);
    /* A 32-bit guest stays 32-bit. */
    if (compat && (d & DESC_CODE) && (d & DESC_L))
        return false;
    *desc = d | DESC_DPL | DESC_ACCESSED;
    return true;
}

bool descriptor_page_check(mfn_t m)
{
    uint64_t *page = map_frame(m);
    bool good = true;

    for (unsigned i = 0; i < PAGE_SIZE / 8 && good; i++) {
        uint64_t old = READ_ONCE(page[i]), repaired = old;

        good = descriptor_check(&repaired, false);
        if (good && repaired != old)
            WRITE_ONCE(page[i], repaired);
    }
    unmap_frame(page);
    return good;
}
