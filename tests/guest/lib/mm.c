/*
 * Memory of a test kernel: its PFNs lie at VIRT_BASE, as far as the domain
 * builder has mapped them (4 MiB at least); what lies after the start-of-day
 * structures is free. Page tables are read where the builder put them: mapped
 * read-only like all other memory.
 */
#include "guest.h"

struct start_info *start_info;
struct shared_info *shared_info;

static char shared_info_page[PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned long next_pfn, end_pfn;

long mmu_update1(uint64_t ptr, uint64_t val)
{
    struct mmu_update u = {.ptr = ptr, .val = val};
    unsigned done = 0;
    long ret = hypercall4(__HYPERVISOR_mmu_update, &u, 1, &done, DOMID_SELF);

    if (ret == 0 && done != 1)
        failure("mmu_update of one gave 0 and done %u", done);
    return ret;
}

long mmuext1(unsigned cmd, unsigned long mfn)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = mfn};
    unsigned done = 0;

    return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF);
}

long update_va(unsigned long va, uint64_t pte, unsigned long flags)
{
    return hypercall3(__HYPERVISOR_update_va_mapping, va, pte, flags);
}

unsigned long pfn_to_mfn(unsigned long pfn)
{
    return ((unsigned long *)start_info->mfn_list)[pfn];
}

/* A page table's contents, by machine frame. */
const uint64_t *table_of(unsigned long mfn)
{
    return pfn_to_virt(machine_to_phys_mapping[mfn]);
}

unsigned long kernel_l4_mfn(void)
{
    return virt_to_mfn((void *)start_info->pt_base);
}

uint64_t entry_maddr(unsigned long l4_mfn, unsigned long va, unsigned level)
{
    unsigned long mfn = l4_mfn;
    unsigned l, index;
    uint64_t pte;

    for (l = 4;; l--) {
        index = va >> (12 + 9 * (l - 1)) & 511;
        if (l == level)
            return (mfn << 12) + index * 8;
        pte = table_of(mfn)[index];
        if (!(pte & PTE_P))
            return 0;
        mfn = (pte & PTE_ADDR) >> 12;
    }
}

uint64_t read_entry(uint64_t maddr)
{
    return table_of(maddr >> 12)[(maddr & 4095) / 8];
}

uint64_t l1_entry_maddr(const void *va)
{
    return entry_maddr(kernel_l4_mfn(), (unsigned long)va, 1);
}

uint64_t read_pte(const void *va)
{
    uint64_t maddr = l1_entry_maddr(va);

    return maddr ? read_entry(maddr) : 0;
}

long set_readonly(const void *va)
{
    return update_va((unsigned long)va, read_pte(va) & ~PTE_RW, UVMF_INVLPG);
}

long set_writable(const void *va)
{
    return update_va((unsigned long)va, read_pte(va) | PTE_RW, UVMF_INVLPG);
}

unsigned long alloc_pfn(void)
{
    unsigned long pfn = next_pfn++;

    if (pfn >= end_pfn)
        error("out of pages");
    if (!(read_pte(pfn_to_virt(pfn)) & PTE_RW))
        error("PFN %#lx is not mapped writable at start", pfn);
    memset(pfn_to_virt(pfn), 0, PAGE_SIZE);
    return pfn;
}

void *alloc_page(void)
{
    return pfn_to_virt(alloc_pfn());
}

void *alloc_table(void)
{
    void *page = alloc_page();
    long ret = set_readonly(page);

    if (ret)
        error("set_readonly(%p) gave %ld", page, ret);
    return page;
}

/* The last page that the builder's tables map from pfn on, without a gap. */
static unsigned long end_of_mapping(unsigned long pfn)
{
    while (pfn < start_info->nr_pages && (read_pte(pfn_to_virt(pfn)) & PTE_P))
        pfn++;
    return pfn;
}

void mm_init(void)
{
    unsigned long list_end, ret;
    unsigned long pt_end =
        start_info->pt_base + start_info->nr_pt_frames * PAGE_SIZE;

    /* The boot stack's page follows the tables; it is free, we have our own. */
    next_pfn = virt_to_pfn((void *)pt_end) + 1;
    list_end = start_info->mfn_list + start_info->nr_pages * 8 + PAGE_SIZE - 1;
    if (virt_to_pfn((void *)list_end) > next_pfn)
        next_pfn = virt_to_pfn((void *)list_end);
    end_pfn = end_of_mapping(next_pfn);

    shared_info = (struct shared_info *)(void *)shared_info_page;
    ret = (unsigned long)update_va(
        (unsigned long)shared_info,
        PTE(start_info->shared_info >> 12, PTE_P | PTE_RW | PTE_AD),
        UVMF_INVLPG);
    if (ret)
        error("shared_info cannot be mapped: %ld", (long)ret);
#ifdef LOW
    if (update_va(0, 0, UVMF_INVLPG)) /* no pointer is NULL */
        error("page 0 cannot be unmapped");
#endif
}
