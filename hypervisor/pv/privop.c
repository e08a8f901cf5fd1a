/*
 * Privileged instructions that a guest kernel executes although it runs in
 * ring 3: they fault (#GP) and their effect on the virtual CPU is done here.
 * What has none, or would touch the real machine, is refused: the guest gets
 * its #GP.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/fpu.h"
#include "arch/x86/insn.h"
#include "arch/x86/tlb.h"
#include "arch/x86/usercopy.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "mm/mmu.h"
#include "pv/ioport.h"
#include "pv/pv.h"
#include <xen/arch-x86/xen-x86_64.h>

static bool read_cr(struct vcpu *v, unsigned n, uint64_t *val)
{
    switch (n) {
    case 0:
        *val = (read_cr0() & ~CR0_TS) | (v->pv.cr0_ts ? CR0_TS : 0);
        return true;
    case 2:
        *val = v->vcpu_info->arch.cr2;
        return true;
    case 3:
        *val = v->pv.cr3_kernel;
        return true;
    case 4:
        *val = v->pv.cr4;
        return true;
    default:
        return false;
    }
}

/* A new base pointer; validation that gives way is tried again from rip. */
static bool write_guest_cr3_reg(struct vcpu *v, struct cpu_user_regs *regs,
                                unsigned length, uint64_t val)
{
    int rc = mmu_new_base(v, val >> PAGE_SHIFT, false);

    if (rc == -ERESTART_PREEMPT)
        regs->rip -= length;
    return rc == 0 || rc == -ERESTART_PREEMPT;
}

static bool write_cr(struct vcpu *v, struct cpu_user_regs *regs, unsigned n,
                     unsigned length, uint64_t val)
{
    switch (n) {
    case 0:
        if ((val ^ read_cr0()) & ~CR0_TS)
            return false;
        pv_set_ts(v, val & CR0_TS);
        return true;
    case 2:
        v->vcpu_info->arch.cr2 = val;
        return true;
    case 3:
        return write_guest_cr3_reg(v, regs, length, val);
    case 4:
        v->pv.cr4 = pv_guest_cr4(val);
        pv_load_cr4(v);
        return true;
    default:
        return false;
    }
}

/* 0F 20..23: MOV to and from control and debug register n. */
static bool mov_special(struct vcpu *v, struct cpu_user_regs *regs,
                        unsigned opcode, unsigned n, uint64_t *gpr,
                        unsigned length)
{
    switch (opcode) {
    case 0x20:
        return read_cr(v, n, gpr);
    case 0x21:
        return pv_get_debugreg(v, n, gpr) == 0;
    case 0x22:
        return write_cr(v, regs, n, length, *gpr);
    default:
        return pv_set_debugreg(v, n, *gpr) == 0;
    }
}

static bool rdmsr_op(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t val;

    if (pv_read_msr(v, regs->ecx, &val)) {
        printk(XENLOG_G_INFO "d%uv%u: RDMSR %#x refused\n",
               v->domain->domain_id, v->vcpu_id, regs->ecx);
        return false;
    }
    regs->rax = (uint32_t)val;
    regs->rdx = val >> 32;
    return true;
}

static bool wrmsr_op(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint64_t val = (uint64_t)regs->edx << 32 | regs->eax;

    if (pv_write_msr(v, regs->ecx, val)) {
        printk(XENLOG_G_INFO "d%uv%u: WRMSR %#x = %#lx refused\n",
               v->domain->domain_id, v->vcpu_id, regs->ecx,
               (unsigned long)val);
        return false;
    }
    return true;
}

static bool cpuid_op(struct vcpu *v, struct cpu_user_regs *regs)
{
    uint32_t out[4];

    pv_cpuid(v, regs->eax, regs->ecx, out);
    regs->rax = out[0];
    regs->rbx = out[1];
    regs->rcx = out[2];
    regs->rdx = out[3];
    return true;
}

/* XSETBV of register 0, to what the CPU has; #UD without CR4.OSXSAVE. */
static bool xsetbv_op(struct vcpu *v, struct cpu_user_regs *regs,
                      unsigned length)
{
    uint64_t val = (uint64_t)regs->edx << 32 | regs->eax;

    if (!(v->pv.cr4 & CR4_OSXSAVE)) {
        pv_inject_trap(TRAP_UD, 0);
        regs->rip -= length; /* which retire adds */
        return true;
    }
    if (regs->ecx != 0 || !fpu_xcr0_valid(val))
        return false;
    v->pv.xcr0 = val;
    fpu_set_xcr0(val);
    return true;
}

