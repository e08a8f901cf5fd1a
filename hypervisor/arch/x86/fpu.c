/*
 * Saving and loading x87/SSE/AVX registers: XSAVE (or XSAVEOPT) with all
 * components that the hypervisor knows, FXSAVE on CPUs without.
 *
 * All components are always saved and loaded, whatever XCR0 the guest has
 * chosen: registers that it does not see now it could switch on a moment later
 * and must not find another guest's values in. XCR0 is written only when it
 * differs, as practically all guests use all.
 *
 * The format is the standard one (Intel SDM vol. 1, 13.4): 512 bytes as
 * FXSAVE's, a 64-byte header whose first word says which components are in
 * use, then the others.
 */
#include "arch/x86/fpu.h"

#include "arch/x86/cpu.h"
#include "arch/x86/extable.h"
#include "arch/x86/percpu.h"
#include "lib/heap.h"
#include "lib/string.h"

#define AREA_ALIGN 64

struct fxsave {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t st[8][16], xmm[16][16];
    uint8_t unused[96];
};
_Static_assert(sizeof(struct fxsave) == FXSAVE_SIZE, "FXSAVE image");

struct xsave {
    struct fxsave legacy;
    uint64_t xstate_bv, xcomp_bv, reserved[6];
};

#define FCW_DEFAULT 0x37f
#define MXCSR_DEFAULT 0x1f80
#define FSW_ERROR_SUMMARY 0x80

static uint32_t mxcsr_mask = 0xffbf; /* bits that may be set in MXCSR */
static bool leaks_pointers; /* FXSAVE leaves fop, fip, fdp out (AMD) */
static DEFINE_PER_CPU(uint64_t, xcr0_loaded);

/* ---- areas ---- */

size_t fpu_area_size(void)
{
    return cpu_features.xsave ? cpu_features.xsave_size : FXSAVE_SIZE;
}

/* The pointer that xmalloc gave stands just before the aligned area. */
void *fpu_alloc(void)
{
    char *raw = xzalloc(fpu_area_size() + AREA_ALIGN + sizeof(void *));
    char *area;

    if (!raw)
        return NULL;
    area = (char *)ROUND_UP((uintptr_t)raw + sizeof(void *), AREA_ALIGN);
    ((void **)area)[-1] = raw;
    fpu_init_area(area);
    return area;
}

void fpu_free(void *area)
{
    if (area)
        xfree(((void **)area)[-1]);
}

void fpu_init_area(void *area)
{
    struct fxsave *fx = area;

    memset(area, 0, fpu_area_size());
    fx->fcw = FCW_DEFAULT;
    fx->mxcsr = MXCSR_DEFAULT;
}

void fpu_import_fxsave(void *area, const void *image)
{
    struct fxsave *fx = area;

    memset(area, 0, fpu_area_size());
    memcpy(fx, image, sizeof(*fx));
    fx->mxcsr &= mxcsr_mask;
    fx->mxcsr_mask = 0;
    memset(fx->unused, 0, sizeof(fx->unused));
    if (cpu_features.xsave)
        ((struct xsave *)area)->xstate_bv = XSTATE_X87 | XSTATE_SSE;
}

void fpu_export_fxsave(const void *area, void *image)
{
    const struct xsave *xs = area;
    struct fxsave *fx = image;
    uint64_t used = cpu_features.xsave ? xs->xstate_bv : ~0UL;

    memcpy(fx, area, sizeof(*fx));
    /* What XSAVE found in its initial state it did not write. */
    if (!(used & XSTATE_X87)) {
        memset(fx, 0, offsetof(struct fxsave, mxcsr));
        memset(fx->st, 0, sizeof(fx->st));
        fx->fcw = FCW_DEFAULT;
    }
    if (!(used & XSTATE_SSE))
        memset(fx->xmm, 0, sizeof(fx->xmm));
}

bool fpu_import_xsave(void *area, const void *image)
{
    const struct xsave *xs = image;
    struct xsave *to = area;
    uint64_t other = xs->xcomp_bv;

    for (unsigned i = 0; i < ARRAY_SIZE(xs->reserved); i++)
        other |= xs->reserved[i];
    if (other || (xs->xstate_bv & ~cpu_features.xcr0_max))
        return false;
    memcpy(area, image, fpu_area_size());
    to->legacy.mxcsr &= mxcsr_mask;
    to->legacy.mxcsr_mask = 0;
    return true;
}

/* ---- XCR0 ---- */

