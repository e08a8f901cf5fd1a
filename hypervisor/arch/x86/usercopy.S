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

    .section .note.GNU-stack, "", @progbits
