/*
 * The entries: multiboot (bare machine) and Xen's PV. Both pass an ident and
 * what they were given to paravirt_start. Then trap stubs and stack switch.
 * A further processor comes by secondary_entry, on the bare machine from the
 * copy of ap_begin in low memory.
 */
#include <xen/elfnote.h>

#define PHYS(x) (x - 0xffffffff80000000 + 0x200000)
#define IDENT_NATIVE 0x6576746e
#define IDENT_XEN 0x336e6578
/* Offsets in struct ops. */
#define OP_USER_CS 24
#define OP_USER_SS 32
#define OP_TRAP_ENTRY 80
#define OP_TRAP_EXIT 88
#define OP_SET_KERNEL_STACK 120

/* ---- multiboot ---- */
    .section .multiboot, "ax"
    .balign 4
multiboot:
    .long 0x1badb002, 0x00010003, -(0x1badb002 + 0x00010003)
    .long PHYS(multiboot), 0x200000, PHYS(image_data_end), PHYS(image_end)
    .long PHYS(native_start)

    .code32
native_start:
    cld
    movl $PHYS(boot_stack_top), %esp
    movl %ebx, %ebp
    /* Identity, and VIRT_BASE at 2 MiB: 1 GiB each, in pages of 2 MiB. */
    movl $PHYS(l2_low), %edi
    movl $0x83, %eax
    movl $512, %ecx
1:  movl %eax, (%edi)
    leal 0x200000(%eax), %edx
    movl %edx, PHYS(l2_high) - PHYS(l2_low)(%edi)
    movl %edx, %eax
    addl $8, %edi
    loop 1b
    movl $PHYS(l3_low) + 3, PHYS(l4)
    movl $PHYS(l3_high) + 3, PHYS(l4) + 511 * 8
    movl $PHYS(l2_low) + 3, PHYS(l3_low)
    movl $PHYS(l2_high) + 3, PHYS(l3_high) + 510 * 8
    movl $PHYS(l4), %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $0xa0, %eax /* PAE, PGE */
    movl %eax, %cr4
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x100, %eax /* LME */
    wrmsr
    movl %cr0, %eax
    orl $0x80010000, %eax /* PG, WP */
    movl %eax, %cr0
    lgdt PHYS(boot_gdt_pointer)
    ljmp $8, $PHYS(native_start64)

    .balign 8
boot_gdt:
    .quad 0, 0x00af9a000000ffff, 0x00cf92000000ffff
boot_gdt_pointer:
    .word 23
    .long PHYS(boot_gdt)

    .code64
native_start64:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $boot_stack_top, %rsp
    movl $IDENT_NATIVE, %edi
    movl %ebp, %esi
    xorl %ebp, %ebp
    movq $enter, %rax
    jmp *%rax

/* ---- a further processor ---- */
#define AP_PHYS(x) (x - ap_begin + 0x8000)
    .code16
    .globl ap_begin, ap_end, ap_stack, secondary_entry
ap_begin:
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl AP_PHYS(ap_gdt_pointer)
    movl $0xa0, %eax
    movl %eax, %cr4
    movl $PHYS(l4), %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    movl $0x100, %eax
    xorl %edx, %edx
    wrmsr
    movl $0x80010001, %eax
    movl %eax, %cr0
    ljmpl $8, $AP_PHYS(ap_start64)
    .balign 4
ap_gdt_pointer:
    .word 23
    .long PHYS(boot_gdt)
    .code64
ap_start64:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $ap_load_stack, %rax
    jmp *%rax
ap_end:
ap_load_stack:
    movq ap_stack, %rsp
secondary_entry:
    cld
    xorl %ebp, %ebp
    call secondary_start
    ud2

/* ---- Xen ---- */
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
    NOTE XEN_ELFNOTE_GUEST_OS, .asciz "mini-os"
    NOTE XEN_ELFNOTE_GUEST_VERSION, .asciz "1"
    NOTE XEN_ELFNOTE_LOADER, .asciz "generic"
    NOTE XEN_ELFNOTE_VIRT_BASE, .quad 0xffffffff80000000
    NOTE XEN_ELFNOTE_PADDR_OFFSET, .quad 0x200000
    NOTE XEN_ELFNOTE_ENTRY, .quad xen_start
    NOTE XEN_ELFNOTE_HYPERCALL_PAGE, .quad hypercall_page
    NOTE XEN_ELFNOTE_SUSPEND_CANCEL, .long 1
    NOTE XEN_ELFNOTE_FEATURES, .asciz ""
    NOTE XEN_ELFNOTE_SUPPORTED_FEATURES, .long 1 << 11 /* XENFEAT_dom0 */

