/* Domain 0's first page tables. */
#include "domain/dom0/tables.h"

#include "arch/x86/map.h"
#include "arch/x86/pte.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/page_type.h"

#define TABLE_FLAGS (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define PAGE_FLAGS (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

/* Table frames are taken in PFN order from one of the two ranges. */
struct table_pool {
    const uint64_t *p2m;
    uint64_t next_pfn, end_pfn;
};

static mfn_t __init new_table(struct table_pool *pool)
{
    mfn_t m;

    BUG_ON(pool->next_pfn >= pool->end_pfn);
    m = mfn(pool->p2m[pool->next_pfn++]);
    clear_frame(m);
    return m;
}

static void __init map_page(mfn_t l4, vaddr_t va, pte_t leaf,
                            struct table_pool *pool)
{
    mfn_t m = l4;

    for (unsigned level = 4; level > 1; level--) {
        pte_t *e = (pte_t *)map_frame(m) + pt_index(va, level);
        if (!(*e & PTE_P))
            *e = pte_make(new_table(pool), TABLE_FLAGS);
        m = pte_mfn(*e);
        unmap_frame(e);
    }
    pte_t *l1 = map_frame(m);
    l1[pt_index(va, 1)] = leaf;
    unmap_frame(l1);
}

static bool __init is_table(const struct pv_layout *l, uint64_t pfn)
{
    return pfn - l->pt_pfn < l->pt_pages;
}

void __init dom0_make_tables(const struct pv_layout *l, const uint64_t *p2m)
{
    struct table_pool pool = {p2m, l->pt_pfn, l->pt_pfn + l->pt_pages};
    mfn_t l4 = new_table(&pool);
    uint64_t region = (l->virt_end - l->virt_base) >> PAGE_SHIFT;

    for (uint64_t pfn = 0; pfn < region; pfn++)
        map_page(l4, l->virt_base + pfn * PAGE_SIZE,
                 pte_make(mfn(p2m[pfn]),
                          is_table(l, pfn) ? PAGE_FLAGS & ~PTE_RW : PAGE_FLAGS),
                 &pool);
    /* Tables that turn out not to be needed are zeroed memory. */
    while (pool.next_pfn < pool.end_pfn)
        new_table(&pool);
    if (!l->p2m_separate)
        return;
    pool.next_pfn = l->p2m_pt_pfn;
    pool.end_pfn = l->p2m_pt_pfn + l->p2m_pt_pages;
    for (uint64_t i = 0; i < l->p2m_pages; i++)
        map_page(l4, l->p2m_virt + i * PAGE_SIZE,
                 pte_make(mfn(p2m[l->p2m_pfn + i]), PAGE_FLAGS), &pool);
}

void __init dom0_load_tables(struct vcpu *v, const struct pv_layout *l,
                             const uint64_t *p2m)
{
    struct domain *d = v->domain;
    mfn_t l4 = mfn(p2m[l->pt_pfn]);
    int rc;

    spin_lock(&d->pt_lock);
    /* Pinned too: kernels unpin the table that they were started with. */
    do {
        rc = page_pin(l4, 4, d);
    } while (rc == -ERESTART_PREEMPT);
    if (!rc)
        rc = page_get_and_type(frame_of(l4), PGT_L4, d);
    spin_unlock(&d->pt_lock);
    if (rc)
        panic("domain 0's own page tables are refused (%d)", rc);
    v->pv.cr3_kernel = mfn_to_paddr(l4);
}
