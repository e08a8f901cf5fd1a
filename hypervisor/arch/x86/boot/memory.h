/* Boot memory: what only the code that starts the machine needs. */
#ifndef ARCH_X86_BOOT_MEMORY_H
#define ARCH_X86_BOOT_MEMORY_H

#include "lib/types.h"

/* The image, from the linker script. */
extern char _image_start[], _image_end[], _text_start[], _text_end[];
extern char _rodata_start[], _rodata_end[], _init_start[], _init_end[];
extern char _init_data_start[], _entry_start[], _stub_page[];
/* The pages of CPU 0's area that have memory, in order (head.S). */
extern char boot_area[];

static inline paddr_t image_paddr(const void *p)
{
    return (paddr_t)p - 0xffff808000000000UL;
}

/* Free memory from the memory map, mem= and badpage=; sets max_mfn. */
void boot_memory_init(void);
/* From now on frames above 4 GiB are given out too (the window exists). */
void boot_memory_window_ready(void);
/* Has the heap taken over? */
bool boot_memory_closed(void);
/*
 * `frames` neighbouring RAM frames below 640 KiB, which stay reserved; for the
 * trampoline. boot_fatal if there are none.
 */
mfn_t boot_low_frames(unsigned frames);

#endif
