/*
 * Per-CPU variables and the CPU's identity.
 *
 * Each CPU has a 64 KiB area (layout.h) that holds its stacks and its
 * variables, aligned to its size: so masking %rsp gives the area from any of
 * the CPU's stacks, with no segment register involved (the guest owns FS and
 * GS, and an NMI may come at any instruction).
 *
 * DEFINE_PER_CPU(type, name) puts a variable into the image's template
 * section, which every CPU's area starts as a zeroed copy of (no
 * initialisers other than zero).
 */
#ifndef ARCH_X86_PERCPU_H
#define ARCH_X86_PERCPU_H

#include "arch/x86/layout.h"
#include "lib/compiler.h"
#include "lib/types.h"

#define DEFINE_PER_CPU(type, name)                                             \
    __section(".percpu") __used __typeof__(type) percpu_##name
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) percpu_##name

static inline unsigned long cpu_area_base(void)
{
    unsigned long sp;
    __asm__("movq %%rsp, %0" : "=r"(sp));
    return sp & ~(CPU_AREA_SIZE - 1UL);
}

/*
 * The linker gives a per-CPU variable its offset in the area as its address
 * (xeno.lds.S), so one addition finds it.
 */
#define percpu_in_area(area, name)                                             \
    ({                                                                         \
        __typeof__(percpu_##name) *p_;                                         \
        __asm__("leaq percpu_" #name "(%1), %0" : "=r"(p_) : "r"(area));       \
        p_;                                                                    \
    })
/* This CPU's instance (an lvalue); caller stays on the CPU: no preemption. */
#define this_cpu(name) (*percpu_in_area(cpu_area_base(), name))
/* Another CPU's instance; that CPU must have been brought up once. */
#define per_cpu(name, cpu) (*percpu_in_area(CPU_AREA(cpu), name))

struct vcpu;
struct cpu_user_regs;

/* Task state segment, 64-bit (Intel SDM vol. 3, 7.7). */
struct tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t iomap_base; /* >= limit: no I/O bitmap, all ports trap */
} __packed;

/*
 * What entry code needs; the first thing in the per-CPU variables.
 */
struct pcpu {
    struct vcpu *curr;     /* the vCPU that runs here (idle vCPU if none) */
    struct vcpu *loaded;   /* whose registers and CR3 the CPU holds: lags
                              behind curr while idle (lazy switch) */
    uint64_t scratch_rsp;  /* guest %rsp during the SYSCALL stub */
    uint64_t softirq_pending; /* bit mask, see softirq.h */
    unsigned id;           /* CPU number, dense from 0 */
    uint32_t apic_id;
    uint64_t entry_cr3;    /* what entry code loads, and on the way back to */
    uint64_t exit_cr3;     /* the guest; 0: nothing (xpti.h) */
    uint64_t root_cr3[2];  /* exit_cr3 of guest user [0] and kernel mode [1] */
    bool user_tables;      /* CR3 is the user L4: xpti_see_user() */
    unsigned in_irq;       /* nesting of hard interrupts */
    uint32_t interrupts;   /* taken so far */
    uint32_t tlb_stamp;    /* tlb clock at this CPU's last full flush */
    struct tss tss __aligned(16);
};
DECLARE_PER_CPU(struct pcpu, pcpu);

/* Its place is known to the compiler, so a field is one instruction away. */
static inline struct pcpu *this_pcpu(void)
{
    return (struct pcpu *)(cpu_area_base() + CPU_AREA_PERCPU);
}

#define current (this_pcpu()->curr)
static inline unsigned smp_cpu_id(void)
{
    return (unsigned)((cpu_area_base() - CPU_AREA_START) / CPU_STRIDE);
}
/* The frame at the top of this CPU's stack: the interrupted guest. */
#define GUEST_REGS_SIZE 200
static inline struct cpu_user_regs *guest_regs(void)
{
    return (struct cpu_user_regs *)(cpu_area_base() + CPU_AREA_STACK_TOP -
                                    GUEST_REGS_SIZE);
}

#endif
