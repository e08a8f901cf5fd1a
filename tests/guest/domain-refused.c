/*
 * Who may not: a domain without the privilege gets -EPERM from every operation
 * of every family of the control interface; and what domain 0 may not: bad
 * numbers, versions and configurations. Checklist row 31.
 */
#include "domain.h"
#include <xen/platform.h>
const char test_title[] = "control operations that are refused";

static struct child child;

#define EXPECT_PERM(what, expr)                                                \
    do {                                                                       \
        long ret_ = (expr);                                                    \
        if (ret_ != -EPERM)                                                    \
            failure("%s gave %ld, not -EPERM", what, ret_);                    \
    } while (0)

static long call_data(unsigned nr, unsigned long cmd, void *data, size_t size)
{
    return child_call(&child, nr, cmd, CHILD_DATA, 0, 0, data, size);
}

static long call_plain(unsigned nr, void *data, size_t size)
{
    return child_call(&child, nr, CHILD_DATA, 0, 0, 0, data, size);
}

static void test_child_control(void)
{
    struct xen_domctl d;
    struct xen_sysctl s;
    struct xen_platform_op p;

    for (unsigned cmd = 0; cmd <= XEN_DOMCTL_set_paging_mempool_size; cmd++)
        for (unsigned id = 0; id < 2; id++) {
            memset(&d, 0, sizeof(d));
            d.cmd = cmd;
            d.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
            d.domain = (domid_t)(id ? child.id : 0);
            EXPECT_PERM("domctl", call_plain(__HYPERVISOR_domctl, &d,
                                             sizeof(d)));
        }
    for (unsigned cmd = 0; cmd <= XEN_SYSCTL_get_cpu_policy; cmd++) {
        memset(&s, 0, sizeof(s));
        s.cmd = cmd;
        s.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
        EXPECT_PERM("sysctl", call_plain(__HYPERVISOR_sysctl, &s, sizeof(s)));
    }
    memset(&p, 0, sizeof(p));
    p.cmd = XENPF_getidletime;
    p.interface_version = XENPF_INTERFACE_VERSION;
    EXPECT_PERM("platform_op", call_plain(__HYPERVISOR_platform_op, &p,
                                          sizeof(p)));
}

/* It may learn the versions, and what the ABI gives to all. */
static void test_child_versions(void)
{
    static const char denied[] = "<denied>";
    struct xen_domctl d = {.cmd = XEN_DOMCTL_pausedomain};
    struct xen_sysctl s = {.cmd = XEN_SYSCTL_physinfo};
    xen_commandline_t line;
    struct xen_build_id id = {.len = 20};

    expect_eq(call_plain(__HYPERVISOR_domctl, &d, sizeof(d)), -EACCES);
    expect_eq(call_plain(__HYPERVISOR_sysctl, &s, sizeof(s)), -EACCES);
    memset(line, 'x', sizeof(line));
    expect_eq(call_data(__HYPERVISOR_xen_version, XENVER_commandline, line,
                        sizeof(line)),
              0);
    expect_eq(memcmp(line, denied, sizeof(denied)), 0);
    EXPECT_PERM("build_id", call_data(__HYPERVISOR_xen_version,
                                      XENVER_build_id, &id, sizeof(id)));
}