static void write_xcr0(uint64_t v)
{
    __asm__ volatile("xsetbv" ::"a"((uint32_t)v), "d"((uint32_t)(v >> 32)),
                     "c"(0));
}

void fpu_set_xcr0(uint64_t xcr0)
{
    if (!cpu_features.xsave || this_cpu(xcr0_loaded) == xcr0)
        return;
    write_xcr0(xcr0);
    this_cpu(xcr0_loaded) = xcr0;
}

bool fpu_xcr0_valid(uint64_t xcr0)
{
    if (!(xcr0 & XSTATE_X87) || (xcr0 & ~cpu_features.xcr0_max))
        return false;
    if ((xcr0 & XSTATE_AVX) && !(xcr0 & XSTATE_SSE))
        return false;
    if (xcr0 & XSTATE_AVX512)
        return (xcr0 & XSTATE_AVX512) == XSTATE_AVX512 && (xcr0 & XSTATE_AVX);
    return true;
}

/* ---- registers ---- */

void fpu_save(void *area)
{
    char(*a)[FXSAVE_SIZE] = area;

    if (!cpu_features.xsave) {
        __asm__ volatile("fxsaveq %0" : "=m"(*a));
        return;
    }
    fpu_set_xcr0(cpu_features.xcr0_max);
    if (cpu_features.xsaveopt)
        __asm__ volatile("xsaveopt64 (%0)" ::"r"(area), "a"(~0u), "d"(~0u)
                         : "memory");
    else
        __asm__ volatile("xsave64 (%0)" ::"r"(area), "a"(~0u), "d"(~0u)
                         : "memory");
}

/*
 * These CPUs neither save nor load the pointers of the last x87 instruction
 * unless an exception is pending: what the next guest would see is the last
 * one's. An FILD of ours overwrites them.
 */
static void forget_pointers(void)
{
    static const uint32_t zero;

    __asm__ volatile("fnclex; ffree %%st(7); fildl %0" ::"m"(zero));
}

/* False: the image was refused (the CPU's state is then undefined). */
static bool load_area(const void *area)
{
    bool ok = true;

    if (cpu_features.xsave)
        __asm__ volatile("1: xrstor64 (%1)\n"
                         "2:\n\t"
                         ".pushsection .text.fixup, \"ax\", @progbits\n"
                         "3: movb $0, %0\n\t"
                         "jmp 2b\n\t"
                         ".popsection\n\t" ASM_EXTABLE("1b", "3b")
                         : "+m"(ok)
                         : "r"(area), "a"(~0u), "d"(~0u)
                         : "memory");
    else
        __asm__ volatile("1: fxrstorq (%1)\n"
                         "2:\n\t"
                         ".pushsection .text.fixup, \"ax\", @progbits\n"
                         "3: movb $0, %0\n\t"
                         "jmp 2b\n\t"
                         ".popsection\n\t" ASM_EXTABLE("1b", "3b")
                         : "+m"(ok)
                         : "r"(area)
                         : "memory");
    return ok;
}

void fpu_restore(void *area, uint64_t xcr0)
{
    const struct fxsave *fx = area;

    fpu_set_xcr0(cpu_features.xcr0_max);
    if (leaks_pointers && !(fx->fsw & FSW_ERROR_SUMMARY))
        forget_pointers();
    if (!load_area(area)) {
        fpu_init_area(area);
        (void)load_area(area);
    }
    fpu_set_xcr0(xcr0);
}

/* ---- set-up ---- */

#define AMD_SAVES_POINTERS (1u << 2) /* CPUID 0x80000008 EBX */

static void find_quirks(void)
{
    static struct fxsave probe __aligned(16);

    __asm__ volatile("fxsaveq %0" : "=m"(probe));
    if (probe.mxcsr_mask)
        mxcsr_mask = probe.mxcsr_mask;
    leaks_pointers =
        cpu_features.vendor_amd &&
        !(cpu_features.max_ext_leaf >= 0x80000008 &&
          (cpuid(0x80000008, 0).b & AMD_SAVES_POINTERS));
}

void fpu_init_cpu(void)
{
    uint32_t mxcsr = MXCSR_DEFAULT;

    __asm__ volatile("fninit");
    __asm__ volatile("ldmxcsr %0" ::"m"(mxcsr));
    if (smp_cpu_id() == 0)
        find_quirks();
    if (cpu_features.xsave) {
        write_xcr0(cpu_features.xcr0_max);
        this_cpu(xcr0_loaded) = cpu_features.xcr0_max;
    }
}
