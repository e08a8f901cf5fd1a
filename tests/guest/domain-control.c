/*
 * What the control interface tells and changes of a domain and the machine:
 * contexts, registers, affinity, frames, limits, CPU policy, suspend, lists.
 *
 * qemu: -smp 2
 * timeout: 120
 */
#include "domain.h"
const char test_title[] = "control operations on a second domain";

#define SSE42 (1u << 20) /* leaf 1, ecx */

static struct child child;
static struct xen_domctl op;
static volatile unsigned first, second, cpuid_ecx;

static void run_first(void)
{
    for (;;) {
        first++;
        yield();
    }
}

static void run_second(void)
{
    for (;;) {
        second++;
        yield();
    }
}

/* The leaf that a kernel gets, by the emulation prefix. */
static void tell_cpuid(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("ud2; .ascii \"xen\"; cpuid"
                     : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    cpuid_ecx = c;
    for (;;)
        yield();
}

static long control(unsigned cmd)
{
    return domctl(cmd, child.id, &op);
}

static void clear(void)
{
    memset(&op, 0, sizeof(op));
}

static bool counts(volatile unsigned *n)
{
    unsigned before = *n;

    for (unsigned i = 0; i < 10000 && *n == before; i++)
        yield();
    return *n != before;
}

/* Takes the vCPU's context, sends it elsewhere. */
static void test_context(void)
{
    static struct vcpu_guest_context c;
    volatile unsigned *one, *two;

    child_start(&child, run_first);
    one = child_map(&child, &first);
    two = child_map(&child, &second);
    expect(counts(one), "the child does not run");
    clear();
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &c);
    expect_eq(control(XEN_DOMCTL_pausedomain), 0);
    expect_eq(control(XEN_DOMCTL_getvcpucontext), 0);
    expect_eq(c.ctrlreg[3], xen_pfn_to_cr3(child.l4));
    expect_eq(c.ctrlreg[1], 0);
    expect_eq(c.event_callback_eip, event_callback);
    expect_eq(c.trap_ctxt[14].address, trap_14);
    expect_eq(c.flags & (VGCF_online | VGCF_in_kernel),
              VGCF_online | VGCF_in_kernel);
    expect(c.user_regs.rip >= VIRT_BASE, "rip is %#lx", c.user_regs.rip);
    c.user_regs.rip = (unsigned long)run_second;
    c.user_regs.rsp = (c.user_regs.rsp & ~15UL) - 8;
    expect_eq(control(XEN_DOMCTL_setvcpucontext), 0);
    expect_eq(control(XEN_DOMCTL_unpausedomain), 0);
    expect(counts(two), "it does not run where it was sent");
    c.ctrlreg[3] = xen_pfn_to_cr3(child.mfn[0]);
    expect_eq(control(XEN_DOMCTL_setvcpucontext), -EOPNOTSUPP);
    c.ctrlreg[3] = xen_pfn_to_cr3(child.l4);
    c.user_regs.rip = 1UL << 63;
    expect_eq(control(XEN_DOMCTL_setvcpucontext), -EINVAL);
    expect(counts(two), "a refused context stopped it");
    child_unmap((void *)(uintptr_t)one);
    child_unmap((void *)(uintptr_t)two);
    child_destroy(&child);
}

static void test_affinity(void)
{
    uint8_t hard = 2, soft = 3;

    child_start_server(&child);
    clear();
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, &hard);
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_soft.bitmap, &soft);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 2;
    op.u.vcpuaffinity.cpumap_soft.nr_bits = 2;
    expect_eq(control(XEN_DOMCTL_setvcpuaffinity), 0);
    expect_eq(hard, 2);
    expect_eq(soft, 2); /* what of it has effect */
    hard = soft = 0;
    expect_eq(control(XEN_DOMCTL_getvcpuaffinity), 0);
    expect_eq(hard, 2);
    expect_eq(soft, 3);
    delay_ms(20);
    clear();
    expect_eq(control(XEN_DOMCTL_getvcpuinfo), 0);
    expect_eq(op.u.getvcpuinfo.cpu, 1);
    expect_eq(op.u.getvcpuinfo.online, 1);
    expect(op.u.getvcpuinfo.cpu_time > 0, "it has not run");
    expect_eq(child_call(&child, __HYPERVISOR_xen_version, XENVER_version, 0, 0,
                         0, NULL, 0) >> 16,
              4);
    hard = 4;
    clear();
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, &hard);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
    expect_eq(control(XEN_DOMCTL_setvcpuaffinity), -EINVAL);
    child_destroy(&child);
}

