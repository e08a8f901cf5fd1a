/* Borrowed virtual time: shares, latency, nobody starves, nothing drifts. */
#include <stdio.h>
#include <string.h>

#include "machine.h"

#define MCU MICROSECS(100)
#define HOUR SECONDS(3600)
#define DAY (24 * HOUR)
#define WINDOW SECONDS(10)
#define MAX 32

typedef __int128 wide;

static s_time_t distance(s_time_t a, s_time_t b)
{
    return a > b ? a - b : b - a;
}

static s_time_t ctx_allow(s_time_t ns)
{
    s_time_t before = (s_time_t)bvt_scheduler.globals[0];

    bvt_scheduler.globals[0] = (int64_t)ns;
    return before;
}

static void set(struct machine *m, unsigned i, unsigned mcuadv, s_time_t warp)
{
    const int64_t value[XENO_SCHED_PARAMS] = {mcuadv, warp != 0, (int64_t)warp,
                                              0, 0};

    sim_set(m, i, value);
}

/* ---- shares ---- */

struct hogs {
    struct machine *m;
    unsigned n, mcuadv[MAX];
    s_time_t before[MAX];
};

static struct hogs hogs_new(unsigned n)
{
    struct hogs h = {.m = machine_new(&bvt_scheduler, 1, n), .n = n};

    for (unsigned i = 0; i < n; i++) {
        h.mcuadv[i] = 10 + (unsigned)machine_random(h.m, 91);
        set(h.m, i, h.mcuadv[i], 0);
        sim_start(h.m, i, 0, 0, 0);
    }
    return h;
}

/* One window, in which each has its share to within 1 % of the CPU. */
static void check_window(struct hogs *h)
{
    double weights = 0;

    for (unsigned i = 0; i < h->n; i++) {
        h->before[i] = h->m->vcpu[i].ran;
        weights += 1.0 / h->mcuadv[i];
    }
    sim_run(h->m, WINDOW);
    for (unsigned i = 0; i < h->n; i++) {
        double due = WINDOW / weights / h->mcuadv[i];
        s_time_t ran = h->m->vcpu[i].ran - h->before[i];

        REQUIRE(distance(ran, (s_time_t)due) <= WINDOW / 100,
                "mcuadv %u: %.3f %% instead of %.3f %%", h->mcuadv[i],
                100.0 * ran / WINDOW, 100 * due / WINDOW);
    }
}

/*
 * Whoever runs, stops when it is ctx_allow (in whole MCUs) ahead of another: so
 * two are never further apart, however long it goes.
 */
static void check_lead(const struct hogs *h, s_time_t allow)
{
    for (unsigned i = 1; i < h->n; i++) {
        wide a = (wide)h->m->vcpu[0].ran * h->mcuadv[0];
        wide b = (wide)h->m->vcpu[i].ran * h->mcuadv[i];
        wide lead = a > b ? a - b : b - a;

        REQUIRE(lead <= (wide)(allow + MCU) * max(h->mcuadv[0], h->mcuadv[i]),
                "vCPUs 0 and %u have drifted apart", i);
    }
}

static void shares_for_days(void)
{
    struct hogs h = hogs_new(12);

    for (unsigned n = 0; n < DAY / WINDOW; n++)
        check_window(&h);
    check_lead(&h, MILLISECS(5));
    remark("a day, %lu decisions", (unsigned long)h.m->cpu[0].decisions);
    machine_free(h.m);
}

static void shares_with_changing_weights(void)
{
    struct hogs h = hogs_new(10);

    for (unsigned n = 0; n < HOUR / WINDOW; n++) {
        unsigned i = (unsigned)machine_random(h.m, h.n);

        h.mcuadv[i] = 10 + (unsigned)machine_random(h.m, 91);
        set(h.m, i, h.mcuadv[i], 0);
        check_window(&h);
    }
    machine_free(h.m);
}

/* ---- thousands ---- */

#define CPUS SIM_CPUS
#define CROWD 4000
#define ALLOW MILLISECS(100)

