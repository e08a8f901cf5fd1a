/*
 * Answers that kernels and frameworks for test kernels rely on, although no
 * guest needs them every day: how versions are found, what a domain that is
 * not there gives, which registers read as zero.
 *
 * options: dom0_max_vcpus=1
 */
#include "guest.h"
#include <xen/domctl.h>
#include <xen/sysctl.h>
const char test_title[] = "answers that kernels rely on";

static const domid_t nobody[] = {77, DOMID_COW, DOMID_INVALID, DOMID_IDLE};

/* ---- memory ---- */

static long reservation(unsigned cmd, domid_t who, unsigned long n, void *list)
{
    struct xen_memory_reservation r = {.nr_extents = n, .domid = who};

    set_xen_guest_handle(r.extent_start, list);
    return hypercall2(__HYPERVISOR_memory_op, cmd, &r);
}

/* These tell what goes wrong by the number of extents done. */
static void test_reservations(void)
{
    static const unsigned cmds[] = {XENMEM_increase_reservation,
                                    XENMEM_decrease_reservation,
                                    XENMEM_populate_physmap};
    xen_pfn_t list = ~0UL;

    for (unsigned i = 0; i < ARRAY_SIZE(cmds); i++) {
        for (unsigned k = 0; k < ARRAY_SIZE(nobody); k++)
            expect_eq(reservation(cmds[i], nobody[k], 1, &list), 0);
        expect_eq(hypercall2(__HYPERVISOR_memory_op, cmds[i], 0x10), 0);
        expect_eq(hypercall2(__HYPERVISOR_memory_op, cmds[i] | 5 << 6, 0x10),
                  5);
        expect_eq(reservation(cmds[i], DOMID_SELF, 1UL << 26, &list), 0);
        expect_eq(reservation(cmds[i], DOMID_SELF, 1UL << 40, &list), 0);
    }
}

static long exchange(domid_t who, unsigned long in, unsigned long out,
                     unsigned long done)
{
    struct xen_memory_exchange x = {
        .in = {.domid = who, .nr_extents = done + 1},
        .out = {.domid = who, .nr_extents = done + 1},
        .nr_exchanged = done};

    set_xen_guest_handle(x.in.extent_start, (xen_pfn_t *)in);
    set_xen_guest_handle(x.out.extent_start, (xen_pfn_t *)out);
    return hypercall2(__HYPERVISOR_memory_op, XENMEM_exchange, &x);
}

/* Lists that would lie in the hypervisor: nothing is taken from us. */
static void test_exchange(void)
{
    uint64_t *page = alloc_page(), pte = read_pte(page);
    xen_pfn_t list = virt_to_mfn(page);
    const unsigned long here = (unsigned long)&list;
    const unsigned long there = HYPERVISOR_VIRT_START;

    expect_eq(update_va((unsigned long)page, 0, UVMF_INVLPG), 0);
    expect_eq(exchange(DOMID_SELF, there, here, 0), -EFAULT);
    expect_eq(exchange(DOMID_SELF, here, there, 0), -EFAULT);
    expect_eq(exchange(DOMID_SELF, here - there, 0, there / 8), -EFAULT);
    expect_eq(list, virt_to_mfn(page));
    expect_eq(update_va((unsigned long)page, pte, UVMF_INVLPG), 0);
    for (unsigned k = 0; k < ARRAY_SIZE(nobody); k++)
        expect_eq(exchange(nobody[k], here, here, 0), -ESRCH);
}

static void test_physmap(void)
{
    struct xen_add_to_physmap a = {.space = XENMAPSPACE_shared_info};
    struct xen_remove_from_physmap r;

    for (unsigned k = 0; k < ARRAY_SIZE(nobody); k++) {
        a.domid = r.domid = nobody[k];
        expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap,
                             &a), -ESRCH);
        expect_eq(hypercall2(__HYPERVISOR_memory_op,
                             XENMEM_remove_from_physmap, &r), -ESRCH);
    }
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, 0x10),
              -EFAULT);
}

/* ---- page tables: whose frames, whose tables ---- */

static long update_none(unsigned foreigndom)
{
    struct mmu_update u;

    return hypercall4(__HYPERVISOR_mmu_update, &u, 0, NULL, foreigndom);
}

static long ext_none(unsigned foreigndom)
{
    struct mmuext_op op;

    return hypercall4(__HYPERVISOR_mmuext_op, &op, 0, NULL, foreigndom);
}

static void test_foreigndom(void)
{
    void *page = alloc_page();
    const unsigned own = 0;

    expect_eq(update_none(DOMID_SELF), 0);
    expect_eq(update_none(DOMID_SELF | (own + 1) << 16), 0);
    expect_eq(update_none(DOMID_SELF | (DOMID_SELF + 1U) << 16), -ESRCH);
    expect_eq(update_none(DOMID_SELF | (DOMID_IO + 1U) << 16), -ESRCH);
    /* The caller is not foreign to itself. */
    expect_eq(update_none(own), -ESRCH);
    expect_eq(ext_none(own), -ESRCH);
    expect_eq(hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, page,
                         read_pte(page), UVMF_INVLPG, own),
              -ESRCH);
    for (unsigned k = 0; k < ARRAY_SIZE(nobody); k++) {
        expect_eq(update_none(nobody[k]), -ESRCH);
        expect_eq(update_none(DOMID_SELF | (nobody[k] + 1U) << 16), -ESRCH);
        expect_eq(ext_none(nobody[k]), -ESRCH);
    }
}

