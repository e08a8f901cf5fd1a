/*
 * Exceptions that hit the guest: which are the guest's own business, which
 * stand for something that we emulate.
 */
#include "pv/pv.h"

#include "arch/x86/cpu.h"
#include "arch/x86/layout.h"
#include "arch/x86/smap.h"
#include "arch/x86/usercopy.h"
#include "pv/bounce.h"
#include "lib/printk.h"

/* Address of this CPU's LDT window? Then the fault fills it on demand. */
static bool ldt_window_fault(vaddr_t addr, uint32_t error_code)
{
    vaddr_t ldt = DESC_WINDOW(smp_cpu_id()) + DESC_WINDOW_LDT;

    if (addr < ldt || addr >= ldt + (DESC_WINDOW_SIZE - DESC_WINDOW_LDT))
        return false;
    if (pv_ldt_fault(addr - ldt))
        return true;
    /* The guest sees the address that its own LDT would have there. */
    pv_inject_page_fault(current->pv.ldt_base + (addr - ldt), error_code);
    return true;
}

static __noinline void page_fault(struct cpu_user_regs *regs)
{
    vaddr_t addr = read_cr2();
    uint32_t err = regs->error_code;
    struct vcpu *v = current;
    bool ours = addr >= HYP_VIRT_START && addr < HYP_VIRT_END;

    if (!(err & PFEC_PRESENT) && v->domain->xpti && !ours && xpti_fill(addr))
        return;
    irq_enable();
    if (unlikely(ours)) {
        if (!(err & PFEC_USER) && ldt_window_fault(addr, err))
            return;
        /* What is mapped there must not show. */
        err &= ~PFEC_PRESENT;
    } else if ((err & (PFEC_PRESENT | PFEC_WRITE | PFEC_RSVD)) ==
                   (PFEC_PRESENT | PFEC_WRITE) &&
               v->pv.in_kernel && pv_emulate_pte_write(regs, addr)) {
        return;
    }
    pv_inject_page_fault(addr, err);
}

/* Of the INT n that caused this #GP; -1 if none did. */
static int interrupt_number(const struct cpu_user_regs *regs)
{
    enum insn_mode mode;
    uint8_t insn[2];
    vaddr_t va;

    if (!pv_code_address(regs, &va, &mode) ||
        copy_from_guest_va(insn, va, 2) || insn[0] != 0xcd)
        return -1;
    return insn[1];
}

/*
 * INT n: its gate has DPL 0, so the guest gets here. The vector is taken from
 * the instruction, as the error code is not the same on all machines. May the
 * guest raise it by software in its present mode? Then it is delivered; else
 * its #GP has the architecture's error code, whatever this machine gave.
 */
static bool software_interrupt(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    const struct trap_info *ti;
    int vector = interrupt_number(regs);

    if (vector < 0)
        return false;
    ti = &v->pv.trap_table[vector];
    if (!ti->address || TI_GET_DPL(ti) < (v->pv.in_kernel ? 1 : 3)) {
        regs->error_code = (uint32_t)vector * 8 + 2;
        return false;
    }
    regs->rip += 2;
    pv_bounce(v, regs, ti->address, TI_GET_IF(ti));
    return true;
}

static __noinline void general_protection(struct cpu_user_regs *regs)
{
    pv_see_user_tables(current);
    irq_enable();
    if (regs->error_code == 0) {
        if (pv_emulate_privop(regs))
            return;
    } else if ((regs->error_code & 3) == 2 && software_interrupt(regs)) {
        return;
    }
    pv_inject_trap(TRAP_GP, regs->error_code);
}

/* ud2, "xen", cpuid: in memory order, that is the first byte lowest. */
#define FORCED_CPUID 0xa20f6e65780b0fUL
#define FORCED_BYTES 7
#define FORCED_MASK (~0UL >> (64 - 8 * FORCED_BYTES))

/* Is it there? Within a page eight bytes are as readable as seven. */
static bool forced_cpuid(vaddr_t va)
{
    uint64_t bytes = 0;

    if (unlikely(PAGE_OFFSET(va) > PAGE_SIZE - 8 || !guest_range_ok(va, 8)))
        return !copy_from_guest_va(&bytes, va, FORCED_BYTES) &&
               bytes == FORCED_CPUID;
    stac();
    GET_GUEST(bytes, va, fault);
    clac();
    return (bytes & FORCED_MASK) == FORCED_CPUID;
fault:
    clac();
    return false;
}

/* "ud2, xen" asks for the next instruction emulated: CPUID only. */
static __noinline void emulate_forced_cpuid(struct cpu_user_regs *regs)
{
    uint32_t out[4];

    pv_cpuid(current, regs->eax, regs->ecx, out);
    regs->rax = out[0];
    regs->rbx = out[1];
    regs->rcx = out[2];
    regs->rdx = out[3];
    regs->rip += FORCED_BYTES;
    regs->rflags &= ~X86_EFLAGS_RF;
}

static __noinline void undefined_opcode(struct cpu_user_regs *regs)
{
    pv_see_user_tables(current);
    irq_enable();
    if (forced_cpuid(regs->rip))
        emulate_forced_cpuid(regs);
    else
        pv_inject_trap(TRAP_UD, 0);
}

static __noinline void debug_exception(void)
{
    struct vcpu *v = current;
    uint64_t dr6;

    __asm__ volatile("movq %%dr6, %0" : "=r"(dr6));
    __asm__ volatile("movq %0, %%dr6" ::"r"(0xffff0ff0UL));
    irq_enable();
    /* What is in DR0-3 then is another vCPU's, and may match all the same. */
    if (!(v->pv.debugreg[7] & 0xff))
        dr6 &= ~0xfUL;
    /* B0-B3, BD, BS, BT accumulate as on the bare CPU. */
    v->pv.debugreg[6] |= dr6 & 0xe00f;
    pv_inject_trap(TRAP_DB, 0);
}

static __noinline void device_not_available(void)
{
    struct vcpu *v = current;

    __asm__ volatile("clts");
    irq_enable();
    if (!v->pv.cr0_ts)
        return;
    v->pv.cr0_ts = false;
    pv_inject_trap(TRAP_NM, 0);
}

/* Each kind is a function of its own that this leaves to: no frame here. */
void pv_trap(struct cpu_user_regs *regs)
{
    switch (regs->entry_vector) {
    case TRAP_PF:
        page_fault(regs);
        break;
    case TRAP_GP:
        general_protection(regs);
        break;
    case TRAP_UD:
        undefined_opcode(regs);
        break;
    case TRAP_DB:
        debug_exception();
        break;
    case TRAP_NM:
        device_not_available();
        break;
    default:
        irq_enable();
        pv_inject_trap(regs->entry_vector, regs->error_code);
        break;
    }
}
