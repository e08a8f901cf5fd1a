/*
 * Borrowed virtual time among real domains: shares by weight, a warped one
 * wakes before others, and parameters that are refused. Checklist row 91.
 *
 * qemu: -icount shift=4,sleep=off
 * options: sched=bvt dom0_max_vcpus=1
 * timeout: 120
 * log: Scheduler: Borrowed virtual time (bvt)
 */
#include "sched.h"
const char test_title[] = "borrowed virtual time";

#define SPINNERS 3
#define RUN_MS 2000

enum { MCUADV, WARPBACK, WARP, WARPL, WARPU, PARAMS };

static struct child child[SPINNERS];
static const int64_t start[PARAMS] = {10, 0, 0, 2000 * MS, 1000 * MS};

/* What each of them has in RUN_MS, in ten thousandths of all. */
static void shares(unsigned share[SPINNERS])
{
    uint64_t before[SPINNERS], ran[SPINNERS], all = 0;

    for (unsigned i = 0; i < SPINNERS; i++)
        before[i] = cpu_time(child[i].id);
    sleep_ms(RUN_MS);
    for (unsigned i = 0; i < SPINNERS; i++) {
        ran[i] = cpu_time(child[i].id) - before[i];
        all += ran[i];
    }
    for (unsigned i = 0; i < SPINNERS; i++)
        share[i] = (unsigned)(ran[i] * 10000 / all);
}

/* Within 1 % of what is due. */
static void expect_shares(unsigned a, unsigned b, unsigned c)
{
    const unsigned due[SPINNERS] = {a, b, c};
    unsigned share[SPINNERS];

    shares(share);
    for (unsigned i = 0; i < SPINNERS; i++)
        expect(share[i] + 100 >= due[i] && share[i] <= due[i] + 100,
               "%u ten thousandths instead of %u", share[i], due[i]);
}

static void weigh(unsigned i, int64_t mcuadv)
{
    expect_eq(sched_set(child[i].id, 1, &mcuadv), 0);
}

static void test_shares(void)
{
    for (unsigned i = 0; i < SPINNERS; i++) {
        spinner_new(&child[i], 0);
        expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child[i].id), 0);
    }
    expect_shares(3333, 3333, 3333);
    weigh(0, 30);
    weigh(2, 30);
    expect_shares(2000, 6000, 2000); /* 1 : 3 : 1 */
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child[2].id), 0);
    expect_shares(2500, 7500, 0);
    /* It is owed nothing for the time when it was paused. */
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child[2].id), 0);
    expect_shares(2000, 6000, 2000);
}

/* The spinners have the CPU but for us: how late we wake, at the worst. */
static uint64_t worst_latency(void)
{
    uint64_t worst = 0;

    for (unsigned i = 0; i < 100; i++) {
        uint64_t end = system_time() + 7 * MS, late;
        struct sched_poll p = {.timeout = end};

        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
        late = system_time() - end;
        if (late > worst)
            worst = late;
    }
    return worst;
}

static void test_warp(void)
{
    const int64_t warped[PARAMS] = {10, 1, 100 * MS, 0, 0};
    uint64_t worst;

    expect_eq(sched_set(0, PARAMS, warped), 0);
    worst = worst_latency();
    expect(worst < MS / 2, "a warped domain waits for %lu us", worst / 1000);
    expect_eq(sched_set(0, PARAMS, start), 0);
}

static void test_values(void)
{
    const struct xeno_sched_info *info = sched_info();
    struct xeno_sched_values v;

    expect_eq(strcmp(info->opt_name, "bvt"), 0);
    expect_eq(info->nr_domain, PARAMS);
    expect_eq(strcmp(info->domain[MCUADV].name, "mcuadv"), 0);
    expect_eq(sched_get(0, &v), 0);
    expect_eq(v.count, PARAMS);
    for (unsigned i = 0; i < PARAMS; i++)
        expect_eq(v.value[i], start[i]);
    expect_eq(sched_get(SCHED_MACHINE, &v), 0);
    expect_eq(v.count, info->nr_global);
    expect_eq(v.value[0], 5 * MS);  /* ctx_allow */
    expect_eq(v.value[1], MS / 10); /* mcu */
    v.value[0] = 10 * MS;
    expect_eq(sched_put(SCHED_MACHINE, &v), 0);
    v.value[0] = 0;
    expect_eq(sched_get(SCHED_MACHINE, &v), 0);
    expect_eq(v.value[0], 10 * MS);
    v.value[0] = 5 * MS;
    expect_eq(sched_put(SCHED_MACHINE, &v), 0);
}

static void refuse(unsigned id, unsigned which, int64_t value)
{
    struct xeno_sched_values v, after;

    expect_eq(sched_get(id, &v), 0);
    v.value[which] = value;
    expect_eq(sched_put(id, &v), -EINVAL);
    expect_eq(sched_get(id, &after), 0);
    expect(after.value[which] != value, "it was taken all the same");
}

static void test_refused(void)
{
    static const int64_t bad[] = {-1, -0x7fffffffffffffff - 1,
                                  0x7fffffffffffffff};
    struct xeno_sched_values v;
    struct xen_domctl op;

    for (unsigned p = 0; p < PARAMS; p++)
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
            refuse(child[0].id, p, bad[i]);
    refuse(child[0].id, MCUADV, 0);
    refuse(child[0].id, WARPBACK, 2);
    refuse(SCHED_MACHINE, 0, 0);
    refuse(SCHED_MACHINE, 1, 5 * MS + 1); /* mcu above ctx_allow */
    expect_eq(sched_get(99, &v), -ESRCH);
    expect_eq(sched_get(0, &v), 0);
    v.count--;
    expect_eq(sched_put(0, &v), -EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.scheduler_op.sched_id = (uint32_t)sched_info()->sched_id;
    op.u.scheduler_op.cmd = XENO_SCHEDOP_get;
    set_xen_guest_handle(op.u.scheduler_op.u.v.vcpus, (void *)&v);
    v.version = 99;
    expect_eq(domctl(XEN_DOMCTL_scheduler_op, 0, &op), -EACCES);
    set_xen_guest_handle(op.u.scheduler_op.u.v.vcpus, (void *)0x10);
    expect_eq(domctl(XEN_DOMCTL_scheduler_op, 0, &op), -EFAULT);
    v.version = XENO_SCHED_VERSION;
    set_xen_guest_handle(op.u.scheduler_op.u.v.vcpus, (void *)&v);
    op.u.scheduler_op.sched_id = 2; /* that is another one */
    expect_eq(domctl(XEN_DOMCTL_scheduler_op, 0, &op), -EINVAL);
    op.u.scheduler_op.sched_id = 0x7fffffff;
    expect_eq(domctl(XEN_DOMCTL_scheduler_op, 0, &op), -EINVAL);
    op.u.scheduler_op.sched_id = (uint32_t)sched_info()->sched_id;
    op.u.scheduler_op.cmd = 0x7777;
    expect_eq(domctl(XEN_DOMCTL_scheduler_op, 0, &op), -EINVAL);
    expect_eq(spinner_pin(&child[0], 2), -EINVAL); /* no such CPU */
    expect_eq(spinner_pin(&child[0], 0), -EINVAL);
}

void test_main(void)
{
    test_values();
    test_shares();
    test_warp();
    test_refused();
    for (unsigned i = 0; i < SPINNERS; i++)
        child_destroy(&child[i]);
}
