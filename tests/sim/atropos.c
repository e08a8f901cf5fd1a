/* Atropos: what is promised is given, in time, and no more without xtratime. */
#include <stdio.h>

#include "machine.h"

#define HOUR SECONDS(3600)
#define WINDOW SECONDS(10)
#define RUN_MIN MICROSECS(20)
#define LIMIT 950000 /* millionths that may be promised */
#define MAX 16

static void set(struct machine *m, unsigned i, s_time_t period, s_time_t slice,
                s_time_t latency, bool xtratime)
{
    const int64_t value[XENO_SCHED_PARAMS] = {(int64_t)period, (int64_t)slice,
                                              (int64_t)latency, xtratime};

    REQUIRE(!atropos_scheduler.check_domain(value), "bad parameters");
    sim_set(m, i, value);
}

/* ---- shares ---- */

struct promise {
    s_time_t period, slice;
    bool xtratime;
};

/* Periods of 10 to 200 ms, until nothing is left to promise. */
static unsigned make_promises(struct machine *m, struct promise p[MAX])
{
    uint64_t left = LIMIT;
    unsigned n = 0;

    while (n < MAX && left > 1000) {
        uint64_t share = n == MAX - 1 ? left : 1000 + machine_random(m, left);

        share = min(share, left);
        p[n].period = MILLISECS(10 + machine_random(m, 191));
        p[n].slice = p[n].period / 1000000 * share;
        p[n].xtratime = machine_random(m, 2);
        left -= share;
        n++;
    }
    return n;
}

static void check_windows(struct machine *m, const struct promise *p,
                          unsigned n, unsigned windows)
{
    s_time_t before[MAX];

    while (windows--) {
        for (unsigned i = 0; i < n; i++)
            before[i] = m->vcpu[i].ran;
        sim_run(m, WINDOW);
        for (unsigned i = 0; i < n; i++) {
            s_time_t ran = m->vcpu[i].ran - before[i];
            s_time_t due = WINDOW / 1000 * p[i].slice / (p[i].period / 1000);

            REQUIRE(ran + WINDOW / 100 >= due, "%lu us, not %lu",
                    (unsigned long)ran / 1000, (unsigned long)due / 1000);
            REQUIRE(p[i].xtratime || ran <= due + WINDOW / 100,
                    "%lu us without extra time, not %lu",
                    (unsigned long)ran / 1000, (unsigned long)due / 1000);
        }
    }
}

static void promised_shares(void)
{
    struct promise p[MAX];
    uint64_t decisions = 0;

    for (unsigned round = 0; round < 60; round++) {
        struct machine *m = machine_new(&atropos_scheduler, 1, MAX);
        unsigned n;

        m->seed += round;
        m->may_idle = true;
        n = make_promises(m, p);
        for (unsigned i = 0; i < n; i++) {
            set(m, i, p[i].period, p[i].slice, p[i].period, p[i].xtratime);
            sim_start(m, i, 0, 0, 0);
        }
        check_windows(m, p, n, 20);
        decisions += m->cpu[0].decisions;
        machine_free(m);
    }
    remark("60 sets of promises, 200 s each, %lu decisions",
           (unsigned long)decisions);
}

/* Half a day: the promise of each period is kept in that period. */
static void every_period(void)
{
    struct machine *m = machine_new(&atropos_scheduler, 1, 12);
    s_time_t before;

    m->may_idle = true;
    for (unsigned i = 1; i < 12; i++) {
        set(m, i, MILLISECS(7 + 3 * i), MICROSECS(63 * (7 + 3 * i)),
            MILLISECS(2 + i), i & 1);
        sim_start(m, i, 0, MILLISECS(1 + i), i % 3 ? MILLISECS(5 * i) : 0);
    }
    set(m, 0, MILLISECS(20), MILLISECS(5), MILLISECS(20), false);
    sim_start(m, 0, 0, 0, 0);
    for (unsigned n = 0; n < 12 * HOUR / MILLISECS(20); n++) {
        before = m->vcpu[0].ran;
        sim_run(m, MILLISECS(20));
        before = m->vcpu[0].ran - before;
        REQUIRE(before + RUN_MIN >= MILLISECS(5) &&
                    before <= MILLISECS(5) + RUN_MIN,
                "period %u: %lu us", n, (unsigned long)before / 1000);
    }
    machine_free(m);
}