/* The first two on each CPU always want it and are left alone. */
static bool left_alone(unsigned i)
{
    return i < 2 * CPUS;
}

static unsigned crowd_weight(struct machine *m)
{
    return 10 + 10 * (unsigned)machine_random(m, 4);
}

static struct machine *crowd_new(void)
{
    struct machine *m = machine_new(&bvt_scheduler, CPUS, CROWD);

    for (unsigned i = 0; i < CROWD; i++) {
        bool hog = left_alone(i) || i % 100 == 0;

        set(m, i, crowd_weight(m), i % 7 == 3 ? MILLISECS(50) : 0);
        if (left_alone(i))
            set(m, i, 20, 0);
        sim_start(m, i, i % CPUS, MILLISECS(1 + machine_random(m, 50)),
                  hog ? 0 : SECONDS(1 + machine_random(m, 100)));
    }
    return m;
}

static void disturb(struct machine *m)
{
    unsigned i = 2 * CPUS + (unsigned)machine_random(m, CROWD - 2 * CPUS);

    if (machine_random(m, 2))
        sim_move(m, &m->vcpu[i], (unsigned)machine_random(m, CPUS));
    else
        set(m, i, crowd_weight(m), 0);
}

static s_time_t longest_wait(const struct machine *m)
{
    s_time_t longest = 0;

    for (unsigned i = 0; i < m->vcpus; i++) {
        const struct sim_vcpu *w = &m->vcpu[i];
        s_time_t waits = w->ready_since == FOREVER ? 0 : m->t - w->ready_since;

        waits = max(waits, w->max_wait);
        longest = max(longest, waits);
    }
    return longest;
}

/* Neighbours of equal weight have had the same, whatever went on around. */
static void check_pairs(const struct machine *m)
{
    for (unsigned i = 0; i < CPUS; i++)
        REQUIRE(distance(m->vcpu[i].ran, m->vcpu[i + CPUS].ran) <= ALLOW + MCU,
                "two of one weight on CPU %u differ by %lu us", i,
                (unsigned long)distance(m->vcpu[i].ran,
                                        m->vcpu[i + CPUS].ran) / 1000);
}

static void thousands(void)
{
    s_time_t before = ctx_allow(ALLOW);
    struct machine *m = crowd_new();
    unsigned most = 0;

    for (unsigned n = 0; n < DAY / SECONDS(20); n++) {
        disturb(m);
        sim_run(m, SECONDS(20));
        for (unsigned i = 0; i < CPUS; i++)
            most = max(most, m->cpu[i].awake);
        if (n % 1000 == 0)
            check_pairs(m);
    }
    check_pairs(m);
    for (unsigned i = 0; i < CPUS; i++)
        REQUIRE(m->cpu[i].busy >= DAY - SECONDS(1), "CPU %u was idle", i);
    for (unsigned i = 0; i < CROWD; i++)
        REQUIRE(m->vcpu[i].ran, "vCPU %u never ran", i);
    /* Each of the others may have to catch up by four times its turn. */
    REQUIRE(longest_wait(m) <= 5 * (ALLOW + MCU) * (most + 50),
            "somebody waited for %lu ms",
            (unsigned long)(longest_wait(m) / 1000000));
    remark("a day, up to %u awake on a CPU, longest wait %lu ms", most,
           (unsigned long)(longest_wait(m) / 1000000));
    machine_free(m);
    (void)ctx_allow(before);
}

/* ---- latency ---- */

static FILE *latencies;

static void note_latency(const struct sim_vcpu *w, s_time_t waited)
{
    if (latencies && w->sleep)
        fprintf(latencies, "%u %.3f\n", w->v.vcpu_id, (double)waited / 1e6);
}

/* 20 that always want to run; vCPUs 0 (warped) and 1 need 0.5 ms of 10, of 30.
 */
static struct machine *latency_machine(s_time_t warp)
{
    struct machine *m = machine_new(&bvt_scheduler, 1, 22);