static void rdtsc_op(struct cpu_user_regs *regs)
{
    uint64_t tsc = rdtsc();

    regs->rax = (uint32_t)tsc;
    regs->rdx = tsc >> 32;
}

/* 0F 01: XSETBV and RDTSCP. */
static bool group7(struct vcpu *v, struct cpu_user_regs *regs,
                   const struct insn *in)
{
    if (in->modrm == 0xd1)
        return xsetbv_op(v, regs, in->length);
    if (in->modrm == 0xf9 && cpu_features.rdtscp) {
        rdtsc_op(regs);
        regs->rcx = v->pv.tsc_aux;
        return true;
    }
    return false;
}

/* 0F and an opcode that has no operands. */
static bool no_operand(struct vcpu *v, struct cpu_user_regs *regs,
                       unsigned opcode)
{
    switch (opcode) {
    case 0x06: /* CLTS */
        pv_set_ts(v, false);
        return true;
    case 0x09: /* WBINVD: coherent caches are left alone */
        return true;
    case 0x30:
        return wrmsr_op(v, regs);
    case 0x31: /* RDTSC, when the guest has set its CR4.TSD */
        rdtsc_op(regs);
        return true;
    case 0x32:
        return rdmsr_op(v, regs);
    case 0xa2:
        return cpuid_op(v, regs);
    default:
        return false;
    }
}

static bool two_byte(struct vcpu *v, struct cpu_user_regs *regs,
                     const struct insn *in)
{
    switch (in->opcode) {
    case 0x01:
        return group7(v, regs, in);
    case 0x20 ... 0x23:
        return mov_special(v, regs, in->opcode, in->reg,
                           insn_reg64(regs, in->rm), in->length);
    default:
        return no_operand(v, regs, in->opcode);
    }
}

/* CLI, STI with I/O privilege: no effect on the machine. */
static bool one_byte(struct vcpu *v, const struct insn *in)
{
    return (in->opcode == 0xfa || in->opcode == 0xfb) && pv_iopl_ok(v);
}

static bool is_io(const struct insn *in)
{
    return in->map == INSN_MAP_1BYTE &&
           ((in->opcode >= 0x6c && in->opcode <= 0x6f) ||
            (in->opcode >= 0xe4 && in->opcode <= 0xe7) ||
            (in->opcode >= 0xec && in->opcode <= 0xef));
}

/* The instruction is over. */
static __always_inline bool retire(struct vcpu *v, struct cpu_user_regs *regs,
                                   unsigned length)
{
    regs->rip += length;
    regs->rflags &= ~X86_EFLAGS_RF;
    /* A fault that was injected has cleared TF. */
    if (unlikely(regs->rflags & X86_EFLAGS_TF)) {
        v->pv.debugreg[6] |= 1u << 14; /* single step */
        pv_inject_trap(TRAP_DB, 0);
    }
    return true;
}

static __noinline bool emulate_any(struct vcpu *v, struct cpu_user_regs *regs,
                                   const union insn_bytes *bytes, unsigned n,
                                   enum insn_mode mode)
{
    struct insn in;
    bool done;

    if (insn_decode(&in, bytes->byte, n, mode))
        return false;
    if (is_io(&in)) /* moves rip itself */
        return pv_emulate_io(regs, &in) && retire(v, regs, 0);
    if (in.lock)
        return false;
    if (in.map == INSN_MAP_0F)
        done = v->pv.in_kernel && two_byte(v, regs, &in);
    else
        done = in.map == INSN_MAP_1BYTE && one_byte(v, &in);
    return done && retire(v, regs, in.length);
}

/*
 * Nearly all have no prefix and two bytes, or a third one that names two
 * registers (whatever its mod field says). They need no decoder.
 */
bool pv_emulate_privop(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    union insn_bytes bytes;
    enum insn_mode mode;
    unsigned n = pv_fetch_bytes(regs, &bytes, &mode), opcode, operands;

    if (n < 3 || bytes.byte[0] != 0x0f || mode != INSN_64 || !v->pv.in_kernel)
        return emulate_any(v, regs, &bytes, n, mode);
    opcode = bytes.byte[1];
    operands = bytes.byte[2];
    if (opcode >= 0x20 && opcode <= 0x23)
        return mov_special(v, regs, opcode, (operands >> 3) & 7,
                           insn_reg64(regs, operands & 7), 3) &&
               retire(v, regs, 3);
    if (opcode == 0x01)
        return emulate_any(v, regs, &bytes, n, mode);
    return no_operand(v, regs, opcode) && retire(v, regs, 2);
}
