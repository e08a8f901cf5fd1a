/*
 * Ways into the hypervisor and back to the guest.
 *
 *   SYSCALL from the guest       stub -> syscall_common -> hypercall handler
 *                                                       or guest's own callback
 *   exceptions, interrupts       entry_<vector> -> entry_common -> do_trap or
 *                                do_irq (C)
 *   back to the guest            ret_to_guest: softirqs, NMI, event upcall,
 *                                then SYSRET or IRET
 *
 * The frame that all of them build is the ABI's struct cpu_user_regs; for a
 * guest it lies at the very top of the CPU's stack:
 *
 *   +0   r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi
 *   +120 error_code (32 bits), entry_vector (32 bits)
 *   +128 rip cs rflags rsp ss          (pushed by the CPU)
 *   +168 es ds fs gs                   (room only; stored on a vCPU switch)
 *
 * From a frame at the top of the stack the per-CPU variables are at a constant
 * distance, PCPU(field)(%rsp). %rbx holds the current vCPU all along.
 *
 * A hypercall leaves the places of rbx, rbp and r12 to r15 empty: C functions
 * keep these registers. Before anything may look at them in the frame or switch
 * to another vCPU, spill_frame stores them.
 *
 * While a guest runs whose page tables are split (xpti.h), this file's code,
 * the IDT and the CPU's own area are all that is mapped. So nothing else may be
 * touched before the hypervisor's CR3 is loaded on the way in, nor after the
 * guest's is loaded on the way out. In between, interrupts are off; NMI, #MC
 * and #DB, and a fault of the IRET itself, find out by the CR3 that they met.
 */
#include "arch/x86/layout.h"
#include "arch/x86/smap.h"
#include "arch/x86/spec_asm.h"
#include "asm-offsets.h"
#include <xen/arch-x86/xen-x86_64.h>

#define FRAME_TOP (CPU_AREA_STACK_TOP - UREGS_size)
#define PCPU(field) (CPU_AREA_PERCPU + PCPU_##field - FRAME_TOP)
/* The same from code in the stub page, which is mapped into each CPU area. */
#define STUB_PCPU(field) (_stub_page + CPU_AREA_PERCPU + PCPU_##field)
#define SELECTOR_WORDS (UREGS_size - UREGS_kernel_size)

#define ENTRY_SYSCALL 0xffffffff
#define ENTRY_SYSENTER 0x101
#define NR_HYPERCALLS 64
#define X86_EFLAGS_IF 0x200

.macro SAVE_REGS
    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq %rcx
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    SAVE_KEPT
.endm

/* What C functions keep; the stack pointer is at KEPT_size of the frame. */
#define KEPT_size UREGS_r11
.macro SAVE_KEPT
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm
.macro RESTORE_KEPT
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
.endm

/* The others; not rcx and r11 for SYSRET, which uses them. */
.macro RESTORE_REST skip_rcx_r11=0
.if \skip_rcx_r11
    addq $8, %rsp
.else
    popq %r11
.endif
    popq %r10
    popq %r9
    popq %r8
    popq %rax
.if \skip_rcx_r11
    addq $8, %rsp
.else
    popq %rcx
.endif
    popq %rdx
    popq %rsi
    popq %rdi
.endm

/*
 * Code that only split page tables need, up to the end label 992. Where the
 * machine has none, the first two bytes become a jump over it (xpti_init).
 */
.macro XPTI_BEGIN
991:
.endm
.macro XPTI_END
992:
    .pushsection .xpti_patch, "a", @progbits
    .long 991b - ., 992b - 991b
    .popsection
.endm

/*
 * Frame at the top of the stack: loads CR3 with a per-CPU variable, unless
 * that is 0: this guest's tables are not split. Clobbers %rcx.
 */
#define LOAD_CR3(field) LOAD_CR3_AT PCPU(field)
.macro LOAD_CR3_AT place:vararg
    XPTI_BEGIN
    movq \place(%rsp), %rcx
    testq %rcx, %rcx
    jz 992f
    movq %rcx, %cr3
    XPTI_END
.endm

/*
 * In ring 0, on any stack: the trap may have met the guest's CR3. Leaves the
 * CR3 found in %r12 and goes on with the hypervisor's; clobbers %rcx.
 */