static void test_child_memory(void)
{
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = 0};
    struct xen_foreign_memory_map map = {.domid = 0};
    struct xen_mem_acquire_resource a = {
        .domid = (domid_t)child.id, .type = XENMEM_resource_grant_table};
    struct xen_pod_target t = {.domid = (domid_t)child.id};
    struct xen_memory_map machine = {.nr_entries = 0};
    domid_t zero = 0;
    const unsigned nr = __HYPERVISOR_memory_op;

    EXPECT_PERM("increase_reservation",
                call_data(nr, XENMEM_increase_reservation, &r, sizeof(r)));
    EXPECT_PERM("decrease_reservation",
                call_data(nr, XENMEM_decrease_reservation, &r, sizeof(r)));
    EXPECT_PERM("populate_physmap",
                call_data(nr, XENMEM_populate_physmap, &r, sizeof(r)));
    EXPECT_PERM("claim_pages",
                call_data(nr, XENMEM_claim_pages, &r, sizeof(r)));
    EXPECT_PERM("current_reservation",
                call_data(nr, XENMEM_current_reservation, &zero, sizeof(zero)));
    EXPECT_PERM("set_memory_map",
                call_data(nr, XENMEM_set_memory_map, &map, sizeof(map)));
    EXPECT_PERM("machine_memory_map", call_data(nr, XENMEM_machine_memory_map,
                                                &machine, sizeof(machine)));
    EXPECT_PERM("acquire_resource",
                call_data(nr, XENMEM_acquire_resource, &a, sizeof(a)));
    EXPECT_PERM("set_pod_target",
                call_data(nr, XENMEM_set_pod_target, &t, sizeof(t)));
}

static void test_child_tables(void)
{
    struct mmu_update u = {.ptr = MMU_MACHPHYS_UPDATE};
    struct mmuext_op op = {.cmd = MMUEXT_PIN_L4_TABLE};
    const unsigned long entry = PTE(virt_to_mfn(start_info), PTE_P);

    EXPECT_PERM("mmu_update of domain 0's frames",
                child_call(&child, __HYPERVISOR_mmu_update, CHILD_DATA, 1, 0, 0,
                           &u, sizeof(u)));
    EXPECT_PERM("mmu_update of domain 0's tables",
                child_call(&child, __HYPERVISOR_mmu_update, CHILD_DATA, 1, 0,
                           DOMID_SELF | 1u << 16, &u, sizeof(u)));
    EXPECT_PERM("mmuext_op on domain 0's tables",
                child_call(&child, __HYPERVISOR_mmuext_op, CHILD_DATA, 1, 0, 0,
                           &op, sizeof(op)));
    EXPECT_PERM("mapping domain 0's frame",
                child_call(&child, __HYPERVISOR_update_va_mapping_otherdomain,
                           (unsigned long)alloc_page, entry, UVMF_INVLPG, 0,
                           NULL, 0));
    EXPECT_PERM("mapping the hypervisor's frame",
                child_call(&child, __HYPERVISOR_update_va_mapping_otherdomain,
                           (unsigned long)alloc_page, entry, UVMF_INVLPG,
                           DOMID_XEN, NULL, 0));
    /* As a frame of its own it cannot be named either. */
    expect_eq(child_call(&child, __HYPERVISOR_update_va_mapping,
                         (unsigned long)alloc_page, entry, UVMF_INVLPG, 0, NULL,
                         0),
              -EINVAL);
}

static void test_child_others(void)
{
    struct gnttab_setup_table g = {.dom = 0, .nr_frames = 1, .status = 99};
    struct gnttab_query_size q = {.dom = 0, .status = 99};
    struct sched_remote_shutdown s = {.domain_id = 0};
    struct sched_pin_override pin = {.pcpu = 0};

    expect_eq(child_call(&child, __HYPERVISOR_grant_table_op,
                         GNTTABOP_setup_table, CHILD_DATA, 1, 0, &g, sizeof(g)),
              0);
    expect_eq(g.status, GNTST_permission_denied);
    expect_eq(child_call(&child, __HYPERVISOR_grant_table_op,
                         GNTTABOP_query_size, CHILD_DATA, 1, 0, &q, sizeof(q)),
              0);
    expect_eq(q.status, GNTST_permission_denied);
    EXPECT_PERM("remote_shutdown", call_data(__HYPERVISOR_sched_op,
                                             SCHEDOP_remote_shutdown, &s,
                                             sizeof(s)));
    EXPECT_PERM("pin_override",
                call_data(__HYPERVISOR_sched_op, SCHEDOP_pin_override, &pin,
                          sizeof(pin)));
    EXPECT_PERM("console_io read",
                child_call(&child, __HYPERVISOR_console_io, CONSOLEIO_read, 1,
                           CHILD_DATA, 0, NULL, 0));
}

