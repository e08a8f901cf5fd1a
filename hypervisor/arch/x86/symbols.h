/*
 * Names for code addresses, from the table that scripts/gen-symbols makes out
 * of a first link of the image.
 */
#ifndef ARCH_X86_SYMBOLS_H
#define ARCH_X86_SYMBOLS_H

#include "lib/types.h"

/* Function that contains addr and the offset in it; NULL: none known. */
const char *symbol_find(vaddr_t addr, unsigned long *offset);
/* Is it in the image's code? */
bool is_hyp_text(vaddr_t addr);

#endif
