/*
 * What this processor can do, and how each CPU is set up before it runs
 * anything else.
 */
#include "arch/x86/cpu.h"

#include "arch/x86/desc.h"
#include "arch/x86/fpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/regs.h"
#include "arch/x86/spec_ctrl.h"
#include "arch/x86/traps.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"
#include <xen/arch-x86/xen-x86_64.h>

struct cpu_features cpu_features;
uint64_t cpu_cr4;

/* Options: smep=off and so on do without a feature that is there. */
static bool want_smep __initdata = true, want_smap __initdata = true;
static bool want_umip __initdata = true, want_xsave __initdata = true;
static bool want_fsgsbase __initdata = true;
PARAM_BOOL("smep", want_smep);
PARAM_BOOL("smap", want_smap);
PARAM_BOOL("umip", want_umip);
PARAM_BOOL("xsave", want_xsave);
PARAM_BOOL("fsgsbase", want_fsgsbase);

/* A register of a CPUID leaf, and what its bits are called. */
enum { REG_A, REG_B, REG_C, REG_D };
struct needed_feature {
    uint32_t leaf;
    uint8_t reg, bit;
    const char *name;
};

static const struct needed_feature needed[] = {
    {1, REG_D, 0, "FPU"},      {1, REG_D, 3, "PSE"},
    {1, REG_D, 4, "TSC"},      {1, REG_D, 5, "MSR"},
    {1, REG_D, 6, "PAE"},      {1, REG_D, 8, "CMPXCHG8B"},
    {1, REG_D, 9, "APIC"},     {1, REG_D, 13, "PGE"},
    {1, REG_D, 15, "CMOV"},    {1, REG_D, 16, "PAT"},
    {1, REG_D, 24, "FXSR"},    {1, REG_D, 25, "SSE"},
    {1, REG_D, 26, "SSE2"},    {1, REG_C, 13, "CMPXCHG16B"},
    {0x80000001, REG_D, 11, "SYSCALL"}, {0x80000001, REG_D, 20, "NX"},
    {0x80000001, REG_D, 29, "LM (64-bit mode)"},
};

static uint32_t cpuid_reg(uint32_t leaf, uint8_t reg)
{
    struct cpuid_regs r = cpuid(leaf, 0);
    uint32_t v[4] = {r.a, r.b, r.c, r.d};

    return v[reg];
}

/* The first needed feature that the calling CPU lacks, or NULL. */
static const char *missing_feature(void)
{
    uint32_t max_ext = cpuid(0x80000000, 0).a;

    for (unsigned i = 0; i < ARRAY_SIZE(needed); i++) {
        const struct needed_feature *n = &needed[i];
        if (n->leaf > max_ext ||
            !((cpuid_reg(n->leaf, n->reg) >> n->bit) & 1))
            return n->name;
    }
    return NULL;
}

/* ---- identification; each fills its part of *f ---- */

static void read_model(struct cpu_features *f)
{
    struct cpuid_regs r = cpuid(0, 0);
    uint32_t sig;

    f->max_leaf = r.a;
    memcpy(f->vendor, &r.b, 4);
    memcpy(f->vendor + 4, &r.d, 4);
    memcpy(f->vendor + 8, &r.c, 4);
    f->vendor_amd = !strcmp(f->vendor, "AuthenticAMD") ||
                    !strcmp(f->vendor, "HygonGenuine");
    sig = cpuid(1, 0).a;
    f->family = (sig >> 8) & 15;
    f->model = (sig >> 4) & 15;
    f->stepping = sig & 15;
    if (f->family >= 6)
        f->model |= ((sig >> 16) & 15) << 4;
    if (f->family == 15)
        f->family += (sig >> 20) & 255;
}

/* Only components whose layout a guest may be shown, and whole groups. */
static void read_xstate(struct cpu_features *f)
{
    struct cpuid_regs r;

    if (!f->xsave || f->max_leaf < 0xd) {
        f->xsave = false;
        return;
    }
    r = cpuid(0xd, 0);
    f->xcr0_max = ((uint64_t)r.d << 32 | r.a) &
                  (XSTATE_X87 | XSTATE_SSE | XSTATE_AVX | XSTATE_AVX512);
    if ((f->xcr0_max & XSTATE_AVX512) != XSTATE_AVX512 ||
        !(f->xcr0_max & XSTATE_AVX))
        f->xcr0_max &= ~XSTATE_AVX512;
    f->avx = f->avx && (f->xcr0_max & XSTATE_AVX);
    f->xsaveopt = cpuid(0xd, 1).a & 1;
    f->xsave_size = FXSAVE_SIZE + 64;
    for (unsigned i = 2; i < 64; i++) {
        if (!((f->xcr0_max >> i) & 1))
            continue;
        r = cpuid(0xd, i);
        f->xsave_size = max(f->xsave_size, r.a + r.b);
    }
}

