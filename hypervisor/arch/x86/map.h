/*
 * The one way to reach a frame that is not the hypervisor's own.
 *
 * map_frame gives a pointer to the 4 KiB frame, valid on this CPU until
 * unmap_frame; pairs nest. Today both resolve to a window that maps all of the
 * machine's memory; callers must not rely on it (the window is to go, so that
 * a hypervisor's page tables hold only its own memory). Never fails for a
 * frame below max_mfn; the frame must be RAM (device memory: ioremap).
 */
#ifndef ARCH_X86_MAP_H
#define ARCH_X86_MAP_H

#include "arch/x86/layout.h"
#include "lib/types.h"

static inline void *map_frame(mfn_t m)
{
    return (void *)(DIRECT_MAP_START + (m.m << PAGE_SHIFT));
}
/* The byte at a machine address, likewise: within its frame. */
static inline void *map_paddr(uint64_t at)
{
    return (void *)(DIRECT_MAP_START + at);
}
static inline void unmap_frame(const void *p)
{
    (void)p;
}

/* The frame that a pointer from map_frame (or into it) belongs to. */
static inline mfn_t mapped_frame(const void *p)
{
    return mfn(((uint64_t)p - DIRECT_MAP_START) >> PAGE_SHIFT);
}

void clear_frame(mfn_t m);
/* n frames that follow each other, which nobody will read at once. */
void clear_frames(mfn_t m, uint64_t n);
void copy_frame(mfn_t dst, mfn_t src);

/* Which sixteenths of a mapped frame have a byte that is not zero: bits. */
#define FRAME_PARTS 16
unsigned used_parts(const void *frame);

#endif
