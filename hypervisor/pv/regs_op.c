/* Segment bases and debug registers. */
#include "arch/x86/cpu.h"
#include "arch/x86/pte.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "pv/pv.h"
#include <xen/arch-x86/xen-x86_64.h>

/* Loads the user GS selector; the base becomes the selector's. */
static void set_user_gs_selector(uint16_t sel)
{
    (void)pv_ldt_want(sel);
    /* Guest kernel mode: user GS is the inactive one. */
    __asm__ volatile("swapgs\n"
                     "1: movw %w0, %%gs\n"
                     "2: swapgs\n\t"
                     ".pushsection .text.fixup, \"ax\", @progbits\n"
                     "3: xorl %k0, %k0\n\t"
                     "movw %w0, %%gs\n\t"
                     "jmp 2b\n\t"
                     ".popsection\n\t"
                     ".pushsection .ex_table, \"a\", @progbits\n\t"
                     ".long 1b - ., 3b - .\n\t"
                     ".popsection"
                     : "+r"(sel));
}

/*
 * set_segment_base(which, base): -EINVAL for a base that is not canonical or
 * an unknown register. A bad selector (GS_USER_SEL) becomes null.
 */
static long do_set_segment_base(uint64_t which, uint64_t base, uint64_t a3,
                                uint64_t a4, uint64_t a5, uint64_t a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    if (which != SEGBASE_GS_USER_SEL && !is_canonical(base))
        return -EINVAL;
    switch ((unsigned)which) {
    case SEGBASE_FS:
        wrmsr(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        wrmsr(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        wrmsr(MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        set_user_gs_selector((uint16_t)base);
        return 0;
    default:
        return -EINVAL;
    }
}
HYPERCALL(__HYPERVISOR_set_segment_base, 2, do_set_segment_base);

/* ---- debug registers (Intel SDM vol. 3, 17.2) ---- */

#define DR6_FIXED_ONES 0xffff0ff0UL
#define DR6_WRITABLE 0xe00fUL
#define DR7_FIXED_ONE 0x400UL
#define DR7_GENERAL_DETECT 0x2000UL
#define DR7_RESERVED 0xdc00UL
#define DR7_ENABLED 0xffUL

static __noinline void load_debugreg(unsigned reg, uint64_t val)
{
    switch (reg) {
    case 0:
        __asm__ volatile("movq %0, %%dr0" ::"r"(val));
        break;
    case 1:
        __asm__ volatile("movq %0, %%dr1" ::"r"(val));
        break;
    case 2:
        __asm__ volatile("movq %0, %%dr2" ::"r"(val));
        break;
    case 3:
        __asm__ volatile("movq %0, %%dr3" ::"r"(val));
        break;
    case 6:
        __asm__ volatile("movq %0, %%dr6" ::"r"(val));
        break;
    default:
        break;
    }
}

/*
 * DR7: reserved bits are dropped. Refused are general detect, which would fault
 * the hypervisor's own accesses, and breakpoints on I/O (type 2) where any is
 * enabled: a guest's I/O is emulated. One of length 8 is fine in long mode.
 */
static int set_dr7(struct vcpu *v, uint64_t val, bool loaded)
{
    val = (val & ~DR7_RESERVED) | DR7_FIXED_ONE;
    if (val & DR7_GENERAL_DETECT)
        return -EPERM;
    for (unsigned i = 0; (val & DR7_ENABLED) && i < 4; i++)
        if (((val >> (16 + 4 * i)) & 3) == 2)
            return -EPERM;
    v->pv.debugreg[7] = val;
    if (!loaded)
        return 0;
    if (val & DR7_ENABLED)
        for (unsigned i = 0; i < 4; i++)
            load_debugreg(i, v->pv.debugreg[i]);
    __asm__ volatile("movq %0, %%dr7" ::"r"(val));
    return 0;
}

/* Puts it into the hardware, if v is there and has breakpoints enabled. */
static void update_loaded(struct vcpu *v, unsigned reg, uint64_t val)
{
    if (unlikely(v->pv.debugreg[7] & DR7_ENABLED) &&
        this_pcpu()->loaded == v)
        load_debugreg(reg, val);
}

/* DR4 and DR5 are other names of DR6 and DR7, unless the guest's CR4.DE. */
static __noinline int set_control(struct vcpu *v, unsigned reg, uint64_t val)
{
    if (reg > 7 || (reg < 6 && (v->pv.cr4 & CR4_DE)))
        return -ENODEV;
    if (val >> 32)
        return -EINVAL;
    switch (reg) {
    case 4:
    case 6:
        val = (val & DR6_WRITABLE) | DR6_FIXED_ONES;
        v->pv.debugreg[6] = val;
        update_loaded(v, 6, val);
        return 0;
    default:
        return set_dr7(v, val, this_pcpu()->loaded == v);
    }
}

int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t val)
{
    if (reg > 3)
        return set_control(v, reg, val);
    if (!guest_range_ok(val, 1))
        return -EPERM;
    v->pv.debugreg[reg] = val;
    update_loaded(v, reg, val);
    return 0;
}

/*
 * set_debugreg(reg, value): -EPERM a hypervisor address, an I/O breakpoint or
 * general detect; -EINVAL upper half of DR6 or DR7; -ENODEV no such register.
 */
static long do_set_debugreg(uint64_t reg, uint64_t val, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    return pv_set_debugreg(current, (unsigned)reg, val);
}
HYPERCALL(__HYPERVISOR_set_debugreg, 2, do_set_debugreg);

int pv_get_debugreg(const struct vcpu *v, unsigned reg, uint64_t *val)
{
    if (reg > 7)
        return -ENODEV;
    if (reg == 4 || reg == 5) {
        if (v->pv.cr4 & CR4_DE)
            return -ENODEV;
        reg += 2;
    }
    *val = v->pv.debugreg[nospec_index(reg, ARRAY_SIZE(v->pv.debugreg))];
    return 0;
}

/* get_debugreg(reg): the value; -ENODEV no such register. */
static long do_get_debugreg(uint64_t reg, uint64_t a2, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6)
{
    uint64_t val;
    int rc = pv_get_debugreg(current, (unsigned)reg, &val);

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    return rc ? rc : (long)val;
}
HYPERCALL(__HYPERVISOR_get_debugreg, 1, do_get_debugreg);
