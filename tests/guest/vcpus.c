/*
 * A second vCPU: initialise, up, down, its events and its registers.
 *
 * qemu: -smp 2
 */
#include "guest.h"
const char test_title[] = "two vCPUs";

static volatile unsigned counter, orders, events_seen;

static void yield(void)
{
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

static bool wait_until(volatile unsigned *v, unsigned value, unsigned ms)
{
    uint64_t end = system_time() + ms * MS;

    while (*v != value && system_time() < end)
        yield();
    return *v == value;
}

/* orders: 1 count, 2 block for events, 3 go down. */
static void second(void)
{
    for (;;) {
        if (orders == 1)
            counter = counter + 1;
        if (orders == 2)
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
        if (orders == 3)
            vcpu_op(VCPUOP_down, 1, NULL);
        __asm__ volatile("pause");
    }
}

static bool on_event(struct trap_frame *f)
{
    struct vcpu_info *v = &shared_info->vcpu_info[1];

    if (f->vector != VECTOR_EVENT)
        return false;
    if (!v->evtchn_upcall_pending)
        failure("an upcall on the wrong vCPU");
    v->evtchn_upcall_pending = 0;
    v->evtchn_pending_sel = 0;
    shared_info->evtchn_pending[0] = 0;
    events_seen = events_seen + 1;
    return true;
}

static void test_refused(void)
{
    struct vcpu_guest_context *c = vcpu_context(second);

    expect_eq(vcpu_op(VCPUOP_initialise, 17, c), -ENOENT);
    expect_eq(vcpu_op(VCPUOP_up, 17, NULL), -ENOENT);
    expect_eq(vcpu_op(VCPUOP_is_up, 31, NULL), -ENOENT);
    expect_eq(vcpu_op(VCPUOP_up, 1, NULL), -EINVAL);
    expect_eq(vcpu_op(VCPUOP_initialise, 1, (void *)0x10), -EFAULT);
    expect_eq(vcpu_op(99, 0, NULL), -ENOSYS);
    c->ctrlreg[3] = xen_pfn_to_cr3(virt_to_mfn(alloc_page()));
    expect(vcpu_op(VCPUOP_initialise, 1, c) < 0, "a data page as CR3");
    c->ctrlreg[3] = xen_pfn_to_cr3(~0UL >> 20);
    expect(vcpu_op(VCPUOP_initialise, 1, c) < 0, "no frame as CR3");
    c = vcpu_context(second);
    c->event_callback_eip = 1UL << 63;
    expect(vcpu_op(VCPUOP_initialise, 1, c) < 0, "a callback at 2^63");
    c = vcpu_context(second);
    c->trap_ctxt[14].address = 1UL << 63;
    expect(vcpu_op(VCPUOP_initialise, 1, c) < 0, "a handler at 2^63");
    expect_eq(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
}

/* Whether the counter goes on: a busy machine may need its time. */
static bool counts(void)
{
    unsigned seen = counter;
    uint64_t end = system_time() + 10000 * MS;

    while (counter == seen && system_time() < end)
        yield();
    return counter != seen;
}

/* Whether it comes to rest. */
static bool rests(void)
{
    uint64_t end = system_time() + 10000 * MS;
    unsigned seen;

    do {
        seen = counter;
        delay_ms(50);
    } while (counter != seen && system_time() < end);
    return counter == seen;
}

static void test_up_down(void)
{

    vcpu_start(1, second);
    expect_eq(vcpu_op(VCPUOP_is_up, 1, NULL), 1);
    expect_eq(vcpu_op(VCPUOP_initialise, 1, vcpu_context(second)), -EEXIST);
    expect_eq(vcpu_op(VCPUOP_up, 1, NULL), 0);
    orders = 1;
    expect(counts(), "the second vCPU does not run");
    delay_ms(50);
    expect_eq(vcpu_op(VCPUOP_down, 1, NULL), 0);
    expect_eq(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
    expect(rests(), "it runs though it is down");
    expect_eq(vcpu_op(VCPUOP_up, 1, NULL), 0);
    expect(counts(), "it does not go on");
}

static void test_ipi(void)
{
    struct evtchn_bind_ipi b = {.vcpu = 1};
    struct vcpu_info *v = &shared_info->vcpu_info[1];

    vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL);
    expect_eq(evtchn_op(EVTCHNOP_bind_ipi, &b), 0);
    trap_hook = on_event;
    evtchn_reset_pending();
    v->evtchn_upcall_pending = 0;
    v->evtchn_pending_sel = 0;
    v->evtchn_upcall_mask = 0;
    /* While it runs, then while it sleeps. */
    for (orders = 1; orders <= 2; orders++) {
        delay_ms(30);
        for (unsigned i = 0; i < 20; i++) {
            events_seen = 0;
            expect_eq(evtchn_send(b.port), 0);
            if (!wait_until(&events_seen, 1, 10000)) {
                failure("order %u: the event does not arrive", orders);
                break;
            }
        }
    }
}

/* Where its time goes: running, blocked. */
static void test_runstate(void)
{
    struct vcpu_runstate_info a, b;

    orders = 2;
    evtchn_reset_pending();
    delay_ms(20);
    expect_eq(vcpu_op(VCPUOP_get_runstate_info, 1, &a), 0);
    expect_eq(vcpu_op(VCPUOP_get_runstate_info, 0, &b), 0);
    expect_eq(b.state, RUNSTATE_running);
    expect(b.time[RUNSTATE_running] > 50 * MS, "vCPU 0 ran %lu ns",
           b.time[RUNSTATE_running]);
    expect(a.time[RUNSTATE_running] > 10 * MS, "vCPU 1 ran %lu ns",
           a.time[RUNSTATE_running]);
    expect(a.time[RUNSTATE_offline] > 10 * MS, "vCPU 1 was down %lu ns",
           a.time[RUNSTATE_offline]);
}

/* One vCPU's time against the other's. */
static void test_times(void)
{
    volatile struct vcpu_time_info *a = &shared_info->vcpu_info[0].time;
    volatile struct vcpu_time_info *b = &shared_info->vcpu_info[1].time;

    expect(a->tsc_to_system_mul && b->tsc_to_system_mul, "no time record");
    expect_eq(a->version & 1, 0);
    expect_eq(b->version & 1, 0);
}

void test_main(void)
{
    test_refused();
    test_up_down();
    test_ipi();
    test_runstate();
    test_times();
}
