/*
 * Where everything of a new PV guest goes, in pseudo-physical frames and virtual
 * addresses. Pure arithmetic on what the image says.
 *
 * The ABI (public header xen.h, "Start-of-day memory layout"): one virtual
 * region from virt_base that maps PFN 0.. one to one:
 *
 *   kernel | initrd | P2M list | start_info | rings | page tables | stack |
 *   padding
 *
 * padded to at least 512 KiB behind the stack and to a 4 MiB boundary. In a
 * guest too small for the padding the region ends with its memory. A kernel
 * that can (notes MOD_START_PFN, INIT_P2M) gets its initrd only as a range of
 * PFNs, and its P2M list mapped at the address it names; both then follow the
 * region in PFN space, the list's own page tables behind the list.
 */
#ifndef DOMAIN_LOADER_LAYOUT_H
#define DOMAIN_LOADER_LAYOUT_H

#include "domain/loader/notes.h"

struct pv_layout {
    uint64_t nr_pages;      /* of the whole domain */
    uint64_t virt_base;     /* virtual address of PFN 0 */
    uint64_t virt_end;      /* end of the mapped region */
    uint64_t initrd_pfn, initrd_pages;
    bool initrd_mapped;
    uint64_t p2m_pfn, p2m_pages;
    uint64_t p2m_virt;      /* where the list is mapped */
    bool p2m_separate;      /* outside the region */
    uint64_t p2m_pt_pfn, p2m_pt_pages; /* tables of a separate list */
    uint64_t start_info_pfn;
    uint64_t rings_pfn;        /* xenstore's, then the console's, if any */
    uint64_t pt_pfn, pt_pages; /* first is the L4 */
    uint64_t stack_pfn;
    uint64_t end_pfn;       /* one past the last PFN with something in it */
};

#define PV_LAYOUT_RINGS 2

/* Page tables below the L4 that cover [start, end). */
uint64_t page_tables_for(uint64_t start, uint64_t end);

/*
 * Fills l; rings: how many pages for rings, 0 (domain 0) or PV_LAYOUT_RINGS.
 * 0, or -ENOSPC: nr_pages is less than what is needed, which is then
 * in l->end_pfn. -EINVAL: the image's addresses leave no room for the region
 * (l->virt_end is then its base), or for a separate P2M list: outside the
 * region, canonical and not the hypervisor's.
 */
int pv_layout(struct pv_layout *l, const struct xen_image_parms *parms,
                uint64_t initrd_size, uint64_t nr_pages, unsigned rings);

#endif