/* ---- events ---- */

static void test_events(void)
{
    struct evtchn_bind_pirq p = {.pirq = 5, .flags = ~1u};
    struct evtchn_set_priority s = {.port = 5000, .priority = 99};
    unsigned near, far;

    expect_eq(evtchn_op(EVTCHNOP_bind_pirq, &p), -EPERM);
    p.flags = 0;
    expect_eq(evtchn_op(EVTCHNOP_bind_pirq, &p), -EPERM);
    expect_eq(evtchn_op(EVTCHNOP_set_priority, &s), -EINVAL);
    evtchn_pair(&near, &far);
    s.port = near;
    expect_eq(evtchn_op(EVTCHNOP_set_priority, &s), -ENOSYS);
}

/* ---- versions, found by trying them all ---- */

static long domctl_of(uint32_t version)
{
    static struct xen_domctl op = {.cmd = XEN_DOMCTL_getdomaininfo + 500,
                                   .domain = 77};

    op.interface_version = version;
    return hypercall1(__HYPERVISOR_domctl, &op);
}

static long sysctl_of(uint32_t version)
{
    static struct xen_sysctl op = {.cmd = 500};

    op.interface_version = version;
    return hypercall1(__HYPERVISOR_sysctl, &op);
}

static void test_versions(void)
{
    for (uint32_t i = 0; i < 128; i++) {
        expect_eq(domctl_of(i),
                  i == XEN_DOMCTL_INTERFACE_VERSION ? -ESRCH : -EACCES);
        expect_eq(sysctl_of(i),
                  i == XEN_SYSCTL_INTERFACE_VERSION ? -ENOSYS : -EACCES);
    }
    expect_eq(hypercall1(__HYPERVISOR_domctl, 0x10), -EFAULT);
    expect_eq(hypercall1(__HYPERVISOR_sysctl, 0x10), -EFAULT);
}

/* ---- registers ---- */

#define CR4_FIXED 0x660L
#define CR4_OSXSAVE (1L << 18)

static long read_cr4(long v)
{
    __asm__ volatile("movq %%cr4,%0" : "=r"(v));
    return v;
}

static long write_cr4(long v)
{
    __asm__ volatile("movq %0,%%cr4" : : "r"(v));
    return 0;
}

static long xgetbv(long n)
{
    uint32_t lo, hi;

    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(n));
    return lo;
}

static long xsetbv(long v)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)v), "d"(0), "c"(0));
    return 0;
}

static void test_cr4(void)
{
    expect_eq(run_guarded(read_cr4, 0), CR4_FIXED);
    run_guarded(write_cr4, 0);
    expect_eq(run_guarded(read_cr4, 0), CR4_FIXED);
}

#define NO_TRAP (-1)

static void expect_xsetbv(long val, int vector)
{
    run_guarded(xsetbv, val);
    expect_eq(last_trap.vector, vector);
}

/* The CPU has it on; but XSETBV is for kernels that have set OSXSAVE. */
static void test_xcr0(void)
{
    uint32_t a = 1, b, c, d;

    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "=c"(c), "=d"(d));
    if (!(c >> 26 & 1))
        return;
    expect_eq(run_guarded(xgetbv, 0), 3);
    expect_xsetbv(3, 6);
    expect_xsetbv(0, 6);
    run_guarded(write_cr4, CR4_FIXED | CR4_OSXSAVE);
    expect_xsetbv(1, NO_TRAP);
    expect_eq(run_guarded(xgetbv, 0), 1);
    expect_xsetbv(0, 13);
    expect_xsetbv(2, 13);
    expect_xsetbv(3, NO_TRAP);
    run_guarded(write_cr4, CR4_FIXED);
    expect_xsetbv(3, 6);
}

static long rdmsr(long n)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"((uint32_t)n));
    return (long)hi << 32 | lo;
}

static long wrmsr0(long n)
{
    __asm__ volatile("wrmsr" : : "a"(0), "d"(0), "c"((uint32_t)n));
    return 0;
}

static void test_msrs(void)
{
    static const uint32_t zero[] = {0,     1,     0xc1,  0xce,  0x140,
                                    0x17b, 0x186, 0x198, 0x199, 0x19c,
                                    0x280, 0x309, 0x345, 0x38f, 0x40000000};
    static const uint32_t dropped[] = {0xc1,  0xe7,  0x140, 0x17b, 0x186,
                                       0x199, 0x1b0, 0x309, 0x38f, 0x401};

    for (unsigned i = 0; i < ARRAY_SIZE(zero); i++) {
        expect_eq(run_guarded(rdmsr, zero[i]), 0);
        expect(!last_trap.count, "RDMSR %#x", zero[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(dropped); i++) {
        run_guarded(wrmsr0, dropped[i]);
        expect(!last_trap.count, "WRMSR %#x", dropped[i]);
    }
    /* No performance monitor, and nothing that writes traces. */
    expect_eq(run_guarded(rdmsr, 0x1a0) & 0x841880, 0x801800);
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_reservations();
    test_exchange();
    test_physmap();
    test_foreigndom();
    test_events();
    test_versions();
    test_cr4();
    test_xcr0();
    test_msrs();
}
