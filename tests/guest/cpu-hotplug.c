/*
 * Processors taken out of use and back: who is on one leaves it, timers and
 * interrupts go along, a broken affinity is no affinity; what must be refused;
 * and many times, while all read the clock. Checklist row 18.
 *
 * qemu: -smp 3 -serial null
 * options: dom0_max_vcpus=3
 * timeout: 120
 */
#include "sched.h"
#include <xen/platform.h>
const char test_title[] = "processors go off and on";

#define CPUS 3
#define LAST 2
#define ROUNDS 40
#define COM2 0x2f8
#define COM2_IRQ 3

static struct child child;

/* ---- the calls ---- */

static long hotplug(unsigned cpu, unsigned how)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.u.cpu_hotplug.cpu = cpu;
    op.u.cpu_hotplug.op = how;
    return sysctl(XEN_SYSCTL_cpu_hotplug, &op);
}

static long off(unsigned cpu)
{
    return hotplug(cpu, XEN_SYSCTL_CPU_HOTPLUG_OFFLINE);
}

static long on(unsigned cpu)
{
    return hotplug(cpu, XEN_SYSCTL_CPU_HOTPLUG_ONLINE);
}

static long platform(unsigned cmd, struct xen_platform_op *op)
{
    op->cmd = cmd;
    op->interface_version = XENPF_INTERFACE_VERSION;
    return hypercall1(__HYPERVISOR_platform_op, op);
}

static long platform_cpu(unsigned cmd, unsigned cpu)
{
    struct xen_platform_op op = {.u.cpu_ol.cpuid = cpu};

    return platform(cmd, &op);
}

/* ---- what is told ---- */

static unsigned told_online(unsigned cpu)
{
    struct xen_platform_op op = {.u.pcpu_info.xen_cpuid = cpu};

    expect_eq(platform(XENPF_get_cpuinfo, &op), 0);
    expect_eq(op.u.pcpu_info.max_present, CPUS - 1);
    return op.u.pcpu_info.flags;
}

static unsigned count_online(void)
{
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    expect_eq(sysctl(XEN_SYSCTL_physinfo, &op), 0);
    expect_eq(op.u.physinfo.max_cpu_id, CPUS - 1);
    return op.u.physinfo.nr_cpus;
}

static unsigned cpu_of(unsigned id, unsigned vcpu)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.u.getvcpuinfo.vcpu = vcpu;
    expect_eq(domctl(XEN_DOMCTL_getvcpuinfo, id, &op), 0);
    return op.u.getvcpuinfo.cpu;
}

static bool comes_to(unsigned id, unsigned vcpu, unsigned cpu)
{
    uint64_t end = system_time() + 20000 * MS;

    while (cpu_of(id, vcpu) != cpu && system_time() < end)
        yield();
    return cpu_of(id, vcpu) == cpu;
}

static long affinity(unsigned cmd, unsigned id, unsigned vcpu, uint64_t *map)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.u.vcpuaffinity.vcpu = vcpu;
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap, (uint8_t *)map);
    return domctl(cmd, id, &op);
}

static uint64_t affinity_of(unsigned id, unsigned vcpu)
{
    uint64_t map = 0;

    expect_eq(affinity(XEN_DOMCTL_getvcpuaffinity, id, vcpu, &map), 0);
    return map & ((1u << CPUS) - 1);
}

static long pin(unsigned id, unsigned vcpu, uint64_t map)
{
    return affinity(XEN_DOMCTL_setvcpuaffinity, id, vcpu, &map);
}

/* ---- our other vCPUs: they read the clock, and count ---- */

static volatile unsigned turns[CPUS];
static volatile uint64_t latest, back;

static void look(void)
{
    uint64_t before = __atomic_load_n(&latest, __ATOMIC_SEQ_CST);
    uint64_t time = system_time(); /* by vCPU 0's record: TSCs agree here */

    if (time < before && !back)
        back = before - time;
    while (time > before &&
           !__atomic_compare_exchange_n(&latest, &before, time, false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
}

static void run1(void)
{
    for (;;) {
        look();
        turns[1]++;
    }
}

static volatile uint64_t alarm; /* vCPU 2 is to set its timer for then */

static void set_alarm(void)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = alarm};

    expect_eq(vcpu_op(VCPUOP_set_singleshot_timer, 2, &t), 0);
    alarm = 0;
}

