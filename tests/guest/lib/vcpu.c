/* Further vCPUs. */
#include "guest.h"

#define STACK_PAGES 4

long vcpu_op(unsigned cmd, unsigned id, void *arg)
{
    return hypercall3(__HYPERVISOR_vcpu_op, cmd, id, arg);
}

struct vcpu_guest_context *vcpu_context(void (*fn)(void))
{
    static struct vcpu_guest_context c;
    char *stack = alloc_page();

    for (unsigned i = 1; i < STACK_PAGES; i++)
        alloc_page(); /* they follow */
    memset(&c, 0, sizeof(c));
    for (unsigned i = 0; trap_gates[i].address; i++)
        c.trap_ctxt[trap_gates[i].vector] = trap_gates[i];
    c.flags = VGCF_in_kernel;
    c.user_regs.rip = (unsigned long)fn;
    c.user_regs.rsp = (unsigned long)stack + STACK_PAGES * PAGE_SIZE - 8;
    c.user_regs.cs = FLAT_KERNEL_CS;
    c.user_regs.ss = FLAT_KERNEL_SS;
    c.user_regs.rflags = 2; /* events masked */
    c.kernel_ss = FLAT_KERNEL_SS;
    c.kernel_sp = c.user_regs.rsp;
    c.ctrlreg[3] = xen_pfn_to_cr3(kernel_l4_mfn());
    c.event_callback_eip = (unsigned long)event_callback;
    c.failsafe_callback_eip = (unsigned long)failsafe_callback;
    c.syscall_callback_eip = (unsigned long)syscall_callback;
    return &c;
}

void vcpu_start(unsigned id, void (*fn)(void))
{
    long ret = vcpu_op(VCPUOP_initialise, id, vcpu_context(fn));

    if (ret)
        error("VCPUOP_initialise of vCPU %u gave %ld", id, ret);
    ret = vcpu_op(VCPUOP_up, id, NULL);
    if (ret)
        error("VCPUOP_up of vCPU %u gave %ld", id, ret);
}
