/*
 * Model-specific registers as a guest sees them: a short list of those that a
 * kernel has reason to touch. Anything else faults, as on a CPU without it.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/map.h"
#include "arch/x86/pte.h"
#include "arch/x86/spec_ctrl.h"
#include "arch/x86/timer.h"
#include "lib/errno.h"
#include "mm/page_type.h"
#include "pv/pv.h"

#define MSR_PLATFORM_ID 0x17
#define MSR_UCODE_REV 0x8b
#define MSR_MTRR_CAP 0xfe
#define MSR_MCG_CAP 0x179
#define MSR_MCG_STATUS 0x17a
#define MSR_MISC_ENABLE 0x1a0
#define MSR_DEBUGCTL 0x1d9
#define MSR_AMD_PATCH_LEVEL 0x8b
#define MSR_AMD_HWCR 0xc0010015
#define MSR_AMD_DE_CFG 0xc0011029
#define MSR_HYPERCALL_PAGE 0x40000000
/* PAT that the ABI fixes for PV guests. */
#define PV_PAT 0x050100070406UL
#define APIC_BASE_ENABLE 0x800UL
#define APIC_BASE_BSP 0x100UL
/* MISC_ENABLE: no performance monitor, no MONITOR; no traces of any kind. */
#define MISC_HIDDEN (1UL << 7 | 1UL << 18)
#define MISC_UNAVAILABLE (1UL << 11 | 1UL << 12 | 1UL << 23)
#define EFER_GUEST (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE)

static uint64_t gs_base_active(void)
{
    return rdmsr(MSR_GS_BASE);
}

/*
 * SPEC_CTRL is the guest's own as far as its bits are shown to it: the
 * hypervisor loads its own value on the way in (spec_ctrl.h).
 */
static int write_spec_ctrl(struct vcpu *v, uint64_t val)
{
    uint64_t mask = spec_choice.guest_spec_ctrl;

    if (!mask || (val & ~mask))
        return -EPERM;
    v->pv.spec_ctrl = val;
    spec_ctrl_set_guest((uint32_t)val);
    return 0;
}

/* A barrier against the guest's own earlier code. */
static int write_pred_cmd(uint64_t val)
{
    if (!spec_choice.guest_pred_cmd || (val & ~1UL))
        return -EPERM;
    if (val)
        wrmsr(MSR_PRED_CMD, val);
    return 0;
}

/*
 * Of what a guest does not have, but kernels touch without asking: these read
 * as zero and drop what is written.
 */
static bool is_void_msr(uint32_t msr)
{
    switch (msr) {
    case 0x0 ... 0x1:     /* machine checks of the first CPUs that had them */
    case 0xc1 ... 0xc8:   /* performance counters */
    case 0xce:            /* PLATFORM_INFO: no CPUID faulting */
    case 0xe7 ... 0xe8:   /* MPERF, APERF */
    case 0x140:           /* MISC_FEATURES_ENABLES */
    case 0x17b:           /* MCG_CTL */
    case 0x186 ... 0x189: /* performance events */
    case 0x198 ... 0x19a: /* frequency */
    case 0x19c:           /* temperature */
    case 0x1b0:           /* ENERGY_PERF_BIAS */
    case 0x280 ... 0x29f: /* corrected machine checks */
    case 0x309 ... 0x30b: /* fixed performance counters */
    case 0x345:           /* PERF_CAPABILITIES */
    case 0x38d ... 0x390: /* control of performance counters */
    case 0x400 ... 0x47f: /* machine check banks */
    case MSR_HYPERCALL_PAGE:
        return true;
    default:
        return false;
    }
}

