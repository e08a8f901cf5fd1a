/*
 * Calls and commands that no other test makes: each granted once and refused
 * once. Checklist row 81.
 *
 * options: dom0_max_vcpus=2
 */
#include "guest.h"
#include <xen/callback.h>
#include <xen/nmi.h>
const char test_title[] = "the rest of the hypercalls";

#define UNREADABLE ((void *)HYPERVISOR_VIRT_START)
#define NOT_CANONICAL 0x8000000000000000UL

/* ---- update_va_mapping_otherdomain ---- */

static long map_of(unsigned domid, void *va, uint64_t pte)
{
    return hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, va, pte,
                      UVMF_INVLPG, domid);
}

static void test_otherdomain(void)
{
    uint64_t *a = alloc_page(), *b = alloc_page(), old = read_pte(a);
    struct xen_machphys_mfn_list list = {.max_extents = 1};
    xen_pfn_t m2p = 0;

    b[5] = 55;
    expect_eq(map_of(DOMID_SELF, a, read_pte(b)), 0);
    expect_eq(a[5], 55);
    expect_eq(map_of(77, a, old), -ESRCH);
    set_xen_guest_handle(list.extent_start, &m2p);
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_machphys_mfn_list,
                         &list), 0);
    expect_eq(map_of(DOMID_XEN, a, PTE(m2p, PTE_P | PTE_US | PTE_AD)), 0);
    expect_eq(memcmp(a, machine_to_phys_mapping, 64), 0);
    expect(map_of(DOMID_XEN, a, PTE(m2p, PTE_P | PTE_RW | PTE_US)) < 0,
           "the M2P mapped writable");
    expect(map_of(DOMID_IO, a, PTE(virt_to_mfn(b), PTE_P | PTE_RW)) < 0,
           "own memory mapped as a device's");
    expect_eq(map_of(DOMID_SELF, a, old), 0);
}

/* ---- the older forms ---- */

static void test_compat(void)
{
    struct evtchn_op e = {.cmd = EVTCHNOP_bind_ipi};
    struct physdev_op p = {.cmd = PHYSDEVOP_set_iopl, .u.set_iopl.iopl = 1};

    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, &e), 0);
    e.u.close.port = e.u.bind_ipi.port;
    e.cmd = EVTCHNOP_close;
    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, &e), 0);
    expect(hypercall1(__HYPERVISOR_event_channel_op_compat, &e) < 0,
           "a port was closed twice");
    e.cmd = 99;
    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, &e), -ENOSYS);
    expect_eq(hypercall1(__HYPERVISOR_event_channel_op_compat, UNREADABLE),
              -EFAULT);
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &p), 0);
    p.u.set_iopl.iopl = 4;
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &p), -EINVAL);
    p.u.set_iopl.iopl = 0;
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &p), 0);
    p.cmd = 99;
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, &p), -ENOSYS);
    expect_eq(hypercall1(__HYPERVISOR_physdev_op_compat, UNREADABLE), -EFAULT);
}

/* ---- NMIs ---- */

static volatile unsigned nmis;

static bool on_nmi(struct trap_frame *f)
{
    if (f->vector != 2)
        return false;
    nmis = nmis + 1;
    return true;
}

static long nmi_op(unsigned cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_nmi_op, cmd, arg);
}

static void test_nmi(void)
{
    struct xennmi_callback cb = {.handler_address = (unsigned long)trap_2};

    trap_hook = on_nmi;
    expect_eq(nmi_op(XENNMI_register_callback, UNREADABLE), -EFAULT);
    expect_eq(nmi_op(99, &cb), -ENOSYS);
    expect_eq(nmi_op(XENNMI_register_callback, &cb), 0);
    expect_eq(vcpu_op(VCPUOP_send_nmi, 0, &cb), -EINVAL);
    expect_eq(vcpu_op(VCPUOP_send_nmi, 17, NULL), -ENOENT);
    for (unsigned i = 1; i <= 3; i++) {
        expect_eq(vcpu_op(VCPUOP_send_nmi, 0, NULL), 0);
        expect_eq(nmis, i);
    }
    cb.handler_address = NOT_CANONICAL;
    expect_eq(nmi_op(XENNMI_register_callback, &cb), -EINVAL);
    expect_eq(nmi_op(XENNMI_unregister_callback, NULL), 0);
    trap_hook = NULL;
}

/* ---- callbacks ---- */

static long callback(unsigned cmd, unsigned type, unsigned long address)
{
    struct callback_register r = {.type = (uint16_t)type, .address = address};

    return hypercall2(__HYPERVISOR_callback_op, cmd, &r);
}

