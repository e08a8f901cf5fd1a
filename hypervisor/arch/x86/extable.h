/*
 * The exception table: instructions of the hypervisor that may fault, and
 * where to go on if they do. Section .ex_table, pairs of 32-bit offsets
 * relative to their own place.
 *
 * C:    __asm__ volatile("1: ...\n 2:\n" ASM_EXTABLE("1b", "2b") ...)
 * .S:   ASM_EXTABLE 1b, 2b
 */
#ifndef ARCH_X86_EXTABLE_H
#define ARCH_X86_EXTABLE_H

#ifdef __ASSEMBLY__
.macro ASM_EXTABLE from:req, to:req
    .pushsection .ex_table, "a", @progbits
    .long \from - ., \to - .
    .popsection
.endm
#else
#include "lib/types.h"

#define ASM_EXTABLE(from, to)                                                  \
    ".pushsection .ex_table, \"a\", @progbits\n\t"                             \
    ".long " from " - ., " to " - .\n\t"                                       \
    ".popsection\n\t"

/* Where to go on after a fault at rip; 0: it was not expected. */
uint64_t extable_search(uint64_t rip);
#endif

#endif