static void read_features(struct cpu_features *f)
{
    struct cpuid_regs r1 = cpuid(1, 0), ext, r7 = {0, 0, 0, 0};
    bool hypervisor_present = r1.c >> 31;

    f->max_ext_leaf = cpuid(0x80000000, 0).a;
    ext = cpuid(0x80000001, 0);
    if (f->max_leaf >= 7)
        r7 = cpuid(7, 0);
    f->pcid = (r1.c >> 17) & 1;
    f->x2apic = (r1.c >> 21) & 1;
    f->tsc_deadline = (r1.c >> 24) & 1;
    f->mwait = (r1.c >> 3) & 1;
    f->xsave = (r1.c >> 26) & 1;
    f->avx = (r1.c >> 28) & 1;
    f->fsgsbase = r7.b & 1;
    f->smep = (r7.b >> 7) & 1;
    f->invpcid = (r7.b >> 10) & 1;
    f->smap = (r7.b >> 20) & 1;
    f->umip = (r7.c >> 2) & 1;
    f->nx = (ext.d >> 20) & 1;
    f->gbpages = (ext.d >> 26) & 1;
    f->rdtscp = (ext.d >> 27) & 1;
    f->syscall32 = f->vendor_amd;
    f->phys_bits = f->max_ext_leaf >= 0x80000008
                       ? cpuid(0x80000008, 0).a & 0xff : 36;
    /* Virtual machines keep their rate, but rarely say so. */
    f->constant_tsc = hypervisor_present;
    if (f->max_ext_leaf >= 0x80000007 && ((cpuid(0x80000007, 0).d >> 8) & 1))
        f->constant_tsc = true;
}

static void identify(struct cpu_features *f)
{
    read_model(f);
    read_features(f);
    read_xstate(f);
}

static uint64_t choose_cr4(const struct cpu_features *f)
{
    uint64_t cr4 = CR4_PAE | CR4_PGE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if ((cpuid(1, 0).d >> 7) & 1)
        cr4 |= CR4_MCE;
    if (f->xsave)
        cr4 |= CR4_OSXSAVE;
    if (f->smep)
        cr4 |= CR4_SMEP;
    if (f->smap)
        cr4 |= CR4_SMAP;
    if (f->umip)
        cr4 |= CR4_UMIP;
    return cr4;
}

void __init cpu_identify(void)
{
    struct cpu_features *f = &cpu_features;
    const char *missing = missing_feature();

    if (missing)
        boot_fatal("this processor lacks the feature %s", missing);
    identify(f);
    f->smep = f->smep && want_smep;
    f->smap = f->smap && want_smap;
    f->umip = f->umip && want_umip;
    f->fsgsbase = f->fsgsbase && want_fsgsbase;
    if (!want_xsave) {
        f->xsave = f->xsaveopt = f->avx = false;
        f->xcr0_max = 0;
    }
    cpu_cr4 = choose_cr4(f);
    printk(XENLOG_INFO "CPU: %s family %u model %u stepping %u%s%s%s%s%s\n",
           f->vendor, f->family, f->model, f->stepping,
           f->smep ? " SMEP" : "", f->smap ? " SMAP" : "",
           f->umip ? " UMIP" : "", f->xsave ? " XSAVE" : "",
           f->avx ? " AVX" : "");
}

/* The boot CPU may have features switched off by option: "has at least". */
bool cpu_matches_boot_cpu(void)
{
    const struct cpu_features *b = &cpu_features;
    struct cpu_features f = {.max_leaf = 0};

    if (missing_feature())
        return false;
    identify(&f);
    return !strcmp(f.vendor, b->vendor) && f.phys_bits >= b->phys_bits &&
           f.xsave >= b->xsave && f.xsaveopt >= b->xsaveopt &&
           (f.xcr0_max & b->xcr0_max) == b->xcr0_max &&
           f.fsgsbase >= b->fsgsbase && f.smep >= b->smep &&
           f.smap >= b->smap && f.umip >= b->umip && f.avx >= b->avx &&
           f.rdtscp >= b->rdtscp && f.gbpages >= b->gbpages &&
           f.tsc_deadline >= b->tsc_deadline && f.x2apic >= b->x2apic;
}

/* ---- set-up of a CPU ---- */

/* Memory types of the ABI: WB WT UC- UC WC WP UC UC. */
#define PAT_VALUE 0x0000050100070406UL

#define SYSCALL_CLEARS                                                         \
    (X86_EFLAGS_TF | X86_EFLAGS_IF | X86_EFLAGS_DF | X86_EFLAGS_IOPL |         \
     X86_EFLAGS_NT | X86_EFLAGS_RF | X86_EFLAGS_VM | X86_EFLAGS_AC)

extern const char _stub_page[], syscall_stub[], syscall32_stub[];
extern const char sysenter_entry[];

static void init_system_calls(unsigned cpu)
{
    uint64_t area = CPU_AREA(cpu);

    wrmsr(MSR_STAR, (uint64_t)FLAT_RING3_CS32 << 48 | (uint64_t)HYP_CS << 32);
    wrmsr(MSR_LSTAR, area + (uint64_t)(syscall_stub - _stub_page));
    wrmsr(MSR_CSTAR, area + (uint64_t)(syscall32_stub - _stub_page));
    wrmsr(MSR_SYSCALL_MASK, SYSCALL_CLEARS);
    if ((cpuid(1, 0).d >> 11) & 1) {
        wrmsr(MSR_SYSENTER_CS, HYP_CS);
        wrmsr(MSR_SYSENTER_ESP, area + CPU_AREA_STACK_TOP);
        wrmsr(MSR_SYSENTER_EIP, (uint64_t)sysenter_entry);
    }
}

void cpu_init(unsigned cpu)
{
    /* Control bits before anything that they allow or forbid. */
    write_cr0(CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG);
    write_cr4(cpu_cr4);
    wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SCE | EFER_NXE);
    wrmsr(MSR_PAT, PAT_VALUE);

    this_pcpu()->id = cpu;
    desc_init_cpu(cpu);
    __asm__ volatile("lidt %0" ::"m"(idt_ptr));
    /* GS and FS hold the guest's bases; nothing of ours. */
    wrmsr(MSR_FS_BASE, 0);
    wrmsr(MSR_GS_BASE, 0);
    wrmsr(MSR_KERNEL_GS_BASE, 0);
    init_system_calls(cpu);
    fpu_init_cpu();
    spec_ctrl_init_cpu();
}
