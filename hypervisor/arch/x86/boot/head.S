/*
 * From the boot loader's 32-bit protected mode to C on the boot CPU's own
 * stack.
 *
 * The loader (multiboot 1: magic 0x2badb002, multiboot 2: 0x36d76289; magic in
 * %eax, address of its information in %ebx) jumps to _start32 with paging off.
 * The code here builds the early page tables:
 *
 *     L4[0] and L4[257] -> one L3
 *         L3[0..3]  -> machine memory 0-4 GiB in 2 MiB pages: identity under
 *                      slot 0, the image's final addresses under slot 257
 *         L3[192]   -> the CPU area of CPU 0 (layout.h), from .bss.boot_area
 *
 * so that C code runs from its first line at its linked address and in its
 * final CPU area: this_cpu() works at once. paging_init() later maps the same
 * frames with proper rights and drops the identity mapping.
 */
#include "arch/x86/layout.h"

#define PHYS(sym) ((sym) - IMAGE_START)

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x3 /* modules on page boundaries, memory information */
#define MB2_MAGIC 0xe85250d6

#define SEL_CODE32 0x08
#define SEL_CODE64 0x10
#define SEL_DATA 0x18

#define PTE_TABLE 0x3   /* present, writable */
#define PTE_LARGE 0x83  /* and 2 MiB */

/* Pages of a CPU area that have memory of their own; page 0 is the stub. */
#define AREA_PAGES 0xeaae

    .section .multiboot, "ax", @progbits
    .balign 8
    .long MB1_MAGIC, MB1_FLAGS, -(MB1_MAGIC + MB1_FLAGS)
    .balign 8
mb2_header:
    .long MB2_MAGIC, 0, mb2_header_end - mb2_header
    .long -(MB2_MAGIC + (mb2_header_end - mb2_header))
    .short 6, 1 /* modules on page boundaries; may be ignored */
    .long 8
    .short 0, 0 /* end of tags */
    .long 8
mb2_header_end:

    .section .init.text, "ax", @progbits
    .code32
    .globl _start32
_start32:
    cli
    cld
    movl    %eax, %ebp
    lgdt    PHYS(boot_gdtr32)
    ljmp    $SEL_CODE32, $PHYS(1f)
1:  movl    $SEL_DATA, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %ss
    movl    $PHYS(boot_area_end), %esp
    pushl   %ebx

    /* Long mode and no-execute pages are what we can't do without. */
    movl    $0x80000000, %eax
    cpuid
    cmpl    $0x80000001, %eax
    movl    $PHYS(no_long_mode), %esi
    jb      boot_refuse
    movl    $0x80000001, %eax
    cpuid
    btl     $29, %edx
    jnc     boot_refuse
    movl    $PHYS(no_nx), %esi
    btl     $20, %edx
    jnc     boot_refuse

    call    build_early_tables

    movl    %cr4, %eax
    orl     $0x20, %eax /* PAE */
    movl    %eax, %cr4
    movl    $PHYS(early_l4), %eax
    movl    %eax, %cr3
    movl    $0xc0000080, %ecx
    rdmsr
    orl     $0x900, %eax /* EFER: LME, NXE */
    wrmsr
    popl    %esi
    movl    %ebp, %edi
    movl    $0x80010033, %eax /* CR0: PG WP NE ET MP PE */
    movl    %eax, %cr0
    ljmp    $SEL_CODE64, $PHYS(start64)

/* Clobbers everything but %ebp and %esp. */
build_early_tables:
    movl    $PHYS(early_l2), %edi
    movl    $PTE_LARGE, %eax
    movl    $2048, %ecx
1:  movl    %eax, (%edi)
    addl    $0x200000, %eax
    addl    $8, %edi
    loop    1b

    movl    $(PHYS(early_l2) + PTE_TABLE), %eax
    movl    $PHYS(early_l3), %edi
    movl    $4, %ecx
