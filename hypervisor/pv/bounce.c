/*
 * Frames on the guest kernel's stack.
 *
 * The stack address is the guest's: it is checked to lie outside our part of
 * the address space, and every store is listed in the exception table. A frame
 * that cannot be written means that the guest has lost control of its own
 * stack; it is crashed, nobody else notices.
 */
#include "pv/bounce.h"

#include "arch/x86/smap.h"
#include "arch/x86/usercopy.h"
#include "pv/pv.h"
#include <xen/arch-x86/xen-x86_64.h>

/* Writes the frame of regs at `top` downwards; its lowest address, 0: fault. */
static vaddr_t write_frame(const struct cpu_user_regs *regs, vaddr_t top,
                           uint64_t cs_word, uint64_t rflags, unsigned flags,
                           uint32_t error_code)
{
    vaddr_t sp = top - 7 * 8;

    if (flags & BOUNCE_ERROR_CODE)
        sp -= 8;
    if (flags & BOUNCE_SELECTORS)
        sp -= 4 * 8;
    if (unlikely(!guest_range_ok(sp, top - sp)))
        return 0;

    stac();
    PUT_GUEST(top - 8, regs->ss, fault);
    PUT_GUEST(top - 16, regs->rsp, fault);
    PUT_GUEST(top - 24, rflags, fault);
    PUT_GUEST(top - 32, cs_word, fault);
    PUT_GUEST(top - 40, regs->rip, fault);
    top -= 40;
    if (flags & BOUNCE_ERROR_CODE) {
        top -= 8;
        PUT_GUEST(top, error_code, fault);
    }
    if (unlikely(flags & BOUNCE_SELECTORS)) {
        PUT_GUEST(top - 8, regs->gs, fault);
        PUT_GUEST(top - 16, regs->fs, fault);
        PUT_GUEST(top - 24, regs->es, fault);
        PUT_GUEST(top - 32, regs->ds, fault);
    }
    PUT_GUEST(sp + 8, regs->r11, fault);
    PUT_GUEST(sp, regs->rcx, fault);
    clac();
    return sp;
fault:
    clac();
    return 0;
}

void pv_bounce(struct cpu_user_regs *regs, vaddr_t handler, unsigned flags,
               uint32_t error_code)
{
    struct vcpu *v = current;
    struct vcpu_info *vi = v->vcpu_info;
    uint8_t mask = READ_ONCE(vi->evtchn_upcall_mask);
    uint64_t rflags, cs_word = regs->cs;
    vaddr_t sp;

    if (unlikely(!handler)) {
        domain_crash(v->domain, "no handler for the callback");
        return;
    }
    if (v->pv.in_kernel) {
        sp = regs->rsp;
        cs_word &= 0xfffc; /* tells the guest: from kernel mode */
    } else {
        pv_toggle_mode(v);
        sp = v->pv.kernel_sp;
    }
    rflags = regs->rflags & ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL);
    if (!mask)
        rflags |= X86_EFLAGS_IF;
    if (v->domain->vm_assist & (1UL << VMASST_TYPE_architectural_iopl))
        rflags |= (uint64_t)v->pv.iopl << 12;
    cs_word |= (uint64_t)mask << 32;

    sp = write_frame(regs, sp & ~15UL, cs_word, rflags, flags, error_code);
    if (unlikely(!sp)) {
        domain_crash(v->domain, "cannot write a frame to its kernel stack");
        return;
    }
    if (flags & BOUNCE_MASK_EVENTS)
        vi->evtchn_upcall_mask = 1;

    regs->rip = handler;
    regs->rsp = sp;
    regs->cs = FLAT_KERNEL_CS;
    regs->ss = FLAT_KERNEL_SS;
    regs->rflags &= ~(X86_EFLAGS_AC | X86_EFLAGS_VM | X86_EFLAGS_RF |
                      X86_EFLAGS_NT | X86_EFLAGS_TF | X86_EFLAGS_IOPL);
    /* The frame holds rcx and r11, so SYSRET may clobber them. */
    regs->entry_vector = ENTRY_SYSCALL;
}