    set(m, 0, 10, warp);
    for (unsigned i = 0; i < 22; i++)
        sim_start(m, i, 0, MICROSECS(500),
                  !i ? MILLISECS(10) : i == 1 ? MILLISECS(30) : 0);
    return m;
}

/*
 * A warped one is served at once. The other one has its share all the same, but
 * may wait for a turn of each that is not ahead of it.
 */
static void warped_latency(void)
{
    struct machine *m = latency_machine(SECONDS(10));
    double share;

    if (plot_dir) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/latency.dat", plot_dir);
        latencies = fopen(path, "w");
        m->latency = note_latency;
    }
    sim_run(m, SECONDS(100));
    REQUIRE(m->vcpu[0].max_latency == 0, "the warped one waited for %lu us",
            (unsigned long)m->vcpu[0].max_latency / 1000);
    share = (double)m->vcpu[1].ran / SECONDS(100);
    REQUIRE(share > 0.015, "the other one has %.2f %%", 100 * share);
    remark("not warped, below its share: at most %lu us",
           (unsigned long)m->vcpu[1].max_latency / 1000);
    REQUIRE(m->vcpu[1].max_latency <= 20 * (MILLISECS(5) + MCU),
            "that is more than a turn of each");
    if (latencies)
        fclose(latencies);
    latencies = NULL;
    machine_free(m);
}

/* Among n warped ones it waits for the bursts of the others. */
static void latency_class(void)
{
    struct machine *m = machine_new(&bvt_scheduler, 1, 30);

    for (unsigned i = 0; i < 30; i++) {
        set(m, i, 10, i < 10 ? SECONDS(10) : 0);
        sim_start(m, i, 0, MICROSECS(500), i < 10 ? MILLISECS(20) : 0);
    }
    sim_run(m, SECONDS(200));
    for (unsigned i = 0; i < 10; i++)
        REQUIRE(m->vcpu[i].max_latency <= 9 * MICROSECS(750),
                "%lu us among 10 of a latency class",
                (unsigned long)m->vcpu[i].max_latency / 1000);
    machine_free(m);
}

/* ---- the plot of shares ---- */

static void plot_shares(void)
{
    struct machine *m = machine_new(&bvt_scheduler, 1, 3);
    static const unsigned mcuadv[] = {40, 20, 10};
    s_time_t before[3] = {0};
    char path[4096];
    FILE *f;

    if (!plot_dir)
        return machine_free(m);
    snprintf(path, sizeof(path), "%s/shares.dat", plot_dir);
    f = fopen(path, "w");
    REQUIRE(f, "cannot write %s", path);
    for (unsigned i = 0; i < 3; i++) {
        set(m, i, mcuadv[i], 0);
        sim_start(m, i, 0, 0, 0);
    }
    for (unsigned tenth = 0; tenth < 300; tenth++) {
        if (tenth == 100)
            sim_sleep(m, &m->vcpu[2]);
        if (tenth == 150)
            sim_wake(m, &m->vcpu[2]);
        if (tenth == 200)
            set(m, 0, 10, 0);
        sim_run(m, MILLISECS(100));
        fprintf(f, "%.1f", tenth / 10.0);
        for (unsigned i = 0; i < 3; i++) {
            fprintf(f, " %.4f", (double)(m->vcpu[i].ran - before[i]) / 1e8);
            before[i] = m->vcpu[i].ran;
        }
        fputc('\n', f);
    }
    fclose(f);
    machine_free(m);
}

const struct scenario bvt_scenarios[] = {
    {"bvt: shares within 1 % of each 10 s, no drift in a day",
     shares_for_days},
    {"bvt: the same while weights change", shares_with_changing_weights},
    {"bvt: 4000 vCPUs sleep, wake, move, change for a day", thousands},
    {"bvt: a warped vCPU wakes at once beside 20 busy ones", warped_latency},
    {"bvt: ten of a latency class wait for each other only", latency_class},
    {"bvt: data for the plot of shares", plot_shares},
    {NULL, NULL},
};