static void run2(void)
{
    for (;;) {
        if (alarm)
            set_alarm();
        look();
        turns[2]++;
    }
}

static void expect_turns(unsigned vcpu)
{
    unsigned before = turns[vcpu];
    uint64_t end = system_time() + 20000 * MS;

    while (turns[vcpu] == before && system_time() < end)
        yield();
    expect(turns[vcpu] != before, "vCPU %u stands still", vcpu);
}

/* ---- tests ---- */

static void test_refused(void)
{
    static const unsigned bad[] = {CPUS, 63, 64, 4096, ~0u};

    expect_eq(off(0), -EINVAL);
    expect_eq(on(1), -EEXIST);
    expect_eq(hotplug(1, 99), -EOPNOTSUPP);
    expect_eq(hotplug(1, XEN_SYSCTL_CPU_HOTPLUG_SMT_DISABLE), -EOPNOTSUPP);
    expect_eq(platform_cpu(XENPF_cpu_offline, 0), -EOPNOTSUPP);
    expect_eq(platform_cpu(XENPF_cpu_online, 1), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        expect_eq(off(bad[i]), -EINVAL);
        expect_eq(on(bad[i]), -EINVAL);
        expect_eq(platform_cpu(XENPF_cpu_offline, bad[i]), -EINVAL);
        expect_eq(platform_cpu(XENPF_cpu_online, bad[i]), -EINVAL);
    }
    expect_eq(count_online(), CPUS);
}

static void test_told(void)
{
    xen_sysctl_cputopo_t place[CPUS];
    unsigned port = bind_virq(VIRQ_PCPU_STATE);
    struct xen_sysctl op;

    evtchn_reset_pending();
    expect_eq(off(LAST), 0);
    expect(evtchn_is_pending(port), "no event");
    expect_eq(off(LAST), -EEXIST);
    expect_eq(platform_cpu(XENPF_cpu_offline, LAST), 0);
    expect_eq(count_online(), CPUS - 1);
    expect_eq(told_online(LAST), 0);
    memset(&op, 0, sizeof(op));
    op.u.cputopoinfo.num_cpus = CPUS;
    set_xen_guest_handle(op.u.cputopoinfo.cputopo, place);
    expect_eq(sysctl(XEN_SYSCTL_cputopoinfo, &op), 0);
    expect_eq(op.u.cputopoinfo.num_cpus, CPUS);
    expect(place[LAST].socket != XEN_INVALID_SOCKET_ID, "it has no place");
    evtchn_reset_pending();
    expect_eq(platform_cpu(XENPF_cpu_online, LAST), 0);
    expect(evtchn_is_pending(port), "no event");
    expect_eq(count_online(), CPUS);
    expect_eq(told_online(LAST), XEN_PCPU_FLAGS_ONLINE);
}

/* Affinity: kept where it can be, else there is none. */
static void test_affinity(void)
{
    spinner_new(&child, LAST);
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child.id), 0);
    expect(comes_to(child.id, 0, LAST), "it is not where it is pinned");
    expect_eq(pin(0, 2, 1u << 1 | 1u << LAST), 0);
    expect_eq(off(LAST), 0);
    expect(cpu_of(child.id, 0) != LAST, "it is on a CPU that is off");
    expect_eq(affinity_of(child.id, 0), (1u << CPUS) - 1);
    expect_eq(affinity_of(0, 2), 1u << 1 | 1u << LAST);
    expect_eq(cpu_of(0, 2), 1);
    expect_eq(pin(child.id, 0, 1u << LAST), -EINVAL);
    expect_eq(affinity_of(child.id, 0), (1u << CPUS) - 1);
    expect_turns(1);
    expect_turns(2);
    expect_eq(on(LAST), 0);
    expect_eq(pin(child.id, 0, 1u << LAST), 0);
    expect(comes_to(child.id, 0, LAST), "it does not come back");
    expect_eq(pin(0, 2, 1u << LAST), 0);
    expect(comes_to(0, 2, LAST), "vCPU 2 does not come back");
    expect_turns(2);
}

