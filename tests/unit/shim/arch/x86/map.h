/* Host replacement: frames live in one array that the test provides. */
#ifndef ARCH_X86_MAP_H
#define ARCH_X86_MAP_H

#include "arch/x86/layout.h"
#include "lib/types.h"

extern uint8_t *host_memory;

static inline void *map_frame(mfn_t m)
{
    return host_memory + (m.m << PAGE_SHIFT);
}
static inline void *map_paddr(uint64_t at)
{
    return host_memory + at;
}
static inline void unmap_frame(const void *p)
{
    (void)p;
}
static inline mfn_t mapped_frame(const void *p)
{
    return mfn((uint64_t)((const uint8_t *)p - host_memory) >> PAGE_SHIFT);
}

void clear_frame(mfn_t m);
void copy_frame(mfn_t dst, mfn_t src);

#define FRAME_PARTS 16
static inline unsigned used_parts(const void *frame)
{
    const uint64_t *p = frame;
    unsigned parts = 0, part = PAGE_SIZE / sizeof(*p) / FRAME_PARTS;

    for (unsigned i = 0; i < PAGE_SIZE / sizeof(*p); i++)
        parts |= (unsigned)!!p[i] << i / part;
    return parts;
}

#endif
