/*
 * Atropos among real domains: what is promised is given, xtratime=0 means no
 * more, and too much is not promised. Checklist row 92.
 *
 * qemu: -smp 2 -icount shift=4,sleep=off
 * options: sched=atropos dom0_max_vcpus=1
 * timeout: 120
 * log: Scheduler: Atropos (atropos)
 */
#include "sched.h"
const char test_title[] = "Atropos";

#define SPINNERS 3
#define RUN_MS 2000
#define CPU 1 /* where the children are; we are on the other one */

enum { PERIOD, SLICE, LATENCY, XTRATIME, PARAMS };

static struct child child[SPINNERS];

static long promise(unsigned i, int64_t period, int64_t slice, int64_t latency,
                    int64_t xtratime)
{
    const int64_t value[PARAMS] = {period, slice, latency, xtratime};

    return sched_set(child[i].id, PARAMS, value);
}

/* Ten thousandths of the CPU that a domain has in RUN_MS. */
static unsigned share(unsigned i)
{
    uint64_t from = system_time(), ran = cpu_time(child[i].id);

    sleep_ms(RUN_MS);
    ran = cpu_time(child[i].id) - ran;
    return (unsigned)(ran * 10000 / (system_time() - from));
}

static void expect_share(unsigned i, unsigned due)
{
    unsigned got = share(i);

    expect(got + 100 >= due && got <= due + 100,
           "%u ten thousandths instead of %u", got, due);
}

static void test_shares(void)
{
    for (unsigned i = 0; i < SPINNERS; i++) {
        spinner_new(&child[i], CPU);
        expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child[i].id), 0);
    }
    expect_eq(promise(0, 20 * MS, 5 * MS, 20 * MS, 0), 0);
    expect_share(0, 2500); /* beside two that take what is over */
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child[1].id), 0);
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child[2].id), 0);
    expect_share(0, 2500); /* nobody else wants the CPU */
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child[1].id), 0);
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child[2].id), 0);
    expect_eq(promise(1, 50 * MS, 30 * MS, 50 * MS, 0), 0);
    expect_share(1, 6000);
    expect_share(2, 1500); /* the rest */
}

/* 25 % and 60 % are promised; 95 % can be. */
static void test_admission(void)
{
    const int64_t wanted[PARAMS] = {100 * MS, 11 * MS, 100 * MS, 1};
    struct xeno_sched_values v, after;

    expect_eq(sched_get(child[2].id, &v), 0);
    after = v;
    memcpy(v.value, wanted, sizeof(wanted));
    expect_eq(sched_put(child[2].id, &v), -ENOSPC);
    expect_eq(v.cpu, CPU);
    expect_eq(v.wanted, 110000);
    expect_eq(v.taken, 850000);
    expect_eq(v.limit, 950000);
    expect_eq(sched_get(child[2].id, &v), 0);
    expect_eq(memcmp(v.value, after.value, sizeof(v.value)), 0);
    expect_eq(promise(2, 100 * MS, 10 * MS, 100 * MS, 1), 0);
    expect_eq(sched_get(child[2].id, &v), 0);
    expect_eq(v.taken, 100000);
    /* Domain 0 has 75 % of the other CPU, where 60 % are too much. */
    expect_eq(spinner_pin(&child[1], 1), -ENOSPC);
    expect_eq(spinner_pin(&child[2], 1), 0);
    /* What it had here is free again. */
    expect_eq(promise(0, 100 * MS, 35 * MS, 100 * MS, 1), 0);
    expect_eq(spinner_pin(&child[2], 2), -ENOSPC);
    expect_eq(spinner_pin(&child[2], 3), 0);
}

static void test_refused(void)
{
    expect_eq(promise(0, 0, 0, 0, 1), -EINVAL);
    expect_eq(promise(0, -1, -1, -1, 1), -EINVAL);
    expect_eq(promise(0, 10 * MS, 11 * MS, 10 * MS, 1), -EINVAL);
    expect_eq(promise(0, 10 * MS, 5 * MS, 0, 1), -EINVAL);
    expect_eq(promise(0, 10 * MS, 5 * MS, 11 * MS, 1), -EINVAL);
    expect_eq(promise(0, 10 * MS, 5 * MS, 10 * MS, 2), -EINVAL);
    expect_eq(promise(0, 10 * MS, 0, 10 * MS, 0), -EINVAL);
    expect_eq(promise(0, 0x7fffffffffffffff, 5 * MS, 10 * MS, 1), -EINVAL);
}

/* Even all that can be promised leaves domain 0 alive on that CPU. */
static void test_not_locked_out(void)
{
    uint64_t end;

    child_destroy(&child[1]);
    child_destroy(&child[2]);
    expect_eq(sched_set(0, PARAMS,
                        (const int64_t[]){10 * MS, 0, 10 * MS, 1}),
              0);
    expect_eq(spinner_pin(&child[0], 1), 0);
    expect_eq(promise(0, 10 * MS, 9500000, 10 * MS, 1), 0);
    end = system_time() + 200 * MS;
    while (system_time() < end)
        yield();
    expect_eq(sched_set(0, PARAMS,
                        (const int64_t[]){20 * MS, 15 * MS, 5 * MS, 1}),
              -ENOSPC);
    child_destroy(&child[0]);
}

void test_main(void)
{
    test_shares();
    test_admission();
    test_refused();
    test_not_locked_out();
}
