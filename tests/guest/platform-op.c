/* platform_op: the wall clock, what is known of CPUs, and what is refused. */
#include "guest.h"
#include <xen/platform.h>
const char test_title[] = "platform_op";

static long platform_op(struct xen_platform_op *op, unsigned cmd)
{
    op->cmd = cmd;
    op->interface_version = XENPF_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_platform_op, op);
}

static uint64_t wall_ns(void)
{
    uint64_t sec = shared_info->wc_sec |
                   (uint64_t)shared_info->xen_wc_sec_hi << 32;

    return sec * 1000 * MS + shared_info->wc_nsec;
}

static void test_settime(void)
{
    struct xen_platform_op op = {0};
    uint64_t sec = 4102444800UL; /* 2100, beyond 31 bits */
    uint32_t version = shared_info->wc_version;

    op.u.settime64.secs = sec;
    op.u.settime64.nsecs = 5;
    op.u.settime64.system_time = 7;
    expect_eq(platform_op(&op, XENPF_settime64), 0);
    expect_eq(wall_ns(), sec * 1000 * MS + 5 - 7);
    expect(shared_info->wc_version != version, "version did not change");
    expect_eq(shared_info->wc_version & 1, 0);
    op.u.settime64.mbz = 1;
    expect_eq(platform_op(&op, XENPF_settime64), -EINVAL);
    op.u.settime64.mbz = 0;
    expect_eq(wall_ns(), sec * 1000 * MS + 5 - 7);
    op.u.settime64.nsecs = ~0u;
    expect_eq(platform_op(&op, XENPF_settime64), 0);
    expect_eq(wall_ns(), sec * 1000 * MS + ~0u - 7);
    op.u.settime32.secs = 1000000000;
    op.u.settime32.nsecs = 1;
    op.u.settime32.system_time = 0;
    expect_eq(platform_op(&op, XENPF_settime32), 0);
    expect_eq(wall_ns(), 1000000000UL * 1000 * MS + 1);
}

static void test_cpus(void)
{
    struct xen_platform_op op = {0};
    struct xenpf_pcpuinfo *info = &op.u.pcpu_info;
    struct xenpf_pcpu_version *v = &op.u.pcpu_version;

    expect_eq(platform_op(&op, XENPF_get_cpuinfo), 0);
    expect_eq(info->flags, XEN_PCPU_FLAGS_ONLINE);
    info->xen_cpuid = info->max_present + 1;
    expect_eq(platform_op(&op, XENPF_get_cpuinfo), 0);
    expect_eq(info->flags, XEN_PCPU_FLAGS_INVALID);
    info->xen_cpuid = ~0u;
    expect_eq(platform_op(&op, XENPF_get_cpuinfo), 0);
    expect_eq(info->flags, XEN_PCPU_FLAGS_INVALID);
    v->xen_cpuid = 0;
    expect_eq(platform_op(&op, XENPF_get_cpu_version), 0);
    expect(v->vendor_id[0] >= 'A' && v->vendor_id[0] <= 'Z', "vendor '%c'",
           v->vendor_id[0]);
    expect(v->family >= 6, "family %u", v->family);
}

/* Others tell it only to a domain 0 that sets the processors' speed. */
static void test_idle_time(void)
{
    struct xen_platform_op op = {0};
    uint64_t idle[10] = {0}, before;
    uint8_t map[2] = {0xff, 0xff};
    struct sched_poll p = {0};

    set_xen_guest_handle(op.u.getidletime.cpumap_bitmap, map);
    set_xen_guest_handle(op.u.getidletime.idletime, idle);
    op.u.getidletime.cpumap_nr_cpus = 10;
    idle[9] = 1;
    expect_eq(platform_op(&op, XENPF_getidletime), 0);
    expect_eq(map[0] & 1, 1);
    expect_eq(map[1], 0);
    expect_eq(idle[9], 0);
    before = idle[0];
    p.timeout = system_time() + 200 * MS;
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
    map[0] = 1;
    expect_eq(platform_op(&op, XENPF_getidletime), 0);
    expect(idle[0] > before, "idle for %lu ns", idle[0] - before);
    op.u.getidletime.cpumap_nr_cpus = ~0u;
    expect(platform_op(&op, XENPF_getidletime) < 0, "four billion CPUs");
    op.u.getidletime.cpumap_nr_cpus = 1;
    set_xen_guest_handle(op.u.getidletime.idletime,
                         (uint64_t *)HYPERVISOR_VIRT_START);
    expect_eq(platform_op(&op, XENPF_getidletime), -EFAULT);
}

static void test_refused(void)
{
    struct xen_platform_op op = {0};

    expect_eq(hypercall1(__HYPERVISOR_platform_op, 0x10), -EFAULT);
    op.cmd = XENPF_get_cpuinfo;
    op.interface_version = XENPF_INTERFACE_VERSION - 1;
    expect_eq(hypercall1(__HYPERVISOR_platform_op, &op), -EACCES);
    expect_eq(platform_op(&op, 999), -ENOSYS);
    op.u.firmware_info.type = XEN_FW_DISK_INFO;
    op.u.firmware_info.index = 200;
    expect_eq(platform_op(&op, XENPF_firmware_info), -ESRCH);
    op.u.firmware_info.type = 99;
    expect_eq(platform_op(&op, XENPF_firmware_info), -EINVAL);
    op.u.firmware_info.type = XEN_FW_EFI_INFO;
    op.u.firmware_info.index = XEN_FW_EFI_VERSION;
    expect(platform_op(&op, XENPF_firmware_info) < 0, "EFI on a BIOS machine");
    op.u.enter_acpi_sleep.flags = 0;
    op.u.enter_acpi_sleep.sleep_state = 9;
    expect(platform_op(&op, XENPF_enter_acpi_sleep) < 0, "sleep state S9");
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    test_settime();
    test_cpus();
    if (on_xeno())
        test_idle_time();
    test_refused();
}
