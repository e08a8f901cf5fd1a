/*
 * hvm_op and xenpmu_op of a domain without hardware virtualisation: each
 * command has its own way to refuse, two have something to do.
 */
#include "guest.h"
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
const char test_title[] = "hvm_op and xenpmu_op";

#define UNREADABLE ((void *)HYPERVISOR_VIRT_START)

static long hvm_op(unsigned long cmd, const void *arg)
{
    return hypercall2(__HYPERVISOR_hvm_op, cmd, arg);
}

static void test_params(unsigned cmd)
{
    struct xen_hvm_param p = {.domid = DOMID_SELF, .value = 0x1234};

    for (p.index = 0; p.index < HVM_NR_PARAMS + 3; p.index++)
        expect_eq(hvm_op(cmd, &p), -EINVAL);
    expect_eq(p.value, 0x1234);
    p.index = HVM_PARAM_STORE_PFN;
    p.domid = 0;
    expect_eq(hvm_op(cmd, &p), -EINVAL);
    p.domid = 77;
    expect_eq(hvm_op(cmd, &p), -ESRCH);
    p.domid = DOMID_IO;
    expect_eq(hvm_op(cmd, &p), -ESRCH);
    p.index = HVM_NR_PARAMS;
    expect_eq(hvm_op(cmd, &p), -EINVAL);
    expect_eq(hvm_op(cmd, NULL), -EFAULT);
    expect_eq(hvm_op(cmd, UNREADABLE), -EFAULT);
}

static void test_domain(unsigned cmd)
{
    uint64_t arg[2] = {DOMID_SELF, 0};

    expect_eq(hvm_op(cmd, arg), -EINVAL);
    arg[0] = 77;
    expect_eq(hvm_op(cmd, arg), -ESRCH);
    expect_eq(hvm_op(cmd, NULL), -EFAULT);
    expect_eq(hvm_op(cmd, UNREADABLE), -EFAULT);
}

static void test_time(void)
{
    struct xen_hvm_get_time t = {0};
    uint64_t before = system_time();

    expect_eq(hvm_op(HVMOP_get_time, &t), 0);
    expect(t.now + MS >= before && t.now <= system_time() + MS,
           "get_time gave %lu, before it was %lu", t.now, before);
    expect_eq(hvm_op(HVMOP_get_time, UNREADABLE), -EFAULT);
}

static void test_trace(void)
{
    struct xen_hvm_xentrace t = {.event = 0xfff, .extra_bytes = 28};

    expect_eq(hvm_op(HVMOP_xentrace, &t), 0);
    t.extra_bytes = 29;
    expect_eq(hvm_op(HVMOP_xentrace, &t), -EINVAL);
    t.extra_bytes = 0;
    t.event = 0x1000;
    expect_eq(hvm_op(HVMOP_xentrace, &t), -EINVAL);
    expect_eq(hvm_op(HVMOP_xentrace, UNREADABLE), -EFAULT);
}

static void test_others(void)
{
    static const unsigned unknown[] = {2,  3,  4,  6,  7,  8,  12, 13, 14, 16,
                                       17, 18, 19, 20, 21, 22, 26, 99};
    uint64_t arg[8] = {0};

    expect_eq(hvm_op(HVMOP_flush_tlbs, NULL), -EINVAL);
    expect_eq(hvm_op(HVMOP_flush_tlbs, arg), -EINVAL);
    expect_eq(hvm_op(HVMOP_set_evtchn_upcall_vector, arg), -EINVAL);
    expect_eq(hvm_op(HVMOP_set_evtchn_upcall_vector, UNREADABLE), -EINVAL);
    expect_eq(hvm_op(HVMOP_guest_request_vm_event, NULL), 0);
    expect_eq(hvm_op(HVMOP_guest_request_vm_event, arg), -EINVAL);
    expect_eq(hvm_op(HVMOP_altp2m, arg), -EOPNOTSUPP);
    expect_eq(hvm_op(HVMOP_altp2m, UNREADABLE), -EOPNOTSUPP);
    for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++)
        expect_eq(hvm_op(unknown[i], arg), -ENOSYS);
    expect_eq(hvm_op(1UL << 32, arg), -ENOSYS);
    for (unsigned cmd = 0; cmd < 10; cmd++)
        expect_eq(hypercall2(__HYPERVISOR_xenpmu_op, cmd, arg), -EOPNOTSUPP);
}

void test_main(void)
{
    test_params(HVMOP_set_param);
    test_params(HVMOP_get_param);
    test_domain(HVMOP_pagetable_dying);
    test_domain(HVMOP_get_mem_type);
    test_time();
    test_trace();
    test_others();
}
