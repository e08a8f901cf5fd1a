/*
 * Physical interrupts: a line of the second serial port bound to an event
 * channel, and bound and closed again while another vCPU makes it fire.
 *
 * qemu: -smp 2 -serial null
 * options: dom0_max_vcpus=2
 * never: idle vector
 */
#include "guest.h"
const char test_title[] = "physical interrupts";

#define COM2 0x2f8
#define COM2_IRQ 3
#define ROUNDS 500

static volatile bool storm, storm_over;

static void out_byte(unsigned port, uint8_t v)
{
    __asm__ volatile("outb %b0,%w1" ::"a"(v), "d"(port));
}

static uint8_t in_byte(unsigned port)
{
    uint8_t v;

    __asm__ volatile("inb %w1,%0" : "=a"(v) : "d"(port));
    return v;
}

static void may_use_ports(void)
{
    struct physdev_set_iopl s = {.iopl = 1};

    hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &s);
}

/* One edge: "transmitter empty" is asked for, and taken notice of before. */
static void fire(void)
{
    out_byte(COM2 + 1, 0);
    in_byte(COM2 + 2);
    out_byte(COM2 + 1, 2);
}

static long physdev(unsigned cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_physdev_op, cmd, arg);
}

static long bind(uint32_t pirq, unsigned *port)
{
    struct evtchn_bind_pirq b = {.pirq = pirq};
    long rc = evtchn_op(EVTCHNOP_bind_pirq, &b);

    *port = b.port;
    return rc;
}

static long close_port(unsigned port)
{
    struct evtchn_close c = {.port = port};

    return evtchn_op(EVTCHNOP_close, &c);
}

static void send_eoi(void)
{
    struct physdev_eoi e = {.irq = COM2_IRQ};

    expect_eq(physdev(PHYSDEVOP_eoi, &e), 0);
}

static bool comes(unsigned port)
{
    uint64_t end = system_time() + 5000 * MS;

    while (!evtchn_is_pending(port) && system_time() < end)
        __asm__ volatile("pause");
    return evtchn_is_pending(port);
}

static void test_delivery(void)
{
    struct evtchn_status s = {.dom = DOMID_SELF};
    unsigned port, other;

    expect_eq(bind(COM2_IRQ, &port), 0);
    expect_eq(bind(COM2_IRQ, &other), -EEXIST);
    s.port = port;
    expect_eq(evtchn_op(EVTCHNOP_status, &s), 0);
    expect_eq(s.status, EVTCHNSTAT_pirq);
    expect_eq(s.u.pirq, COM2_IRQ);
    for (unsigned i = 0; i < 5; i++) {
        evtchn_reset_pending();
        fire();
        expect(comes(port), "interrupt %u is lost", i);
        send_eoi();
    }
    expect_eq(close_port(port), 0);
    evtchn_reset_pending();
    fire();
    expect(!evtchn_is_pending(port), "an event after the close");
}

static void test_refused(void)
{
    static const uint32_t bad[] = {60000, 0x7fffffff, ~0u};
    struct physdev_eoi e;
    struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                 .type = MAP_PIRQ_TYPE_GSI};
    unsigned port;

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        expect_eq(bind(bad[i], &port), -EINVAL);
        e.irq = bad[i];
        expect_eq(physdev(PHYSDEVOP_eoi, &e), -EINVAL);
        m.index = (int)bad[i];
        m.pirq = -1;
        expect(physdev(PHYSDEVOP_map_pirq, &m) < 0, "GSI %d", m.index);
    }
    m.domid = 77;
    m.index = m.pirq = COM2_IRQ;
    expect_eq(physdev(PHYSDEVOP_map_pirq, &m), -ESRCH);
}

/* What else physdev_op has for interrupts. */
static void test_physdev(void)
{
    struct physdev_irq_status_query q = {.irq = COM2_IRQ};
    struct physdev_setup_gsi gsi = {.gsi = 5, .triggering = 1, .polarity = 1};
    struct physdev_get_free_pirq free_pirq = {.type = MAP_PIRQ_TYPE_GSI};
    struct physdev_unmap_pirq unmap = {.domid = DOMID_SELF, .pirq = 300};
    struct physdev_pirq_eoi_gmfn map = {.gmfn = ~0UL};
    struct physdev_apic apic = {.apic_physbase = 0x1000};
    struct physdev_irq vector = {.irq = 4};

    expect_eq(physdev(PHYSDEVOP_irq_status_query, &q), 0);
    expect_eq(q.flags & XENIRQSTAT_shared, 0);
    q.irq = 60000;
    expect_eq(physdev(PHYSDEVOP_irq_status_query, &q), -EINVAL);
    expect_eq(physdev(PHYSDEVOP_setup_gsi, &gsi), 0);
    gsi.gsi = 1000;
    expect_eq(physdev(PHYSDEVOP_setup_gsi, &gsi), -EINVAL);
    expect_eq(physdev(PHYSDEVOP_get_free_pirq, &free_pirq), 0);
    expect_eq(physdev(PHYSDEVOP_unmap_pirq, &unmap), -EINVAL);
    expect_eq(physdev(PHYSDEVOP_pirq_eoi_gmfn_v2, &map), -EINVAL);
    map.gmfn = kernel_l4_mfn();
    expect_eq(physdev(PHYSDEVOP_pirq_eoi_gmfn_v2, &map), -EINVAL);
    expect_eq(physdev(PHYSDEVOP_apic_read, &apic), -EINVAL);
    apic.apic_physbase = 0xfec00000;
    apic.reg = 1;
    expect_eq(physdev(PHYSDEVOP_apic_read, &apic), 0);
    expect(apic.value >> 16 & 0xff, "an I/O APIC without lines");
    expect_eq(physdev(PHYSDEVOP_alloc_irq_vector, &vector), 0);
    expect_eq(physdev(200, &vector), -ENOSYS);
}

static void firing_vcpu(void)
{
    may_use_ports();
    while (storm)
        fire();
    storm_over = true;
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* One may be on its way when the line is given up: no harm in that. */
static void test_races(void)
{
    unsigned port;

    storm = true;
    vcpu_start(1, firing_vcpu);
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct evtchn_bind_vcpu v = {.vcpu = i & 1};

        expect_eq(bind(COM2_IRQ, &port), 0);
        v.port = port;
        expect_eq(evtchn_op(EVTCHNOP_bind_vcpu, &v), 0);
        if (i % 50 == 0)
            expect(comes(port), "round %u: nothing comes", i);
        send_eoi();
        expect_eq(close_port(port), 0);
        evtchn_reset_pending();
    }
    storm = false;
    while (!storm_over)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

void test_main(void)
{
    struct physdev_map_pirq m = {.domid = DOMID_SELF,
                                 .type = MAP_PIRQ_TYPE_GSI,
                                 .index = COM2_IRQ,
                                 .pirq = COM2_IRQ};

    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    shared_info->vcpu_info[1].evtchn_upcall_mask = 1;
    may_use_ports();
    out_byte(COM2 + 4, 8);
    if (in_byte(COM2 + 4) != 8)
        skip("no second serial port");
    expect_eq(physdev(PHYSDEVOP_map_pirq, &m), 0);
    test_refused();
    test_physdev();
    test_delivery();
    test_races();
    test_delivery();
}
