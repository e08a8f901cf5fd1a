/*
 * Saved registers. Entry code builds the ABI's struct cpu_user_regs (public
 * header arch-x86/xen-x86_64.h); for a trap from hypervisor mode the last four
 * words (es, ds, fs, gs) do not exist.
 */
#ifndef ARCH_X86_REGS_H
#define ARCH_X86_REGS_H

#include "lib/types.h"
#include <xen/xen.h>

#define X86_EFLAGS_CF 0x00000001UL
#define X86_EFLAGS_MBS 0x00000002UL
#define X86_EFLAGS_TF 0x00000100UL
#define X86_EFLAGS_IF 0x00000200UL
#define X86_EFLAGS_DF 0x00000400UL
#define X86_EFLAGS_IOPL 0x00003000UL
#define X86_EFLAGS_NT 0x00004000UL
#define X86_EFLAGS_RF 0x00010000UL
#define X86_EFLAGS_VM 0x00020000UL
#define X86_EFLAGS_AC 0x00040000UL
#define X86_EFLAGS_VIF 0x00080000UL
#define X86_EFLAGS_VIP 0x00100000UL
#define X86_EFLAGS_ID 0x00200000UL

/* What a guest kernel's handler is entered without. */
#define X86_EFLAGS_BOUNCE_CLEARED                                              \
    (X86_EFLAGS_AC | X86_EFLAGS_VM | X86_EFLAGS_RF | X86_EFLAGS_NT |           \
     X86_EFLAGS_TF | X86_EFLAGS_IOPL)

/* Exception vectors (Intel SDM vol. 3, 6.3.1). */
enum {
    TRAP_DE = 0,
    TRAP_DB = 1,
    TRAP_NMI = 2,
    TRAP_BP = 3,
    TRAP_OF = 4,
    TRAP_BR = 5,
    TRAP_UD = 6,
    TRAP_NM = 7,
    TRAP_DF = 8,
    TRAP_TS = 10,
    TRAP_NP = 11,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_MF = 16,
    TRAP_AC = 17,
    TRAP_MC = 18,
    TRAP_XM = 19,
    TRAP_CP = 21,
};
/* entry_vector of frames that did not come through the IDT. */
#define ENTRY_SYSCALL 0xffffffffu
#define ENTRY_SYSENTER 0x101
/* Set in entry_vector when the guest may be resumed by SYSRET. */

#define PFEC_PRESENT 0x01
#define PFEC_WRITE 0x02
#define PFEC_USER 0x04
#define PFEC_RSVD 0x08
#define PFEC_FETCH 0x10

/* Did this frame come from the guest (ring 3) or from ourselves (ring 0)? */
static inline bool guest_mode(const struct cpu_user_regs *r)
{
    return (r->cs & 3) != 0;
}

#endif
