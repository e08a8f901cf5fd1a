/*
 * CPUID as a guest sees it.
 *
 * The hardware's answer is filtered by tables: for each feature word the bits
 * that work for a paravirtualised guest. What is not listed does not exist.
 * (A program in the guest can execute CPUID natively and see the bare CPU;
 * only kernels that ask through the emulation prefix get this view.)
 *
 * Facts: Intel SDM vol. 2, CPUID; AMD APM vol. 3, appendix E; the hypervisor
 * leaves: public header arch-x86/cpuid.h.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/fpu.h"
#include "arch/x86/spec_ctrl.h"
#include "pv/pv.h"
#include <xen/arch-x86/cpuid.h>
#include "lib/version.h"

#define B(n) (1u << (n))

/* Leaf 1, ecx: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE
   AVX F16C RDRAND. OSXSAVE follows XSAVE, HYPERVISOR is added. */
#define LEAF1_ECX                                                              \
    (B(0) | B(1) | B(9) | B(12) | B(13) | B(19) | B(20) | B(22) | B(23) |      \
     B(25) | B(26) | B(28) | B(29) | B(30))
#define LEAF1_ECX_AVX (B(12) | B(28) | B(29)) /* FMA AVX F16C */
#define LEAF1_ECX_OSXSAVE B(27)
#define LEAF1_ECX_HYPERVISOR B(31)
/* Leaf 1, edx: FPU DE TSC MSR PAE CX8 APIC SEP CMOV PAT CLFLUSH MMX FXSR SSE
   SSE2 SS. */
#define LEAF1_EDX                                                              \
    (B(0) | B(2) | B(4) | B(5) | B(6) | B(8) | B(9) | B(11) | B(15) | B(16) |  \
     B(19) | B(23) | B(24) | B(25) | B(26) | B(27))
#define LEAF1_EDX_MCE_MCA (B(7) | B(14))
/* Leaf 7, ebx: FSGSBASE BMI1 AVX2 FDP_EXCPT BMI2 ERMS AVX512* RDSEED ADX
   CLFLUSHOPT CLWB SHA. */
#define LEAF7_EBX                                                              \
    (B(0) | B(3) | B(5) | B(6) | B(8) | B(9) | B(16) | B(17) | B(18) | B(19) | \
     B(21) | B(23) | B(24) | B(28) | B(29) | B(30) | B(31))
/* Leaf 7, ecx: AVX512VBMI VBMI2 GFNI VAES VPCLMULQDQ VNNI BITALG VPOPCNTDQ. */
#define LEAF7_ECX (B(1) | B(6) | B(8) | B(9) | B(10) | B(11) | B(12) | B(14))
#define LEAF7_EBX_AVX2 B(5)
#define LEAF7_EBX_AVX512 (B(16) | B(17) | B(21) | B(28) | B(30) | B(31))
#define LEAF7_ECX_AVX (B(9) | B(10))
#define LEAF7_ECX_AVX512 (B(1) | B(6) | B(11) | B(12) | B(14))
/* Leaf 7, edx: FSRM SERIALIZE, and what spec_choice adds. */
#define LEAF7_EDX (B(4) | B(14))
/* Leaf 0xd subleaf 1: XSAVEOPT XSAVEC XGETBV1; ebx: size of XSAVEC's form. */
#define LEAFD1_EAX (B(0) | B(1) | B(2))
#define LEAFD1_EAX_XSAVEC B(1)
/* 0x80000001 ecx: LAHF ABM SSE4A MISALIGNSSE 3DNOWPREFETCH XOP FMA4 TBM. */
#define EXT1_ECX (B(0) | B(5) | B(6) | B(7) | B(8) | B(11) | B(16) | B(21))
#define EXT1_ECX_AVX (B(11) | B(16)) /* XOP FMA4 */
/* 0x80000001 edx: leaf 1's in AMD's numbering, SYSCALL NX MMXEXT FFXSR RDTSCP
   LM 3DNOWEXT 3DNOW. */
#define EXT1_EDX                                                               \
    (B(0) | B(2) | B(4) | B(5) | B(6) | B(8) | B(9) | B(11) | B(15) | B(16) |  \
     B(20) | B(22) | B(23) | B(24) | B(25) | B(27) | B(29) | B(30) | B(31))
#define EXT7_EDX_INVARIANT_TSC B(8)

static void hypervisor_leaf(uint32_t leaf, struct cpuid_regs *r)
{
    *r = (struct cpuid_regs){0, 0, 0, 0};
    switch (leaf & 0xff) {
    case 0:
        r->a = 0x40000005;
        r->b = XEN_CPUID_SIGNATURE_EBX;
        r->c = XEN_CPUID_SIGNATURE_ECX;
        r->d = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1:
        r->a = XENO_ABI_MAJOR << 16 | XENO_ABI_MINOR;
        break;
    case 2:
        r->a = 1; /* hypercall pages */
        r->b = 0x40000000; /* MSR that fills one */
        r->c = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case 5:
        r->b = cpu_features.phys_bits;
        break;
    }
}

