/*
 * Segment descriptors and selectors of the hypervisor.
 *
 * Every CPU's GDT covers 15 pages of its descriptor window: 14 of the running
 * guest, then the CPU's own page (CPU_AREA_GDT), whose layout the ABI fixes as
 * far as guests use it (FLAT_RING3_* in the public header):
 *
 *   e008 code64, ring 0     e010 data, ring 0
 *   e020 code32, ring 3     e028 data, ring 3     e030 code64, ring 3
 *   e040 TSS (16 bytes)     e050 LDT (16 bytes)
 *
 * The window shows the page read-only; it is written through the CPU area.
 */
#ifndef ARCH_X86_DESC_H
#define ARCH_X86_DESC_H

#include "arch/x86/layout.h"

#define GDT_OWN_PAGE 14
#define GDT_OWN_FIRST 0xe000
#define GDT_LIMIT 0xefff

#define HYP_CS 0xe008
#define HYP_DS 0xe010
#define HYP_TSS_SEL 0xe040
#define HYP_LDT_SEL 0xe050

#ifndef __ASSEMBLY__
#include "lib/types.h"

/* Flat descriptors, "accessed" set: the CPU never has to write them. */
#define DESC_CODE64_R0 0x00af9b000000ffffUL
#define DESC_DATA_R0 0x00cf93000000ffffUL
#define DESC_CODE32_R3 0x00cffb000000ffffUL
#define DESC_DATA_R3 0x00cff3000000ffffUL
#define DESC_CODE64_R3 0x00affb000000ffffUL

enum desc_system { DESC_LDT = 2, DESC_TSS = 9 };

/* A 16-byte system descriptor: base and limit in bytes (limit inclusive). */
static inline void desc_make_system(uint64_t out[2], enum desc_system type,
                                    vaddr_t base, uint32_t limit)
{
    out[0] = (limit & 0xffff) | (base & 0xffffff) << 16 |
             (uint64_t)(0x80 | type) << 40 |
             (uint64_t)((limit >> 16) & 0xf) << 48 |
             ((base >> 24) & 0xff) << 56;
    out[1] = base >> 32;
}

/* The calling CPU's own GDT page, indexed by selector / 8 - 0xe000 / 8. */
static inline uint64_t *own_gdt(unsigned cpu)
{
    return (uint64_t *)(CPU_AREA(cpu) + CPU_AREA_GDT);
}

/*
 * Loads LDTR of the calling CPU with the LDT half of its descriptor window,
 * `entries` descriptors long; 0: a null LDT. Interrupts off, or the caller
 * stays on the CPU otherwise.
 */
void desc_load_ldt(unsigned entries);
/* Fills the own GDT page, loads GDT, data segments, TSS and LDT (null). */
void desc_init_cpu(unsigned cpu);
#endif

#endif
