/*
 * balance: moves vCPUs from busy CPUs to idle ones.
 *
 * The hypervisor assigns a vCPU to a CPU when it is made, and moves it only when
 * its affinity says so. What is a good distribution depends on what the vCPUs
 * do, so it is measured here: the time that each has run in an interval. One is
 * moved by pinning it to its new CPU for a moment; its own affinity is then put
 * back, and holds for what is chosen here, too.
 */
#include "cmd.h"
#include "moment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_CPUS 64
#define GAIN 0.1 /* of a CPU: what a move has to be worth */
#define WAIT_MS 2000

struct load {
    uint32_t id;
    unsigned vcpu, cpu;
    uint64_t cpu_ns;
    double load; /* of one CPU */
    struct xeno_cpus hard;
};

struct loads {
    struct load *v;
    unsigned n, nr_cpus;
    double cpu[MAX_CPUS];
};

static void sleep_ms(unsigned ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000L};

    nanosleep(&t, NULL);
}

/* ---- measuring ---- */

static void add_vcpu(struct xeno *x, struct loads *l, uint32_t id,
                     unsigned vcpu)
{
    struct load v = {.id = id, .vcpu = vcpu};
    struct xeno_vcpu info;

    if (xeno_vcpu_info(x, id, vcpu, &info) || !info.online ||
        info.cpu >= l->nr_cpus ||
        xeno_vcpu_affinity(x, id, vcpu, &v.hard, NULL))
        return;
    v.cpu = info.cpu;
    v.cpu_ns = info.cpu_ns;
    l->v = must(realloc(l->v, (l->n + 1) * sizeof(*l->v)));
    l->v[l->n++] = v;
}

static int sample(struct xeno *x, struct loads *l)
{
    struct xeno_domain *d;
    int n = xeno_domain_list_all(x, &d);

    if (n < 0)
        return fail_x(x);
    for (int i = 0; i < n; i++)
        for (unsigned v = 0; v <= d[i].max_vcpu_id; v++)
            add_vcpu(x, l, d[i].id, v);
    free(d);
    return 0;
}

/* What each of them has run in `ms`; those that go meanwhile have no load. */
static int measure(struct xeno *x, struct loads *l, unsigned ms)
{
    double begin = moment_now(), passed;
    int rc = sample(x, l);

    if (rc)
        return rc;
    sleep_ms(ms);
    passed = (moment_now() - begin) * 1e9;
    for (unsigned i = 0; i < l->n; i++) {
        struct load *v = &l->v[i];
        struct xeno_vcpu info;

        if (xeno_vcpu_info(x, v->id, v->vcpu, &info))
            continue;
        v->load = (double)(info.cpu_ns - v->cpu_ns) / passed;
        l->cpu[v->cpu] += v->load;
    }
    return 0;
}

/* ---- choosing ---- */

static bool may_run(const struct load *v, unsigned cpu)
{
    return v->hard.bits[cpu / 64] >> cpu % 64 & 1;
}

static double busier(double a, double b)
{
    return a > b ? a : b;
}

/*
 * The move after which the busier one of both CPUs has the least to do. False:
 * none is worth it.
 */
static bool best_move(const struct loads *l, struct load **best, unsigned *to)
{
    double most = GAIN;

    for (unsigned i = 0; i < l->n; i++) {
        struct load *v = &l->v[i];

        for (unsigned cpu = 0; cpu < l->nr_cpus; cpu++) {
            double gain = l->cpu[v->cpu] -
                          busier(l->cpu[v->cpu] - v->load,
                                 l->cpu[cpu] + v->load);
            if (cpu == v->cpu || gain <= most || !may_run(v, cpu))
                continue;
            most = gain;
            *best = v;
            *to = cpu;
        }
    }
    return most > GAIN;
}

/* ---- moving ---- */

/* Pinned until it is there, then as free as before. */
static int move(struct xeno *x, const struct load *v, unsigned to)
{
    struct xeno_cpus one = {{0}};
    struct xeno_vcpu info = {.cpu = v->cpu};

    one.bits[to / 64] = 1ul << to % 64;
    if (xeno_vcpu_set_affinity(x, v->id, v->vcpu, &one, NULL))
        return fail_x(x);
    for (unsigned ms = 0; info.cpu != to && ms < WAIT_MS; ms += 5) {
        sleep_ms(5);
        if (xeno_vcpu_info(x, v->id, v->vcpu, &info))
            return 0; /* it is gone */
    }
    return xeno_vcpu_set_affinity(x, v->id, v->vcpu, &v->hard, NULL) ? fail_x(x)
                                                                     : 0;
}

static void say(struct xeno *x, const struct load *v, unsigned to)
{
    char *name = xeno_domain_name(x, v->id);

    printf("%s vCPU %u (%.0f %%): CPU %u -> %u\n",
           name ? name : v->id ? "(null)" : "Domain-0", v->vcpu, 100 * v->load,
           v->cpu, to);
    fflush(stdout);
    free(name);
}

static int balance_once(struct xeno *x, unsigned nr_cpus, unsigned ms, bool dry)
{
    struct loads l = {.nr_cpus = nr_cpus};
    struct load *v = NULL;
    unsigned to;
    int rc = measure(x, &l, ms);

    for (unsigned i = 0; !rc && i < l.n && best_move(&l, &v, &to); i++) {
        say(x, v, to);
        if (!dry)
            rc = move(x, v, to);
        l.cpu[v->cpu] -= v->load;
        l.cpu[to] += v->load;
        v->cpu = to;
    }
    free(l.v);
    return rc;
}

int cmd_balance(struct xeno *x, int argc, char **argv)
{
    struct xeno_machine m;
    bool watch = false, dry = false;
    double seconds = 1;
    char *end = NULL;
    int c, rc;

    while ((c = option(argc, argv, "wni:")) != -1) {
        if (c == 'w')
            watch = true;
        else if (c == 'n')
            dry = true;
        else if (c == 'i')
            seconds = strtod(optarg, &end);
        else
            return EXIT_USAGE;
    }
    if (optind != argc)
        return usage();
    if ((end && *end) || !(seconds >= 0.05 && seconds <= 3600))
        return fail("-i takes 0.05 to 3600 seconds");
    if (xeno_machine_info(x, &m))
        return fail_x(x);
    if (m.nr_cpus > MAX_CPUS)
        m.nr_cpus = MAX_CPUS;
    do {
        rc = balance_once(x, m.nr_cpus, (unsigned)(seconds * 1000), dry);
    } while (watch && !rc);
    return rc;
}