/* 0, or -EPERM: the guest gets #GP. */
int pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *val)
{
    switch (msr) {
    case MSR_FS_BASE:
        *val = rdmsr(MSR_FS_BASE);
        return 0;
    case MSR_GS_BASE:
        *val = gs_base_active();
        return 0;
    case MSR_KERNEL_GS_BASE:
        *val = rdmsr(MSR_KERNEL_GS_BASE);
        return 0;
    case MSR_TSC:
        *val = rdtsc();
        return 0;
    case MSR_EFER:
        *val = rdmsr(MSR_EFER) & EFER_GUEST;
        return 0;
    case MSR_PAT:
        *val = PV_PAT;
        return 0;
    case MSR_APIC_BASE:
        *val = 0xfee00000UL | APIC_BASE_ENABLE |
               (v->vcpu_id == 0 ? APIC_BASE_BSP : 0);
        return 0;
    case MSR_SPEC_CTRL:
        *val = v->pv.spec_ctrl;
        return spec_choice.guest_spec_ctrl ? 0 : -EPERM;
    case MSR_ARCH_CAPABILITIES:
        *val = spec_choice.guest_arch_caps;
        return spec_choice.guest_leaf7_edx & SPEC_7D_ARCH_CAPS ? 0 : -EPERM;
    case MSR_TSC_AUX:
        if (!cpu_features.rdtscp)
            return -EPERM;
        *val = v->pv.tsc_aux;
        return 0;
    case MSR_SYSENTER_CS:
    case MSR_SYSENTER_ESP:
    case MSR_SYSENTER_EIP:
    case MSR_MCG_CAP:    /* no banks */
    case MSR_MCG_STATUS:
    case MSR_DEBUGCTL:
        *val = 0;
        return 0;
    case MSR_MISC_ENABLE:
        if (!rdmsr_safe(msr, val))
            return -EPERM;
        *val = (*val & ~MISC_HIDDEN) | MISC_UNAVAILABLE;
        return 0;
    case MSR_UCODE_REV:
    case MSR_PLATFORM_ID:
        /* Truth about the machine that hurts nobody. */
        return rdmsr_safe(msr, val) ? 0 : -EPERM;
    case MSR_AMD_HWCR:
    case MSR_AMD_DE_CFG:
        if (!cpu_features.vendor_amd || !rdmsr_safe(msr, val))
            return -EPERM;
        return 0;
    default:
        *val = 0;
        return is_void_msr(msr) ? 0 : -EPERM;
    }
}

/* MSR 0x40000000: fills the guest frame with a hypercall page. */
static int write_hypercall_page(struct vcpu *v, uint64_t val)
{
    struct domain *d = v->domain;
    mfn_t m = paddr_to_mfn(val);
    void *p;
    int rc;

    if (!mfn_valid(m))
        return -EPERM;
    rc = page_get_and_type(frame_of(m), PGT_WRITABLE, d);
    if (rc)
        return -EPERM;
    p = map_frame(m);
    hypercall_page_init(p);
    unmap_frame(p);
    (void)page_put_and_type(frame_of(m), d);
    return 0;
}

int pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t val)
{
    switch (msr) {
    case MSR_FS_BASE:
    case MSR_GS_BASE:
    case MSR_KERNEL_GS_BASE:
        if (!is_canonical(val))
            return -EPERM;
        wrmsr(msr, val);
        return 0;
    case MSR_TSC_AUX:
        if (!cpu_features.rdtscp || (val >> 32))
            return -EPERM;
        v->pv.tsc_aux = val;
        wrmsr(MSR_TSC_AUX, val);
        return 0;
    case MSR_SPEC_CTRL:
        return write_spec_ctrl(v, val);
    case MSR_PRED_CMD:
        return write_pred_cmd(val);
    case MSR_EFER:
        /* Only what it is already: the guest cannot change modes. */
        return val == (rdmsr(MSR_EFER) & EFER_GUEST) ? 0 : -EPERM;
    case MSR_PAT:
        return val == PV_PAT ? 0 : -EPERM;
    case MSR_UCODE_REV:
    case MSR_MISC_ENABLE:
    case MSR_DEBUGCTL:
    case MSR_APIC_BASE:
    case MSR_MCG_CAP:
    case MSR_MCG_STATUS:
        return 0; /* taken and dropped, as harmless */
    case MSR_SYSENTER_CS:
    case MSR_SYSENTER_ESP:
    case MSR_SYSENTER_EIP:
        return 0; /* a callback does this (callback_op) */
    case MSR_HYPERCALL_PAGE:
        return write_hypercall_page(v, val);
    default:
        return is_void_msr(msr) ? 0 : -EPERM;
    }
}

uint64_t pv_guest_cr4(uint64_t want)
{
    /* Bits a guest may choose; the rest is the hypervisor's choice. */
    uint64_t may = CR4_TSD | CR4_DE;
    uint64_t fixed = CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT;

    if (cpu_features.xsave)
        may |= CR4_OSXSAVE;
    if (cpu_features.fsgsbase)
        may |= CR4_FSGSBASE;
    return (want & may) | fixed;
}