/* The caller is on the very CPU; or has pinned itself to it. */
static void test_own_cpu(void)
{
    struct sched_pin_override s = {.pcpu = LAST};

    expect_eq(pin(0, 0, 1u << LAST), 0);
    expect(comes_to(0, 0, LAST), "we are not there");
    expect_eq(off(LAST), 0);
    expect(cpu_of(0, 0) != LAST, "we are on a CPU that is off");
    expect_eq(on(LAST), 0);
    expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_pin_override, &s), 0);
    expect_eq(off(LAST), -EADDRINUSE);
    expect_eq(count_online(), CPUS);
    s.pcpu = -1;
    expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_pin_override, &s), 0);
    expect_eq(pin(0, 0, 1u << 0), 0);
}

static bool comes(unsigned port)
{
    uint64_t end = system_time() + 20000 * MS;

    while (!evtchn_is_pending(port) && system_time() < end)
        yield();
    return evtchn_is_pending(port);
}

static void close_port(unsigned port)
{
    struct evtchn_close c = {.port = port};

    expect_eq(evtchn_op(EVTCHNOP_close, &c), 0);
}

/* vCPU 2's timer was set on the CPU; the interrupt's line led there. */
static void test_timer_and_line(void)
{
    struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                 .type = MAP_PIRQ_TYPE_GSI,
                                 .index = COM2_IRQ, .pirq = COM2_IRQ};
    struct evtchn_bind_virq v = {.virq = VIRQ_TIMER, .vcpu = 2};
    struct evtchn_bind_pirq b = {.pirq = COM2_IRQ};
    struct evtchn_bind_vcpu to = {.vcpu = 2};

    expect_eq(pin(0, 2, 1u << LAST), 0);
    expect(comes_to(0, 2, LAST), "vCPU 2 is not there");
    expect_eq(evtchn_op(EVTCHNOP_bind_virq, &v), 0);
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, &m), 0);
    expect_eq(evtchn_op(EVTCHNOP_bind_pirq, &b), 0);
    to.port = b.port;
    expect_eq(evtchn_op(EVTCHNOP_bind_vcpu, &to), 0);
    evtchn_reset_pending();
    alarm = system_time() + 300 * MS;
    while (alarm)
        yield();
    expect_eq(off(LAST), 0);
    __asm__ volatile("outb %b0,%w1" ::"a"(0), "d"(COM2 + 1));
    __asm__ volatile("outb %b0,%w1" ::"a"(2), "d"(COM2 + 1));
    expect(comes(b.port), "the interrupt is lost");
    expect(comes(v.port), "the timer is lost");
    expect_eq(on(LAST), 0);
    close_port(b.port);
    close_port(v.port);
}

/* Each time somebody is there, and time goes on. */
static void test_often(void)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned cpu = 1 + i % 2;

        expect_eq(pin(child.id, 0, 1u << cpu), 0);
        expect_eq(pin(0, cpu, 1u << cpu), 0);
        expect_eq(off(cpu), 0);
        look();
        expect_turns(1);
        expect_turns(2);
        expect_eq(on(cpu), 0);
        expect_eq(pin(0, cpu, 1u << cpu), 0);
        expect_turns(cpu);
        look();
    }
    expect(!back, "time went back by %lu ns", back);
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};

    for (unsigned i = 0; i < CPUS; i++)
        shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &iopl),
              0);
    __asm__ volatile("outb %b0,%w1" ::"a"(8), "d"(COM2 + 4));
    vcpu_start(1, run1);
    vcpu_start(2, run2);
    test_refused();
    test_told();
    test_affinity();
    test_own_cpu();
    test_timer_and_line();
    if (on_xeno()) /* 4.17's own scheduler crashes soon */
        test_often();
    child_destroy(&child);
}