static long create(unsigned id, struct xen_domctl_createdomain config)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.u.createdomain = config;
    return domctl(XEN_DOMCTL_createdomain, id, &op);
}

#define REFUSED_CONFIG(field, value)                                           \
    do {                                                                       \
        struct xen_domctl_createdomain c_ = domain_config(1);                  \
        c_.field = (value);                                                    \
        expect_eq(create(0, c_), -EINVAL);                                     \
    } while (0)

static void test_configs(void)
{
    REFUSED_CONFIG(flags, XEN_DOMCTL_CDF_hvm);
    REFUSED_CONFIG(flags, XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap);
    REFUSED_CONFIG(flags, XEN_DOMCTL_CDF_iommu);
    REFUSED_CONFIG(flags, XEN_DOMCTL_CDF_nested_virt);
    REFUSED_CONFIG(flags, XEN_DOMCTL_CDF_vpmu);
    REFUSED_CONFIG(flags, 1u << 31);
    REFUSED_CONFIG(iommu_opts, 1);
    REFUSED_CONFIG(max_vcpus, 0);
    REFUSED_CONFIG(max_vcpus, 65);
    REFUSED_CONFIG(max_grant_frames, 0);
    REFUSED_CONFIG(max_grant_frames, 1 << 30);
    REFUSED_CONFIG(max_maptrack_frames, 1 << 30);
    REFUSED_CONFIG(grant_opts, 0);
    REFUSED_CONFIG(grant_opts, 2);
    REFUSED_CONFIG(grant_opts, 0x11);
    REFUSED_CONFIG(vmtrace_size, 4096);
    REFUSED_CONFIG(cpupool_id, 7);
    REFUSED_CONFIG(arch.emulation_flags, XEN_X86_EMU_LAPIC);
    REFUSED_CONFIG(arch.misc_flags, 2);
    expect_eq(create(child.id, domain_config(1)), -EEXIST);
}

static long with_version(unsigned nr, uint32_t version)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.cmd = XEN_DOMCTL_pausedomain;
    op.interface_version = version;
    return hypercall1(nr, &op);
}

static void test_entry(void)
{
    expect_eq(with_version(__HYPERVISOR_domctl,
                           XEN_DOMCTL_INTERFACE_VERSION + 1), -EACCES);
    expect_eq(with_version(__HYPERVISOR_domctl, 0), -EACCES);
    expect_eq(with_version(__HYPERVISOR_sysctl,
                           XEN_SYSCTL_INTERFACE_VERSION - 1), -EACCES);
    expect_eq(hypercall1(__HYPERVISOR_domctl, 0x10), -EFAULT);
    expect_eq(hypercall1(__HYPERVISOR_sysctl, 0x10), -EFAULT);
    expect_eq(domctl_plain(0, child.id), -ENOSYS);
    expect_eq(domctl_plain(500, child.id), -ENOSYS);
    expect_eq(domctl_plain(~0u, child.id), -ENOSYS);
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, 20000), -ESRCH);
    expect_eq(domctl_plain(XEN_DOMCTL_destroydomain, DOMID_IO), -ESRCH);
    expect_eq(domctl_plain(XEN_DOMCTL_getdomaininfo, 20000), -ESRCH);
    expect_eq(domctl_plain(XEN_DOMCTL_getdomaininfo, DOMID_SELF), -EINVAL);
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, 0), -EINVAL);
    expect_eq(domctl_plain(XEN_DOMCTL_destroydomain, 0), -EINVAL);
    expect_eq(domctl_plain(XEN_DOMCTL_destroydomain, DOMID_SELF), -EINVAL);
    expect_eq(domctl_plain(XEN_DOMCTL_resumedomain, 0), -EINVAL);
}

