/* Where the guest wants to be entered: trap table, callbacks, kernel stack. */
#include "pv/pv.h"

#include "arch/x86/pte.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"
#include "lib/string.h"
#include <xen/arch-x86/xen-x86_64.h>
#include <xen/callback.h>
#include <xen/nmi.h>

#define UNUSED3 (void)a4, (void)a5, (void)a6
#define UNUSED4 (void)a3, UNUSED3
#define UNUSED5 (void)a2, UNUSED4

/* An address that may go into rip: canonical. Null is allowed (= none). */
static bool code_address_ok(vaddr_t a)
{
    return is_canonical(a);
}

/*
 * A selector that guest code or stack may have; anything of ring 0 becomes the
 * ABI's flat one, as the ABI's macros for a 64-bit kernel do.
 */
static uint16_t guest_code_selector(uint16_t sel)
{
    return (sel & 3) == 3 && sel != 3 ? sel : FLAT_KERNEL_CS;
}

/*
 * set_trap_table(traps): entries until one with a null address; a null list
 * clears the table. -EFAULT unreadable, -EINVAL non-canonical handler
 * (entries before it stay). Gives way when asked.
 */
static long do_set_trap_table(uint64_t list, uint64_t a2, uint64_t a3,
                              uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;
    struct trap_info t;

    UNUSED5;
    if (!list) {
        memset(v->pv.trap_table, 0, 256 * sizeof(t));
        return 0;
    }
    for (;; list += sizeof(t)) {
        if (copy_from_guest_va(&t, list, sizeof(t)))
            return -EFAULT;
        if (!t.address)
            return 0;
        if (!code_address_ok(t.address))
            return -EINVAL;
        t.cs = guest_code_selector(t.cs);
        v->pv.trap_table[t.vector] = t;
        if (preempt_needed())
            return hypercall_continue(__HYPERVISOR_set_trap_table, 1,
                                      list + sizeof(t));
    }
}
HYPERCALL(__HYPERVISOR_set_trap_table, 1, do_set_trap_table);

/*
 * stack_switch(ss, esp): the stack on entry from user mode. ss is forced to
 * ring 3. -EINVAL for a stack pointer that is not canonical.
 */
static long do_stack_switch(uint64_t ss, uint64_t sp, uint64_t a3, uint64_t a4,
                            uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;

    UNUSED4;
    if (!is_canonical(sp))
        return -EINVAL;
    v->pv.kernel_ss = (uint16_t)ss | 3;
    v->pv.kernel_sp = sp;
    return 0;
}
HYPERCALL(__HYPERVISOR_stack_switch, 2, do_stack_switch);

static long register_callback(const struct callback_register *r)
{
    struct pv_vcpu *pv = &current->pv;
    bool mask = r->flags & CALLBACKF_mask_events;

    if (!code_address_ok(r->address))
        return -EINVAL;
    switch (r->type) {
    case CALLBACKTYPE_event:
        pv->event_callback = r->address;
        return 0;
    case CALLBACKTYPE_failsafe:
        pv->failsafe_callback = r->address;
        pv->failsafe_masks_events = mask;
        return 0;
    case CALLBACKTYPE_syscall:
        pv->syscall_callback = r->address;
        pv->syscall_masks_events = mask;
        return 0;
    case CALLBACKTYPE_syscall32:
        pv->syscall32_callback = r->address;
        pv->syscall32_masks_events = mask;
        return 0;
    case CALLBACKTYPE_sysenter:
        pv->sysenter_callback = r->address;
        pv->sysenter_masks_events = mask;
        return 0;
    case CALLBACKTYPE_nmi:
        /* One NMI handler: vCPU 0's, kept where traps are. */
        if (current->vcpu_id != 0)
            return -EINVAL;
        pv->trap_table[TRAP_NMI] = (struct trap_info){
            .vector = TRAP_NMI, .cs = FLAT_KERNEL_CS, .address = r->address};
        return 0;
    default:
        return -ENOSYS;
    }
}

static long unregister_callback(uint16_t type)
{
    switch (type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter:
        return -EINVAL; /* these can only be replaced */
    case CALLBACKTYPE_nmi:
        memset(&current->pv.trap_table[TRAP_NMI], 0, sizeof(struct trap_info));
        return 0;
    default:
        return -ENOSYS;
    }
}

/*
 * callback_op(cmd, arg): register, unregister. -EFAULT unreadable argument,
 * -EINVAL non-canonical address or one that must stay, -ENOSYS unknown type or
 * command.
 */
static long do_callback_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                           uint64_t a5, uint64_t a6)
{
    struct callback_register reg;
    struct callback_unregister unreg;

    UNUSED4;
    switch ((int)cmd) {
    case CALLBACKOP_register:
        if (copy_from_guest_va(&reg, arg, sizeof(reg)))
            return -EFAULT;
        return register_callback(&reg);
    case CALLBACKOP_unregister:
        if (copy_from_guest_va(&unreg, arg, sizeof(unreg)))
            return -EFAULT;
        return unregister_callback(unreg.type);
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_callback_op, 2, do_callback_op);

/*
 * set_callbacks(event, failsafe, syscall): the older form of callback_op.
 * -EINVAL if one is not canonical; then none is changed.
 */
static long do_set_callbacks(uint64_t event, uint64_t failsafe,
                             uint64_t syscall_cb, uint64_t a4, uint64_t a5,
                             uint64_t a6)
{
    struct pv_vcpu *pv = &current->pv;

    UNUSED3;
    if (!code_address_ok(event) || !code_address_ok(failsafe) ||
        !code_address_ok(syscall_cb))
        return -EINVAL;
    pv->event_callback = event;
    pv->failsafe_callback = failsafe;
    pv->syscall_callback = syscall_cb;
    pv->failsafe_masks_events = pv->syscall_masks_events = false;
    return 0;
}
HYPERCALL(__HYPERVISOR_set_callbacks, 3, do_set_callbacks);

/* nmi_op(cmd, arg): register_callback, unregister_callback. */
static long do_nmi_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                      uint64_t a5, uint64_t a6)
{
    struct xennmi_callback cb;
    struct callback_register reg = {.type = CALLBACKTYPE_nmi};

    UNUSED4;
    switch ((unsigned)cmd) {
    case XENNMI_register_callback:
        if (copy_from_guest_va(&cb, arg, sizeof(cb)))
            return -EFAULT;
        reg.address = cb.handler_address;
        return register_callback(&reg);
    case XENNMI_unregister_callback:
        return unregister_callback(CALLBACKTYPE_nmi);
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_nmi_op, 2, do_nmi_op);

/* fpu_taskswitch(set): the next FPU use traps (#NM), or no longer. */
static long do_fpu_taskswitch(uint64_t set, uint64_t a2, uint64_t a3,
                              uint64_t a4, uint64_t a5, uint64_t a6)
{
    UNUSED5;
    pv_set_ts(current, (int)set != 0);
    return 0;
}
HYPERCALL(__HYPERVISOR_fpu_taskswitch, 1, do_fpu_taskswitch);
