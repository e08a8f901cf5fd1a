/*
 * What entry code calls where spec_ctrl.c has put a call (spec_asm.h), and the
 * thunks through which all indirect branches of C go.
 */
#include "arch/x86/layout.h"
#include "arch/x86/spec_asm.h"
#include "asm-offsets.h"
#include <xen/arch-x86/xen-x86_64.h>

#define STATE(field) percpu_spec_state + SPEC_##field

.macro WRITE_MSR msr
    xorl %edx, %edx
    movl $\msr, %ecx
    wrmsr
.endm

/* A call whose return is never made: a guess of it is held here. */
.macro FILL_RSB
    call 2f
1:  lfence
    jmp 1b
2:
.endm

    .text
    .globl spec_entry, spec_ist_entry, spec_ist_exit
spec_entry:
    pushq %rax
    pushq %rdx
    movq %rsp, %r11
    andq $-CPU_AREA_SIZE, %r11
    testb $SPEC_F_IBPB, STATE(flags)(%r11)
    jz 3f
    movl $1, %eax
    WRITE_MSR MSR_PRED_CMD
3:  testb $SPEC_F_WRITE_ENTRY, STATE(flags)(%r11)
    jz 4f
    movl STATE(host)(%r11), %eax
    WRITE_MSR MSR_SPEC_CTRL
4:  testb $SPEC_F_RSB, STATE(flags)(%r11)
    jz 6f
    movq %rsp, %rdx
    movl $16, %ecx
5:  FILL_RSB
    FILL_RSB
    decl %ecx
    jnz 5b
    movq %rdx, %rsp
6:  testb $SPEC_F_BHB, STATE(flags)(%r11)
    jz 7f
    call clear_branch_history
7:  lfence /* none of the above can be passed by on a guess */
    popq %rdx
    popq %rax
    ret

/*
 * Fills the branch history with ours: the loops of Intel's "Branch History
 * Injection" guidance, long enough for all CPUs that have no BHI_DIS_S.
 */
clear_branch_history:
    movl $5, %ecx
    call 1f
    ret
    .balign 64
1:  call 2f
    ret
    .balign 64
2:  movl $5, %eax
3:  jmp 4f
    nop
4:  subl $1, %eax
    jnz 3b
    subl $1, %ecx
    jnz 1b
    ret

/* NMI, #MC, #DB in the hypervisor: SPEC_CTRL may still or already be the
   guest's. It is put back as found. */
spec_ist_entry:
    movl $MSR_SPEC_CTRL, %ecx
    rdmsr
    movl %eax, %r13d
    movq %rsp, %rax
    andq $-CPU_AREA_SIZE, %rax
    movl STATE(host)(%rax), %eax
    WRITE_MSR MSR_SPEC_CTRL
    ret
spec_ist_exit:
    movl %r13d, %eax
    WRITE_MSR MSR_SPEC_CTRL
    ret

/* The last things before the guest runs; its page tables may be in place. */
    .section .entry.text, "ax", @progbits
    .globl spec_exit, spec_verw_selector
spec_exit:
    pushq %rax
    pushq %rcx
    pushq %rdx
    movq %rsp, %rcx
    andq $-CPU_AREA_SIZE, %rcx
    testb $SPEC_F_WRITE_EXIT, STATE(flags)(%rcx)
    jz 1f
    movl STATE(guest)(%rcx), %eax
    WRITE_MSR MSR_SPEC_CTRL
1:  popq %rdx
    popq %rcx
    popq %rax
    SPEC_VERW spec_verw_selector
    ret
    .balign 2
spec_verw_selector:
    .word FLAT_RING3_SS64 /* any segment that can be written */

/* Thunks: the names are the compilers'. */
    .text
.macro THUNK reg, opcode
    .globl __x86_indirect_thunk_\reg
    .balign 16
__x86_indirect_thunk_\reg:
995: call 997f
996: lfence
    jmp 996b
997: movq %\reg, (%rsp)
    ret
    SPEC_RECORD SPEC_PATCH_THUNK, \opcode
.endm
    THUNK rax, 0xe0ff
    THUNK rcx, 0xe1ff
    THUNK rdx, 0xe2ff
    THUNK rbx, 0xe3ff
    THUNK rbp, 0xe5ff
    THUNK rsi, 0xe6ff
    THUNK rdi, 0xe7ff
    THUNK r8, 0xe0ff41
    THUNK r9, 0xe1ff41
    THUNK r10, 0xe2ff41
    THUNK r11, 0xe3ff41
    THUNK r12, 0xe4ff41
    THUNK r13, 0xe5ff41
    THUNK r14, 0xe6ff41
    THUNK r15, 0xe7ff41

    .section .note.GNU-stack, "", @progbits