static void test_memory(void)
{
    uint64_t frames[4];
    uint64_t extra = 0;
    struct xen_memory_reservation r = {.nr_extents = 1};

    child_start_server(&child);
    frames[0] = child.l4;
    frames[1] = child.mfn[0];
    frames[2] = virt_to_mfn(start_info); /* not the child's */
    frames[3] = ~0UL >> 12;
    clear();
    op.u.getpageframeinfo3.num = 4;
    set_xen_guest_handle(op.u.getpageframeinfo3.array, frames);
    expect_eq(control(XEN_DOMCTL_getpageframeinfo3), 0);
    expect_eq(frames[0],
              XEN_DOMCTL_PFINFO_L4TAB | XEN_DOMCTL_PFINFO_LPINTAB);
    expect_eq(frames[1], XEN_DOMCTL_PFINFO_NOTAB);
    expect_eq(frames[2], XEN_DOMCTL_PFINFO_XTAB);
    expect_eq(frames[3], XEN_DOMCTL_PFINFO_XTAB);
    op.u.getpageframeinfo3.num = 1025;
    expect_eq(control(XEN_DOMCTL_getpageframeinfo3), -E2BIG);

    /* It has what it may have; then one page more. */
    r.domid = (domid_t)child.id;
    set_xen_guest_handle(r.extent_start, &extra);
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r),
              0);
    clear();
    op.u.max_mem.max_memkb = (child.pages + 1) * 4UL;
    expect_eq(control(XEN_DOMCTL_max_mem), 0);
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_populate_physmap, &r),
              1);
    expect_eq(domain_state(child.id).tot_pages, child.pages + 1);
    clear();
    op.u.hypercall_init.gmfn = extra;
    expect_eq(control(XEN_DOMCTL_hypercall_init), 0);
    op.u.hypercall_init.gmfn = child.l4;
    expect_eq(control(XEN_DOMCTL_hypercall_init), -EACCES);
    op.u.hypercall_init.gmfn = virt_to_mfn(start_info);
    expect_eq(control(XEN_DOMCTL_hypercall_init), -EACCES);
    child_destroy(&child);
}

/* Takes a feature away: the child's kernel does not find it any more. */
static void test_policy(void)
{
    static xen_cpuid_leaf_t leaf[200];
    volatile unsigned *ecx;
    unsigned i;

    child_new(&child);
    child_populate(&child);
    child_tables(&child);
    clear();
    op.u.cpu_policy.nr_leaves = ARRAY_SIZE(leaf);
    set_xen_guest_handle(op.u.cpu_policy.leaves, leaf);
    expect_eq(control(XEN_DOMCTL_get_cpu_policy), 0);
    for (i = 0; i < op.u.cpu_policy.nr_leaves && leaf[i].leaf != 1; i++)
        ;
    if (i == op.u.cpu_policy.nr_leaves || !(leaf[i].c & SSE42))
        error("no SSE4.2 in the policy");
    leaf[i].c = (leaf[i].c & ~SSE42) | 1u << 5; /* and VMX, in vain */
    expect_eq(control(XEN_DOMCTL_set_cpu_policy), 0);
    leaf[i].leaf = 0x12345678;
    expect_eq(control(XEN_DOMCTL_set_cpu_policy), -ERANGE);
    expect_eq(op.u.cpu_policy.err_leaf, 0x12345678);
    child_context(&child, tell_cpuid);
    expect_eq(control(XEN_DOMCTL_set_cpu_policy), -EEXIST);
    ecx = child_map(&child, &cpuid_ecx);
    domctl_plain(XEN_DOMCTL_unpausedomain, child.id);
    for (i = 0; i < 10000 && !*ecx; i++)
        yield();
    expect(*ecx != 0, "the child said nothing");
    expect_eq(*ecx & (SSE42 | 1u << 5), 0);
    child_unmap((void *)(uintptr_t)ecx);
    child_destroy(&child);
}