static void basic_leaf(struct vcpu *v, uint32_t leaf, uint32_t sub,
                       struct cpuid_regs *r)
{
    switch (leaf) {
    case 1:
        r->b = (r->b & 0x0000ffff) | (v->vcpu_id * 2) << 24;
        r->c &= LEAF1_ECX;
        if (!cpu_features.avx)
            r->c &= ~LEAF1_ECX_AVX;
        if (!cpu_features.xsave)
            r->c &= ~B(26);
        else
            r->c |= LEAF1_ECX_OSXSAVE;
        r->c |= LEAF1_ECX_HYPERVISOR;
        r->d &= LEAF1_EDX | (v->domain->is_hardware ? LEAF1_EDX_MCE_MCA : 0);
        break;
    case 4:
        r->a &= ~0xffffc000u; /* one core, one thread */
        break;
    case 7:
        if (sub)
            *r = (struct cpuid_regs){0, 0, 0, 0};
        r->a = 0;
        r->b &= LEAF7_EBX;
        r->c &= LEAF7_ECX;
        if (!(cpu_features.xcr0_max & XSTATE_AVX512)) {
            r->b &= ~LEAF7_EBX_AVX512;
            r->c &= ~LEAF7_ECX_AVX512;
        }
        if (!cpu_features.avx) {
            r->b &= ~LEAF7_EBX_AVX2;
            r->c &= ~LEAF7_ECX_AVX;
        }
        if (!cpu_features.fsgsbase)
            r->b &= ~B(0);
        r->d = (r->d & LEAF7_EDX) | (sub ? 0 : spec_choice.guest_leaf7_edx);
        break;
    case 0xb:
        *r = (struct cpuid_regs){0, sub == 0 ? 1 : 0, sub, v->vcpu_id * 2};
        break;
    case 0xd:
        if (sub == 0) {
            r->a &= (uint32_t)cpu_features.xcr0_max;
            r->d &= (uint32_t)(cpu_features.xcr0_max >> 32);
            r->c = cpu_features.xsave_size;
        } else if (sub == 1) {
            *r = (struct cpuid_regs){
                r->a & LEAFD1_EAX, r->a & LEAFD1_EAX_XSAVEC ? r->b : 0, 0, 0};
        } else if (sub > 62 || !((cpu_features.xcr0_max >> sub) & 1)) {
            *r = (struct cpuid_regs){0, 0, 0, 0};
        }
        if (!cpu_features.xsave)
            *r = (struct cpuid_regs){0, 0, 0, 0};
        break;
    case 0:
        r->a = min(r->a, 0xdu);
        break;
    case 2:
        break;
    default: /* monitor, power, performance counters, SGX, trace ... */
        *r = (struct cpuid_regs){0, 0, 0, 0};
        break;
    }
}

static void extended_leaf(uint32_t leaf, struct cpuid_regs *r)
{
    switch (leaf) {
    case 0x80000000:
        r->a = min(r->a, 0x80000008u);
        break;
    case 0x80000001:
        r->c &= EXT1_ECX;
        if (!cpu_features.avx)
            r->c &= ~EXT1_ECX_AVX;
        r->d &= EXT1_EDX;
        break;
    case 0x80000002 ... 0x80000006:
        break;
    case 0x80000007:
        *r = (struct cpuid_regs){0, 0, 0, r->d & EXT7_EDX_INVARIANT_TSC};
        break;
    case 0x80000008:
        *r = (struct cpuid_regs){r->a & 0xffff, spec_choice.guest_ext8_ebx, 0,
                                 0};
        break;
    default:
        *r = (struct cpuid_regs){0, 0, 0, 0};
        break;
    }
}

void pv_cpuid(struct vcpu *v, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    struct cpuid_regs r = {0, 0, 0, 0};

    if (leaf >= 0x40000000 && leaf <= 0x400000ff) {
        hypervisor_leaf(leaf, &r);
    } else if (leaf >= 0x80000000) {
        if (leaf <= min(cpu_features.max_ext_leaf, 0x80000008u)) {
            r = cpuid(leaf, subleaf);
            extended_leaf(leaf, &r);
        }
    } else if (leaf <= min(cpu_features.max_leaf, 0xdu)) {
        r = cpuid(leaf, subleaf);
        basic_leaf(v, leaf, subleaf, &r);
    }
    out[0] = r.a;
    out[1] = r.b;
    out[2] = r.c;
    out[3] = r.d;
    pv_policy_apply(v->domain, leaf, subleaf, out);
}
