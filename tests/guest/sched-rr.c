/*
 * Round robin among real domains: equal shares, and the turn's length can be
 * changed. Checklist row 93.
 *
 * qemu: -icount shift=4,sleep=off
 * options: sched=rr dom0_max_vcpus=1
 * timeout: 120
 * log: Scheduler: Round robin (rr)
 */
#include "sched.h"
const char test_title[] = "round robin";

#define SPINNERS 3
#define RUN_MS 2000

static struct child child[SPINNERS];

static void test_shares(void)
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
        expect(ran[i] * 100 >= all * 32 && ran[i] * 100 <= all * 35,
               "%lu of %lu ms", ran[i] / MS, all / MS);
}

static long set_slice(int64_t ns)
{
    return sched_set(SCHED_MACHINE, 1, &ns);
}

/* How long three others keep us from the CPU when we give it up. */
static uint64_t round_ms(void)
{
    uint64_t best = ~0UL;

    for (unsigned i = 0; i < 8; i++) {
        uint64_t from = system_time(), ms;

        yield();
        ms = (system_time() - from) / MS;
        if (ms < best)
            best = ms;
    }
    return best;
}

static void test_slice(void)
{
    uint64_t ms;

    expect_eq(set_slice(30 * MS), 0);
    ms = round_ms();
    expect(ms >= 88, "a round of 3 turns of 30 ms took %lu ms", ms);
    expect_eq(set_slice(1 * MS), 0);
    ms = round_ms();
    expect(ms < 60, "a round of 3 turns of 1 ms took %lu ms", ms);
    expect_eq(set_slice(0), -EINVAL);
    expect_eq(set_slice(-1), -EINVAL);
    expect_eq(set_slice(0x7fffffffffffffff), -EINVAL);
    expect_eq(set_slice(10 * MS), 0);
}

void test_main(void)
{
    struct xeno_sched_values v;

    expect_eq(strcmp(sched_info()->opt_name, "rr"), 0);
    expect_eq(sched_info()->nr_domain, 0);
    expect_eq(sched_get(0, &v), 0);
    expect_eq(v.count, 0);
    expect_eq(sched_put(0, &v), -EINVAL);
    for (unsigned i = 0; i < SPINNERS; i++) {
        spinner_new(&child[i], 0);
        expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child[i].id), 0);
    }
    test_shares();
    test_slice();
    for (unsigned i = 0; i < SPINNERS; i++)
        child_destroy(&child[i]);
}
