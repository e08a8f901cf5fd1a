/* The IDT, and traps taken while the hypervisor itself runs. */
#ifndef ARCH_X86_TRAPS_H
#define ARCH_X86_TRAPS_H

#include "arch/x86/regs.h"

struct __attribute__((packed)) desc_ptr {
    uint16_t limit;
    uint64_t base;
};
/* What every CPU loads with LIDT; valid after traps_init(). */
extern struct desc_ptr idt_ptr;

/* From entry.S: exceptions in ring 0; NMI, #MC, #DF, and #DB in ring 0. */
void do_host_trap(struct cpu_user_regs *regs);
void do_ist_trap(struct cpu_user_regs *regs);
/* From entry.S: vectors 32..255. Provided by irq.c. */
void do_irq(struct cpu_user_regs *regs);

/*
 * Leave the stack (entry.S): into the guest whose frame is at its top, or into
 * a function that never returns.
 */
void __attribute__((noreturn)) reset_stack_to_guest(void);
void __attribute__((noreturn)) reset_stack_and_call(void (*fn)(void));

/* Panic with this frame's registers. Provided by panic.c. */
void __attribute__((noreturn)) fatal_trap(const struct cpu_user_regs *regs,
                                          const char *what);
/* An NMI: 0x40/0x80 of port 0x61, or another CPU stopping us. irq.c or smp.c */
bool nmi_claimed(struct cpu_user_regs *regs);

#endif
