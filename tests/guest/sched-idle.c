/*
 * An idle CPU is left alone: no interrupt comes while nobody waits for one, and
 * nearly all of the time is booked as idle. Neither does a vCPU that has its
 * CPU for itself.
 *
 * qemu: -smp 2 -icount shift=3,sleep=off
 * options: dom0_max_vcpus=1
 */
#include "sched.h"
const char test_title[] = "no ticks for nobody";

#define CPU 1 /* ours is the other one */
#define WATCH_MS 1000

static struct child child;

static uint64_t idle_ns(void)
{
    xen_sysctl_cpuinfo_t info[CPU + 1];
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.u.getcpuinfo.max_cpus = CPU + 1;
    set_xen_guest_handle(op.u.getcpuinfo.info, info);
    expect_eq(sysctl(XEN_SYSCTL_getcpuinfo, &op), 0);
    expect_eq(op.u.getcpuinfo.nr_cpus, CPU + 1);
    return info[CPU].idletime;
}

/* What the debug key for run queues has put at the end of the log. */
static const char *run_queues(void)
{
    static char log[16384];
    char key = 'r';
    struct xen_sysctl op;

    memset(&op, 0, sizeof(op));
    op.u.debug_keys.nr_keys = 1;
    set_xen_guest_handle(op.u.debug_keys.keys, &key);
    expect_eq(sysctl(XEN_SYSCTL_debug_keys, &op), 0);
    memset(&op, 0, sizeof(op));
    op.u.readconsole.clear = 1;
    op.u.readconsole.count = sizeof(log) - 1;
    set_xen_guest_handle(op.u.readconsole.buffer, log);
    expect_eq(sysctl(XEN_SYSCTL_readconsole, &op), 0);
    log[op.u.readconsole.count] = '\0';
    return log;
}

/* "CPU 1: ..., 17 interrupts, ..." */
static unsigned interrupts(void)
{
    const char *line = strstr(run_queues(), "CPU 1: ");
    const char *end = line ? strstr(line, " interrupts") : NULL;
    unsigned n = 0;

    if (!end)
        error("the run queues tell no interrupts");
    while (end[-1] >= '0' && end[-1] <= '9')
        end--;
    for (; *end >= '0' && *end <= '9'; end++)
        n = n * 10 + (unsigned)(*end - '0');
    return n;
}

/* Of the CPU while we sleep: interrupts, and idle ms. */
static unsigned watch(uint64_t *idle)
{
    unsigned before = interrupts();

    *idle = idle_ns();
    sleep_ms(WATCH_MS);
    *idle = (idle_ns() - *idle) / MS;
    return interrupts() - before;
}

void test_main(void)
{
    uint64_t idle;
    unsigned n;

    run_queues(); /* the start-up messages are out of the way */
    n = watch(&idle);
    print("idle: %u interrupts, %lu ms idle", n, idle);
    expect(n <= 4, "an idle CPU took %u interrupts", n);
    expect(idle >= WATCH_MS - 2, "idle for %lu ms", idle);
    spinner_new(&child, CPU);
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child.id), 0);
    while (idle_ns() != idle_ns())
        yield();
    /* Its vCPU's ticker of 10 ms is all that there is. */
    n = watch(&idle);
    print("busy: %u interrupts, %lu ms idle", n, idle);
    expect(n <= WATCH_MS / 10 + 4, "a CPU with one vCPU took %u", n);
    expect(idle == 0, "busy, and idle for %lu ms", idle);
    child_destroy(&child);
}