static void test_vcpus(void)
{
    static struct vcpu_guest_context c;
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.u.max_vcpus.max = 2;
    expect_eq(domctl(XEN_DOMCTL_max_vcpus, child.id, &op), -EINVAL);
    op.u.max_vcpus.max = 1;
    expect_eq(domctl(XEN_DOMCTL_max_vcpus, 0, &op), -EINVAL);
    memset(&op, 0, sizeof(op));
    expect_eq(domctl(XEN_DOMCTL_setvcpucontext, child.id, &op), -EINVAL);
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &c);
    expect_eq(domctl(XEN_DOMCTL_setvcpucontext, 0, &op), -EINVAL);
    expect_eq(domctl(XEN_DOMCTL_getvcpucontext, 0, &op), -EINVAL);
    /* It has tables; these are others. */
    expect_eq(domctl(XEN_DOMCTL_setvcpucontext, child.id, &op), -EOPNOTSUPP);
    op.u.vcpucontext.vcpu = 1;
    expect_eq(domctl(XEN_DOMCTL_setvcpucontext, child.id, &op), -EINVAL);
    expect_eq(domctl(XEN_DOMCTL_getvcpucontext, child.id, &op), -ESRCH);
    op.u.vcpucontext.vcpu = ~0u;
    expect_eq(domctl(XEN_DOMCTL_getvcpucontext, child.id, &op), -ESRCH);
    op.u.getvcpuinfo.vcpu = 77;
    expect_eq(domctl(XEN_DOMCTL_getvcpuinfo, child.id, &op), -ESRCH);
    memset(&op, 0, sizeof(op));
    expect_eq(domctl(XEN_DOMCTL_setvcpuaffinity, child.id, &op), -EINVAL);
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    expect_eq(domctl(XEN_DOMCTL_setvcpuaffinity, child.id, &op), -EINVAL);
}

static void test_permissions(void)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    expect_eq(domctl(XEN_DOMCTL_iomem_permission, child.id, &op), -EINVAL);
    op.u.iomem_permission.first_mfn = ~0UL;
    op.u.iomem_permission.nr_mfns = 2;
    expect_eq(domctl(XEN_DOMCTL_iomem_permission, child.id, &op), -EINVAL);
    op.u.iomem_permission.first_mfn = virt_to_mfn(start_info);
    op.u.iomem_permission.nr_mfns = 1;
    op.u.iomem_permission.allow_access = 1;
    /* The right to a device's frame is none to a frame of memory. */
    expect_eq(domctl(XEN_DOMCTL_iomem_permission, child.id, &op), 0);
    expect_eq(child_call(&child, __HYPERVISOR_update_va_mapping,
                         (unsigned long)alloc_page,
                         PTE(virt_to_mfn(start_info), PTE_P), UVMF_INVLPG, 0,
                         NULL, 0),
              -EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.ioport_permission.first_port = 0xffff;
    op.u.ioport_permission.nr_ports = 2;
    expect_eq(domctl(XEN_DOMCTL_ioport_permission, child.id, &op), -EINVAL);
    op.u.ioport_permission.first_port = 0x20; /* the PIC: not ours to give */
    op.u.ioport_permission.nr_ports = 2;
    op.u.ioport_permission.allow_access = 1;
    expect_eq(domctl(XEN_DOMCTL_ioport_permission, child.id, &op), -EPERM);
    memset(&op, 0, sizeof(op));
    op.u.irq_permission.pirq = 100000;
    expect_eq(domctl(XEN_DOMCTL_irq_permission, child.id, &op), -EINVAL);
}

void test_main(void)
{
    child_start_server(&child);
    test_child_control();
    test_child_versions();
    test_child_memory();
    test_child_tables();
    test_child_others();
    test_entry();
    test_configs();
    test_vcpus();
    test_permissions();
    expect_eq(child_destroy(&child), 0);
}