static void test_suspend(void)
{
    struct evtchn_alloc_unbound a = {.remote_dom = 0};
    struct evtchn_bind_interdomain b;
    struct sched_shutdown s = {.reason = SHUTDOWN_suspend};

    child_start_server(&child);
    a.dom = b.remote_dom = (domid_t)child.id;
    expect_eq(evtchn_op(EVTCHNOP_alloc_unbound, &a), 0);
    b.remote_port = a.port;
    expect_eq(evtchn_op(EVTCHNOP_bind_interdomain, &b), 0);
    clear();
    op.u.subscribe.port = a.port;
    expect_eq(control(XEN_DOMCTL_subscribe), 0);
    evtchn_reset_pending();
    child_begin(&child, __HYPERVISOR_sched_op, SCHEDOP_shutdown, CHILD_DATA, 0,
                0, &s, sizeof(s));
    for (unsigned i = 0; i < 10000 && !evtchn_is_pending(b.local_port); i++)
        yield();
    expect(evtchn_is_pending(b.local_port), "no event when it suspended");
    expect_eq(domain_state(child.id).flags >> XEN_DOMINF_shutdownshift & 255,
              SHUTDOWN_suspend);
    expect(!child_is_done(&child), "it goes on");
    expect_eq(domctl_plain(XEN_DOMCTL_resumedomain, child.id), 0);
    expect_eq(child_end(&child, &s, sizeof(s)), 0);
    expect_eq(domain_state(child.id).flags & XEN_DOMINF_shutdown, 0);
    child_destroy(&child);
}

static void test_msrs(void)
{
    xen_domctl_vcpu_msr_t msr = {.index = 0xc0000103, .value = 77};

    child_new(&child);
    clear();
    expect_eq(control(XEN_DOMCTL_get_vcpu_msrs), 0);
    expect_eq(op.u.vcpu_msrs.msr_count, 1);
    set_xen_guest_handle(op.u.vcpu_msrs.msrs, &msr);
    expect_eq(control(XEN_DOMCTL_set_vcpu_msrs), 0);
    msr.value = 0;
    expect_eq(control(XEN_DOMCTL_get_vcpu_msrs), 0);
    expect_eq(msr.value, 77);
    op.u.vcpu_msrs.msr_count = 0;
    expect_eq(control(XEN_DOMCTL_get_vcpu_msrs), -ENOBUFS);
    expect_eq(op.u.vcpu_msrs.msr_count, 1);
    msr.index = 0xc0000080;
    expect_eq(control(XEN_DOMCTL_set_vcpu_msrs), -EINVAL);
    child_destroy(&child);
}

#define XMM7 ((16 + 160) / 8 + 14) /* in what getvcpuextstate gives */
#define XSTATE_BV ((16 + 512) / 8)

/* A child's extended registers are taken, changed and put back. */
static void test_xstate(void)
{
    static uint64_t image[512], other[512];
    struct xen_domctl_vcpuextstate *e = &op.u.vcpuextstate;
    uint64_t size, mask;

    child_start(&child, run_first);
    clear();
    expect_eq(control(XEN_DOMCTL_getvcpuextstate), 0);
    size = e->size;
    mask = e->xfeature_mask;
    expect_eq(!mask, !size);
    expect(size <= sizeof(image), "%lu bytes", size);
    set_xen_guest_handle(e->buffer, image);
    e->size = size;
    e->xfeature_mask = mask;
    expect_eq(control(XEN_DOMCTL_getvcpuextstate), 0);
    if (mask) {
        image[XMM7] = 0x1234567890;
        image[XSTATE_BV] |= 3;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), 0);
        set_xen_guest_handle(e->buffer, other);
        expect_eq(control(XEN_DOMCTL_getvcpuextstate), 0);
        expect_eq(other[1], mask);
        expect_eq(other[XMM7], 0x1234567890);

        /* What cannot be is refused, and changes nothing. */
        set_xen_guest_handle(e->buffer, image);
        image[XMM7] = 5;
        image[XSTATE_BV + 1] = 1UL << 63;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), -EINVAL);
        image[XSTATE_BV + 1] = 0;
        image[XSTATE_BV] |= 1UL << 62;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), -EINVAL);
        image[XSTATE_BV] &= 3;
        image[0] = 4;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), -EINVAL);
        image[0] = 1;
        image[1] |= 1UL << 62;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), -EINVAL);
        e->size = 16 + 512;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), -EINVAL);
        expect_eq(control(XEN_DOMCTL_getvcpuextstate), -EINVAL);
        e->size = ~0UL;
        expect_eq(control(XEN_DOMCTL_setvcpuextstate), -EINVAL);
        set_xen_guest_handle(e->buffer, other);
        expect_eq(control(XEN_DOMCTL_getvcpuextstate), 0);
        expect_eq(other[XMM7], 0x1234567890);
        e->xfeature_mask = mask ^ 4;
        expect_eq(control(XEN_DOMCTL_getvcpuextstate), -EINVAL);
    }
    e->vcpu = 7;
    expect_eq(control(XEN_DOMCTL_getvcpuextstate), -ESRCH);
    expect_eq(control(XEN_DOMCTL_setvcpuextstate), -ESRCH);
    child_destroy(&child);
}

