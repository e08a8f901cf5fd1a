/*
 * The notions of time, with a second domain on the same CPU: virtual time
 * stops while another runs; the wall clock is set for all; the ticker ticks
 * for who runs and at once for who comes back. Checklist rows 50, 52, 53, 55,
 * 56.
 *
 * The machine counts instructions, so a busy host does not matter.
 *
 * qemu: -icount shift=3,sleep=off
 * timeout: 120
 */
#include "domain.h"
#include <xen/platform.h>
const char test_title[] = "the clocks of two domains";

static struct child child;
static unsigned timer_port;
static volatile unsigned ticks;

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    ticks++;
    evtchn_reset_pending();
    return true;
}

static void burn(void)
{
    for (;;)
        __asm__ volatile("pause");
}

static uint64_t tsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

/* ns that vCPU 0 of a domain has run. */
static uint64_t virtual_time(unsigned id)
{
    struct xen_domctl op = {0};

    expect_eq(domctl(XEN_DOMCTL_getvcpuinfo, id, &op), 0);
    return op.u.getvcpuinfo.cpu_time;
}

/* All four can be read, and those that are to move do. */
static void test_four(void)
{
    uint64_t cycles = tsc(), system = system_time(), own = virtual_time(0);

    delay_ms(20);
    expect(tsc() > cycles, "cycles stand still");
    expect(system_time() >= system + 20 * MS, "system time");
    expect(virtual_time(0) > own, "virtual time stands still");
    expect(shared_info->wc_sec > 1000000000, "wall clock %u",
           shared_info->wc_sec);
}

static void test_wall_clock(void)
{
    static uint64_t page[512] __attribute__((aligned(4096)));
    const volatile struct shared_info *si = (const void *)page;
    struct xen_platform_op op = {.cmd = XENPF_settime64,
                                 .interface_version =
                                     XENPF_INTERFACE_VERSION};

    if (foreign_map(page, child.id, child.shared_info,
                    PTE_P | PTE_RW | PTE_US | PTE_AD))
        error("the child's shared_info cannot be mapped");
    op.u.settime64.secs = 2000000000;
    op.u.settime64.nsecs = 77;
    expect_eq(hypercall1(__HYPERVISOR_platform_op, &op), 0);
    expect_eq(si->wc_sec, 2000000000);
    expect_eq(si->wc_nsec, 77);
    expect_eq(si->wc_version & 1, 0);
    expect_eq(shared_info->wc_sec, 2000000000);
    foreign_unmap(page);
}

/*
 * Both burn the one CPU: what they have run adds up to no more than has
 * passed, and neither gets much more than half.
 */
static void test_virtual_time(void)
{
    uint64_t began = system_time(), own = virtual_time(0);
    uint64_t other = virtual_time(child.id), passed;

    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child.id), 0);
    while (system_time() < began + 2000 * MS)
        __asm__ volatile("pause");
    own = virtual_time(0) - own;
    other = virtual_time(child.id) - other;
    passed = system_time() - began;
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child.id), 0);
    print("%lu ms: own %lu, other %lu", passed / MS, own / MS, other / MS);
    expect(own + other <= passed, "together more than there is");
    expect(own + other > passed / 10 * 9, "together too little");
    expect(own > passed / 10 * 4 && own < passed / 10 * 6, "own");
    expect(other > passed / 10 * 4 && other < passed / 10 * 6, "other");
    other = virtual_time(child.id);
    delay_ms(20);
    expect_eq(virtual_time(child.id) - other, 0); /* paused: it stands still */
}

/* About 100 a second, or fewer: a busy machine loses some. */
static void test_ticker(void)
{
    uint64_t began = system_time(), most;

    ticks = 0;
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    while (system_time() < began + 1000 * MS)
        __asm__ volatile("pause");
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    most = (system_time() - began) / (10 * MS) + 2;
    expect(ticks > 5 && ticks <= most, "%u ticks, not up to %lu", ticks, most);
}

/* While it sleeps nothing ticks; when it comes back one tick is there. */
static void test_scheduled_in(void)
{
    struct sched_poll p = {.timeout = 0};

    for (unsigned i = 0; i < 5; i++) {
        evtchn_reset_pending();
        expect(!evtchn_is_pending(timer_port), "pending after the reset");
        p.timeout = system_time() + 50 * MS;
        expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p), 0);
        expect(evtchn_is_pending(timer_port), "no tick on coming back");
    }
}

void test_main(void)
{
    trap_hook = on_event;
    timer_port = bind_virq(VIRQ_TIMER);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    child_new(&child);
    child_populate(&child);
    child_tables(&child);
    child_context(&child, burn);
    test_four();
    test_wall_clock();
    test_ticker();
    test_scheduled_in();
    test_virtual_time();
    expect_eq(child_destroy(&child), 0);
}
