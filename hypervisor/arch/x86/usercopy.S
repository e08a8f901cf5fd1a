/*
 * The only instructions that touch guest virtual memory.
 *
 *   size_t usercopy_raw(void *dst, const void *src, size_t n);
 *   size_t userclear_raw(void *dst, size_t n);
 *
 * %rdi, %rsi, %rdx as in C; %rax = bytes not done. The sizes that matter are
 * 4 to 64 bytes (hypercall arguments), so those are plain moves in steps of
 * 16, 8, 4 and 1; whole pages go by string instructions. A fault in a step
 * counts all of that step as not copied.
 *
 *   bool usercopy_from_N(void *dst, vaddr_t src);
 *   bool usercopy_to_N(vaddr_t dst, const void *src);
 *
 * Whole structures of N bytes, range check included; %al = 1: not (all) done.
 */
#include "arch/x86/extable.h"
#include "arch/x86/smap.h"

#define LARGE 256

/* The next instruction may fault on guest memory. */
.macro GUEST fixup=fault
990:
    ASM_EXTABLE 990b, \fixup
.endm

    .text
    .balign 16
    .globl usercopy_raw
usercopy_raw:
    movq    %rdx, %rcx
    ASM_STAC
    cmpq    $LARGE, %rdx
    jae     copy_large
    subq    $16, %rdx
    jb      2f
1:  GUEST   fault16
    movq    (%rsi), %rax
    GUEST   fault16
    movq    8(%rsi), %r8
    GUEST   fault16
    movq    %rax, (%rdi)
    GUEST   fault16
    movq    %r8, 8(%rdi)
    addq    $16, %rsi
    addq    $16, %rdi
    subq    $16, %rdx
    jae     1b
2:  testb   $15, %cl
    jz      done
    /* %rdx = rest - 16, its low four bits are the rest. */
    andl    $15, %edx
    testb   $8, %cl
    jz      3f
    GUEST
    movq    (%rsi), %rax
    GUEST
    movq    %rax, (%rdi)
    addq    $8, %rsi
    addq    $8, %rdi
    subl    $8, %edx
    jz      done
3:  testb   $4, %cl
    jz      4f
    GUEST
    movl    (%rsi), %eax
    GUEST
    movl    %eax, (%rdi)
    addq    $4, %rsi
    addq    $4, %rdi
    subl    $4, %edx
    jz      done
4:  GUEST
    movb    (%rsi), %al
    GUEST
    movb    %al, (%rdi)
    incq    %rsi
    incq    %rdi
    decl    %edx
    jnz     4b
done:
    ASM_CLAC
    xorl    %eax, %eax
    ret

copy_large:
    shrq    $3, %rcx
    andl    $7, %edx
    GUEST   fault_words
    rep movsq
    testl   %edx, %edx
    jnz     4b
    jmp     done

fault16: /* %rdx is 16 too small */
    addq    $16, %rdx
fault:
    ASM_CLAC
    movq    %rdx, %rax
    ret
fault_words: /* %rcx words and the rest */
    ASM_CLAC
    leaq    (%rdx, %rcx, 8), %rax
    ret

    .balign 16
    .globl userclear_raw
userclear_raw:
    movq    %rsi, %rdx
    movq    %rsi, %rcx
    xorl    %eax, %eax
    ASM_STAC
    shrq    $3, %rcx
    andl    $7, %edx
    GUEST   fault_words
    rep stosq
    movl    %edx, %ecx
    xorl    %edx, %edx
    GUEST   fault_bytes
    rep stosb
    jmp     done
fault_bytes:
    ASM_CLAC
    movq    %rcx, %rax
    ret

/*
 * Copies of a fixed size. An address is the guest's if it is below 2^47 or
 * not below HYP_VIRT_END: its bits 63..43, as a signed number, are from -15 to
 * 15. Only the first byte is checked, since the bytes go upwards: past 2^47
 * the CPU faults, past the top of the address space it goes on at 0. Neither
 * is the hypervisor's.
 */
.macro CHECK_RANGE va
    movq    \va, %rax
    sarq    $43, %rax
    addq    $15, %rax
    cmpq    $30, %rax
    ja      fixed_refused
.endm

.macro FIXED_COPY name, va, bytes, read, write
    .balign 16
    .globl \name
\name:
    CHECK_RANGE \va
    ASM_STAC
    .if \bytes == 2
    \read   fixed_fault
    movzwl  (%rsi), %eax
    \write  fixed_fault
    movw    %ax, (%rdi)
    .elseif \bytes == 4
    \read   fixed_fault
    movl    (%rsi), %eax
    \write  fixed_fault
    movl    %eax, (%rdi)
    .else
    .set at, 0
    .rept \bytes / 8
    \read   fixed_fault
    movq    at(%rsi), %rax
    \write  fixed_fault
    movq    %rax, at(%rdi)
    .set at, at + 8
    .endr
    .endif
    ASM_CLAC
    xorl    %eax, %eax
    ret
.endm

.macro OURS fixup
.endm

.macro FIXED_SIZE bytes
    FIXED_COPY usercopy_from_\bytes, %rsi, \bytes, GUEST, OURS
    FIXED_COPY usercopy_to_\bytes, %rdi, \bytes, OURS, GUEST
.endm

    FIXED_SIZE 2
    FIXED_SIZE 4
    FIXED_SIZE 8
    FIXED_SIZE 16
    FIXED_SIZE 24
    FIXED_SIZE 32
    FIXED_SIZE 40
    FIXED_SIZE 48

fixed_fault:
    ASM_CLAC
fixed_refused:
    movl    $1, %eax
    ret

    .section .note.GNU-stack, "", @progbits