static void test_callbacks(void)
{
    unsigned long handler = (unsigned long)syscall_callback;

    expect_eq(callback(CALLBACKOP_register, CALLBACKTYPE_sysenter, handler), 0);
    expect_eq(callback(CALLBACKOP_register, CALLBACKTYPE_syscall32, handler),
              0);
    expect_eq(callback(CALLBACKOP_unregister, CALLBACKTYPE_nmi, 0), 0);
    expect_eq(callback(CALLBACKOP_unregister, CALLBACKTYPE_syscall, 0),
              -EINVAL);
    expect_eq(callback(CALLBACKOP_register, CALLBACKTYPE_sysenter,
                       NOT_CANONICAL), -EINVAL);
    expect_eq(callback(CALLBACKOP_register, 99, handler), -ENOSYS);
    expect_eq(callback(CALLBACKOP_unregister, 99, handler), -ENOSYS);
    expect_eq(callback(99, CALLBACKTYPE_syscall, handler), -ENOSYS);
    expect_eq(hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_register,
                         UNREADABLE), -EFAULT);
    /* Stock Xen leaves the callbacks as they are, too, but says 0. */
    expect_eq(set_callbacks((void *)NOT_CANONICAL, (void *)NOT_CANONICAL,
                            (void *)NOT_CANONICAL), on_xeno() ? -EINVAL : 0);
    expect_eq(set_callbacks(event_callback, failsafe_callback,
                            syscall_callback), 0);
}

/* ---- mmuext_op ---- */

static long mmuext(unsigned cmd, unsigned long arg)
{
    return mmuext1(cmd, arg);
}

static void test_mmuext(void)
{
    unsigned long mfn = virt_to_mfn(alloc_page());

    expect_eq(mmuext(MMUEXT_FLUSH_CACHE, 0), 0);
    expect_eq(mmuext(MMUEXT_FLUSH_CACHE_GLOBAL, 0), 0);
    expect_eq(mmuext(MMUEXT_MARK_SUPER, mfn), -EOPNOTSUPP);
    expect_eq(mmuext(MMUEXT_UNMARK_SUPER, mfn), -EOPNOTSUPP);
    expect_eq(mmuext(MMUEXT_INVLPG_LOCAL, HYPERVISOR_VIRT_START), 0);
    expect_eq(mmuext(MMUEXT_INVLPG_ALL, NOT_CANONICAL), 0);
    expect_eq(mmuext(99, 0), -ENOSYS);
}

/* ---- vm_assist: the virtual IOPL in trap frames ---- */

static volatile uint64_t frame_flags;

static bool note_flags(struct trap_frame *f)
{
    frame_flags = f->rflags;
    return false;
}

USER_SNIPPET(user_int3, "int3");

static unsigned iopl_of_frame(void)
{
    struct trap_frame f;

    RUN_USER(user_int3, 0, &f);
    return frame_flags >> 12 & 3;
}

static void test_iopl_assist(void)
{
    struct physdev_set_iopl s = {.iopl = 3};

    trap_hook = note_flags;
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &s), 0);
    expect_eq(iopl_of_frame(), 0);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                         VMASST_TYPE_architectural_iopl), 0);
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &s), 0);
    /* run_user's iret says 0, and it counts. */
    expect_eq(iopl_of_frame(), 0);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_disable,
                         VMASST_TYPE_architectural_iopl), 0);
    expect_eq(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                         VMASST_TYPE_writable_pagetables), 0);
    s.iopl = 0;
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &s), 0);
    trap_hook = NULL;
}

/* ---- memory_op, and what is not there ---- */

static void test_memory(void)
{
    struct xen_memory_reservation claim = {.domid = 0};
    struct xen_add_to_physmap add = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_grant_table};

    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_claim_pages, &claim),
              0);
    claim.extent_order = 1;
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_claim_pages, &claim),
              -EINVAL);
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &add),
              -EACCES);
    claim.domid = 77;
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_maximum_gpfn,
                         &claim.domid), -ESRCH);
}

static void test_absent(void)
{
    uint64_t params[4] = {0};
    long ret = hypercall2(__HYPERVISOR_xenpmu_op, 2, params); /* init */

    expect_eq(ret, -EOPNOTSUPP);
    expect(hypercall2(__HYPERVISOR_hvm_op, 99, 0) == -ENOSYS, "hvm_op 99");
    expect(hypercall2(__HYPERVISOR_xsm_op, 0, 0) == -ENOSYS, "xsm_op");
    expect(hypercall2(__HYPERVISOR_tmem_op, 0, 0) == -ENOSYS, "tmem_op");
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_otherdomain();
    test_compat();
    test_nmi();
    test_callbacks();
    test_mmuext();
    test_iopl_assist();
    test_memory();
    test_absent();
}
