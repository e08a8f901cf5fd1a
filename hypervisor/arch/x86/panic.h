/* The end: what the hypervisor says when it breaks, and switching off. */
#ifndef ARCH_X86_PANIC_H
#define ARCH_X86_PANIC_H

#include "arch/x86/regs.h"
#include "lib/printk.h"

/* Prints a frame's registers, the hypervisor's or a guest's. */
void show_registers(const struct cpu_user_regs *regs);
/* Prints the callers from a code address and a frame pointer on. */
void show_stack_trace(uint64_t rip, uint64_t rbp);
/* Prints "name+0x12" for a code address. */
void show_code_address(uint64_t addr);

/* Prints the domain and vCPU that ran here. NULL until its owner sets it. */
extern void (*panic_describe_current)(void);

#endif
