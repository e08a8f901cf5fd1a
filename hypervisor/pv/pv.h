/*
 * The paravirtual CPU as a guest sees it: traps, callbacks, system calls,
 * privileged-instruction emulation, descriptor tables, CPUID and MSR policy.
 */
#ifndef PV_PV_H
#define PV_PV_H

#include "arch/x86/cpu.h"
#include "arch/x86/insn.h"
#include "arch/x86/xpti.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "mm/mmu.h" /* pv_load_ldt, pv_drop_ldt */

/* Entry point from arch/x86/traps.c for traps taken in guest mode. */
void pv_trap(struct cpu_user_regs *regs);

/*
 * v is current. In user mode with split page tables: its user tables are loaded
 * until the mode changes; without that, the kernel's are.
 */
static inline void pv_see_user_tables(const struct vcpu *v)
{
    if (unlikely(!v->pv.in_kernel && v->domain->xpti))
        xpti_see_user();
}

/*
 * Queues an exception for the current vCPU: builds the frame on the guest
 * kernel's stack at once. Crashes the domain if it has no handler or the
 * frame cannot be written.
 */
void pv_inject_trap(unsigned vector, uint32_t error_code);
void pv_inject_page_fault(vaddr_t addr, uint32_t error_code);

/*
 * Emulates the privileged instruction at regs->rip. True: done (rip moved on,
 * or another exception injected). False: not emulated, deliver the #GP.
 */
bool pv_emulate_privop(struct cpu_user_regs *regs);
/* A write fault on a page-table page mapped read-only. True: emulated. */
bool pv_emulate_pte_write(struct cpu_user_regs *regs, vaddr_t addr);

/*
 * Linear address of the next instruction, and how it is to be decoded. False:
 * 16-bit code, or a descriptor that is gone.
 */
bool pv_code_address(const struct cpu_user_regs *regs, vaddr_t *va,
                     enum insn_mode *mode);
/* The bytes of an instruction, and room to read them as words. */
union insn_bytes {
    uint8_t byte[16];
    uint64_t word[2];
};
/*
 * Fetches them: how many can be read, at most INSN_MAX_LENGTH; 0 also for the
 * reasons of pv_code_address.
 */
unsigned pv_fetch_bytes(const struct cpu_user_regs *regs,
                        union insn_bytes *bytes, enum insn_mode *mode);
/* Fetches and decodes it. False: cannot be read or is undefined. */
bool pv_fetch_insn(const struct cpu_user_regs *regs, struct insn *in);

/* Guest CPUID after policy, and the MSR policy: 0 or -EPERM (=> #GP). */
void pv_cpuid(struct vcpu *v, uint32_t leaf, uint32_t subleaf,
              uint32_t out[4]);
/* Takes away what the domain's own policy does not allow. */
void pv_policy_apply(const struct domain *d, uint32_t leaf, uint32_t subleaf,
                     uint32_t out[4]);
int pv_read_msr(struct vcpu *v, uint32_t msr, uint64_t *val);
int pv_write_msr(struct vcpu *v, uint32_t msr, uint64_t val);

/*
 * set_debugreg with the ABI's rules: 0, or -EPERM hypervisor address, I/O
 * breakpoint, general detect; -EINVAL upper half of DR6 or DR7; -ENODEV no such
 * register. If v is loaded here, takes effect.
 */
int pv_set_debugreg(struct vcpu *v, unsigned reg, uint64_t val);
/* 0, or -ENODEV no such register. */
int pv_get_debugreg(const struct vcpu *v, unsigned reg, uint64_t *val);
/* The CR4 value that a guest asking for `want` gets. */
uint64_t pv_guest_cr4(uint64_t want);
/* Puts those bits of v's CR4 that count in user mode into the hardware. */
void pv_load_cr4(const struct vcpu *v);

/*
 * The current guest goes from user to kernel mode, or back: CR3, GS base. To
 * user mode: it has user tables. entry.S does the first by itself as well.
 */
void pv_enter_kernel(struct vcpu *v);
static inline void pv_enter_user(struct vcpu *v)
{
    v->pv.in_kernel = false;
    __asm__ volatile("swapgs");
    if (unlikely(v->domain->xpti))
        xpti_set_mode(false);
    else
        write_cr3(v->pv.cr3_user);
}

/* Sets or clears CR0.TS as the current guest sees it. */
void pv_set_ts(struct vcpu *v, bool ts);

/* Descriptor tables: current vCPU's window. */
void pv_load_gdt(struct vcpu *v);
bool pv_ldt_fault(vaddr_t offset);
bool pv_ldt_want(uint16_t selector);
/* A selector could not be loaded when v was switched in. */
void pv_failsafe_on_resume(struct vcpu *v);
int pv_set_gdt(struct vcpu *v, const uint64_t *frames, unsigned entries);

#endif
