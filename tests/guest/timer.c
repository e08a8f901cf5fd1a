/*
 * Time never goes back; the one-shot timer ends a block at its time, 0
 * cancels it, one in the past comes at once; poll with a port and a timeout.
 *
 * The machine counts instructions, so a busy host does not matter.
 *
 * qemu: -icount shift=3,sleep=off
 */
#include "guest.h"
const char test_title[] = "time, set_timer_op, block and poll";

static unsigned timer_port;
static volatile unsigned upcalls;

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    upcalls++;
    evtchn_reset_pending();
    return true;
}

/* Masks events, so that the timer's is not lost before block(). */
static long set_timer(uint64_t at)
{
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    return hypercall1(__HYPERVISOR_set_timer_op, at);
}

static void unmask(void)
{
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
}

/* Sleeps until an event, with events on from then on. */
static void block(void)
{
    expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0), 0);
    expect_eq(shared_info->vcpu_info[0].evtchn_upcall_mask, 0);
}

static void test_monotonic(void)
{
    uint64_t last = system_time(), now;

    for (unsigned i = 0; i < 20000; i++) {
        now = system_time();
        if (now < last) {
            failure("time went back by %lu ns", last - now);
            return;
        }
        last = now;
        if (i % 1000 == 0)
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
}

static void test_one_shot(void)
{
    for (unsigned ms = 1; ms <= 64; ms *= 4) {
        uint64_t begin = system_time(), end;

        upcalls = 0;
        expect_eq(set_timer(begin + ms * MS), 0);
        block();
        end = system_time();
        expect_eq(upcalls, 1);
        expect(end >= begin + ms * MS, "%u ms: %lu ns early", ms,
               begin + ms * MS - end);
        expect(end < begin + (ms + 5000) * MS, "%u ms: %lu ns late", ms,
               end - begin);
    }
}

static void test_past(void)
{
    upcalls = 0;
    set_timer(system_time() - MS);
    block();
    expect_eq(upcalls, 1);
}

static void test_cancel(void)
{
    uint64_t begin;

    do {
        begin = system_time();
        set_timer(begin + 60 * MS);
        expect_eq(set_timer(0), 0);
    } while (system_time() >= begin + 60 * MS); /* too slow, as below */
    evtchn_reset_pending();
    upcalls = 0;
    unmask();
    delay_ms(100);
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    expect_eq(upcalls, 0);
}

/* A later time replaces an earlier one. */
static void test_replace(void)
{
    uint64_t first, begin;

    do {
        first = system_time() + 20 * MS;
        set_timer(first);
        begin = system_time();
        set_timer(begin + 60 * MS);
    } while (system_time() >= first); /* too slow: it may have fired */
    evtchn_reset_pending();
    upcalls = 0;
    block();
    expect_eq(upcalls, 1);
    expect(system_time() >= begin + 60 * MS, "the first timer fired");
}

/* While the vCPU runs, the timer interrupts it. */
static void test_running(void)
{
    uint64_t end = system_time() + 5000 * MS;

    upcalls = 0;
    set_timer(system_time() + 10 * MS);
    unmask();
    while (!upcalls && system_time() < end)
        __asm__ volatile("pause");
    delay_ms(20);
    expect_eq(upcalls, 1);
}

static long poll(evtchn_port_t *ports, unsigned n, uint64_t timeout)
{
    struct sched_poll p = {.nr_ports = n, .timeout = timeout};

    set_xen_guest_handle(p.ports, ports);
    return hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}

static void test_poll(void)
{
    evtchn_port_t port[2];
    uint64_t begin = system_time();

    evtchn_pair(&port[0], &port[1]);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    expect_eq(poll(port, 1, begin + 20 * MS), 0);
    expect(system_time() >= begin + 20 * MS, "poll came back early");
    /* Pending already: at once. */
    begin = system_time();
    evtchn_send(port[0]);
    expect(evtchn_is_pending(port[1]), "the port is not pending");
    expect_eq(poll(&port[1], 1, begin + 9000 * MS), 0);
    expect(system_time() < begin + 8000 * MS, "poll waited");
    evtchn_reset_pending();
    /* Woken by the port of the timer, masked as it is. */
    shared_info->evtchn_mask[0] = ~0UL;
    set_timer(system_time() + 20 * MS);
    begin = system_time();
    port[0] = timer_port;
    expect_eq(poll(port, 1, begin + 9000 * MS), 0);
    expect(system_time() < begin + 8000 * MS, "poll waited");
    expect(evtchn_is_pending(timer_port), "the timer is not pending");
    evtchn_reset_pending();
}

static void test_poll_bad(void)
{
    evtchn_port_t port = 1u << 30;

    expect_eq(poll(&port, 1, system_time() + MS), -EINVAL);
    expect(poll(&port, 1000000, system_time() + MS) < 0, "a million ports");
    expect_eq(poll((void *)0x10, 1, system_time() + MS), -EFAULT);
    expect_eq(poll((void *)HYPERVISOR_VIRT_START, 1, system_time() + MS),
              -EFAULT);
}

static void test_yield(void)
{
    for (unsigned i = 0; i < 100; i++)
        expect_eq(hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0), 0);
    expect_eq(hypercall2(__HYPERVISOR_sched_op, 99, 0), -ENOSYS);
}