.macro LEAVE_GUEST_CR3
    XPTI_BEGIN
    movq %cr3, %r12
    movq %rsp, %rcx
    andq $-CPU_AREA_SIZE, %rcx
    cmpq %r12, (CPU_AREA_PERCPU + PCPU_exit_cr3)(%rcx)
    jne 992f
    movq (CPU_AREA_PERCPU + PCPU_entry_cr3)(%rcx), %rcx
    movq %rcx, %cr3
    XPTI_END
.endm

/*
 * May the frame be resumed by SYSRET? Then its rip is in rcx and its rflags in
 * r11, else goes to \slow. The stack pointer is at `at` of the frame; clobbers
 * rdx.
 */
.macro SYSRET_OR slow, at=0
    cmpl $ENTRY_SYSCALL, (UREGS_entry_vector - \at)(%rsp)
    jne \slow
    /* SYSRET faults in ring 0 on a non-canonical rip: never let it. */
    movq (UREGS_rip - \at)(%rsp), %rcx
    movswl (UREGS_rip + 4 - \at)(%rsp), %edx /* bit 47 and up are all alike? */
    cmpl %edx, (UREGS_rip + 4 - \at)(%rsp)
    jne \slow
    cmpw $FLAT_RING3_CS64, (UREGS_cs - \at)(%rsp)
    jne \slow
    movq (UREGS_rflags - \at)(%rsp), %r11
.endm

/* ------------------------------------------------------------------ */
/*
 * The SYSCALL targets. Their page of code is mapped at the start of every CPU
 * area: what they address relative to %rip is therefore this CPU's. They leave
 * it by absolute addresses, for the image's mapping of the same page. The CPU
 * has put rip into rcx, rflags into r11, masked IF, TF, AC, DF, NT and left
 * the guest's %rsp in place.
 */
    .section .entry.stub, "ax", @progbits
    .globl syscall_stub, syscall32_stub
syscall_stub:
    movq %rsp, STUB_PCPU(scratch_rsp)(%rip)
    leaq (_stub_page + CPU_AREA_STACK_TOP - SELECTOR_WORDS)(%rip), %rsp
    pushq $FLAT_RING3_SS64
    pushq STUB_PCPU(scratch_rsp)(%rip)
    pushq %r11
    pushq $FLAT_RING3_CS64
    pushq %rcx
    pushq $-1 /* ENTRY_SYSCALL */
    SPEC_JMP syscall_target /* no register is free */

    .balign 16
syscall32_stub:
    movq %rsp, STUB_PCPU(scratch_rsp)(%rip)
    leaq (_stub_page + CPU_AREA_STACK_TOP - SELECTOR_WORDS)(%rip), %rsp
    pushq $FLAT_RING3_SS32
    pushq STUB_PCPU(scratch_rsp)(%rip)
    pushq %r11
    pushq $FLAT_RING3_CS32
    pushq %rcx
    pushq $-1 /* ENTRY_SYSCALL */
    SPEC_JMP syscall32_target

    .balign 8
syscall_target:
    .quad syscall_common
syscall32_target:
    .quad syscall32_common

    .section .entry.text, "ax", @progbits
/*
 * SYSENTER: %rsp is the CPU's stack top from the MSR, the guest's rip and rsp
 * are lost (its callback knows where it came from), IF is off.
 */
    .globl sysenter_entry
sysenter_entry:
    subq $SELECTOR_WORDS, %rsp
    pushq $FLAT_RING3_SS32
    pushq $0
    pushfq
    /* NT and TF survive SYSENTER; a taken trap must not see them. */
    testl $0x4100, (%rsp)
    jz 1f
    pushq $0x2
    popfq
1:  orl $X86_EFLAGS_IF, (%rsp)
    pushq $FLAT_RING3_CS32
    pushq $0
    pushq $0
    movl $ENTRY_SYSENTER, 4(%rsp)
    cld
    ASM_CLAC
    SAVE_REGS
    LOAD_CR3(entry_cr3)
    SPEC_ENTRY
    movq PCPU(current)(%rsp), %rbx
    sti
    movq %rsp, %rdi
    call pv_sysenter
    jmp ret_to_guest

syscall32_common:
    SAVE_REGS
    LOAD_CR3(entry_cr3)
    SPEC_ENTRY
    movq PCPU(current)(%rsp), %rbx
    sti
    movq %rsp, %rdi
    call pv_syscall32
    jmp ret_to_guest

