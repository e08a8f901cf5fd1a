/* A vCPU's paravirtual state: birth, initial context, death. */
#include "pv/pv.h"

#include "arch/x86/cpu.h"
#include "arch/x86/fpu.h"
#include "arch/x86/pte.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "mm/page_type.h"
#include "pv/bounce.h"
#include <xen/arch-x86/xen-x86_64.h>

#define DR6_DEFAULT 0xffff0ff0UL
#define DR7_DEFAULT 0x400UL

int pv_vcpu_init(struct vcpu *v)
{
    struct pv_vcpu *pv = &v->pv;

    pv->trap_table = xzalloc_array(struct trap_info, 256);
    pv->fpu = fpu_alloc();
    if (!pv->trap_table || !pv->fpu) {
        pv_vcpu_destroy(v);
        return -ENOMEM;
    }
    pv->xcr0 = XSTATE_X87 | XSTATE_SSE;
    pv->cr4 = pv_guest_cr4(0);
    pv->debugreg[6] = DR6_DEFAULT;
    pv->debugreg[7] = DR7_DEFAULT;
    pv->in_kernel = true;
    return 0;
}

void pv_vcpu_destroy(struct vcpu *v)
{
    xfree(v->pv.trap_table);
    fpu_free(v->pv.fpu);
    v->pv.trap_table = NULL;
    v->pv.fpu = NULL;
}

/* The guest frame's parts that are not the guest's to choose. */
void pv_sanitise_regs(struct cpu_user_regs *r)
{
    r->cs = (uint16_t)(r->cs | 3);
    r->ss = (uint16_t)(r->ss | 3);
    r->rflags &= ~(X86_EFLAGS_IOPL | X86_EFLAGS_VM | X86_EFLAGS_VIF |
                   X86_EFLAGS_VIP | X86_EFLAGS_NT);
    r->rflags |= X86_EFLAGS_IF | X86_EFLAGS_MBS;
    r->entry_vector = 0;
    r->error_code = 0;
}

static bool context_addresses_ok(const struct vcpu_guest_context *c)
{
    if (!is_canonical(c->user_regs.rip) || !is_canonical(c->kernel_sp) ||
        !is_canonical(c->event_callback_eip) ||
        !is_canonical(c->failsafe_callback_eip) ||
        !is_canonical(c->syscall_callback_eip) || !is_canonical(c->fs_base) ||
        !is_canonical(c->gs_base_kernel) || !is_canonical(c->gs_base_user))
        return false;
    for (unsigned i = 0; i < 256; i++)
        if (!is_canonical(c->trap_ctxt[i].address))
            return false;
    return c->ldt_ents <= 8192 && !PAGE_OFFSET(c->ldt_base) &&
           c->gdt_ents <= 14 * 512;
}

static int take_l4(struct domain *d, uint64_t cr3, uint64_t *out)
{
    mfn_t m = mfn(xen_cr3_to_pfn(cr3));
    int rc;

    if (!mfn_valid(m))
        return -EINVAL;
    rc = page_get_and_type(frame_of(m), PGT_L4, d);
    if (!rc)
        *out = mfn_to_paddr(m);
    return rc;
}

/* Base pointers, GDT: everything that can fail or give way. pt_lock held. */
static int take_tables(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct domain *d = v->domain;
    uint64_t kernel = 0, user = 0;
    uint64_t frames[16];
    int rc = take_l4(d, c->ctrlreg[3], &kernel);

    if (rc)
        return rc;
    if (c->ctrlreg[1]) {
        rc = take_l4(d, c->ctrlreg[1], &user);
        if (rc)
            goto put_kernel;
    }
    for (unsigned i = 0; i < 16; i++)
        frames[i] = c->gdt_frames[i];
    rc = pv_set_gdt(v, frames, (unsigned)c->gdt_ents);
    if (rc)
        goto put_user;
    v->pv.cr3_kernel = kernel;
    v->pv.cr3_user = user;
    return 0;

put_user:
    if (user)
        (void)page_put_and_type(frame_of(paddr_to_mfn(user)), d);
put_kernel:
    (void)page_put_and_type(frame_of(paddr_to_mfn(kernel)), d);
    return rc;
}

