/* Exceptions until cpu_init(); called and loaded by head.S. */
#ifndef ARCH_X86_BOOT_EARLY_TRAPS_H
#define ARCH_X86_BOOT_EARLY_TRAPS_H

#include "arch/x86/traps.h"

extern struct desc_ptr early_idt_ptr;
void early_traps_init(void);

#endif
