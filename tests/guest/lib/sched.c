/* Schedulers: see sched.h. */
#include "sched.h"

static void set_handle(void *where, const void *what)
{
    uint64_t address = (unsigned long)what;

    memcpy(where, &address, sizeof(address));
}

const struct xeno_sched_info *sched_info(void)
{
    static struct xeno_sched_info info;
    struct xen_sysctl op;
    long ret;

    if (info.version)
        return &info;
    memset(&op, 0, sizeof(op));
    info.version = XENO_SCHED_VERSION;
    op.u.scheduler_op.cmd = XENO_SCHEDOP_describe;
    set_handle(&op.u.scheduler_op.u, &info);
    ret = sysctl(XEN_SYSCTL_scheduler_op, &op);
    if (ret)
        error("the scheduler is not described: %ld", ret);
    return &info;
}

static long values(unsigned id, unsigned cmd, struct xeno_sched_values *v)
{
    struct xen_sysctl s;
    struct xen_domctl d;

    v->version = XENO_SCHED_VERSION;
    if (id == SCHED_MACHINE) {
        memset(&s, 0, sizeof(s));
        s.u.scheduler_op.sched_id = (uint32_t)sched_info()->sched_id;
        s.u.scheduler_op.cmd = cmd;
        set_handle(&s.u.scheduler_op.u, v);
        return sysctl(XEN_SYSCTL_scheduler_op, &s);
    }
    memset(&d, 0, sizeof(d));
    d.u.scheduler_op.sched_id = (uint32_t)sched_info()->sched_id;
    d.u.scheduler_op.cmd = cmd;
    set_handle(&d.u.scheduler_op.u, v);
    return domctl(XEN_DOMCTL_scheduler_op, id, &d);
}

long sched_get(unsigned id, struct xeno_sched_values *v)
{
    return values(id, XENO_SCHEDOP_get, v);
}

long sched_put(unsigned id, struct xeno_sched_values *v)
{
    return values(id, XENO_SCHEDOP_put, v);
}

long sched_set(unsigned id, unsigned count, const int64_t *value)
{
    struct xeno_sched_values v;
    long ret = sched_get(id, &v);

    if (ret)
        return ret;
    memcpy(v.value, value, count * sizeof(*value));
    return sched_put(id, &v);
}

static void spin(void)
{
    for (;;)
        __asm__ volatile("");
}

void spinner_new(struct child *c, unsigned cpu)
{
    child_new(c);
    child_populate(c);
    child_tables(c);
    child_context(c, spin);
    expect_eq(spinner_pin(c, 1UL << cpu), 0);
}

long spinner_pin(const struct child *c, uint64_t cpus)
{
    struct xen_domctl op;

    memset(&op, 0, sizeof(op));
    op.u.vcpuaffinity.flags = XEN_VCPUAFFINITY_HARD;
    set_xen_guest_handle(op.u.vcpuaffinity.cpumap_hard.bitmap,
                         (uint8_t *)&cpus);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 64;
    return domctl(XEN_DOMCTL_setvcpuaffinity, c->id, &op);
}

uint64_t cpu_time(unsigned id)
{
    return domain_state(id).cpu_time;
}

void sleep_ms(unsigned ms)
{
    uint64_t end = system_time() + ms * MS;
    struct sched_poll p = {.timeout = end};

    while (system_time() < end)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}
