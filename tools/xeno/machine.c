/* info, uptime, dmesg, debug-keys. */
#include "cmd.h"
#include "json.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static const char *scheduler_name(uint32_t id)
{
    static const char *const name[] = {
        [XEN_SCHEDULER_CREDIT] = "credit",
        [XEN_SCHEDULER_CREDIT2] = "credit2", [XEN_SCHEDULER_ARINC653] = "arinc653",
        [XEN_SCHEDULER_RTDS] = "rtds",     [XEN_SCHEDULER_NULL] = "null"};

    return id < sizeof(name) / sizeof(name[0]) && name[id] ? name[id] : "unknown";
}

/* Where `info` goes: lines, members of an object, or the one value wanted. */
struct out {
    json_object *json;
    const char *only;
    bool found;
};

static void text(struct out *o, const char *key, const char *value)
{
    if (o->only && strcmp(o->only, key))
        return;
    o->found = true;
    if (o->json)
        json_text(o->json, key, value);
    else if (o->only)
        puts(value);
    else
        printf("%-22s : %s\n", key, value);
}

static void number(struct out *o, const char *key, uint64_t value)
{
    char buf[24];

    if (o->json && (!o->only || !strcmp(o->only, key))) {
        o->found = true;
        json_number(o->json, key, value);
        return;
    }
    snprintf(buf, sizeof(buf), "%llu", (unsigned long long)value);
    if (!o->json)
        text(o, key, buf);
}

static void show_host(struct out *o)
{
    struct utsname u;

    if (uname(&u))
        return;
    text(o, "host", u.nodename);
    text(o, "release", u.release);
    text(o, "version", u.version);
    text(o, "machine", u.machine);
}

static void show_machine(struct out *o, const struct xeno_machine *m)
{
    char buf[128];
    unsigned per = m->cores_per_socket * m->threads_per_core;

    number(o, "nr_cpus", m->nr_cpus);
    number(o, "idle_seconds", m->idle_ns / 1000000000);
    number(o, "nr_nodes", m->nr_nodes);
    number(o, "cores_per_socket", m->cores_per_socket);
    number(o, "threads_per_core", m->threads_per_core);
    number(o, "sockets", per ? (m->nr_cpus + per - 1) / per : 0);
    snprintf(buf, sizeof(buf), "%u.%03u", m->cpu_khz / 1000, m->cpu_khz % 1000);
    text(o, "cpu_mhz", buf);
    snprintf(buf, sizeof(buf), "%08x:%08x:%08x:%08x:%08x:%08x:%08x:%08x",
             m->hw_cap[0], m->hw_cap[1], m->hw_cap[2], m->hw_cap[3],
             m->hw_cap[4], m->hw_cap[5], m->hw_cap[6], m->hw_cap[7]);
    text(o, "hw_caps", buf);
    number(o, "total_memory", m->total_pages >> 8);
    number(o, "free_memory", (m->free_pages + m->scrub_pages) >> 8);
    number(o, "free_pages", m->free_pages + m->scrub_pages);
    number(o, "outstanding_claims", m->outstanding_pages);
}

static void show_hypervisor(struct out *o, const struct xeno_machine *m)
{
    char buf[128];

    number(o, "xen_major", m->version_major);
    number(o, "xen_minor", m->version_minor);
    text(o, "xen_extra", m->version_extra);
    snprintf(buf, sizeof(buf), "%u.%u%s", m->version_major, m->version_minor,
             m->version_extra);
    text(o, "xen_version", buf);
    text(o, "xen_caps", m->capabilities);
    text(o, "xen_scheduler", m->own_scheduler[0] ? m->own_scheduler
                                                 : scheduler_name(m->scheduler));
    number(o, "xen_pagesize", XENO_PAGE_SIZE);
    snprintf(buf, sizeof(buf), "virt_start=0x%llx",
             (unsigned long long)m->virt_start);
    text(o, "platform_params", buf);
    text(o, "xen_changeset", m->changeset);
    text(o, "xen_commandline", m->command_line);
    text(o, "cc_compiler", m->compiler);
    text(o, "cc_compile_by", m->compile_by);
    text(o, "cc_compile_domain", m->compile_domain);
    text(o, "cc_compile_date", m->compile_date);
}