/* ------------------------------------------------------------------ */
/* Guest user mode: its own system call. Guest kernel mode: a hypercall. */
#define AT_CODE(place) (place - UREGS_error_code)(%rsp)
syscall_common:
    LOAD_CR3_AT PCPU(entry_cr3) - UREGS_error_code
    SPEC_ENTRY
    movq AT_CODE(PCPU(current)), %rcx
    cmpb $0, VCPU_in_kernel(%rcx)
    je guest_syscall

    pushq %rdi
    pushq %rsi
    pushq %rdx
    pushq (UREGS_rip - UREGS_rdx)(%rsp) /* rcx, as SYSCALL leaves it */
    pushq %rax
    pushq %r8
    pushq %r9
    pushq %r10
    pushq (UREGS_rflags - UREGS_r10)(%rsp) /* r11 */
    subq $KEPT_size, %rsp
    sti
    movq %r10, %rcx /* 4th argument: C's register */
    cmpq $NR_HYPERCALLS, %rax
    jae bad_hypercall
    andl $(NR_HYPERCALLS - 1), %eax /* also under speculation */
    leaq hypercall_table(%rip), %r10
    SPEC_CALL_TABLE
hypercall_done: /* with the result in rax */
    /* As ret_to_guest, as long as there is nothing to do. */
    cli
    cmpq $0, PCPU(softirq_pending)(%rsp)
    jne spill_frame
    movq PCPU(current)(%rsp), %rcx
    cmpb $0, VCPU_nmi_pending(%rcx)
    jne spill_frame
    movq VCPU_vcpu_info(%rcx), %rdx
    cmpw $0, VINFO_pending(%rdx) /* and the mask, behind it: mostly neither */
    je 1f
    cmpb $0, VINFO_mask(%rdx)
    je spill_frame
1:  LOAD_CR3(exit_cr3)
    SYSRET_OR hypercall_iret
    addq $UREGS_r10, %rsp
    popq %r10
    popq %r9
    popq %r8
    addq $16, %rsp /* rax, rcx */
    popq %rdx
    popq %rsi
    popq %rdi
    SPEC_EXIT
    movq AT_CODE(UREGS_rsp), %rsp
    sysretq

hypercall_iret:
    movq %rax, UREGS_rax(%rsp)
    addq $KEPT_size, %rsp
    jmp resume_by_iret

spill_frame:
    movq %rax, UREGS_rax(%rsp)
    addq $KEPT_size, %rsp
    SAVE_KEPT
    movq PCPU(current)(%rsp), %rbx

/*
 * Back to the guest whose frame is at the top of the stack; %rbx = its vCPU.
 */
    .globl ret_to_guest
ret_to_guest:
    cli
    cmpq $0, PCPU(softirq_pending)(%rsp)
    jne run_softirqs
    cmpb $0, VCPU_nmi_pending(%rbx)
    jne deliver_nmi
no_nmi:
    movq VCPU_vcpu_info(%rbx), %rax
    cmpb $0, VINFO_mask(%rax)
    jne resume_guest
    cmpb $0, VINFO_pending(%rax)
    jne deliver_event

resume_guest:
    RESTORE_KEPT
#define AT_R11(place) (place - UREGS_r11)(%rsp)
    LOAD_CR3_AT PCPU(exit_cr3) - UREGS_r11
    SYSRET_OR resume_by_iret, UREGS_r11
    RESTORE_REST skip_rcx_r11=1
    SPEC_EXIT
    movq AT_CODE(UREGS_rsp), %rsp
    sysretq

resume_by_iret:
    orl $3, AT_R11(UREGS_cs) /* never, ever into ring 0 */
    RESTORE_REST
    addq $8, %rsp
    SPEC_EXIT
    .globl iret_to_guest
iret_to_guest:
    iretq
    .pushsection .ex_table, "a", @progbits
    .long iret_to_guest - ., iret_fault - .
    .popsection

/*
 * That IRET faulted (do_trap comes here with the stack as it was): the frame
 * is whole again after pushing what was popped.
 */
    .globl iret_fault
iret_fault:
    pushq $0
    SAVE_REGS
    SPEC_ENTRY
    movq PCPU(current)(%rsp), %rbx
    sti
    movq %rsp, %rdi
    call pv_failsafe
    jmp ret_to_guest

