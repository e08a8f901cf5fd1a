/*
 * The IDT, and traps taken while the hypervisor itself runs. These are either
 * expected - an access to guest memory or a load of a guest's selector, listed
 * in the exception table - or the end.
 */
#include "arch/x86/traps.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/extable.h"
#include "arch/x86/layout.h"
#include "arch/x86/percpu.h"
#include "lib/printk.h"

#define HYP_CS_SELECTOR 0xe008
#define GATE_INTERRUPT 0x8e /* present, DPL 0, 64-bit interrupt gate */
#define GATE_DPL3 0x60

struct gate {
    uint16_t offset_low, selector;
    uint8_t ist, type;
    uint16_t offset_mid;
    uint32_t offset_high, reserved;
};
_Static_assert(sizeof(struct gate) == 16, "64-bit gate");

extern const char entry_vectors[];
static struct gate idt[256] __aligned(4096);
struct desc_ptr idt_ptr;

static void set_gate(unsigned vector, uint8_t ist, uint8_t dpl)
{
    uint64_t entry = (uint64_t)entry_vectors + 16UL * vector;

    idt[vector] = (struct gate){
        .offset_low = (uint16_t)entry,
        .selector = HYP_CS_SELECTOR,
        .ist = ist,
        .type = GATE_INTERRUPT | dpl,
        .offset_mid = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

void __init traps_init(void)
{
    for (unsigned v = 0; v < 256; v++)
        set_gate(v, 0, 0);
    set_gate(TRAP_DF, 1, 0);
    set_gate(TRAP_NMI, 2, 0);
    set_gate(TRAP_MC, 3, 0);
    set_gate(TRAP_DB, 4, 0);
    /* INT3 and INTO are the guest's own, whatever ring it calls itself. */
    set_gate(TRAP_BP, 0, GATE_DPL3);
    set_gate(TRAP_OF, 0, GATE_DPL3);
    idt_ptr.limit = sizeof(idt) - 1;
    idt_ptr.base = (uint64_t)idt;
}

static const char *trap_name(unsigned vector)
{
    static const char *const names[] = {
        "divide error", "debug", "NMI", "breakpoint", "overflow",
        "bound range", "invalid opcode", "device not available",
        "double fault", "coprocessor overrun", "invalid TSS",
        "segment not present", "stack fault", "general protection",
        "page fault", "reserved", "x87 error", "alignment check",
        "machine check", "SIMD error", "virtualisation", "control protection"};
    return vector < ARRAY_SIZE(names) ? names[vector] : "trap";
}

void do_host_trap(struct cpu_user_regs *regs)
{
    uint64_t fixup;

    fixup = extable_search(regs->rip);
    if (fixup) {
        regs->rip = fixup;
        return;
    }
    fatal_trap(regs, trap_name(regs->entry_vector));
}

void do_ist_trap(struct cpu_user_regs *regs)
{
    switch (regs->entry_vector) {
    case TRAP_NMI:
        if (!nmi_claimed(regs))
            printk(XENLOG_WARNING "NMI with no known source, ignored\n");
        return;
    case TRAP_DB:
        /*
         * The guest's own breakpoint on memory that we touched for it (or
         * MOV SS shadowing an INT): not ours to act on.
         */
        __asm__ volatile("movq %0, %%dr6" ::"r"(0xffff0ff0UL));
        regs->rflags &= ~X86_EFLAGS_TF;
        return;
    default:
        fatal_trap(regs, trap_name(regs->entry_vector));
    }
}