static unsigned has_error_code(unsigned vector)
{
    const uint32_t with = (1u << TRAP_DF) | (1u << TRAP_TS) | (1u << TRAP_NP) |
                          (1u << TRAP_SS) | (1u << TRAP_GP) | (1u << TRAP_PF) |
                          (1u << TRAP_AC) | (1u << TRAP_CP);
    return vector < 32 && ((with >> vector) & 1) ? BOUNCE_ERROR_CODE : 0;
}

void pv_inject_trap(unsigned vector, uint32_t error_code)
{
    struct vcpu *v = current;
    const struct trap_info *ti = &v->pv.trap_table[vector];
    unsigned flags = has_error_code(vector);

    if (unlikely(!ti->address)) {
        domain_crash(v->domain, "no handler for trap %u (error code %#x)",
                     vector, error_code);
        return;
    }
    if (TI_GET_IF(ti))
        flags |= BOUNCE_MASK_EVENTS;
    pv_bounce(guest_regs(), ti->address, flags, error_code);
}

void pv_inject_page_fault(vaddr_t addr, uint32_t error_code)
{
    struct vcpu *v = current;

    v->vcpu_info->arch.cr2 = addr;
    if (v->pv.in_kernel)
        error_code &= ~PFEC_USER;
    else
        error_code |= PFEC_USER;
    pv_inject_trap(TRAP_PF, error_code);
}

/* SYSCALL from guest user mode: rcx and r11 already hold rip and rflags. */
void pv_guest_syscall(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (unlikely(!v->pv.syscall_callback)) {
        regs->rip -= 2;
        pv_inject_trap(TRAP_UD, 0);
        return;
    }
    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    pv_bounce(regs, v->pv.syscall_callback,
              v->pv.syscall_masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
}

/* SYSCALL from 32-bit code of guest user mode. */
void pv_syscall32(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    regs->rcx = regs->rip;
    regs->r11 = regs->rflags;
    if (!v->pv.syscall32_callback || v->pv.in_kernel) {
        regs->rip -= 2;
        pv_inject_trap(TRAP_UD, 0);
        return;
    }
    pv_bounce(regs, v->pv.syscall32_callback,
              v->pv.syscall32_masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
}

/* SYSENTER: where it came from is lost; the guest's callback knows. */
void pv_sysenter(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    regs->rip = 0;
    if (!v->pv.sysenter_callback || v->pv.in_kernel) {
        pv_inject_trap(TRAP_GP, 0);
        return;
    }
    pv_bounce(regs, v->pv.sysenter_callback,
              v->pv.sysenter_masks_events ? BOUNCE_MASK_EVENTS : 0, 0);
}

/*
 * The guest frame could not be resumed (IRET or a selector load faulted). The
 * guest hears of it through its failsafe callback. An LDT page that was only
 * not mapped yet is no fault of the guest's: then it is tried again.
 */
void pv_failsafe(struct cpu_user_regs *regs)
{
    bool cs = pv_ldt_want(regs->cs), ss = pv_ldt_want(regs->ss);
    struct vcpu *v = current;

    if (cs || ss)
        return;
    if (!v->pv.failsafe_callback) {
        domain_crash(v->domain, "cannot resume it, and no failsafe callback");
        return;
    }
    __asm__("movw %%ds, %0" : "=m"(regs->ds));
    __asm__("movw %%es, %0" : "=m"(regs->es));
    __asm__("movw %%fs, %0" : "=m"(regs->fs));
    __asm__("movw %%gs, %0" : "=m"(regs->gs));
    pv_bounce(regs, v->pv.failsafe_callback,
              BOUNCE_SELECTORS |
                  (v->pv.failsafe_masks_events ? BOUNCE_MASK_EVENTS : 0),
              0);
}

void pv_deliver_event(struct cpu_user_regs *regs)
{
    pv_bounce(regs, current->pv.event_callback, BOUNCE_MASK_EVENTS, 0);
}

/* True: an NMI frame was built. NMIs stay off until the guest's iret. */
bool pv_deliver_nmi(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;
    vaddr_t handler = v->pv.trap_table[TRAP_NMI].address;

    if (v->pv.nmi_masked || !handler)
        return false;
    v->pv.nmi_pending = false;
    v->pv.nmi_masked = true;
    pv_bounce(regs, handler, BOUNCE_MASK_EVENTS, 0);
    return true;
}
