/*
 * Structure offsets for assembler: compiled to text, from which the Makefile
 * makes asm-offsets.h. No offset is ever written by hand.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/spec_ctrl.h"
#include "core/vcpu.h"

#define DEFINE(name, value)                                                    \
    __asm__ volatile(".ascii \"->" #name " %0\"" ::"i"((unsigned long)(value)))
#define OFFSET(name, type, member) DEFINE(name, offsetof(type, member))

void asm_offsets(void);
void asm_offsets(void)
{
    OFFSET(UREGS_r15, struct cpu_user_regs, r15);
    OFFSET(UREGS_r11, struct cpu_user_regs, r11);
    OFFSET(UREGS_rax, struct cpu_user_regs, rax);
    OFFSET(UREGS_rcx, struct cpu_user_regs, rcx);
    OFFSET(UREGS_rdx, struct cpu_user_regs, rdx);
    OFFSET(UREGS_r10, struct cpu_user_regs, r10);
    OFFSET(UREGS_rdi, struct cpu_user_regs, rdi);
    OFFSET(UREGS_error_code, struct cpu_user_regs, error_code);
    OFFSET(UREGS_entry_vector, struct cpu_user_regs, entry_vector);
    OFFSET(UREGS_rip, struct cpu_user_regs, rip);
    OFFSET(UREGS_cs, struct cpu_user_regs, cs);
    OFFSET(UREGS_rflags, struct cpu_user_regs, rflags);
    OFFSET(UREGS_rsp, struct cpu_user_regs, rsp);
    OFFSET(UREGS_ss, struct cpu_user_regs, ss);
    OFFSET(UREGS_kernel_size, struct cpu_user_regs, es);
    DEFINE(UREGS_size, sizeof(struct cpu_user_regs));

    OFFSET(PCPU_current, struct pcpu, curr);
    OFFSET(PCPU_scratch_rsp, struct pcpu, scratch_rsp);
    OFFSET(PCPU_softirq_pending, struct pcpu, softirq_pending);
    OFFSET(PCPU_entry_cr3, struct pcpu, entry_cr3);
    OFFSET(PCPU_exit_cr3, struct pcpu, exit_cr3);

    OFFSET(SPEC_host, struct spec_state, host);
    OFFSET(SPEC_guest, struct spec_state, guest);
    OFFSET(SPEC_flags, struct spec_state, flags);
    DEFINE(MSR_SPEC_CTRL, MSR_SPEC_CTRL);
    DEFINE(MSR_PRED_CMD, MSR_PRED_CMD);

    OFFSET(VCPU_in_kernel, struct vcpu, pv.in_kernel);
    OFFSET(VCPU_iopl, struct vcpu, pv.iopl);
    OFFSET(VCPU_nmi_pending, struct vcpu, pv.nmi_pending);
    OFFSET(VCPU_vcpu_info, struct vcpu, vcpu_info);
    OFFSET(VCPU_domain, struct vcpu, domain);
    OFFSET(VCPU_guest_areas_stale, struct vcpu, guest_areas_stale);
    OFFSET(VCPU_kernel_sp, struct vcpu, pv.kernel_sp);
    OFFSET(VCPU_cr3_user, struct vcpu, pv.cr3_user);
    OFFSET(VCPU_cr3_kernel, struct vcpu, pv.cr3_kernel);
    OFFSET(VCPU_syscall_callback, struct vcpu, pv.syscall_callback);
    OFFSET(VCPU_syscall_masks_events, struct vcpu, pv.syscall_masks_events);
    OFFSET(DOMAIN_xpti, struct domain, xpti);
    OFFSET(DOMAIN_vm_assist, struct domain, vm_assist);
    DEFINE(VMASST_TYPE_architectural_iopl, VMASST_TYPE_architectural_iopl);
    DEFINE(BOUNCE_FLAGS_CLEARED, X86_EFLAGS_BOUNCE_CLEARED);
    OFFSET(VINFO_pending, struct vcpu_info, evtchn_upcall_pending);
    OFFSET(VINFO_mask, struct vcpu_info, evtchn_upcall_mask);
}