/* ---- thousands ---- */

#define CPUS SIM_CPUS
#define CROWD 3200

/* On each CPU: one with half of it, others with small promises or none. */
static struct machine *crowd_new(void)
{
    struct machine *m = machine_new(&atropos_scheduler, CPUS, CROWD);

    for (unsigned i = 0; i < CROWD; i++) {
        if (i < CPUS)
            set(m, i, MILLISECS(50), MILLISECS(25), MILLISECS(50), false);
        else if (i % 2)
            set(m, i, SECONDS(1), MILLISECS(1), MILLISECS(20), true);
        else
            set(m, i, SECONDS(1), 0, SECONDS(1), true);
        sim_start(m, i, i % CPUS, MILLISECS(1 + machine_random(m, 20)),
                  i < 3 * CPUS ? 0 : SECONDS(10 + machine_random(m, 100)));
    }
    return m;
}

static void thousands(void)
{
    struct machine *m = crowd_new();
    s_time_t longest = 0, total = 2 * HOUR;

    m->may_idle = true;
    for (s_time_t t = 0; t < total; t += SECONDS(2)) {
        unsigned i = CPUS + (unsigned)machine_random(m, CROWD - CPUS);

        /* Those without a promise may go anywhere. */
        if (i % 2 == 0)
            sim_move(m, &m->vcpu[i], (unsigned)machine_random(m, CPUS));
        sim_run(m, SECONDS(2));
    }
    for (unsigned i = 0; i < CPUS; i++) {
        double share = (double)m->vcpu[i].ran / (double)total;
        REQUIRE(share > 0.499 && share < 0.501, "%.3f %% instead of 50 %%",
                100 * share);
    }
    for (unsigned i = 0; i < CROWD; i++) {
        REQUIRE(m->vcpu[i].ran, "vCPU %u never ran", i);
        longest = max(longest, m->vcpu[i].max_wait);
    }
    /* Extra turns of 5 ms with half the CPU, among at most a CPU's crowd. */
    REQUIRE(longest <= SECONDS(3), "somebody waited for %lu ms",
            (unsigned long)longest / 1000000);
    remark("2 hours, longest wait %lu ms", (unsigned long)longest / 1000000);
    machine_free(m);
}

/* Served within its latency, though 19 others are promised the CPU. */
static void wake_latency(void)
{
    struct machine *m = machine_new(&atropos_scheduler, 1, 20);

    set(m, 0, MILLISECS(100), MILLISECS(10), MILLISECS(5), false);
    sim_start(m, 0, 0, MICROSECS(100), MILLISECS(300));
    for (unsigned i = 1; i < 20; i++) {
        set(m, i, MILLISECS(20 + i), MICROSECS(42 * (20 + i)),
            MILLISECS(20 + i), true);
        sim_start(m, i, 0, 0, 0);
    }
    sim_run(m, HOUR);
    REQUIRE(m->vcpu[0].wakes > 10000, "it woke %lu times",
            (unsigned long)m->vcpu[0].wakes);
    REQUIRE(m->vcpu[0].max_latency <= MILLISECS(5), "%lu us",
            (unsigned long)m->vcpu[0].max_latency / 1000);
    remark("at most %lu us of 5 ms", (unsigned long)m->vcpu[0].max_latency /
                                         1000);
    machine_free(m);
}

const struct scenario atropos_scenarios[] = {
    {"atropos: promised shares within 1 % of each 10 s", promised_shares},
    {"atropos: the slice in every period of half a day", every_period},
    {"atropos: 3200 vCPUs sleep, wake and move", thousands},
    {"atropos: a sleeper is served within its latency", wake_latency},
    {NULL, NULL},
};
