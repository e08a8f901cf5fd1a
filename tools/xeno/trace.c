/*
 * trace: record what the hypervisor does, as a file for the Perfetto and
 * Chrome trace viewers (JSON), and report on such a file.
 *
 * In the file each CPU is a process of the viewer's; what runs there is a
 * slice (ph X) on thread 0, hypercalls are slices on thread 1, wakes and
 * events are instants (ph i). args hold the vCPU. Times in microseconds.
 */
#include "trace_report.h"
#include "cmd.h"
#include "moment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xeno/xeno.h>

#define BUFFER 16384 /* records a CPU */
#define PERIOD_NS 50000000L
#define MAX_CPUS 64
#define IDLE 0x7fffu

static const char *const event_names[] = {"switch", "wake", "event",
                                          "hypercall"};
#define NR_EVENTS (sizeof(event_names) / sizeof(event_names[0]))

/* What runs on a CPU, and the hypercall that has begun there. */
struct cpu_state {
    uint32_t vcpu;
    uint64_t since, call_since; /* ns; 0: not known */
    uint64_t call;
};

struct recorder {
    FILE *f;
    bool first;
    uint64_t begin, records, lost;
    struct cpu_state cpu[MAX_CPUS];
};

/* ---- the file ---- */

static const char *vcpu_name(uint32_t vcpu, char *buf, size_t size)
{
    if (vcpu >> 16 == IDLE)
        snprintf(buf, size, "idle");
    else
        snprintf(buf, size, "d%uv%u", vcpu >> 16, vcpu & 0xffff);
    return buf;
}

static double us(const struct recorder *r, uint64_t t)
{
    return (double)(t - r->begin) / 1000;
}

static void begin_entry(struct recorder *r, const char *name, char phase,
                        unsigned cpu, unsigned thread, uint64_t at)
{
    fprintf(r->f, "%s{\"name\":\"%s\",\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,"
            "\"ts\":%.3f", r->first ? "" : ",\n", name, phase, cpu, thread,
            us(r, at));
    r->first = false;
}

static void slice(struct recorder *r, unsigned cpu, unsigned thread,
                  const char *name, uint64_t from, uint64_t to)
{
    begin_entry(r, name, 'X', cpu, thread, from);
    fprintf(r->f, ",\"dur\":%.3f}", (double)(to - from) / 1000);
}

static void name_cpu(struct recorder *r, unsigned cpu)
{
    begin_entry(r, "process_name", 'M', cpu, 0, r->begin);
    fprintf(r->f, ",\"args\":{\"name\":\"CPU %u\"}}", cpu);
}

/* ---- records ---- */

static void on_switch(struct recorder *r, unsigned cpu,
                      const struct xeno_trace_record *e)
{
    struct cpu_state *c = &r->cpu[cpu];
    char name[24];

    if (c->since)
        slice(r, cpu, 0, vcpu_name((uint32_t)e->a, name, sizeof(name)),
              c->since, e->time);
    c->vcpu = e->vcpu;
    c->since = e->time;
}

static void on_instant(struct recorder *r, unsigned cpu, const char *what,
                       const struct xeno_trace_record *e)
{
    char name[24];

    begin_entry(r, what, 'i', cpu, 0, e->time);
    fprintf(r->f, ",\"s\":\"t\",\"args\":{\"vcpu\":\"%s\",\"port\":%" PRIu64
            "}}", vcpu_name(e->vcpu, name, sizeof(name)), e->a);
}

static void on_hypercall_end(struct recorder *r, unsigned cpu,
                             const struct xeno_trace_record *e)
{
    struct cpu_state *c = &r->cpu[cpu];
    const char *name = hypercall_name((unsigned)e->a);

    if (c->call_since && c->call == e->a)
        slice(r, cpu, 1, name, c->call_since, e->time);
    c->call_since = 0;
}

static void on_record(struct recorder *r, unsigned cpu,
                      const struct xeno_trace_record *e)
{
    if (!r->begin)
        r->begin = e->time;
    switch (e->event) {
    case XENO_TRACE_switch:
        on_switch(r, cpu, e);
        break;
    case XENO_TRACE_wake:
        on_instant(r, cpu, "wake", e);
        break;
    case XENO_TRACE_event:
        on_instant(r, cpu, "event", e);
        break;
    case XENO_TRACE_hypercall:
        r->cpu[cpu].call = e->a;
        r->cpu[cpu].call_since = e->time;
        break;
    case XENO_TRACE_hypercall_end:
        on_hypercall_end(r, cpu, e);
        break;
    }
}

