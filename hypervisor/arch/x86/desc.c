/* The CPU's own descriptors, and loading the registers that use them. */
#include "arch/x86/desc.h"

#include "arch/x86/percpu.h"
#include "arch/x86/traps.h"
#include <xen/arch-x86/xen-x86_64.h>

static uint64_t *own_entry(unsigned cpu, unsigned selector)
{
    return own_gdt(cpu) + ((selector & ~7u) - GDT_OWN_FIRST) / 8;
}

void desc_load_ldt(unsigned entries)
{
    unsigned cpu = smp_cpu_id();
    uint16_t sel = 0;

    if (entries) {
        desc_make_system(own_entry(cpu, HYP_LDT_SEL), DESC_LDT,
                         DESC_WINDOW(cpu) + DESC_WINDOW_LDT, entries * 8 - 1);
        sel = HYP_LDT_SEL;
    }
    __asm__ volatile("lldt %0" ::"r"(sel) : "memory");
}

static void fill_gdt(unsigned cpu)
{
    *own_entry(cpu, HYP_CS) = DESC_CODE64_R0;
    *own_entry(cpu, HYP_DS) = DESC_DATA_R0;
    *own_entry(cpu, FLAT_RING3_CS32) = DESC_CODE32_R3;
    *own_entry(cpu, FLAT_RING3_DS32) = DESC_DATA_R3;
    *own_entry(cpu, FLAT_RING3_CS64) = DESC_CODE64_R3;
    desc_make_system(own_entry(cpu, HYP_TSS_SEL), DESC_TSS,
                     (vaddr_t)&this_pcpu()->tss, sizeof(struct tss) - 1);
}

static void fill_tss(unsigned cpu)
{
    struct tss *t = &this_pcpu()->tss;
    unsigned long area = CPU_AREA(cpu);

    *t = (struct tss){0};
    /* Below the four selector words of the frame (regs.h). */
    t->rsp[0] = area + CPU_AREA_STACK_TOP - 32;
    t->ist[0] = area + CPU_AREA_IST_DF_TOP;
    t->ist[1] = area + CPU_AREA_IST_NMI_TOP;
    t->ist[2] = area + CPU_AREA_IST_MC_TOP;
    t->ist[3] = area + CPU_AREA_IST_DB_TOP;
    t->iomap_base = sizeof(*t);
}

static void load_gdt(vaddr_t base)
{
    struct desc_ptr gdtr = {.limit = GDT_LIMIT, .base = base};

    __asm__ volatile("lgdt %0" ::"m"(gdtr));
}

static void load_segments(void)
{
    __asm__ volatile("pushq %q0\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "lretq\n"
                     "1: movl %1, %%ss\n\t"
                     "movl %2, %%ds\n\t"
                     "movl %2, %%es\n\t"
                     "movl %2, %%fs\n\t"
                     "movl %2, %%gs"
                     :
                     : "i"(HYP_CS), "r"(HYP_DS), "r"(0)
                     : "rax", "memory");
}

/*
 * LTR marks the TSS busy in the table, which the window does not allow: it is
 * done through the writable page, by a GDT that starts so that selectors fit.
 */
void desc_init_cpu(unsigned cpu)
{
    fill_tss(cpu);
    fill_gdt(cpu);
    load_gdt((vaddr_t)own_gdt(cpu) - GDT_OWN_FIRST);
    load_segments();
    __asm__ volatile("ltr %w0" ::"r"(HYP_TSS_SEL) : "memory");
    load_gdt(DESC_WINDOW(cpu));
    desc_load_ldt(0);
}
