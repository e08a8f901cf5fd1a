/*
 * The exception table for host tests: a section whose name is a C identifier,
 * so that the host's linker marks its start and end.
 */
#ifndef ARCH_X86_EXTABLE_H
#define ARCH_X86_EXTABLE_H

#ifdef __ASSEMBLER__
.macro ASM_EXTABLE from:req, to:req
    .pushsection ex_table, "a", @progbits
    .long \from - ., \to - .
    .popsection
.endm
#endif

#endif