/* What the buffers hold, or as much of it: more may come as fast as it goes. */
static int drain(struct xeno *x, struct recorder *r, unsigned cpus)
{
    const struct xeno_trace_record *e;
    unsigned n, lost;

    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        unsigned taken = 0;

        do {
            if (xeno_trace_read(x, cpu, &e, &n, &lost))
                return fail_x(x);
            for (unsigned i = 0; i < n; i++)
                on_record(r, cpu, e + i);
            r->records += n;
            r->lost += lost;
            taken += n;
        } while (n && taken < BUFFER);
    }
    return 0;
}

/* ---- recording ---- */

static int record_for(struct xeno *x, struct recorder *r, double limit,
                      unsigned cpus)
{
    const struct timespec pause = {.tv_nsec = PERIOD_NS};
    double end = moment_now() + limit;
    int rc;

    do {
        nanosleep(&pause, NULL);
        rc = drain(x, r, cpus);
    } while (!rc && !moment_ended() && moment_now() < end);
    return rc;
}

static int record_to(struct xeno *x, struct recorder *r, double limit,
                     uint32_t events)
{
    struct xeno_machine m;
    int rc;

    if (xeno_machine_info(x, &m) || xeno_trace_start(x, events, BUFFER))
        return fail_x(x);
    moment_catch_end();
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n", r->f);
    rc = record_for(x, r, limit, m.nr_cpus);
    for (unsigned cpu = 0; cpu < m.nr_cpus; cpu++)
        name_cpu(r, cpu);
    fprintf(r->f, "\n],\"otherData\":{\"records\":%" PRIu64 ",\"lost\":%"
            PRIu64 "}}\n", r->records, r->lost);
    if (xeno_trace_stop(x) && !rc)
        rc = fail_x(x);
    return rc;
}

/* Names, separated by commas, to a mask; 0: said. */
static uint32_t events_of(char *list)
{
    uint32_t mask = 0;

    for (char *p, *w = strtok_r(list, ",", &p); w; w = strtok_r(NULL, ",", &p)) {
        unsigned i = 0;

        while (i < NR_EVENTS && strcmp(w, event_names[i]))
            i++;
        if (i == NR_EVENTS) {
            fail("no event '%s': there are switch, wake, event, hypercall", w);
            return 0;
        }
        mask |= 1u << i;
    }
    if (mask & 1u << XENO_TRACE_hypercall)
        mask |= 1u << XENO_TRACE_hypercall_end;
    if (!mask)
        fail("no event is named: there are switch, wake, event, hypercall");
    return mask;
}

struct wish {
    const char *file;
    double limit;
    uint32_t events;
};

static int parse(int argc, char **argv, struct wish *w)
{
    char *end;
    int c;

    while ((c = option(argc, argv, "o:t:e:")) != -1) {
        if (c == 'o') {
            w->file = optarg;
        } else if (c == 't') {
            w->limit = strtod(optarg, &end);
            if (end == optarg || *end || !(w->limit > 0))
                return fail("time '%s' is not a number of seconds", optarg);
        } else if (c == 'e') {
            w->events = events_of(optarg);
            if (!w->events)
                return EXIT_FAILED;
        } else {
            return EXIT_USAGE;
        }
    }
    return optind == argc ? 0 : usage();
}

static int record(struct xeno *x, int argc, char **argv)
{
    struct wish w = {"xeno-trace.json", 10, (2u << XENO_TRACE_hypercall_end) - 1};
    struct recorder r = {.first = true};
    int rc = parse(argc, argv, &w);

    if (rc)
        return rc;
    r.f = fopen(w.file, "w");
    if (!r.f)
        return fail("cannot write '%s': %s", w.file, strerror(errno));
    rc = record_to(x, &r, w.limit, w.events);
    if (fclose(r.f) && !rc)
        rc = fail("cannot write '%s': %s", w.file, strerror(errno));
    if (!rc)
        printf("%" PRIu64 " records, %" PRIu64 " lost: %s\n", r.records,
               r.lost, w.file);
    return rc;
}

int cmd_trace(struct xeno *x, int argc, char **argv)
{
    if (argc >= 2 && !strcmp(argv[1], "record"))
        return record(x, argc - 1, argv + 1);
    if (argc == 3 && !strcmp(argv[1], "report"))
        return trace_report(argv[2]);
    if (option(argc, argv, "") == -1)
        usage();
    return EXIT_USAGE;
}