int cmd_info(struct xeno *x, int argc, char **argv)
{
    struct xeno_machine m;
    struct out o = {0};
    int c;

    while ((c = option(argc, argv, "j")) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        o.json = json_object_new_object();
    }
    if (argc - optind > 1)
        return usage();
    o.only = argv[optind];
    if (xeno_machine_info(x, &m))
        return fail_x(x);
    show_host(&o);
    show_machine(&o, &m);
    show_hypervisor(&o, &m);
    if (o.json)
        json_print(o.json);
    return o.found ? 0 : fail("info has no line '%s'", o.only);
}

/* ---- uptime ---- */

/* Seconds since the domain started; 0 if nobody knows. */
static uint64_t uptime_of(struct xeno *x, const struct xeno_domain *d)
{
    FILE *f = d->id ? NULL : fopen("/proc/uptime", "re");
    char uuid[37], *s = NULL;
    double start, up = 0;

    if (d->id) {
        xeno_uuid_text(d->uuid, uuid);
        s = xeno_read(x, "/vm/%s/start_time", uuid);
        start = s ? strtod(s, NULL) : 0;
        up = start > 0 ? (double)time(NULL) - start : 0;
    } else if (f && fscanf(f, "%lf", &up) != 1) {
        up = 0;
    }
    if (f)
        fclose(f);
    free(s);
    return up > 0 ? (uint64_t)up : 0;
}

static void uptime_text(uint64_t up, char *text, size_t room)
{
    unsigned days = (unsigned)(up / 86400), s = (unsigned)(up % 86400);
    int n = 0;

    if (days)
        n = snprintf(text, room, "%u day%s, ", days, days > 1 ? "s" : "");
    snprintf(text + n, room - (size_t)n, "%2u:%02u:%02u", s / 3600,
             s % 3600 / 60, s % 60);
}

/* array: NULL, or where JSON goes. */
static void show_uptime(struct xeno *x, const struct xeno_domain *d,
                        json_object *array, bool sentence)
{
    char *s = xeno_domain_name(x, d->id), up[64], now[16];
    const char *name = s ? s : d->id ? "(null)" : "Domain-0";
    uint64_t seconds = uptime_of(x, d);
    time_t t = time(NULL);

    uptime_text(seconds, up, sizeof(up));
    strftime(now, sizeof(now), "%H:%M:%S", localtime(&t));
    if (array) {
        json_object *o = json_object_new_object();

        json_number(o, "domid", d->id);
        json_text(o, "name", name);
        json_number(o, "uptime_s", seconds);
        json_object_array_add(array, o);
    } else if (sentence) {
        printf(" %s up %s, %s (%u)\n", now, up, name, d->id);
    } else {
        printf("%-33s %4u %s\n", name, d->id, up);
    }
    free(s);
}

int cmd_uptime(struct xeno *x, int argc, char **argv)
{
    struct xeno_domain *list;
    json_object *array = NULL;
    bool sentence = false;
    int c, n;

    while ((c = option(argc, argv, "js")) != -1) {
        if (c == 'j')
            array = json_object_new_array();
        else if (c == 's')
            sentence = true;
        else
            return EXIT_USAGE;
    }
    n = pick_domains(x, argc - optind, argv + optind, &list);
    if (n < 0)
        return EXIT_FAILED;
    if (!array && !sentence)
        printf("%-33s %4s %s\n", "Name", "ID", "Uptime");
    for (int i = 0; i < n; i++)
        show_uptime(x, &list[i], array, sentence);
    if (array)
        json_print(array);
    free(list);
    return 0;
}

/* ---- log and keys ---- */

int cmd_dmesg(struct xeno *x, int argc, char **argv)
{
    bool clear = false;
    char *log;
    int c;

    while ((c = option(argc, argv, "c")) != -1) {
        if (c != 'c')
            return EXIT_USAGE;
        clear = true;
    }
    if (optind != argc)
        return usage();
    if (xeno_machine_log(x, clear, &log))
        return fail_x(x);
    fputs(log, stdout);
    free(log);
    return 0;
}

int cmd_debug_keys(struct xeno *x, int argc, char **argv)
{
    if (option(argc, argv, "") != -1)
        return EXIT_USAGE;
    if (argc - optind != 1)
        return usage();
    return xeno_machine_keys(x, argv[optind]) ? fail_x(x) : 0;
}
