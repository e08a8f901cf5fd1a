/* trace report: shares of the CPUs, latencies of waking, hypercalls. */
#include "trace_report.h"

#include "cmd.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/xen.h>

#define MAX_ROWS 4096

/* A vCPU or a hypercall. Times in microseconds. */
struct row {
    char name[32];
    unsigned long n;      /* slices */
    double time, longest; /* of slices */
    double woken;         /* waits to run since; < 0: does not */
    unsigned long wakes;
    double waited, worst;
};

struct table {
    struct row row[MAX_ROWS];
    unsigned n;
};

static struct table vcpus, calls;

const char *hypercall_name(unsigned nr)
{
    static const char *const name[] = {
        "set_trap_table", "mmu_update", "set_gdt", "stack_switch",
        "set_callbacks", "fpu_taskswitch", "sched_op_compat", "platform_op",
        "set_debugreg", "get_debugreg", "update_descriptor", NULL,
        "memory_op", "multicall", "update_va_mapping", "set_timer_op",
        "event_channel_op_compat", "xen_version", "console_io",
        "physdev_op_compat", "grant_table_op", "vm_assist",
        "update_va_mapping_otherdomain", "iret", "vcpu_op", "set_segment_base",
        "mmuext_op", "xsm_op", "nmi_op", "sched_op", "callback_op", "xenoprof_op",
        "event_channel_op", "physdev_op", "hvm_op", "sysctl", "domctl",
        "kexec_op", "tmem_op", "argo_op", "xenpmu_op", "dm_op"};
    static char other[24];

    if (nr < sizeof(name) / sizeof(name[0]) && name[nr])
        return name[nr];
    snprintf(other, sizeof(other), "hypercall %u", nr);
    return other;
}

/* That of this name, made if need be; NULL: too many. */
static struct row *row_of(struct table *t, const char *name)
{
    struct row *r;

    for (unsigned i = 0; i < t->n; i++)
        if (!strcmp(t->row[i].name, name))
            return &t->row[i];
    if (t->n == MAX_ROWS)
        return NULL;
    r = &t->row[t->n++];
    snprintf(r->name, sizeof(r->name), "%s", name);
    r->woken = -1;
    return r;
}

static void add_slice(struct row *r, double at, double duration)
{
    r->n++;
    r->time += duration;
    if (duration > r->longest)
        r->longest = duration;
    if (r->woken < 0)
        return;
    r->wakes++;
    if (at > r->woken) {
        r->waited += at - r->woken;
        if (at - r->woken > r->worst)
            r->worst = at - r->woken;
    }
    r->woken = -1;
}

/* ---- the file ---- */

struct entry {
    const char *name, *phase, *vcpu;
    double ts, dur;
    int thread;
};

static const char *string_of(json_object *o, const char *key)
{
    json_object *v;

    return json_object_object_get_ex(o, key, &v) ? json_object_get_string(v)
                                                 : "";
}

static double number_of(json_object *o, const char *key)
{
    json_object *v;

    return json_object_object_get_ex(o, key, &v) ? json_object_get_double(v)
                                                 : 0;
}

static struct entry entry_of(json_object *o)
{
    struct entry e = {.name = string_of(o, "name"),
                      .phase = string_of(o, "ph"),
                      .ts = number_of(o, "ts"),
                      .dur = number_of(o, "dur"),
                      .thread = (int)number_of(o, "tid")};
    json_object *args;

    if (json_object_object_get_ex(o, "args", &args))
        e.vcpu = string_of(args, "vcpu");
    return e;
}

/* Slices stand where they end, wakes where they are: so in order of time. */
static int by_time(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;

    return x->ts < y->ts ? -1 : x->ts > y->ts;
}

static double count(const struct entry *e, size_t n)
{
    double end = 0;

    for (size_t i = 0; i < n; i++) {
        bool is_slice = *e[i].phase == 'X';
        struct row *r = NULL;

        if (is_slice)
            r = row_of(e[i].thread ? &calls : &vcpus, e[i].name);
        else if (*e[i].phase == 'i' && !strcmp(e[i].name, "wake"))
            r = row_of(&vcpus, e[i].vcpu);
        if (!r)
            continue;
        if (is_slice)
            add_slice(r, e[i].ts, e[i].dur);
        else if (r->woken < 0)
            r->woken = e[i].ts;
        if (e[i].ts + e[i].dur > end)
            end = e[i].ts + e[i].dur;
    }
    return end;
}

static int most_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return x->time > y->time ? -1 : x->time < y->time;
}

static void print_all(double length)
{
    qsort(vcpus.row, vcpus.n, sizeof(vcpus.row[0]), most_first);
    qsort(calls.row, calls.n, sizeof(calls.row[0]), most_first);
    printf("%.3f ms\n\n%-12s %8s %10s %12s %12s %8s %12s %12s\n", length / 1000,
           "vCPU", "share %", "slices", "mean us", "longest us", "wakes",
           "wait mean us", "worst us");
    for (unsigned i = 0; i < vcpus.n; i++) {
        const struct row *r = &vcpus.row[i];

        printf("%-12s %8.2f %10lu %12.1f %12.1f %8lu %12.1f %12.1f\n", r->name,
               length > 0 ? r->time / length * 100 : 0, r->n,
               r->n ? r->time / (double)r->n : 0, r->longest, r->wakes,
               r->wakes ? r->waited / (double)r->wakes : 0, r->worst);
    }
    printf("\n%-30s %10s %12s %12s %12s\n", "hypercall", "calls", "total us",
           "mean us", "longest us");
    for (unsigned i = 0; i < calls.n; i++) {
        const struct row *r = &calls.row[i];

        printf("%-30s %10lu %12.1f %12.2f %12.1f\n", r->name, r->n, r->time,
               r->n ? r->time / (double)r->n : 0, r->longest);
    }
}

int trace_report(const char *file)
{
    json_object *o = json_object_from_file(file), *list;
    struct entry *e;
    size_t n;

    if (!o)
        return fail("cannot read '%s': %s", file, json_util_get_last_err());
    if (!json_object_object_get_ex(o, "traceEvents", &list) ||
        !json_object_is_type(list, json_type_array)) {
        json_object_put(o);
        return fail("'%s' is not a trace: it has no traceEvents", file);
    }
    n = json_object_array_length(list);
    e = must(calloc(n + 1, sizeof(*e)));
    for (size_t i = 0; i < n; i++)
        e[i] = entry_of(json_object_array_get_idx(list, i));
    qsort(e, n, sizeof(*e), by_time);
    print_all(count(e, n));
    free(e);
    json_object_put(o);
    return 0;
}
