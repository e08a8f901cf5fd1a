/*
 * How a secondary CPU gets from real mode to C.
 *
 * Four frames below 640 KiB hold the code and three page tables that map it
 * one to one beside the hypervisor's own part. Starting a CPU:
 *
 *     vector = trampoline_prepare(CPU_AREA(cpu) + CPU_AREA_STACK_TOP, entry);
 *     INIT, then SIPI with `vector`, to the CPU;
 *     wait until `entry` has told that it runs, before the next CPU.
 *
 * `entry` is called in 64-bit mode with interrupts off, on that stack, in the
 * final page tables (hyp_l4), with the boot GDT, the IDT for early exceptions,
 * no TSS, CR4 = PAE only: cpu_init() is its first duty. It must not return.
 */
#ifndef ARCH_X86_BOOT_TRAMPOLINE_H
#define ARCH_X86_BOOT_TRAMPOLINE_H

#include "lib/types.h"

uint8_t trampoline_prepare(vaddr_t stack_top, void (*entry)(void));

/* Puts code and tables in place; by paging_init, once. */
void trampoline_init(void);

/* ---- trampoline.S: the code as linked, and fields to fill in its copy ---- */
extern const char trampoline_start[], trampoline_end[];
extern const char trampoline_gdt_base[];  /* 32 bits: address of the GDT copy */
extern const char trampoline_gdt[];
extern const char trampoline_jump32[];    /* 32 bits: address of code32 copy */
extern const char trampoline_code32[];
extern const char trampoline_jump64[];    /* 32 bits: address of code64 copy */
extern const char trampoline_code64[];
extern const char trampoline_cr3[];       /* 32 bits: CR3 for the way up */
extern const char trampoline_final_cr3[]; /* 64 bits: CR3 to stay with */
extern const char trampoline_stack[];     /* 64 bits: top of the stack */
extern const char trampoline_entry[];     /* 64 bits: C function */
/* head.S: rdi = CR3, rsi = C function, rdx = top of the stack. */
void secondary_start64(void);

#endif
