/*
 * VCPUOP_initialise that has to give way while it validates the new vCPU's
 * tables, of a context that is empty but for them; and contexts with all that
 * a guest may not have: refused, or harmless once the vCPU runs.
 *
 * options: dom0_max_vcpus=4
 */
#include "guest.h"
const char test_title[] = "vCPUs from odd contexts";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)

/* An L4 whose lower half has `n` slots with the same table tree. */
static void *make_l4(unsigned n)
{
    uint64_t *l4 = alloc_page(), *l3 = alloc_page(), *l2 = alloc_page();

    for (unsigned i = 0; i < 64; i++) {
        uint64_t *l1 = alloc_page();

        l1[i] = PTE(virt_to_mfn(alloc_page()), PTE_P | PTE_US | PTE_AD);
        l2[i] = PTE(virt_to_mfn(l1), FLAGS);
        expect_eq(set_readonly(l1), 0);
    }
    l3[0] = PTE(virt_to_mfn(l2), FLAGS);
    for (unsigned i = 0; i < n; i++)
        l4[i] = PTE(virt_to_mfn(l3), FLAGS);
    expect_eq(set_readonly(l2), 0);
    expect_eq(set_readonly(l3), 0);
    expect_eq(set_readonly(l4), 0);
    return l4;
}

static volatile unsigned upcalls;

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    upcalls++;
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
    f->rflags &= ~0x200UL; /* masked when it goes on */
    return true;
}

/*
 * An event is pending and not masked when the call is made: the hypervisor
 * gives way as soon as it looks.
 */
static long initialise_pending(unsigned id, struct vcpu_guest_context *c)
{
    struct vcpu_info *v = &shared_info->vcpu_info[0];
    long ret = __HYPERVISOR_vcpu_op;
    unsigned long cmd = VCPUOP_initialise, vcpu = id, arg = (unsigned long)c;

    __asm__ volatile("movb $1,%[pending]; movb $0,%[mask]; syscall"
                     : "+a"(ret), "+D"(cmd), "+S"(vcpu), "+d"(arg),
                       [pending] "=m"(v->evtchn_upcall_pending),
                       [mask] "=m"(v->evtchn_upcall_mask)
                     :
                     : "rcx", "r11", "r8", "r9", "r10", "memory");
    v->evtchn_upcall_mask = 1;
    return ret;
}

static void test_gives_way(void)
{
    static struct vcpu_guest_context c;

    trap_hook = on_event;
    c.flags = VGCF_in_kernel;
    c.ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(make_l4(200)));
    expect_eq(initialise_pending(1, &c), 0);
    expect(upcalls > 0, "no upcall");
    expect_eq(vcpu_op(VCPUOP_initialise, 1, &c), -EEXIST);
    trap_hook = NULL;
}

/* A context that starts: flags and selectors are made harmless. */
static volatile uint64_t seen_flags, seen_cs, started;

static void note_state(void)
{
    uint64_t flags, cs;

    __asm__ volatile("pushfq; popq %0; movq %%cs,%1" : "=r"(flags), "=r"(cs));
    seen_flags = flags;
    seen_cs = cs;
    started = 1;
    for (;;)
        vcpu_op(VCPUOP_down, 2, NULL);
}

static void test_harmless(void)
{
    struct vcpu_guest_context *c = vcpu_context(note_state);

    c->user_regs.rflags = 0x3f7dd7 & ~0x100u; /* all there are, but TF */
    c->user_regs.rflags &= ~0x40000u;         /* and AC */
    c->user_regs.cs = FLAT_KERNEL_CS & ~3;
    c->user_regs.ss = FLAT_KERNEL_SS & ~3;
    c->ctrlreg[0] = ~8UL;
    c->ctrlreg[4] = ~4UL; /* all but TSD */
    c->debugreg[0] = HYPERVISOR_VIRT_START;
    c->debugreg[7] = 0x2403;
    expect_eq(vcpu_op(VCPUOP_initialise, 2, c), 0);
    expect_eq(vcpu_op(VCPUOP_up, 2, NULL), 0);
    while (!started)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    expect_eq(seen_cs & 3, 3);
    expect_eq(seen_flags & 0x3000, 0); /* IOPL */
    expect_eq(seen_flags & 0x200, 0x200);
    expect_eq(seen_flags & 0x20000, 0); /* VM */
}

static void test_refused(void)
{
    struct vcpu_guest_context *c = vcpu_context(note_state);
    struct vcpu_guest_context good = *c;
    unsigned long data = virt_to_mfn(alloc_page());

#define REFUSED(change)                                                        \
    do {                                                                       \
        *c = good;                                                             \
        change;                                                                \
        if (vcpu_op(VCPUOP_initialise, 3, c) >= 0)                             \
            failure("not refused: %s", #change);                               \
    } while (0)
    REFUSED(c->gdt_ents = 14 * 512 + 1);
    REFUSED(c->gdt_ents = ~0UL);
    REFUSED(c->gdt_ents = 1; c->gdt_frames[0] = kernel_l4_mfn());
    REFUSED(c->gdt_ents = 1; c->gdt_frames[0] = 1UL << 40);
    REFUSED(c->ldt_ents = 8193);
    REFUSED(c->ctrlreg[3] = 0);
    REFUSED(c->ctrlreg[3] = ~0UL);
    REFUSED(c->ctrlreg[1] = xen_pfn_to_cr3(data));
    REFUSED(c->syscall_callback_eip = 1UL << 47);
    REFUSED(c->failsafe_callback_eip = 1UL << 62);
    REFUSED(c->trap_ctxt[255].address = 1UL << 47);
    *c = good;
    expect_eq(vcpu_op(VCPUOP_initialise, 3, c), 0);
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_gives_way();
    test_harmless();
    test_refused();
}
