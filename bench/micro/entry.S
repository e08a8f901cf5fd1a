/* The counted call, the shortest trap handlers, and marks for a debugger. */
    .text
/* uint64_t timed(long (*op)(void), long *ret) */
    .globl timed
    .balign 64
timed:
    pushq %rbx
    pushq %r12
    pushq %r13
    movq %rsi, %r12
    movq %rdi, %r13
    rdtsc
    movl %eax, %ebx
    shlq $32, %rdx
    orq %rdx, %rbx
    call *%r13
    movq %rax, (%r12)
    rdtsc
    shlq $32, %rdx
    orq %rdx, %rax
    subq %rbx, %rax
    popq %r13
    popq %r12
    popq %rbx
    ret

    .globl empty_op
empty_op:
    xorl %eax, %eax
    ret

    .globl trace_begin, trace_start, trace_end
trace_begin:
    movl $200, %ecx
1:  decl %ecx
    jnz 1b
trace_start:
    ret
trace_end:
    ret

/* The frame is rcx r11 [error] rip cs rflags rsp ss. */
#define IRET jmp hypercall_page + 23 * 32

    .globl fast_int3, fast_skip2, fast_skip2_error, fast_nm
fast_int3:
fast_nm:
    popq %rcx
    popq %r11
    pushq $0
    IRET
fast_skip2_error:
    popq %rcx
    popq %r11
    addq $8, %rsp
    addq $2, (%rsp)
    pushq $0
    IRET
fast_skip2:
    popq %rcx
    popq %r11
    addq $2, (%rsp)
    pushq $0
    IRET

    .globl fast_syscall, fast_syscall_flag
fast_syscall:
    popq %rcx
    popq %r11
    pushq $0
    IRET
fast_syscall_flag: /* VGCF_in_syscall: rcx and r11 need not be kept */
    popq %rcx
    popq %r11
    pushq $256
    IRET

/* vCPU 0's flag and selector, and the first word of pending ports. */
    .globl fast_event
fast_event:
    popq %rcx
    popq %r11
    pushq %rax
    movq shared_info(%rip), %rax
    movb $0, (%rax)
    movq $0, 8(%rax)
    movq $0, 2048(%rax)
    popq %rax
    pushq $0
    IRET

    .globl iret_op
iret_op:
    movq %rsp, %rdx
    movl %ss, %eax
    pushq %rax
    pushq %rdx
    pushfq
    movl %cs, %eax
    andl $~3, %eax /* RPL 3 would mean user mode */
    pushq %rax
    pushq $1f
    pushq $0
    IRET
1:  xorl %eax, %eax
    ret

    .section .note.GNU-stack, "", @progbits
