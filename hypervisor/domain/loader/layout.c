/* Where everything of a new PV guest goes. */
#include "domain/loader/layout.h"

#include "arch/x86/layout.h"
#include "lib/errno.h"
#include <xen/elfnote.h>

#define PADDING (512 * KiB)
#define REGION_ALIGN (4 * MiB)

static uint64_t pages_of(uint64_t bytes)
{
    return DIV_ROUND_UP(bytes, PAGE_SIZE);
}

/* Are these bytes wholly in the guest's part of the address space? */
static bool guest_bytes(uint64_t start, uint64_t size)
{
    uint64_t last = start + size - 1;

    return last >= start && (last < 1UL << 47 || start >= HYP_VIRT_END);
}

/* Entries of the given shift that [start, end) touches. */
static uint64_t spans(uint64_t start, uint64_t end, unsigned shift)
{
    return ((end - 1) >> shift) - (start >> shift) + 1;
}

uint64_t page_tables_for(uint64_t start, uint64_t end)
{
    return spans(start, end, 21) + spans(start, end, 30) +
           spans(start, end, 39);
}

/*
 * The region grows with its own page tables: repeat until they fit. The count
 * never shrinks, and one more 4 MiB needs two more tables, so it settles.
 */
static int place_tables(struct pv_layout *l, uint64_t first_pfn)
{
    uint64_t tables = 1, end;

    for (;;) {
        l->pt_pfn = first_pfn;
        l->pt_pages = tables;
        l->stack_pfn = first_pfn + tables;
        end = l->virt_base + (l->stack_pfn + 1) * PAGE_SIZE + PADDING;
        end = ROUND_UP(end, REGION_ALIGN);
        if (!guest_bytes(l->virt_base, end - l->virt_base))
            return -EINVAL;
        tables = 1 + page_tables_for(l->virt_base, end);
        if (tables <= l->pt_pages)
            break;
    }
    l->virt_end = end;
    return 0;
}

/* The list at an address of its own, behind everything else in PFN space. */
static int place_p2m(struct pv_layout *l, uint64_t virt, uint64_t pfn)
{
    uint64_t size = max(l->p2m_pages, (uint64_t)1) * PAGE_SIZE;

    if (!guest_bytes(virt, size) ||
        (virt - 1 < l->virt_end - 1 && virt + size - 1 >= l->virt_base))
        return -EINVAL;
    l->p2m_virt = virt;
    l->p2m_pfn = pfn;
    l->p2m_pt_pfn = pfn + l->p2m_pages;
    l->p2m_pt_pages = page_tables_for(virt, virt + size);
    return 0;
}

int pv_layout(struct pv_layout *l, const struct xen_image_parms *parms,
                uint64_t initrd_size, uint64_t nr_pages, unsigned rings)
{
    uint64_t pfn = pages_of(parms->kend);
    int rc;

    *l = (struct pv_layout){.nr_pages = nr_pages,
                              .virt_base = parms->virt_base,
                              .virt_end = parms->virt_base};
    l->initrd_pages = pages_of(initrd_size);
    l->initrd_mapped = initrd_size && !parms->unmapped_initrd;
    l->p2m_pages = pages_of(nr_pages * 8);
    l->p2m_separate = parms_have(parms, XEN_ELFNOTE_INIT_P2M);

    if (l->initrd_mapped) {
        l->initrd_pfn = pfn;
        pfn += l->initrd_pages;
    }
    if (!l->p2m_separate) {
        l->p2m_pfn = pfn;
        l->p2m_virt = l->virt_base + pfn * PAGE_SIZE;
        pfn += l->p2m_pages;
    }
    l->start_info_pfn = pfn++;
    l->rings_pfn = pfn;
    pfn += rings;
    rc = place_tables(l, pfn);
    if (rc)
        return rc;
    pfn = (l->virt_end - l->virt_base) >> PAGE_SHIFT;
    if (pfn > nr_pages && l->initrd_mapped == !!initrd_size &&
        !l->p2m_separate) {
        pfn = max(nr_pages, l->stack_pfn + 1);
        l->virt_end = l->virt_base + pfn * PAGE_SIZE;
    }
    if (initrd_size && !l->initrd_mapped) {
        l->initrd_pfn = pfn;
        pfn += l->initrd_pages;
    }
    if (l->p2m_separate) {
        rc = place_p2m(l, parms->init_p2m, pfn);
        if (rc)
            return rc;
        pfn = l->p2m_pt_pfn + l->p2m_pt_pages;
    }
    l->end_pfn = pfn;
    return pfn <= nr_pages ? 0 : -ENOSPC;
}