/* Does the context name what v has? Its descriptors, too, are references. */
static bool same_tables(const struct vcpu *v,
                        const struct vcpu_guest_context *c)
{
    const struct pv_vcpu *pv = &v->pv;
    uint64_t user = c->ctrlreg[1] ? xen_cr3_to_pfn(c->ctrlreg[1]) : 0;

    if (xen_cr3_to_pfn(c->ctrlreg[3]) != pv->cr3_kernel >> PAGE_SHIFT ||
        user != pv->cr3_user >> PAGE_SHIFT ||
        c->gdt_ents != pv->gdt_entries || c->ldt_base != pv->ldt_base ||
        c->ldt_ents != pv->ldt_entries)
        return false;
    for (unsigned i = 0; i < DIV_ROUND_UP(pv->gdt_entries, 512); i++)
        if (c->gdt_frames[i] != pv->gdt_frames[i])
            return false;
    return true;
}

/*
 * Context of a vCPU that does not run (vcpu_op initialise, domain control).
 * -EINVAL: an address that is not canonical, a base pointer or GDT frame that
 * does not validate, a user mode start; -EOPNOTSUPP: it has a context, with
 * other tables; -ERESTART_PREEMPT: call again.
 */
int pv_set_context(struct vcpu *v, const struct vcpu_guest_context *c)
{
    struct pv_vcpu *pv = &v->pv;
    int rc = 0;

    if (!context_addresses_ok(c))
        return -EINVAL;
    spin_lock(&v->domain->pt_lock);
    if (!v->is_initialised)
        rc = take_tables(v, c);
    else if (!same_tables(v, c))
        rc = -EOPNOTSUPP;
    spin_unlock(&v->domain->pt_lock);
    if (rc)
        return rc;

    v->regs = c->user_regs;
    /* Kernels give their other vCPUs I/O privilege through the flags. */
    pv->iopl = (c->user_regs.rflags >> 12) & 3;
    pv_sanitise_regs(&v->regs);
    memcpy(pv->trap_table, c->trap_ctxt, sizeof(c->trap_ctxt));
    for (unsigned i = 0; i < 256; i++)
        pv->trap_table[i].vector = (uint8_t)i;
    pv->kernel_ss = (uint16_t)c->kernel_ss | 3;
    pv->kernel_sp = c->kernel_sp;
    pv->event_callback = c->event_callback_eip;
    pv->failsafe_callback = c->failsafe_callback_eip;
    pv->syscall_callback = c->syscall_callback_eip;
    pv->failsafe_masks_events = c->flags & VGCF_failsafe_disables_events;
    pv->syscall_masks_events = c->flags & VGCF_syscall_disables_events;
    pv->in_kernel = (c->flags & VGCF_in_kernel) || !pv->cr3_user;
    pv->ldt_base = c->ldt_base;
    pv->ldt_entries = (unsigned)c->ldt_ents;
    pv->fs_base = c->fs_base;
    pv->gs_base_kernel = c->gs_base_kernel;
    pv->gs_base_user = c->gs_base_user;
    pv->cr0_ts = c->ctrlreg[0] & CR0_TS;
    pv->cr4 = pv_guest_cr4(c->ctrlreg[4]);
    for (unsigned i = 0; i < 4; i++)
        (void)pv_set_debugreg(v, i, c->debugreg[i]);
    (void)pv_set_debugreg(v, 6, c->debugreg[6]);
    (void)pv_set_debugreg(v, 7, c->debugreg[7]);
    if (c->flags & VGCF_i387_valid)
        fpu_import_fxsave(pv->fpu, &c->fpu_ctxt);
    v->is_initialised = true;
    return 0;
}