run_softirqs:
    sti
    call softirq_run
    jmp ret_to_guest

deliver_nmi:
    sti
    movq %rsp, %rdi
    call pv_deliver_nmi
    testb %al, %al
    jnz ret_to_guest
    cli
    jmp no_nmi

deliver_event:
    sti
    movq %rsp, %rdi
    call pv_deliver_event
    jmp ret_to_guest

bad_hypercall:
    movq $-38, %rax /* ENOSYS */
    jmp hypercall_done

/*
 * SYSCALL of guest user mode (%rcx = vCPU): goes on at the guest kernel's
 * callback, with the frame that build() of pv/bounce.c makes. Interrupts stay
 * off, so nothing that ret_to_guest looks for has come up since the guest was
 * entered. Whatever is out of the ordinary, and a stack that cannot be written,
 * C does from the start: until `commit` only that stack and CR3 have changed.
 */
.macro PUT value, offset
990:
    movq \value, \offset(%rdx)
    .pushsection .ex_table, "a", @progbits
    .long 990b - ., guest_syscall_fault - .
    .popsection
.endm
#define AT_RDX(place) (place - UREGS_error_code + 16)(%rsp)
guest_syscall:
    pushq %rax
    pushq %rdx
    movq VCPU_domain(%rcx), %rdx
    cmpb $0, DOMAIN_xpti(%rdx)
    jne guest_syscall_slow
    cmpb $0, VCPU_guest_areas_stale(%rcx)
    jne guest_syscall_slow
    cmpq $0, VCPU_syscall_callback(%rcx)
    je guest_syscall_slow
    movq VCPU_vcpu_info(%rcx), %rax
    cmpb $0, VINFO_mask(%rax)
    jne guest_syscall_slow
    movq VCPU_kernel_sp(%rcx), %rdx
    andq $-16, %rdx
    subq $56, %rdx
    movabsq $HYP_VIRT_END, %r11
    cmpq %r11, %rdx /* above: the guest's, also where it wraps */
    jb guest_syscall_slow
    movq VCPU_cr3_kernel(%rcx), %rax
    movq %rax, %cr3
    movq VCPU_domain(%rcx), %rax
    ASM_STAC
    movq AT_RDX(UREGS_rip), %r11
    PUT %r11, 0 /* rcx */
    PUT %r11, 16
    movq AT_RDX(UREGS_rflags), %r11
    PUT %r11, 8 /* r11 */
    PUT %r11, 32
    testb $(1 << VMASST_TYPE_architectural_iopl), DOMAIN_vm_assist(%rax)
    jz 1f
    movzbl VCPU_iopl(%rcx), %eax
    shll $12, %eax
    orq %rax, %r11
    PUT %r11, 32
1:  PUT $FLAT_RING3_CS64, 24 /* events are not masked */
    movq AT_RDX(UREGS_rsp), %r11
    PUT %r11, 40
    PUT $FLAT_RING3_SS64, 48
    ASM_CLAC
    /* commit, with the rest of pv_enter_kernel() */
    movq VCPU_vcpu_info(%rcx), %rax
    movb VCPU_syscall_masks_events(%rcx), %r11b
    movb %r11b, VINFO_mask(%rax)
    movb $1, VCPU_in_kernel(%rcx)
    swapgs
    movq AT_RDX(UREGS_rflags), %r11
    andq $~BOUNCE_FLAGS_CLEARED, %r11
    movq VCPU_syscall_callback(%rcx), %rcx /* canonical */
    movq %rdx, AT_RDX(UREGS_rsp)
    popq %rdx
    popq %rax
    SPEC_EXIT
    movq AT_CODE(UREGS_rsp), %rsp
    sysretq

guest_syscall_fault:
    ASM_CLAC
    movq VCPU_cr3_user(%rcx), %rdx
    movq %rdx, %cr3
guest_syscall_slow:
    popq %rdx
    popq %rax
    movq AT_CODE(UREGS_rip), %rcx
    movq AT_CODE(UREGS_rflags), %r11
    SAVE_REGS
    movq PCPU(current)(%rsp), %rbx
    sti
    movq %rsp, %rdi
    call pv_guest_syscall
    jmp ret_to_guest

