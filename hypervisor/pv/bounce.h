/*
 * Frames on the guest kernel's stack: how traps, system calls and events reach
 * the guest. Private to the pv room.
 */
#ifndef PV_BOUNCE_H
#define PV_BOUNCE_H

#include "core/vcpu.h"

/*
 * Makes the current guest go on at `handler` in its kernel mode, with a frame
 *     rcx r11 [ds es fs gs] [error code] rip cs rflags rsp ss
 * on its kernel stack (lowest address first). The word of cs holds the upcall
 * mask of before in bits 32-39. A stack that cannot be written crashes the
 * domain. v is the current vCPU, regs its frame, handler not null;
 * mask_events, if not 0: it is entered with upcalls masked. Here the frame has
 * neither selectors nor an error code.
 */
void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs, vaddr_t handler,
               unsigned mask_events);

/* Called from arch/x86/entry.S, regs = the frame at the top of the stack. */
void pv_guest_syscall(struct cpu_user_regs *regs);
void pv_syscall32(struct cpu_user_regs *regs);
void pv_sysenter(struct cpu_user_regs *regs);
void pv_failsafe(struct cpu_user_regs *regs);
void pv_deliver_event(struct cpu_user_regs *regs);
bool pv_deliver_nmi(struct cpu_user_regs *regs);

#endif
