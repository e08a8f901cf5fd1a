/*
 * A secondary CPU starts here in real mode, %cs:0 at the copy of this code
 * below 1 MiB (trampoline.h). The fields with addresses in them are filled in
 * by trampoline.c, once the place is known.
 */
#define OFFSET(sym) ((sym) - trampoline_start)

    .section .init.rodata, "a", @progbits
    .balign 16
    .globl trampoline_start, trampoline_end
    .globl trampoline_gdt_base, trampoline_gdt
    .globl trampoline_jump32, trampoline_code32
    .globl trampoline_jump64, trampoline_code64, trampoline_cr3
    .globl trampoline_final_cr3, trampoline_stack, trampoline_entry
trampoline_start:
    .code16
    cli
    cld
    movw    %cs, %ax
    movw    %ax, %ds
    movzwl  %ax, %ebx
    shll    $4, %ebx /* linear address of this copy, from here on */
    lgdtl   OFFSET(gdtr)
    movl    %cr0, %eax
    orl     $1, %eax
    movl    %eax, %cr0
    .byte   0x66, 0xea /* far jump, 32-bit offset */
trampoline_jump32:
    .long   0
    .short  0x08

    .code32
trampoline_code32:
    movl    $0x18, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    $0x20, %eax /* PAE */
    movl    %eax, %cr4
    movl    OFFSET(trampoline_cr3)(%ebx), %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx
    rdmsr
    orl     $0x900, %eax /* EFER: LME, NXE */
    wrmsr
    movl    $0x80010033, %eax /* CR0: PG WP NE ET MP PE */
    movl    %eax, %cr0
    .byte   0xea
trampoline_jump64:
    .long   0
    .short  0x10

    .code64
trampoline_code64:
    movl    %ebx, %ebx
    movq    OFFSET(trampoline_final_cr3)(%rbx), %rdi
    movq    OFFSET(trampoline_entry)(%rbx), %rsi
    movq    OFFSET(trampoline_stack)(%rbx), %rdx
    movabsq $secondary_start64, %rax
    jmp     *%rax

    .balign 8
trampoline_gdt: /* as boot_gdt */
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00af9b000000ffff
    .quad   0x00cf93000000ffff
trampoline_final_cr3:
    .quad   0
trampoline_stack:
    .quad   0
trampoline_entry:
    .quad   0
trampoline_cr3:
    .long   0
gdtr:
    .short  trampoline_final_cr3 - trampoline_gdt - 1
trampoline_gdt_base:
    .long   0
trampoline_end:

    .section .note.GNU-stack, "", @progbits