/*
 * Drops the CPU's stack down to the guest frame and goes on from there.
 *   void __noreturn reset_stack_to_guest(void);   into the loaded vCPU
 *   void __noreturn reset_stack_and_call(void (*fn)(void));
 */
    .globl reset_stack_to_guest, reset_stack_and_call
reset_stack_to_guest:
    andq $-CPU_AREA_SIZE, %rsp
    addq $FRAME_TOP, %rsp
    movq PCPU(current)(%rsp), %rbx
    jmp ret_to_guest
reset_stack_and_call:
    andq $-CPU_AREA_SIZE, %rsp
    addq $(FRAME_TOP & ~15), %rsp
    xorl %ebp, %ebp
    SPEC_CALL rdi
    ud2

/* ------------------------------------------------------------------ */
/* Exceptions and interrupts. 16 bytes each, so the IDT is computed. */
    .section .entry.vectors, "ax", @progbits
    .globl entry_vectors
    .balign 16
entry_vectors:
    .set vec, 0
    .rept 256
    .balign 16
    /* #DF #TS #NP #SS #GP #PF #AC #CP push an error code themselves. */
    .if !(vec == 8 || (vec >= 10 && vec <= 14) || vec == 17 || vec == 21)
    pushq $0
    .endif
    movl $vec, 4(%rsp)
    .if vec == 1 || vec == 2 || vec == 8 || vec == 18
    jmp entry_ist
    .elseif vec < 32
    jmp entry_exception
    .else
    jmp entry_interrupt
    .endif
    .set vec, vec + 1
    .endr

    .section .entry.text, "ax", @progbits
entry_exception:
    cld
    ASM_CLAC
    SAVE_REGS
    testb $3, UREGS_cs(%rsp)
    jz exception_in_hypervisor
    LOAD_CR3(entry_cr3)
    SPEC_ENTRY
    movq PCPU(current)(%rsp), %rbx
    movq %rsp, %rdi
    call pv_trap /* reads CR2 or DR6, then enables interrupts */
    jmp ret_to_guest

exception_in_hypervisor:
    LEAVE_GUEST_CR3 /* that of the IRET; it goes on in iret_fault */
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call do_host_trap
    movq %rbp, %rsp
back_to_hypervisor:
    RESTORE_KEPT
    RESTORE_REST
    addq $8, %rsp
    iretq

entry_interrupt:
    cld
    ASM_CLAC
    SAVE_REGS
    movq %rsp, %rdi
    testb $3, UREGS_cs(%rsp)
    jz 1f
    LOAD_CR3(entry_cr3)
    SPEC_ENTRY
    movq PCPU(current)(%rsp), %rbx
    call do_irq
    jmp ret_to_guest
1:  movq %rsp, %rbp
    andq $-16, %rsp
    call do_irq
    movq %rbp, %rsp
    jmp back_to_hypervisor

/*
 * Vectors with a stack of their own. In the hypervisor they are handled where
 * they are, #DF always. What hit a guest moves to the CPU's main stack, which
 * is empty then: #DB is an ordinary exception from there; NMI and #MC go
 * straight back, by the one IRET that may fault, as the guest's selectors may
 * have become bad meanwhile.
 */
entry_ist:
    cld
    ASM_CLAC
    SAVE_REGS
    testb $3, UREGS_cs(%rsp)
    jz 1f
    cmpl $8, UREGS_entry_vector(%rsp)
    je 1f
    movq %rsp, %rsi
    andq $-CPU_AREA_SIZE, %rsp
    addq $FRAME_TOP, %rsp
    movq %rsp, %rdi
    movl $(UREGS_kernel_size / 8), %ecx
    rep movsq
    LOAD_CR3(entry_cr3)
    SPEC_ENTRY
    movq %rsp, %rdi
    cmpl $1, UREGS_entry_vector(%rsp)
    jne 2f
    movq PCPU(current)(%rsp), %rbx
    call pv_trap
    jmp ret_to_guest
2:  call do_ist_trap
    jmp resume_guest
1:  LEAVE_GUEST_CR3
    SPEC_IST_ENTRY
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call do_ist_trap
    movq %rbp, %rsp
    SPEC_IST_EXIT
    XPTI_BEGIN
    movq %r12, %cr3
    XPTI_END
    jmp back_to_hypervisor

    .section .note.GNU-stack, "", @progbits
