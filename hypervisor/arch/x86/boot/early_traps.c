/*
 * Exceptions until a CPU has its real descriptor tables (cpu_init): the same
 * handlers, reached through the boot GDT. So a refused MSR is survived and a
 * bug shows its registers from the first line of C on.
 */
#include "arch/x86/boot/early_traps.h"

#include "arch/x86/traps.h"
#include "lib/compiler.h"

#define BOOT_CS 0x10 /* 64-bit code in boot_gdt */
#define GATE_INTERRUPT 0x8e
#define VECTORS 32

struct early_gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};

extern const char entry_vectors[];
static struct early_gate early_idt[VECTORS] __initdata __aligned(16);
struct desc_ptr early_idt_ptr __initdata = {
    .limit = sizeof(early_idt) - 1,
    .base = (uint64_t)early_idt,
};

void __init early_traps_init(void)
{
    for (unsigned v = 0; v < VECTORS; v++) {
        uint64_t entry = (uint64_t)entry_vectors + 16UL * v;

        early_idt[v] = (struct early_gate){
            .offset_low = (uint16_t)entry,
            .selector = BOOT_CS,
            .type = GATE_INTERRUPT,
            .offset_mid = (uint16_t)(entry >> 16),
            .offset_high = (uint32_t)(entry >> 32),
        };
    }
    __asm__ volatile("lidt %0" ::"m"(early_idt_ptr));
}
