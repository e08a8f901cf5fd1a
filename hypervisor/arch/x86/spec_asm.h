/*
 * Places in assembler that spec_ctrl.c rewrites at boot. Each leaves a record
 * in .init.spec_patch: where, an argument (both 32 bits), and which kind.
 *
 *   SPEC_ENTRY       from a guest, its rcx and r11 saved and the hypervisor's
 *                    page tables in place. Clobbers these two.
 *   SPEC_EXIT        to a guest, its registers restored, the frame's rest at
 *                    the stack pointer; changes flags only.
 *   SPEC_IST_ENTRY,  around the handling of a trap that met the hypervisor,
 *   SPEC_IST_EXIT    maybe on its way in or out. Keeps a value in r13;
 *                    clobbers rax, rcx, rdx.
 *   SPEC_JMP m       jmp *m(%rip), no register being free
 *   SPEC_CALL_TABLE  call *(%r10, %rax, 8)
 *   SPEC_CALL reg    call *%reg
 */
#ifndef ARCH_X86_SPEC_ASM_H
#define ARCH_X86_SPEC_ASM_H

#define SPEC_PATCH_ENTRY 0 /* 5 bytes: to be a call of the argument */
#define SPEC_PATCH_EXIT 1
#define SPEC_PATCH_IST 2
#define SPEC_PATCH_VERW 3  /* 7 bytes: VERW of the argument */
#define SPEC_PATCH_JUMP 4
#define SPEC_PATCH_TABLE 5
#define SPEC_PATCH_THUNK 6 /* argument: the opcode of jmp *%reg */

/* Bits of spec_state.flags: what entry and exit have to do on this CPU. */
#define SPEC_F_IBPB 0x01
#define SPEC_F_WRITE_ENTRY 0x02
#define SPEC_F_RSB 0x04
#define SPEC_F_BHB 0x08
#define SPEC_F_WRITE_EXIT 0x10

#ifdef __ASSEMBLY__
.macro SPEC_RECORD kind, argument
    .pushsection .init.spec_patch, "a", @progbits
    .long 995b - ., \argument, \kind
    .popsection
.endm
.macro SPEC_NOP5 kind, function
995: .byte 0x0f, 0x1f, 0x44, 0x00, 0x00
    SPEC_RECORD \kind, "\function - ."
.endm
.macro SPEC_ENTRY
    SPEC_NOP5 SPEC_PATCH_ENTRY, spec_entry
.endm
.macro SPEC_EXIT
    SPEC_NOP5 SPEC_PATCH_EXIT, spec_exit
.endm
.macro SPEC_IST_ENTRY
    SPEC_NOP5 SPEC_PATCH_IST, spec_ist_entry
.endm
.macro SPEC_IST_EXIT
    SPEC_NOP5 SPEC_PATCH_IST, spec_ist_exit
.endm
.macro SPEC_VERW selector
995: .byte 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00
    SPEC_RECORD SPEC_PATCH_VERW, "\selector - ."
.endm
/* The return address is replaced; a guess goes to the endless loop. */
.macro SPEC_JMP target
995: call 997f
996: lfence
    jmp 996b
997: pushq \target(%rip)
    popq (%rsp)
    ret
    SPEC_RECORD SPEC_PATCH_JUMP, "\target - ."
.endm
.macro SPEC_CALL_TABLE
995: movq (%r10, %rax, 8), %rax
    call __x86_indirect_thunk_rax
    SPEC_RECORD SPEC_PATCH_TABLE, 0
.endm
.macro SPEC_CALL reg
    call __x86_indirect_thunk_\reg
.endm
#endif

#endif
