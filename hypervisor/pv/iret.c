/* iret: from guest kernel mode back to where the frame on its stack says. */
#include "pv/pv.h"

#include "arch/x86/smap.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"

static __noinline long cannot_read(struct vcpu *v, vaddr_t sp)
{
    domain_crash(v->domain, "iret: cannot read the frame at %#lx",
                 (unsigned long)sp);
    return 0;
}

static __noinline long no_user_tables(struct vcpu *v)
{
    domain_crash(v->domain, "iret to user mode without user tables");
    return 0;
}

/* To user mode. Gives rax, as it is the result. */
static __always_inline long leave_kernel(struct vcpu *v, uint64_t rax)
{
    if (unlikely(!v->pv.cr3_user))
        return no_user_tables(v);
    v->multicall.preempted = true; /* if in one: it ends here */
    pv_enter_user(v);
    return (long)rax;
}

/* Flags that come from the frame; the rest is fixed. */
#define FLAGS_DROPPED                                                          \
    (X86_EFLAGS_IOPL | X86_EFLAGS_VM | X86_EFLAGS_VIF | X86_EFLAGS_VIP)
#define FLAGS_FIXED (X86_EFLAGS_IF | X86_EFLAGS_MBS)

/*
 * iret(): all arguments are on the guest kernel's stack (struct iret_context).
 * Never returns an error: a frame that cannot be read, or a switch to user
 * mode without a user base pointer, crashes the domain. Selectors are forced
 * to ring 3, IOPL and VM are dropped, interrupts are on. The value of rax in
 * the frame becomes the guest's.
 *
 * Each word is read once and put where it belongs. A fault in the middle
 * leaves the registers half changed, but nobody goes on with them.
 */
static long do_iret(uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4,
                    uint64_t a5, uint64_t a6)
{
    struct cpu_user_regs *regs = guest_regs();
    const struct iret_context *g = (const struct iret_context *)regs->rsp;
    struct vcpu *v = current;
    uint64_t rax, flags, cs, rflags, ss;

    (void)a1, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (unlikely(!guest_start_ok((vaddr_t)g)))
        return cannot_read(v, (vaddr_t)g);
    stac();
    GET_GUEST(flags, &g->flags, fault);
    if (!(flags & VGCF_in_syscall)) {
        regs->entry_vector = 0; /* all registers count: no SYSRET */
        GET_GUEST(regs->r11, &g->r11, fault);
        GET_GUEST(regs->rcx, &g->rcx, fault);
    }
    GET_GUEST(rflags, &g->rflags, fault);
    GET_GUEST(ss, &g->ss, fault);
    GET_GUEST(regs->rip, &g->rip, fault);
    GET_GUEST(regs->rsp, &g->rsp, fault);
    GET_GUEST(cs, &g->cs, fault);
    GET_GUEST(rax, &g->rax, fault);
    clac();
    regs->cs = (uint16_t)(cs | 3);
    regs->ss = (uint16_t)(ss | 3);
    regs->rflags = (rflags & ~FLAGS_DROPPED) | FLAGS_FIXED;
    if (v->domain->vm_assist & (1UL << VMASST_TYPE_architectural_iopl))
        v->pv.iopl = (rflags >> 12) & 3;
    v->pv.nmi_masked = false;
    v->vcpu_info->evtchn_upcall_mask = !(rflags & X86_EFLAGS_IF);
    return (cs & 3) == 3 ? leave_kernel(v, rax) : (long)rax;
fault:
    clac();
    return cannot_read(v, (vaddr_t)g);
}
HYPERCALL(__HYPERVISOR_iret, 0, do_iret);
