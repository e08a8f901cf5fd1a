/* No SMAP in a host program. */
#ifndef ARCH_X86_SMAP_H
#define ARCH_X86_SMAP_H

#ifdef __ASSEMBLER__
.macro ASM_STAC
.endm
.macro ASM_CLAC
.endm
#endif

#endif