static long get_vnuma(struct xen_vnuma_topology_info *v)
{
    return hypercall2(__HYPERVISOR_memory_op, XENMEM_get_vnumainfo,
                      (unsigned long)v);
}

/* Nobody has virtual nodes; whose there is none of is asked first. */
static void test_vnuma(void)
{
    struct xen_vnuma_topology_info v = {.domid = DOMID_SELF};

    child_new(&child);
    expect_eq(get_vnuma(&v), -EOPNOTSUPP);
    v.domid = (domid_t)child.id;
    expect_eq(get_vnuma(&v), -EOPNOTSUPP);
    v.pad = 1;
    expect_eq(get_vnuma(&v), -EINVAL);
    v.pad = 0;
    v.domid = 999;
    expect_eq(get_vnuma(&v), -ESRCH);
    child_destroy(&child);
}

static void test_machine(void)
{
    struct xen_domctl_getdomaininfo info[4];
    struct xen_sysctl s;
    uint8_t map[2] = {0xff, 0xff};

    child_new(&child);
    memset(&s, 0, sizeof(s));
    expect_eq(sysctl(XEN_SYSCTL_physinfo, &s), 0);
    expect_eq(s.u.physinfo.nr_cpus, 2);
    expect_eq(s.u.physinfo.max_cpu_id, 1);
    expect_eq(s.u.physinfo.nr_nodes, 1);
    expect(s.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_pv, "no PV");
    expect(!(s.u.physinfo.capabilities & XEN_SYSCTL_PHYSCAP_hvm), "HVM");
    expect(s.u.physinfo.free_pages < s.u.physinfo.total_pages, "all is free");
    memset(&s, 0, sizeof(s));
    s.u.getdomaininfolist.max_domains = 4;
    set_xen_guest_handle(s.u.getdomaininfolist.buffer, info);
    expect_eq(sysctl(XEN_SYSCTL_getdomaininfolist, &s), 0);
    expect(s.u.getdomaininfolist.num_domains >= 2, "%u domains",
           s.u.getdomaininfolist.num_domains);
    expect_eq(info[0].domain, 0);
    expect(info[0].flags & XEN_DOMINF_running, "domain 0 does not run");
    s.u.getdomaininfolist.first_domain = (domid_t)child.id;
    expect_eq(sysctl(XEN_SYSCTL_getdomaininfolist, &s), 0);
    expect_eq(info[0].domain, child.id);
    expect(info[0].flags & XEN_DOMINF_paused, "a new domain is not paused");
    memset(&s, 0, sizeof(s));
    s.u.cpupool_op.op = XEN_SYSCTL_CPUPOOL_OP_INFO;
    set_xen_guest_handle(s.u.cpupool_op.cpumap.bitmap, map);
    s.u.cpupool_op.cpumap.nr_bits = 16;
    expect_eq(sysctl(XEN_SYSCTL_cpupool_op, &s), 0);
    expect_eq(map[0], 3);
    expect_eq(map[1], 0);
    s.u.cpupool_op.cpupool_id = 1;
    expect_eq(sysctl(XEN_SYSCTL_cpupool_op, &s), -ENOENT);
    child_destroy(&child);
}

void test_main(void)
{
    test_context();
    test_affinity();
    test_memory();
    test_policy();
    test_suspend();
    test_msrs();
    test_xstate();
    test_vnuma();
    test_machine();
}
