/* The hypervisor's page tables: what only a few other files need. */
#ifndef ARCH_X86_PAGING_H
#define ARCH_X86_PAGING_H

#include "lib/types.h"

/* The hypervisor's own address -> machine address. False: not mapped. */
bool hyp_translate(vaddr_t va, paddr_t *pa);

#endif
