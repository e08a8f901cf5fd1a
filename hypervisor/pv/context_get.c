/* A vCPU's paravirtual state as the control interface shows it. */
#include "domain/domctl.h"

#include "arch/x86/cpu.h"
#include "arch/x86/fpu.h"
#include "lib/string.h"
#include "pv/pv.h"
#include <xen/arch-x86/xen-x86_64.h>

/* What every guest finds in CR0, beside TS. */
#define CR0_GUEST 0x80050033UL /* PG AM WP NE ET MP PE */

static void get_flags(const struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct pv_vcpu *pv = &v->pv;

    c->flags = VGCF_i387_valid;
    if (pv->in_kernel)
        c->flags |= VGCF_in_kernel;
    if (!test_bit(VPF_DOWN, &v->pause_flags))
        c->flags |= VGCF_online;
    if (pv->failsafe_masks_events)
        c->flags |= VGCF_failsafe_disables_events;
    if (pv->syscall_masks_events)
        c->flags |= VGCF_syscall_disables_events;
}

static void get_tables(const struct pv_vcpu *pv, struct vcpu_guest_context *c)
{
    memcpy(c->trap_ctxt, pv->trap_table, sizeof(c->trap_ctxt));
    c->ldt_base = pv->ldt_base;
    c->ldt_ents = pv->ldt_entries;
    c->gdt_ents = pv->gdt_entries;
    for (unsigned i = 0; i < DIV_ROUND_UP(pv->gdt_entries, 512); i++)
        c->gdt_frames[i] = pv->gdt_frames[i];
    c->ctrlreg[3] = xen_pfn_to_cr3(pv->cr3_kernel >> PAGE_SHIFT);
    if (pv->cr3_user)
        c->ctrlreg[1] = xen_pfn_to_cr3(pv->cr3_user >> PAGE_SHIFT);
}

void pv_get_context(struct vcpu *v, struct vcpu_guest_context *c)
{
    const struct pv_vcpu *pv = &v->pv;

    get_flags(v, c);
    get_tables(pv, c);
    fpu_export_fxsave(pv->fpu, &c->fpu_ctxt);
    c->user_regs = v->regs;
    c->user_regs.rflags |= (uint64_t)pv->iopl << 12;
    c->ctrlreg[0] = CR0_GUEST | (pv->cr0_ts ? CR0_TS : 0);
    c->ctrlreg[4] = pv->cr4;
    memcpy(c->debugreg, pv->debugreg, sizeof(c->debugreg));
    c->kernel_ss = pv->kernel_ss;
    c->kernel_sp = pv->kernel_sp;
    c->event_callback_eip = pv->event_callback;
    c->failsafe_callback_eip = pv->failsafe_callback;
    c->syscall_callback_eip = pv->syscall_callback;
    c->vm_assist = v->domain->vm_assist;
    c->fs_base = pv->fs_base;
    c->gs_base_kernel = pv->gs_base_kernel;
    c->gs_base_user = pv->gs_base_user;
}
