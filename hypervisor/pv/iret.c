/* iret: from guest kernel mode back to where the frame on its stack says. */
#include "pv/pv.h"

#include "arch/x86/smap.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"

/* The frame, each word read once. False: it cannot be read. */
static __always_inline bool read_frame(struct iret_context *f, vaddr_t sp)
{
    const struct iret_context *g = (const struct iret_context *)sp;

    if (unlikely(!guest_range_ok(sp, sizeof(*g))))
        return false;
    stac();
    GET_GUEST(f->rax, &g->rax, fault);
    GET_GUEST(f->r11, &g->r11, fault);
    GET_GUEST(f->rcx, &g->rcx, fault);
    GET_GUEST(f->flags, &g->flags, fault);
    GET_GUEST(f->rip, &g->rip, fault);
    GET_GUEST(f->cs, &g->cs, fault);
    GET_GUEST(f->rflags, &g->rflags, fault);
    GET_GUEST(f->rsp, &g->rsp, fault);
    GET_GUEST(f->ss, &g->ss, fault);
    clac();
    return true;
fault:
    clac();
    return false;
}

/*
 * iret(): all arguments are on the guest kernel's stack (struct iret_context).
 * Never returns an error: a frame that cannot be read, or a switch to user
 * mode without a user base pointer, crashes the domain. Selectors are forced
 * to ring 3, IOPL and VM are dropped, interrupts are on. The value of rax in
 * the frame becomes the guest's.
 */
static long do_iret(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                    uint64_t a5, uint64_t a6)
{
    struct cpu_user_regs *regs = guest_regs();
    struct vcpu *v = current;
    struct iret_context f;

    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (unlikely(!read_frame(&f, regs->rsp))) {
        domain_crash(v->domain, "iret: cannot read the frame at %#lx",
                     (unsigned long)regs->rsp);
        return 0;
    }
    if ((f.cs & 3) == 3) {
        if (unlikely(!v->pv.cr3_user)) {
            domain_crash(v->domain, "iret to user mode without user tables");
            return 0;
        }
        pv_toggle_mode(v);
        v->multicall.preempted = true; /* if in one: it ends here */
    }
    if (v->domain->vm_assist & (1UL << VMASST_TYPE_architectural_iopl))
        v->pv.iopl = (f.rflags >> 12) & 3;

    regs->rip = f.rip;
    regs->cs = (uint16_t)(f.cs | 3);
    regs->rflags = (f.rflags & ~(X86_EFLAGS_IOPL | X86_EFLAGS_VM |
                                 X86_EFLAGS_VIF | X86_EFLAGS_VIP)) |
                   X86_EFLAGS_IF | X86_EFLAGS_MBS;
    regs->rsp = f.rsp;
    regs->ss = (uint16_t)(f.ss | 3);
    if (!(f.flags & VGCF_in_syscall)) {
        regs->entry_vector = 0; /* all registers count: no SYSRET */
        regs->r11 = f.r11;
        regs->rcx = f.rcx;
    }
    v->pv.nmi_masked = false;
    v->vcpu_info->evtchn_upcall_mask = !(f.rflags & X86_EFLAGS_IF);
    return (long)f.rax;
}
HYPERCALL(__HYPERVISOR_iret, 0, do_iret);
