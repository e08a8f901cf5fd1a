/*
 * Start of a test kernel: Xen notes, entry, trap stubs. 64-bit; PFN 0 is at
 * 0xffffffff80000000, or at 0 with LOW.
 */
#include <xen/elfnote.h>

.macro NOTE type, desc:vararg
    .pushsection .note.xen, "a", @note
    .balign 4
    .long 4, 99f - 98f, \type
    .asciz "Xen"
98: \desc
99: .balign 4
    .popsection
.endm

    NOTE XEN_ELFNOTE_XEN_VERSION, .asciz "xen-3.0"
    NOTE XEN_ELFNOTE_GUEST_OS, .asciz "xeno-test"
    NOTE XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
    NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
    NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
#ifndef LOW
    NOTE XEN_ELFNOTE_VIRT_BASE, .quad 0xffffffff80000000
    NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad 0
    NOTE XEN_ELFNOTE_ENTRY, .quad _start
    NOTE XEN_ELFNOTE_FEATURES, .asciz ""
    NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long 1 << 11 /* XENFEAT_dom0 */
#else /* no more notes than a framework's kernel may have: the rest by default */
    NOTE XEN_ELFNOTE_FEATURES, .asciz "!writable_page_tables|pae_pgdir_above_4gb"
    NOTE XEN_ELFNOTE_PAE_MODE, .asciz "yes"
#endif

    .text
    .globl _start
_start:
    cld
    leaq boot_stack_top(%rip), %rsp
    movq %rsi, %rdi
    xorl %ebp, %ebp
    call guest_start
    ud2

    .balign 4096
    .globl hypercall_page
hypercall_page:
    .skip 4096

/*
 * Trap entries. The hypervisor's frame: rcx r11 [error] rip cs rflags rsp ss.
 * struct trap_frame of guest.h is built on the stack and passed to C.
 */
.macro TRAP vec, has_error
    .globl trap_\vec
trap_\vec:
    popq %rcx
    popq %r11
.if !\has_error
    pushq $0
.endif
    pushq $\vec
    jmp trap_common
.endm
    TRAP 0, 0
    TRAP 1, 0
    TRAP 2, 0
    TRAP 3, 0
    TRAP 4, 0
    TRAP 5, 0
    TRAP 6, 0
    TRAP 7, 0
    TRAP 8, 1
    TRAP 10, 1
    TRAP 11, 1
    TRAP 12, 1
    TRAP 13, 1
    TRAP 14, 1
    TRAP 16, 0
    TRAP 17, 1
    TRAP 18, 0
    TRAP 19, 0
    TRAP 32, 0
    TRAP 33, 0
    TRAP 128, 0

/* Callbacks: frames without error code; failsafe has four selectors more. */
    .globl event_callback, failsafe_callback, syscall_callback
event_callback:
    popq %rcx
    popq %r11
    pushq $0
    pushq $0x100
    jmp trap_common
syscall_callback:
    popq %rcx
    popq %r11
    pushq $0
    pushq $0x102
    jmp trap_common
failsafe_callback:
    popq %rcx
    popq %r11
    popq failsafe_selectors(%rip)
    popq failsafe_selectors + 8(%rip)
    popq failsafe_selectors + 16(%rip)
    popq failsafe_selectors + 24(%rip)
    pushq $0
    pushq $0x101

    .globl trap_common
trap_common:
    pushq %rax
    pushq %rcx
    pushq %rdx
    pushq %rbx
    pushq %rbp
    pushq %rsi
    pushq %rdi
    pushq %r8
    pushq %r9
    pushq %r10
    pushq %r11
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    cld /* as user mode left it */
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call guest_trap
    movq %rbp, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %r11
    popq %r10
    popq %r9
    popq %r8
    popq %rdi
    popq %rsi
    popq %rbp
    popq %rbx
    popq %rdx
    popq %rcx
    popq %rax
    addq $16, %rsp
    pushq $0 /* flags for iret */
    jmp hypercall_page + 23 * 32

/*
 * long call_recover(long (*fn)(long), long arg, struct recover *r): calls fn;
 * a trap in it while r is active comes back here with rax = -1.
 */
    .globl call_recover, call_recovered
call_recover:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdx)
    movq %rdi, %rax
    movq %rsi, %rdi
    subq $8, %rsp
    call *%rax
    addq $8, %rsp
call_recovered:
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
    ret

/*
 * void enter_user(struct recover *r, const uint64_t frame[5], arg): into guest
 * user mode; what traps there comes back to call_recovered. The kernel stack
 * for the trap begins below what call_recover's way back needs.
 */
    .globl enter_user
enter_user:
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %r12
    movq %rdx, %r13
    movl $0xe02b, %edi
    movq user_trap_stack(%rip), %rsi
    testq %rsi, %rsi
    cmovzq %rsp, %rsi
    subq $8, %rsp
    call hypercall_page + 3 * 32 /* stack_switch */
    pushq 32(%r12)
    pushq 24(%r12)
    pushq 16(%r12)
    pushq 8(%r12)
    pushq (%r12)
    pushq user_iret_flags(%rip)
    movq %r13, %rdi
    xorl %eax, %eax
    xorl %ebx, %ebx
    xorl %ecx, %ecx
    xorl %edx, %edx
    xorl %esi, %esi
    xorl %ebp, %ebp
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    jmp hypercall_page + 23 * 32

    .bss
    .balign 16
    .skip 32768
    .globl boot_stack_top
boot_stack_top:
    .globl failsafe_selectors
failsafe_selectors: .skip 32
    .globl user_trap_stack, user_iret_flags
user_trap_stack: .skip 8
user_iret_flags: .skip 8

    .section .note.GNU-stack, "", @progbits
