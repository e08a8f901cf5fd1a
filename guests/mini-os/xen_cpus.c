/* Further vCPUs. */
#include <xen-guest.h>
#include <xen/vcpu.h>

extern char secondary_entry[]; /* head.S */
extern u8 xen_shared_page[];

static long vcpu_op(unsigned cmd, unsigned cpu, void *arg)
{
    return hypercall(__HYPERVISOR_vcpu_op, cmd, cpu, (u64)arg, 0);
}

/* What the hypervisor knows nothing of it refuses to tell about. */
unsigned xen_cpu_count(void)
{
    unsigned n = 1;

    while (n < MAX_CPUS && vcpu_op(VCPUOP_is_up, n, NULL) >= 0)
        n++;
    return n;
}

/* Traps, callbacks and the timer it sets up itself, in secondary_start. */
static void fill(struct vcpu_guest_context *c, volatile struct vcpu_info *info,
                 u64 rsp)
{
    c->flags = VGCF_in_kernel;
    c->user_regs.rip = (u64)secondary_entry;
    c->user_regs.rsp = rsp;
    c->user_regs.cs = FLAT_KERNEL_CS;
    c->user_regs.ss = FLAT_KERNEL_SS;
    c->kernel_ss = FLAT_KERNEL_SS;
    c->kernel_sp = rsp;
    c->ctrlreg[3] =
        xen_pfn_to_cr3(page_mfn((const void *)xen_start_info()->pt_base));
    c->gs_base_kernel = (u64)info;
}

int xen_start_cpu(unsigned cpu, u64 rsp)
{
    volatile struct shared_info *shared = (void *)xen_shared_page;
    struct vcpu_guest_context *c = alloc_cleared(1, sizeof(*c));
    long ret;

    if (!c)
        return -XEN_ENOMEM;
    shared->vcpu_info[cpu].evtchn_upcall_mask = 1;
    fill(c, &shared->vcpu_info[cpu], rsp);
    ret = vcpu_op(VCPUOP_initialise, cpu, c);
    release(c);
    if (!ret)
        ret = vcpu_op(VCPUOP_up, cpu, NULL);
    return (int)ret;
}
