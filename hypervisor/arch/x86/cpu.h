/* One-instruction wrappers, MSR and CR names, and the CPU's features. */
#ifndef ARCH_X86_CPU_H
#define ARCH_X86_CPU_H

#include "lib/compiler.h"
#include "lib/types.h"

#define MSR_TSC 0x10
#define MSR_APIC_BASE 0x1b
#define MSR_SPEC_CTRL 0x48
#define MSR_PRED_CMD 0x49
#define MSR_ARCH_CAPABILITIES 0x10a
#define MSR_FLUSH_CMD 0x10b
#define MSR_SYSENTER_CS 0x174
#define MSR_SYSENTER_ESP 0x175
#define MSR_SYSENTER_EIP 0x176
#define MSR_PAT 0x277
#define MSR_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_FIRST 0x800
#define MSR_EFER 0xc0000080
#define MSR_STAR 0xc0000081
#define MSR_LSTAR 0xc0000082
#define MSR_CSTAR 0xc0000083
#define MSR_SYSCALL_MASK 0xc0000084
#define MSR_FS_BASE 0xc0000100
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_TSC_AUX 0xc0000103

#define EFER_SCE 0x001UL
#define EFER_LME 0x100UL
#define EFER_LMA 0x400UL
#define EFER_NXE 0x800UL

#define CR0_PE 0x00000001UL
#define CR0_MP 0x00000002UL
#define CR0_EM 0x00000004UL
#define CR0_TS 0x00000008UL
#define CR0_ET 0x00000010UL
#define CR0_NE 0x00000020UL
#define CR0_WP 0x00010000UL
#define CR0_AM 0x00040000UL
#define CR0_NW 0x20000000UL
#define CR0_CD 0x40000000UL
#define CR0_PG 0x80000000UL

#define CR4_VME 0x00000001UL
#define CR4_PVI 0x00000002UL
#define CR4_TSD 0x00000004UL
#define CR4_DE 0x00000008UL
#define CR4_PSE 0x00000010UL
#define CR4_PAE 0x00000020UL
#define CR4_MCE 0x00000040UL
#define CR4_PGE 0x00000080UL
#define CR4_PCE 0x00000100UL
#define CR4_OSFXSR 0x00000200UL
#define CR4_OSXMMEXCPT 0x00000400UL
#define CR4_UMIP 0x00000800UL
#define CR4_FSGSBASE 0x00010000UL
#define CR4_PCIDE 0x00020000UL
#define CR4_OSXSAVE 0x00040000UL
#define CR4_SMEP 0x00100000UL
#define CR4_SMAP 0x00200000UL

static inline uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;
    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return ((uint64_t)hi << 32) | lo;
}
static inline void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v),
                     "d"((uint32_t)(v >> 32))
                     : "memory");
}
/* As above, but a faulting access gives false. Provided by extable.c. */
bool rdmsr_safe(uint32_t msr, uint64_t *v);
bool wrmsr_safe(uint32_t msr, uint64_t v);

struct cpuid_regs {
    uint32_t a, b, c, d;
};
static inline struct cpuid_regs cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid_regs r;
    __asm__ volatile("cpuid"
                     : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
                     : "0"(leaf), "2"(subleaf));
    return r;
}
static inline uint64_t rdtsc(void)
{
    uint32_t lo, hi;
    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return ((uint64_t)hi << 32) | lo;
}

#define DEFINE_CR(n)                                                           \
    static inline uint64_t read_cr##n(void)                                    \
    {                                                                          \
        uint64_t v;                                                            \
        __asm__ volatile("movq %%cr" #n ", %0" : "=r"(v));                     \
        return v;                                                              \
    }                                                                          \
    static inline void write_cr##n(uint64_t v)                                 \
    {                                                                          \
        __asm__ volatile("movq %0, %%cr" #n ::"r"(v) : "memory");              \
    }
DEFINE_CR(0)
DEFINE_CR(2)
DEFINE_CR(3)
DEFINE_CR(4)
#undef DEFINE_CR

static inline void invlpg(vaddr_t va)
{
    __asm__ volatile("invlpg (%0)" ::"r"(va) : "memory");
}
static inline void cpu_relax(void)
{
    __builtin_ia32_pause();
}
static inline void irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}
static inline void irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}
static inline bool irq_enabled(void)
{
    uint64_t f;
    __asm__ volatile("pushfq; popq %0" : "=r"(f));
    return f & 0x200;
}
/* Enables interrupts and halts with no window in between. */
static inline void safe_halt(void)
{
    __asm__ volatile("sti; hlt" ::: "memory");
}

#define DEFINE_PORT_IO(sfx, type)                                              \
    static inline type in##sfx(uint16_t port)                                  \
    {                                                                          \
        type v;                                                                \
        __asm__ volatile("in" #sfx " %1, %0" : "=a"(v) : "Nd"(port));          \
        return v;                                                              \
    }                                                                          \
    static inline void out##sfx(type v, uint16_t port)                         \
    {                                                                          \
        __asm__ volatile("out" #sfx " %0, %1" ::"a"(v), "Nd"(port));           \
    }
DEFINE_PORT_IO(b, uint8_t)
DEFINE_PORT_IO(w, uint16_t)
DEFINE_PORT_IO(l, uint32_t)
#undef DEFINE_PORT_IO

/*
 * Features of the boot CPU, found once by cpu_identify(); every other CPU must
 * have them too or stays off.
 */
struct cpu_features {
    char vendor[13];
    unsigned family, model, stepping;
    unsigned phys_bits;
    uint32_t max_leaf, max_ext_leaf;
    bool xsave, xsaveopt, avx, fsgsbase, smep, smap, umip, x2apic, tsc_deadline;
    bool pcid, invpcid, rdtscp, constant_tsc, gbpages, mwait, nx, syscall32;
    bool vendor_amd; /* AMD or Hygon */
    uint64_t xcr0_max;   /* state components a guest may enable */
    uint32_t xsave_size; /* bytes of a save area with xcr0_max enabled */
};
extern struct cpu_features cpu_features;
/* CR4 that the hypervisor itself runs with (before a guest's bits). */
extern uint64_t cpu_cr4;

/* Fills cpu_features; boot_fatal naming a feature that is needed and missing. */
void cpu_identify(void);
/*
 * Per-CPU set-up of control registers, EFER, GDT, TSS, IDT, SYSCALL MSRs, PAT,
 * x87/SSE/XCR0 on the calling CPU, whose CPU area must be mapped.
 */
void cpu_init(unsigned cpu);
/* Has the calling CPU all that cpu_identify() found on the boot CPU? */
bool cpu_matches_boot_cpu(void);

#endif
