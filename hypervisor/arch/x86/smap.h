/*
 * STAC/CLAC for CPUs with SMAP: three-byte no-ops in the image, listed in
 * section .smap_patch and replaced at boot when the feature is there.
 */
#ifndef ARCH_X86_SMAP_H
#define ARCH_X86_SMAP_H

#ifdef __ASSEMBLY__
.macro ASM_CLAC
991: .byte 0x0f, 0x1f, 0x00
    .pushsection .smap_patch, "a", @progbits
    .long 991b - ., 0xca010f
    .popsection
.endm
.macro ASM_STAC
991: .byte 0x0f, 0x1f, 0x00
    .pushsection .smap_patch, "a", @progbits
    .long 991b - ., 0xcb010f
    .popsection
.endm
#else
#define SMAP_PATCH_(opcode)                                                    \
    __asm__ volatile("991: .byte 0x0f, 0x1f, 0x00\n\t"                         \
                     ".pushsection .smap_patch, \"a\", @progbits\n\t"          \
                     ".long 991b - ., " opcode "\n\t"                          \
                     ".popsection" ::: "memory")
/* Opens / closes the window in which ring 0 may touch the guest's pages. */
static inline void stac(void)
{
    SMAP_PATCH_("0xcb010f");
}
static inline void clac(void)
{
    SMAP_PATCH_("0xca010f");
}
/* Puts the real instructions in; boot CPU, once, before text is read-only. */
void smap_patch(void);
#endif

#endif
