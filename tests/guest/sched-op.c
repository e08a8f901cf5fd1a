/*
 * What sched_op does beside block and poll: moving the calling vCPU to another
 * CPU and back, watchdogs, and what is refused.
 *
 * The machine counts instructions, so a busy host does not matter.
 *
 * qemu: -smp 2 -icount shift=3,sleep=off
 */
#include "guest.h"
const char test_title[] = "sched_op: pin_override, watchdogs, refusals";

static long sched_op(unsigned cmd, void *arg)
{
    return hypercall2(__HYPERVISOR_sched_op, cmd, arg);
}

static long pin(int cpu)
{
    struct sched_pin_override p = {.pcpu = cpu};

    return sched_op(SCHEDOP_pin_override, &p);
}

/*
 * The physical CPU of vCPU 0; only pinned ones are told. (Stock Xen takes it
 * for granted that vCPU n is pinned to CPU n, and says 0 in any case.)
 */
static long where(void)
{
    struct vcpu_get_physid id;
    long rc = vcpu_op(VCPUOP_get_physid, 0, &id);

    return rc ? rc : (long)xen_vcpu_physid_to_x86_apicid(id.phys_id);
}

/* Registers, memory and time go along. */
static void test_pin(void)
{
    long first, second;
    uint64_t last = 0;

    expect_eq(where(), -EINVAL);
    for (unsigned i = 0; i < 50; i++) {
        expect_eq(pin(0), 0);
        first = where();
        expect(system_time() >= last, "time went back");
        last = system_time();
        expect_eq(pin(1), -EBUSY);
        expect_eq(where(), first);
        expect_eq(pin(-1), 0);
        expect_eq(pin(1), 0);
        second = where();
        expect(system_time() >= last, "time went back");
        last = system_time();
        expect(first >= 0 && second >= 0 && (first != second || !on_xeno()),
               "CPU %ld and then %ld", first, second);
        expect_eq(pin(-1), 0);
    }
    expect_eq(pin(-1), -EINVAL);
    expect_eq(pin(2), -EINVAL);
    expect_eq(pin(64), -EINVAL);
    expect_eq(pin(0x7fffffff), -EINVAL);
    expect_eq(where(), -EINVAL);
}

static volatile unsigned ticks;

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    ticks = ticks + 1;
    evtchn_reset_pending();
    return true;
}

/* Timers follow the vCPU. Stock Xen's may come too early. */
static void test_pin_timer(void)
{
    uint64_t early = on_xeno() ? 0 : MS;

    trap_hook = on_event;
    bind_virq(VIRQ_TIMER);
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    for (unsigned i = 0; i < 20; i++) {
        uint64_t at = system_time() + 20 * MS;

        shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
        evtchn_reset_pending();
        ticks = 0;
        hypercall1(__HYPERVISOR_set_timer_op, at);
        expect_eq(pin((int)(i & 1)), 0);
        expect_eq(sched_op(SCHEDOP_block, NULL), 0);
        expect_eq(ticks, 1);
        expect(system_time() + early >= at, "too early by %lu ns",
               at - system_time());
        expect_eq(pin(-1), 0);
    }
}

static long watchdog(uint32_t id, uint32_t seconds)
{
    struct sched_watchdog w = {.id = id, .timeout = seconds};

    return sched_op(SCHEDOP_watchdog, &w);
}

static void test_watchdog(void)
{
    long a, b;

    if (on_xeno()) /* on stock Xen it fires at once */
        expect_eq(watchdog(0, 0), -EINVAL);
    expect_eq(watchdog(1, 10), -EINVAL);
    expect_eq(watchdog(3, 10), -EINVAL);
    expect_eq(watchdog(~0u, 10), -EINVAL);
    a = watchdog(0, 1000);
    b = watchdog(0, 1u << 20);
    expect(a > 0 && b > 0 && a != b, "watchdogs %ld and %ld", a, b);
    expect_eq((int)watchdog(0, 10), -ENOSPC);
    expect_eq(watchdog((uint32_t)a, 1000), 0);
    expect_eq(watchdog((uint32_t)a, 0), 0);
    expect_eq(watchdog((uint32_t)a, 0), -EINVAL);
    expect_eq(watchdog((uint32_t)b, 0), 0);
}

static void test_refused(void)
{
    struct sched_remote_shutdown r = {.domain_id = 77};
    void *const bad[] = {(void *)0x10, (void *)HYPERVISOR_VIRT_START};
    static const unsigned cmds[] = {SCHEDOP_shutdown, SCHEDOP_remote_shutdown,
                                    SCHEDOP_shutdown_code, SCHEDOP_watchdog,
                                    SCHEDOP_poll, SCHEDOP_pin_override};

    expect_eq(sched_op(SCHEDOP_remote_shutdown, &r), -ESRCH);
    r.domain_id = 0xffff;
    expect_eq(sched_op(SCHEDOP_remote_shutdown, &r), -ESRCH);
    for (unsigned i = 0; i < ARRAY_SIZE(cmds); i++)
        for (unsigned k = 0; k < ARRAY_SIZE(bad); k++)
            expect_eq(sched_op(cmds[i], bad[k]), -EFAULT);
    expect_eq(sched_op(8, NULL), -ENOSYS);
    expect_eq(sched_op(~0u, NULL), -ENOSYS);
    /* The older form has no more than three. */
    expect_eq(hypercall2(__HYPERVISOR_sched_op_compat, SCHEDOP_yield, 0), 0);
    expect_eq(hypercall2(__HYPERVISOR_sched_op_compat, SCHEDOP_poll, 0),
              -ENOSYS);
}

void test_main(void)
{
    test_pin();
    test_pin_timer();
    test_watchdog();
    test_refused();
}
