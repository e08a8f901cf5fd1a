/*
 * What the boot loader and the firmware told: memory map, modules, command
 * line; and the phases of start-up that belong to the machine.
 */
#ifndef ARCH_X86_BOOT_H
#define ARCH_X86_BOOT_H

#include "lib/types.h"

#define E820_RAM 1
#define E820_RESERVED 2
#define E820_ACPI 3
#define E820_NVS 4
#define E820_UNUSABLE 5
#define E820_MAX 256

struct e820_entry {
    uint64_t addr, size; /* bytes */
    uint32_t type;
} __attribute__((packed));

struct boot_module {
    paddr_t start;
    uint64_t size; /* bytes */
    const char *cmdline; /* after the module's name; never NULL */
};
#define MAX_MODULES 16

struct boot_info {
    const char *loader_name;
    const char *cmdline; /* the hypervisor's own, without the image name */
    struct e820_entry e820[E820_MAX]; /* sorted, no overlaps */
    unsigned nr_e820;
    struct boot_module module[MAX_MODULES];
    unsigned nr_modules;
    bool efi;               /* started by UEFI firmware */
    paddr_t efi_system_table, rsdp; /* 0 = not told */
    paddr_t efi_mmap;       /* EFI memory map, 0 = none */
    uint32_t efi_mmap_size, efi_mmap_desc_size, efi_mmap_desc_version;
    bool have_vga_text;
    uint8_t vga_cols, vga_rows;
};
extern struct boot_info boot_info;

extern uint64_t max_mfn; /* one past the last RAM frame */

/*
 * Early boot memory: frames taken from free RAM before the heap exists, never
 * given back (frame table, M2P, page tables). Zeroed. boot_fatal if none left.
 */
mfn_t boot_alloc(uint64_t frames);
/* Marks [start, end) as not free (modules, image). Bytes. */
void boot_reserve(paddr_t start, paddr_t end);
/*
 * Calls fn for each range of RAM frames [start, end) that is free when the
 * heap takes over; boot_alloc must not be used after.
 */
void boot_free_ranges(void (*fn)(mfn_t start, mfn_t end));
bool e820_is_ram(paddr_t start, paddr_t end);

/* Maps frames into the hypervisor's own part of the address space. */
int hyp_map(vaddr_t va, mfn_t m, uint64_t frames, uint64_t flags);
void hyp_unmap(vaddr_t va, uint64_t frames);
/* Device memory, uncached; gives a pointer to the byte. NULL if no room. */
void *ioremap(paddr_t start, size_t bytes);
/* The L4 whose entries 256..271 every guest L4 copies. */
extern uint64_t *hyp_l4; /* virtual address, 512 entries */
/* CR3 value of an address space with nothing but the hypervisor in it. */
uint64_t hyp_cr3(void);
/* Frame of an object in the hypervisor's image. */
static inline mfn_t image_mfn(const void *p)
{
    return mfn(((uint64_t)p - 0xffff808000000000) >> PAGE_SHIFT);
}
/*
 * The level-1 entry for a hypervisor address; entries of the same 2 MiB lie
 * side by side. NULL if no level-1 table covers it.
 */
uint64_t *hyp_l1_entry(vaddr_t va);

/* ---- phases, in the order that init/main.c calls them ---- */
void boot_parse(uint32_t magic, paddr_t info); /* multiboot 1 or 2 */
void paging_init(void);   /* final page tables: image, window on RAM */
void console_init(void);  /* com1=, vga */
void traps_init(void);    /* IDT */
void acpi_init(void);     /* RSDP, MADT, FADT, HPET, MCFG */
void apic_init(void);     /* local APIC of the boot CPU, I/O APICs */
void smp_init(void);      /* allocates CPU areas; the boot CPU moves to its */
void smp_boot_cpus(void); /* starts all others */
/*
 * The boot CPU's first C function, called by head.S on CPU 0's final stack with
 * the loader's magic and information. Provided by init.
 */
void __attribute__((noreturn)) boot_main(uint32_t magic, paddr_t info);
/* The CPUs start here once the boot CPU is done. Provided by init. */
void __attribute__((noreturn)) secondary_main(void);

void __attribute__((noreturn)) machine_reboot(void);
void __attribute__((noreturn)) machine_halt(void);

#endif
