/*
 * Reading what a multiboot 1 or 2 loader left in memory. Pure: memory is read
 * through `at`, everything read is bounded and checked, strings are copied.
 */
#ifndef ARCH_X86_BOOT_MULTIBOOT_H
#define ARCH_X86_BOOT_MULTIBOOT_H

#include "arch/x86/boot.h"

#define MB1_LOADER_MAGIC 0x2badb002
#define MB2_LOADER_MAGIC 0x36d76289

#define MB_STRINGS_SIZE 8192

struct mb_source {
    /* Pointer to `size` bytes of machine memory, NULL if out of reach. */
    const void *(*at)(paddr_t addr, uint64_t size);
    /* Copies of the loader's strings. */
    char *strings;
    size_t used, size;
    /* The loader's own structure, to be kept ([0, 0): nothing to keep). */
    paddr_t keep_start, keep_end;
    bool truncated; /* a string, module or memory range did not fit */
};

/*
 * Fills bi. NULL, or what is wrong in words (no memory map, wrong magic ...).
 * The memory map is clean (boot/e820.h) afterwards.
 */
const char *multiboot_parse(struct mb_source *src, uint32_t magic,
                            paddr_t info, struct boot_info *bi);
/*
 * The command line without the name of the image or module. GRUB 2 passes only
 * what the user wrote after the name, everyone else the name as well. Debian's
 * scripts put the word "placeholder" in its place.
 */
const char *cmdline_skip_name(const char *cmdline, const char *loader_name);

#endif