/* Wall clock: a date after 2020. */
static void test_wall(void)
{
    expect(shared_info->wc_sec > 1577836800, "wall clock %u",
           shared_info->wc_sec);
    expect(shared_info->wc_nsec < 1000000000, "nanoseconds %u",
           shared_info->wc_nsec);
    expect_eq(shared_info->wc_version & 1, 0);
}

/*
 * Whether so many ticks come in 300 ms. A busy machine loses some: then again.
 * One that gives too many gives them always.
 */
static bool ticks(unsigned low, unsigned high)
{
    for (unsigned i = 0; i < 20; i++) {
        upcalls = 0;
        delay_ms(300);
        if (upcalls >= low && upcalls <= high)
            return true;
        print("%u ticks in 300 ms", upcalls);
    }
    return false;
}

/* The periodic timer: 100 a second at first, then as asked, then none. */
static void test_periodic(void)
{
    struct vcpu_set_periodic_timer p = {.period_ns = 20 * MS};

    unmask();
    expect(ticks(20, 35), "not 100 ticks a second");
    expect_eq(vcpu_op(VCPUOP_set_periodic_timer, 0, &p), 0);
    expect(ticks(10, 18), "not 50 ticks a second");
    p.period_ns = 1;
    expect_eq(vcpu_op(VCPUOP_set_periodic_timer, 0, &p), -EINVAL);
    expect_eq(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0);
    upcalls = 0;
    delay_ms(50);
    expect(upcalls <= 1, "%u ticks of a stopped timer", upcalls);
}

/* VCPUOP's own one-shot timer, which may refuse a time in the past. */
static void test_singleshot(void)
{
    struct vcpu_set_singleshot_timer t = {.timeout_abs_ns = system_time() - MS,
                                          .flags = VCPU_SSHOTTMR_future};

    /* Xen since 4.17 no longer looks at the flag. */
    expect(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t) == -ETIME || !on_xeno(),
           "a time in the past was taken");
    vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    evtchn_reset_pending();
    upcalls = 0;
    t.timeout_abs_ns = system_time() + 20 * MS;
    t.flags = 0;
    expect_eq(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t), 0);
    block();
    expect_eq(upcalls, 1);
    expect(system_time() >= t.timeout_abs_ns, "too early");
    expect_eq(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0);
}

/* Times and periods beyond all reason: refused, or years ahead. */
static void test_absurd(void)
{
    static const uint64_t far[] = {~0UL, 1UL << 63, (1UL << 63) - 1};
    struct vcpu_set_singleshot_timer once = {.flags = 0};
    struct vcpu_set_periodic_timer often = {.period_ns = MS - 1};

    expect_eq(vcpu_op(VCPUOP_set_periodic_timer, 0, &often), -EINVAL);
    for (unsigned i = 0; i < ARRAY_SIZE(far); i++) {
        often.period_ns = far[i];
        expect_eq(vcpu_op(VCPUOP_set_periodic_timer, 0, &often), -EINVAL);
        expect_eq(set_timer(far[i]), 0);
        once.timeout_abs_ns = far[i];
        expect_eq(vcpu_op(VCPUOP_set_singleshot_timer, 0, &once), 0);
        expect_eq(vcpu_op(VCPUOP_set_singleshot_timer, 1, &once), -ENOENT);
    }
    test_replace(); /* nothing has come of it */
}

void test_main(void)
{
    trap_hook = on_event;
    timer_port = bind_virq(VIRQ_TIMER);
    test_periodic();
    test_singleshot();
    test_monotonic();
    test_one_shot();
    test_past();
    test_cancel();
    test_replace();
    test_absurd();
    test_running();
    test_poll();
    test_poll_bad();
    test_yield();
    test_wall();
}