/* The same for builders that know no notes. */
    .section __xen_guest, "a"
    .ascii "GUEST_OS=mini-os,GUEST_VER=1,XEN_VER=xen-3.0,LOADER=generic,"
    .ascii "VIRT_BASE=0xffffffff80000000,ELF_PADDR_OFFSET=0x200000,"
    .ascii "HYPERCALL_PAGE=0x1"

    .text
    .balign 4096
    .globl hypercall_page, xen_start
hypercall_page:
    .skip 4096
xen_start:
    cld
    movq $boot_stack_top, %rsp
    movl $IDENT_XEN, %edi
    xorl %ebp, %ebp
enter:
    call paravirt_start
    ud2

/*
 * Trap stubs. The bare machine's frame is rip cs rflags rsp ss, with an error
 * code before it for some; Xen's has rcx and r11 on top of that. What takes
 * them off is a patched site: three bytes of nothing on the bare machine.
 */
.macro SITE op, size, kind
    .pushsection .patches, "a"
    .quad 770f, \size, \op, \kind
    .popsection
770:
.endm
.macro STUB vector, has_error
    SITE OP_TRAP_ENTRY, 3, 0
    .byte 0x0f, 0x1f, 0x00
.if !\has_error
    pushq $0
.endif
    pushq $\vector
    jmp trap_common
.endm
    .balign 16
    .globl trap_stubs, event_stub, failsafe_stub, syscall_stub
trap_stubs:
    .set vec, 0
    .rept 50
    .balign 16
    .if vec == 8 || (vec >= 10 && vec <= 14) || vec == 17 || vec == 21
    STUB vec, 1
    .else
    STUB vec, 0
    .endif
    .set vec, vec + 1
    .endr
event_stub:
    STUB 0x100, 0
failsafe_stub:
    STUB 0x101, 1
syscall_stub: /* Xen's: with the frame of a trap */
    STUB 0x102, 0

/* The bare machine's: the frame is ours to make. */
    .globl native_syscall, native_syscall_stack
native_syscall:
    movq %rsp, user_rsp
    movq native_syscall_stack, %rsp
    pushq ops + OP_USER_SS
    pushq user_rsp
    pushq %r11
    pushq ops + OP_USER_CS
    pushq %rcx
    pushq $0
    pushq $0x102

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
    cld
    movq %rsp, %rdi
    movq %rsp, %rbp
    andq $-16, %rsp
    call handle_trap
    movq %rbp, %rsp
trap_return:
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
    SITE OP_TRAP_EXIT, 8, 0xe9
    jmp *ops + OP_TRAP_EXIT
    .byte 0x90

    .globl xen_trap_exit
xen_trap_exit:
    pushq $0 /* flags for iret */
    jmp hypercall_page + 23 * 32

/* What a function keeps for its caller. */
.macro PUSH_KEPT
    pushq %rbx
    pushq %rbp
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
.endm
.macro POP_KEPT
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbp
    popq %rbx
.endm

/* void switch_stack(u64 *save_rsp, u64 rsp) */
    .globl switch_stack, thread_first
switch_stack:
    PUSH_KEPT
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    POP_KEPT
    ret
/* Where a new thread's first switch returns to: function and argument. */
thread_first:
    call irq_on
    movq %r12, %rdi
    call *%rbx
    call thread_exit
    ud2

/* long guarded_call(fn, arg, u64 *save_rsp): a fault ends at guarded_end. */
    .globl guarded_call, guarded_end
guarded_call:
    PUSH_KEPT
    movq %rsp, (%rdx)
    movq %rdi, %rax
    movq %rsi, %rdi
    subq $8, %rsp
    call *%rax
    addq $8, %rsp
    movq $-1, %rax
guarded_end:
    POP_KEPT
    ret

/*
 * long enter_user(struct trap_frame *f, u64 *save_rsp): to where f says, with
 * save_rsp as what comes from there has its stack. leave_user(rsp, value) is
 * its return.
 */
    .globl enter_user, leave_user
enter_user:
    PUSH_KEPT
    movq %rsp, (%rsi)
    movq %rdi, %rbx
    movq %rsp, %rdi
    subq $8, %rsp
    call *ops + OP_SET_KERNEL_STACK
    movq %rbx, %rsp
    jmp trap_return
leave_user:
    movq %rdi, %rsp
    movq %rsi, %rax
    jmp guarded_end

    .section .rodata
    .globl user_program, user_program_end
user_program:
    .incbin USER_PROGRAM
user_program_end:

    .bss
user_rsp: .skip 8
native_syscall_stack: .skip 8
ap_stack: .skip 8
    .globl l4
    .balign 4096
l4: .skip 4096
l3_low: .skip 4096
l3_high: .skip 4096
l2_low: .skip 4096
l2_high: .skip 4096
    .section .bss.stacks, "aw", @nobits
    .skip 8192
    .globl boot_stack_top
boot_stack_top:
    .section .note.GNU-stack, "", @progbits
