/*
 * The virtual address map of the hypervisor (docs/memory-layout.md draws it).
 *
 * The ABI (public header arch-x86/xen-x86_64.h, HYPERVISOR_VIRT_START/END)
 * gives L4 slots 256-271 to the hypervisor in every address space. The L4
 * entries are the same in all of them, so a guest's L4 gets them by copying 16
 * entries once. Everything but the read-only M2P is supervisor-only.
 *
 *   256  ffff8000_00000000  machine-to-physical table, read-only for guests
 *   257  ffff8080_00000000  the hypervisor's own memory, see below
 *   262- ffff8300_00000000  window on all machine memory: map_frame() only
 *
 * Slot 257 in 64 GiB pieces (PML3 entries):
 *   +0      image (text, rodata, data, bss)
 *   +64 G   M2P, writable alias
 *   +128 G  frame table (24 bytes a frame)
 *   +192 G  CPUs: area and descriptor window, 2 MiB apart
 *   +256 G  device memory (ioremap)
 */
#ifndef ARCH_X86_LAYOUT_H
#define ARCH_X86_LAYOUT_H

#define HYP_L4_FIRST 256
#define HYP_L4_LAST 271 /* inclusive */
#define HYP_VIRT_START 0xffff800000000000
#define HYP_VIRT_END 0xffff880000000000

#define M2P_RO_START 0xffff800000000000
#define IMAGE_START 0xffff808000000000
#define M2P_RW_START 0xffff809000000000
#define FRAME_TABLE_START 0xffff80a000000000
#define CPU_AREA_START 0xffff80b000000000
#define IOREMAP_START 0xffff80c000000000
#define IOREMAP_END 0xffff80d000000000
#define DIRECT_MAP_START 0xffff830000000000
#define DIRECT_MAP_END HYP_VIRT_END

/* Where the image is loaded; its physical and virtual offsets agree. */
#define IMAGE_PHYS 0x200000

/*
 * A CPU's area and descriptor window have a level-1 table of their own: split
 * page tables (xpti.h) share it and so show nothing of other CPUs.
 */
#define CPU_STRIDE 0x200000

/*
 * CPU area: everything of one CPU that entry code reaches from %rsp by masking.
 *   page 0      SYSCALL entry stub (the same frame in every area, read+execute)
 *   page 1      the CPU's own GDT page (also page 14 of its descriptor window)
 *   pages 2-3   per-CPU variables (struct pcpu first)
 *   page 5 #DF, 7 NMI, 9 #MC, 11 #DB stack; 4, 6, 8, 10, 12 unmapped guards
 *   pages 13-15 the CPU's stack
 */
#define CPU_AREA_SIZE 0x10000
#define CPU_AREA_GDT 0x1000
#define CPU_AREA_PERCPU 0x2000
#define CPU_AREA_PERCPU_SIZE 0x2000
#define CPU_AREA_IST_DF_TOP 0x6000
#define CPU_AREA_IST_NMI_TOP 0x8000
#define CPU_AREA_IST_MC_TOP 0xa000
#define CPU_AREA_IST_DB_TOP 0xc000
#define CPU_AREA_STACK_BOTTOM 0xd000
#define CPU_AREA_STACK_TOP CPU_AREA_SIZE

/*
 * Descriptor window of a CPU: 16 pages GDT, then 16 pages LDT. The running
 * vCPU's descriptor frames are mapped there (read-only); GDT page 14 is the
 * CPU's own, with the ABI's flat segments and the TSS.
 */
#define DESC_WINDOW_OFFSET 0x20000 /* from the CPU area */
#define DESC_WINDOW_SIZE 0x20000
#define DESC_WINDOW_LDT 0x10000

#ifndef __ASSEMBLY__
#define CPU_AREA(cpu) (CPU_AREA_START + (unsigned long)(cpu)*CPU_STRIDE)
#define DESC_WINDOW(cpu) (CPU_AREA(cpu) + DESC_WINDOW_OFFSET)
#endif

#endif
