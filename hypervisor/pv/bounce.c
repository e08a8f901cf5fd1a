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

/* Parts that not every frame has. */
#define ERROR_CODE 1u
#define SELECTORS 2u /* gs fs es ds, for the failsafe callback */

static __noinline void no_handler(struct vcpu *v, const char *what)
{
    domain_crash(v->domain, "no handler for %s", what);
}

static __noinline void cannot_write(struct vcpu *v)
{
    domain_crash(v->domain, "cannot write a frame to its kernel stack");
}

/* The flags of the frame: the guest's own view of IF and IOPL. */
static inline uint64_t frame_rflags(const struct vcpu *v, uint64_t rflags,
                                    bool masked)
{
    rflags &= ~(X86_EFLAGS_IF | X86_EFLAGS_IOPL);
    rflags |= masked ? 0 : X86_EFLAGS_IF;
    if (v->domain->vm_assist & (1UL << VMASST_TYPE_architectural_iopl))
        rflags |= (uint64_t)v->pv.iopl << 12;
    return rflags;
}

static __always_inline unsigned frame_size(unsigned parts)
{
    return 7 * 8 + (parts & ERROR_CODE ? 8 : 0) +
           (parts & SELECTORS ? 4 * 8 : 0);
}

/*
 * Builds the frame of regs from the stack pointer `top` downwards, and makes
 * regs go on at the handler. The guest is in kernel mode by now; cs is what it
 * was before. Nothing here is called, so nothing has to be saved: the caller
 * leaves with this.
 */
static __always_inline void build(struct vcpu *v, struct cpu_user_regs *regs,
                                  vaddr_t top, uint64_t cs, vaddr_t handler,
                                  unsigned parts, unsigned mask_events,
                                  uint32_t error_code)
{
    struct vcpu_info *vi = v->vcpu_info;
    vaddr_t sp = (top & ~15UL) - frame_size(parts);
    vaddr_t at = sp + 2 * 8;

    cs |= (uint64_t)READ_ONCE(vi->evtchn_upcall_mask) << 32;
    if (unlikely(!guest_start_ok(sp)))
        return cannot_write(v);
    stac();
    PUT_GUEST(sp, regs->rcx, fault);
    PUT_GUEST(sp + 8, regs->r11, fault);
    if (parts & SELECTORS) {
        PUT_GUEST(at, regs->ds, fault);
        PUT_GUEST(at + 8, regs->es, fault);
        PUT_GUEST(at + 16, regs->fs, fault);
        PUT_GUEST(at + 24, regs->gs, fault);
        at += 4 * 8;
    }
    if (parts & ERROR_CODE) {
        PUT_GUEST(at, error_code, fault);
        at += 8;
    }
    PUT_GUEST(at, regs->rip, fault);
    PUT_GUEST(at + 8, cs, fault);
    PUT_GUEST(at + 16, frame_rflags(v, regs->rflags, cs >> 32), fault);
    PUT_GUEST(at + 24, regs->rsp, fault);
    PUT_GUEST(at + 32, regs->ss, fault);
    clac();
    if (mask_events)
        vi->evtchn_upcall_mask = 1;

    regs->rip = handler;
    regs->rsp = sp;
    regs->cs = FLAT_KERNEL_CS;
    regs->ss = FLAT_KERNEL_SS;
    regs->rflags &= ~X86_EFLAGS_BOUNCE_CLEARED;
    /* The frame holds rcx and r11, so SYSRET may clobber them. */
    regs->entry_vector = ENTRY_SYSCALL;
    return;
fault:
    clac();
    cannot_write(v);
}

/* From either mode. `parts` should be a constant. */
static __always_inline void bounce(struct vcpu *v, struct cpu_user_regs *regs,
                                   vaddr_t handler, unsigned parts,
                                   unsigned mask_events, uint32_t error_code)
{
    vaddr_t sp = regs->rsp;
    uint64_t cs = regs->cs;

    if (v->pv.in_kernel) {
        cs &= 0xfffc; /* no RPL tells the guest so */
    } else {
        pv_enter_kernel(v);
        sp = v->pv.kernel_sp;
    }
    build(v, regs, sp, cs, handler, parts, mask_events, error_code);
}

