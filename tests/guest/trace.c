/*
 * Trace buffers: what was asked for is there, in order, and nothing else; a
 * full buffer loses what comes, and says how much; bad calls change nothing.
 *
 * The machine counts instructions, so a busy host does not matter.
 *
 * qemu: -smp 2 -icount shift=3,sleep=off
 */
#include "guest.h"
#include <xeno/xeno.h>
const char test_title[] = "trace buffers";

#define RECORDS 64
#define ALL ((2u << XENO_TRACE_hypercall_end) - 1)
#define CALLS                                                                  \
    (1u << XENO_TRACE_hypercall | 1u << XENO_TRACE_hypercall_end)

static struct xeno_trace_record record[2 * RECORDS];

static long trace_op(unsigned cmd, struct xeno_trace_op *op)
{
    op->version = XENO_TRACE_VERSION;
    op->cmd = cmd;
    return hypercall1(__HYPERVISOR_xeno_trace_op, op);
}

static long start(unsigned events, unsigned records)
{
    struct xeno_trace_op op = {.events = events, .records = records};

    return trace_op(XENO_TRACE_start, &op);
}

static long stop(void)
{
    struct xeno_trace_op op = {0};

    return trace_op(XENO_TRACE_stop, &op);
}

static unsigned take(unsigned most, unsigned *lost)
{
    struct xeno_trace_op op = {.records = most, .buffer = HC(record)};

    expect_eq(trace_op(XENO_TRACE_read, &op), 0);
    if (lost)
        *lost = op.lost;
    return op.records;
}

static void test_refused(void)
{
    struct xeno_trace_op op = {.version = XENO_TRACE_VERSION + 1,
                               .cmd = XENO_TRACE_stop};

    expect_eq(hypercall1(__HYPERVISOR_xeno_trace_op, &op), -EACCES);
    expect_eq(hypercall1(__HYPERVISOR_xeno_trace_op, 0x10), -EFAULT);
    expect_eq(trace_op(0, &op), -ENOSYS);
    expect_eq(trace_op(4, &op), -ENOSYS);
    expect_eq(start(ALL, 0), -EINVAL);
    expect_eq(start(ALL, RECORDS / 2), -EINVAL);
    expect_eq(start(ALL, RECORDS + 1), -EINVAL);
    expect_eq(start(ALL, 1u << 31), -EINVAL);
    expect_eq(start(0, RECORDS), -EINVAL);
    expect_eq(start(ALL + 1, RECORDS), -EINVAL);
    expect_eq(trace_op(XENO_TRACE_read, &op), -ENXIO);
    expect_eq(stop(), 0);

    expect_eq(start(CALLS, RECORDS), 0);
    expect_eq(start(CALLS, RECORDS), -EBUSY);
    op.cpu = 2;
    expect_eq(trace_op(XENO_TRACE_read, &op), -EINVAL);
    op.cpu = ~0u;
    expect_eq(trace_op(XENO_TRACE_read, &op), -EINVAL);
    op.cpu = 0;
    hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    op.records = 1;
    op.buffer = 0x10;
    expect_eq(trace_op(XENO_TRACE_read, &op), -EFAULT);
    expect(take(1, NULL) == 1, "what could not be copied is lost");
    expect_eq(stop(), 0);
}

/* Two calls between start and read: each with its end. */
static void test_hypercalls(void)
{
    unsigned n, found = 0;

    expect_eq(start(CALLS, RECORDS), 0);
    hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    hypercall2(__HYPERVISOR_xen_version, 99, 0);
    n = take(RECORDS, NULL);
    expect_eq(stop(), 0);
    for (unsigned i = 0; i < n; i++) {
        const struct xeno_trace_record *r = record + i;

        expect(!i || r->time >= r[-1].time, "record %u is out of order", i);
        expect_eq(r->vcpu, 0);
        if (r->a != __HYPERVISOR_xen_version)
            continue;
        if (found == 0 || found == 2)
            expect_eq(r->event, XENO_TRACE_hypercall);
        else
            expect_eq(r->event, XENO_TRACE_hypercall_end);
        if (found == 2)
            expect_eq(r->b, 99);
        if (found == 3)
            expect_eq(r->b, -ENOSYS);
        found++;
    }
    expect_eq(found, 4);
}

static void test_full(void)
{
    unsigned lost;

    expect_eq(start(CALLS, RECORDS), 0);
    for (unsigned i = 0; i < 100; i++)
        hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    expect_eq(take(2 * RECORDS, &lost), RECORDS);
    expect(lost >= 200 - RECORDS && lost < 400, "%u lost", lost);
    expect_eq(take(0, &lost), 0);
    hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    expect(take(RECORDS, &lost) >= 2, "it stays full");
    expect_eq(stop(), 0);
}

static unsigned seen[XENO_TRACE_hypercall_end + 1];

/* One round: whether port `far` is among the events. */
static bool event_and_block(unsigned port, unsigned far, unsigned ms)
{
    bool on = false;
    unsigned n;

    memset(seen, 0, sizeof(seen));
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    expect_eq(start(ALL & ~CALLS, RECORDS), 0);
    expect_eq(evtchn_send(port), 0);
    evtchn_reset_pending();
    hypercall1(__HYPERVISOR_set_timer_op, system_time() + ms * MS);
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
    n = take(RECORDS, NULL);
    expect_eq(stop(), 0);
    for (unsigned i = 0; i < n; i++) {
        if (record[i].event > XENO_TRACE_hypercall_end)
            failure("event %u", record[i].event);
        else
            seen[record[i].event]++;
        if (record[i].event == XENO_TRACE_event && record[i].a == far)
            on = true;
    }
    return on;
}

/*
 * A channel's event and the wake by a timer; the switch to idle and back. On a
 * slow machine the timer may be due before the block: then it sets a later one.
 */
static void test_others(void)
{
    unsigned port, far, ms = 20;

    evtchn_pair(&port, &far);
    evtchn_reset_pending();
    bind_virq(VIRQ_TIMER);
    do {
        expect(event_and_block(port, far, ms), "no event of port %u", far);
        ms *= 2;
    } while (!seen[XENO_TRACE_wake] && ms < 3000);
    expect(seen[XENO_TRACE_switch] >= 2, "%u switches",
           seen[XENO_TRACE_switch]);
    expect(seen[XENO_TRACE_wake] >= 1, "no wake");
    expect_eq(seen[XENO_TRACE_hypercall], 0);
}

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    evtchn_reset_pending();
    return true;
}

void test_main(void)
{
    if (!on_xeno())
        skip("a call of Xeno's own");
    trap_hook = on_event;
    test_refused();
    test_hypercalls();
    test_full();
    test_others();
}