1:  movl    %eax, (%edi)
    addl    $0x1000, %eax
    addl    $8, %edi
    loop    1b
    movl    $(PHYS(early_area_l2) + PTE_TABLE), %eax
    movl    %eax, PHYS(early_l3) + 8 * 192
    movl    $(PHYS(early_area_l1) + PTE_TABLE), %eax
    movl    %eax, PHYS(early_area_l2)
    movl    $(PHYS(early_l3) + PTE_TABLE), %eax
    movl    %eax, PHYS(early_l4)
    movl    %eax, PHYS(early_l4) + 8 * 257

    movl    $(PHYS(_stub_page) + PTE_TABLE), %eax
    movl    %eax, PHYS(early_area_l1)
    movl    $(PHYS(boot_area) + PTE_TABLE), %eax
    movl    $1, %ecx
1:  movl    $AREA_PAGES, %edx
    btl     %ecx, %edx
    jnc     2f
    movl    %eax, PHYS(early_area_l1)(, %ecx, 8)
    addl    $0x1000, %eax
2:  incl    %ecx
    cmpl    $16, %ecx
    jb      1b
    ret

/* Says the line at %esi on VGA text and on the first serial port; stops. */
boot_refuse:
    movl    $0xb8000, %edi
1:  lodsb
    testb   %al, %al
    jz      3f
    movb    %al, %bl
    movw    $0x3fd, %dx
    movl    $0x10000, %ecx
2:  inb     %dx, %al
    testb   $0x20, %al
    loopz   2b
    movb    %bl, %al
    movw    $0x3f8, %dx
    outb    %al, %dx
    movb    $0x07, %ah
    stosw
    jmp     1b
3:  hlt
    jmp     3b

    .code64
start64:
    movabsq $start64_high, %rax
    jmp     *%rax
start64_high:
    lgdt    boot_gdtr64(%rip)
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %fs
    movl    %eax, %gs
    /* Below the place of a guest's registers; 16-byte aligned at the call. */
    movabsq $(CPU_AREA_START + CPU_AREA_STACK_TOP - 208), %rsp
    xorl    %ebp, %ebp
    pushq   %rdi
    pushq   %rsi
    call    early_traps_init
    popq    %rsi
    popq    %rdi
    call    boot_main
    ud2

/*
 * A secondary CPU, coming from the trampoline: %rdi = CR3 to stay with,
 * %rsi = C function to call (never returns), %rdx = top of its stack.
 */
    .globl secondary_start64
secondary_start64:
    movq    %rdi, %cr3
    lgdt    boot_gdtr64(%rip)
    lidt    early_idt_ptr(%rip)
    leaq    -208(%rdx), %rsp
    xorl    %eax, %eax
    movl    %eax, %ds
    movl    %eax, %es
    movl    %eax, %fs
    movl    %eax, %gs
    xorl    %ebp, %ebp
    call    *%rsi
    ud2

    .section .rodata.boot, "a", @progbits
    .balign 16
    .globl boot_gdt
boot_gdt: /* accessed bits are set: the table may lie in read-only memory */
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00af9b000000ffff
    .quad   0x00cf93000000ffff
boot_gdt_end:
    .short  0
boot_gdtr32:
    .short  boot_gdt_end - boot_gdt - 1
    .long   PHYS(boot_gdt)
    .balign 8
    .short  0, 0, 0
boot_gdtr64:
    .short  boot_gdt_end - boot_gdt - 1
    .quad   boot_gdt
no_long_mode:
    .asciz  "FATAL: this processor has no 64-bit mode (CPUID LM)\r\n"
no_nx:
    .asciz  "FATAL: this processor has no no-execute pages (CPUID NX)\r\n"

    .section .bss.boot_area, "aw", @nobits
    .balign 4096
    .globl boot_area
boot_area: /* the pages of CPU 0's area that have memory, in order */
    .skip   4096 * 10
boot_area_end:
    .globl early_l4
early_l4:
    .skip   4096
early_l3:
    .skip   4096
early_l2:
    .skip   4096 * 4
early_area_l2:
    .skip   4096
early_area_l1:
    .skip   4096

    .section .note.GNU-stack, "", @progbits
