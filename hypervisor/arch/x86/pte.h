/* Page-table entries and indices (Intel SDM vol. 3, 4.5). */
#ifndef ARCH_X86_PTE_H
#define ARCH_X86_PTE_H

#include "lib/types.h"

typedef uint64_t pte_t; /* an entry of any level */

#define PTE_P 0x001UL
#define PTE_RW 0x002UL
#define PTE_US 0x004UL
#define PTE_PWT 0x008UL
#define PTE_PCD 0x010UL
#define PTE_A 0x020UL
#define PTE_D 0x040UL
#define PTE_PAT 0x080UL /* L1; in L2/L3 this bit is PTE_PSE */
#define PTE_PSE 0x080UL
#define PTE_G 0x100UL
#define PTE_AVAIL0 0x200UL
#define PTE_AVAIL1 0x400UL
#define PTE_AVAIL2 0x800UL
/* Bit 52: "the guest left _PAGE_USER clear"; all its pages are user to us. */
#define PTE_GUEST_KERNEL (1UL << 52)
#define PTE_NX (1UL << 63)
#define PTE_ADDR 0x000ffffffffff000UL

#define PTES_PER_TABLE 512
#define L1_SHIFT 12
#define L2_SHIFT 21
#define L3_SHIFT 30
#define L4_SHIFT 39
/* Index in the level-n table (n = 1..4) of a virtual address. */
static inline unsigned pt_index(vaddr_t va, unsigned level)
{
    return (unsigned)(va >> (L1_SHIFT + 9 * (level - 1))) & 511;
}
static inline mfn_t pte_mfn(pte_t e)
{
    return mfn((e & PTE_ADDR) >> PAGE_SHIFT);
}
static inline uint64_t pte_flags(pte_t e)
{
    return e & ~PTE_ADDR;
}
static inline pte_t pte_make(mfn_t m, uint64_t flags)
{
    return (m.m << PAGE_SHIFT) | flags;
}

/* Kinds of mapping of the hypervisor's own memory (global, supervisor). */
#define PAGE_HYP_RW (PTE_P | PTE_RW | PTE_A | PTE_D | PTE_G | PTE_NX)
#define PAGE_HYP_RO (PTE_P | PTE_A | PTE_G | PTE_NX)
#define PAGE_HYP_RX (PTE_P | PTE_A | PTE_G)
#define PAGE_HYP_UC (PAGE_HYP_RW | PTE_PCD | PTE_PWT)

/* Copies the 16 entries of the hypervisor into a new L4 (paging.c). */
void l4_install_hypervisor(pte_t *l4);

static inline bool is_canonical(vaddr_t va)
{
    return (vaddr_t)((int64_t)(va << 16) >> 16) == va;
}

#endif