void pv_bounce(struct vcpu *v, struct cpu_user_regs *regs, vaddr_t handler,
               unsigned mask_events)
{
    bounce(v, regs, handler, 0, mask_events, 0);
}

static __noinline void bounce_with_code(struct vcpu *v,
                                        struct cpu_user_regs *regs,
                                        vaddr_t handler, unsigned mask_events,
                                        uint32_t error_code)
{
    bounce(v, regs, handler, ERROR_CODE, mask_events, error_code);
}

static inline bool has_error_code(unsigned vector)
{
    const uint32_t with = (1u << TRAP_DF) | (1u << TRAP_TS) | (1u << TRAP_NP) |
                          (1u << TRAP_SS) | (1u << TRAP_GP) | (1u << TRAP_PF) |
                          (1u << TRAP_AC) | (1u << TRAP_CP);
    return vector < 32 && ((with >> vector) & 1);
}

static __noinline void no_trap_handler(struct vcpu *v, unsigned vector,
                                       uint32_t error_code)
{
    domain_crash(v->domain, "no handler for trap %u (error code %#x)", vector,
                 error_code);
}

static __always_inline void inject(struct vcpu *v, struct cpu_user_regs *regs,
                                   unsigned vector, uint32_t error_code)
{
    const struct trap_info *ti = &v->pv.trap_table[vector];

    if (unlikely(!ti->address))
        no_trap_handler(v, vector, error_code);
    else if (has_error_code(vector))
        bounce_with_code(v, regs, ti->address, TI_GET_IF(ti), error_code);
    else
        pv_bounce(v, regs, ti->address, TI_GET_IF(ti));
}

void pv_inject_trap(unsigned vector, uint32_t error_code)
{
    inject(current, guest_regs(), vector, error_code);
}

void pv_inject_page_fault(vaddr_t addr, uint32_t error_code)
{
    struct vcpu *v = current;

    v->vcpu_info->arch.cr2 = addr;
    if (v->pv.in_kernel)
        error_code &= ~PFEC_USER;
    else
        error_code |= PFEC_USER;
    inject(v, guest_regs(), TRAP_PF, error_code);
}

/* SYSCALL from guest user mode, where entry.S does not do it by itself. */
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
    pv_enter_kernel(v);
    build(v, regs, v->pv.kernel_sp, regs->cs, v->pv.syscall_callback, 0,
          v->pv.syscall_masks_events, 0);
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
    pv_bounce(v, regs, v->pv.syscall32_callback,
              v->pv.syscall32_masks_events);
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
    pv_bounce(v, regs, v->pv.sysenter_callback,
              v->pv.sysenter_masks_events);
}

/* Through the failsafe callback: regs hold the selectors that it is to see. */
static void bounce_failsafe(struct vcpu *v, struct cpu_user_regs *regs)
{
    if (!v->pv.failsafe_callback) {
        no_handler(v, "a frame that cannot be resumed");
        return;
    }
    bounce(v, regs, v->pv.failsafe_callback, SELECTORS,
           v->pv.failsafe_masks_events, 0);
}

/*
 * The guest frame could not be resumed (IRET faulted). An LDT page that was
 * only not mapped yet is no fault of the guest's: then it is tried again.
 */
void pv_failsafe(struct cpu_user_regs *regs)
{
    bool cs = pv_ldt_want(regs->cs), ss = pv_ldt_want(regs->ss);

    if (cs || ss)
        return;
    __asm__("movw %%ds, %0" : "=m"(regs->ds));
    __asm__("movw %%es, %0" : "=m"(regs->es));
    __asm__("movw %%fs, %0" : "=m"(regs->fs));
    __asm__("movw %%gs, %0" : "=m"(regs->gs));
    bounce_failsafe(current, regs);
}

void pv_failsafe_on_resume(struct vcpu *v)
{
    struct cpu_user_regs *regs = guest_regs();

    regs->ds = v->regs.ds;
    regs->es = v->regs.es;
    regs->fs = v->regs.fs;
    regs->gs = v->regs.gs;
    bounce_failsafe(v, regs);
}

void pv_deliver_event(struct cpu_user_regs *regs)
{
    struct vcpu *v = current;

    if (likely(v->pv.event_callback))
        pv_bounce(v, regs, v->pv.event_callback, true);
    else
        no_handler(v, "events");
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
    pv_bounce(v, regs, handler, true);
    return true;
}
