/* list, vcpu-list: what domains and vCPUs are doing. */
#include "cmd.h"
#include "json.h"
#include "record.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const reasons[] = {"poweroff", "reboot", "suspend", "crash",
                                      "watchdog", "soft-reset"};

static const char *reason_of(const struct xeno_domain *d)
{
    if (!d->shutdown)
        return "-";
    return d->shutdown_reason < 6 ? reasons[d->shutdown_reason] : "unknown";
}

/* As xl writes it: r b p s c d, or '-' where it is not. */
static void state_letters(const struct xeno_domain *d, char s[7])
{
    bool crashed = d->shutdown && d->shutdown_reason == 3;

    s[0] = d->running ? 'r' : '-';
    s[1] = d->blocked ? 'b' : '-';
    s[2] = d->paused ? 'p' : '-';
    s[3] = d->shutdown && !crashed ? 's' : '-';
    s[4] = crashed ? 'c' : '-';
    s[5] = d->dying ? 'd' : '-';
    s[6] = '\0';
}

static json_object *domain_json(const struct xeno_domain *d, const char *name)
{
    json_object *o = json_object_new_object();
    char uuid[37];

    xeno_uuid_text(d->uuid, uuid);
    json_number(o, "domid", d->id);
    json_text(o, "name", name);
    json_text(o, "uuid", uuid);
    json_number(o, "memory_kib", d->pages * 4);
    json_number(o, "max_memory_kib", d->max_pages * 4);
    json_number(o, "vcpus", d->online_vcpus);
    json_number(o, "cpu_ns", d->cpu_ns);
    json_flag(o, "running", d->running);
    json_flag(o, "blocked", d->blocked);
    json_flag(o, "paused", d->paused);
    json_flag(o, "shutdown", d->shutdown);
    json_flag(o, "dying", d->dying);
    if (d->shutdown)
        json_text(o, "shutdown_reason", reason_of(d));
    return o;
}

struct columns {
    bool uuid, pool;
};

static void print_heading(struct columns c)
{
    printf("%-40s %5s %5s %5s\t%5s\t%7s%s%s\n", "Name", "ID", "Mem",
           "VCPUs", "State", "Time(s)",
           c.uuid ? "   UUID                                 Reason" : "",
           c.pool ? "         Cpupool" : "");
}

static void print_domain(struct xeno *x, const struct xeno_domain *d,
                         const char *name, struct columns c)
{
    char state[7], uuid[37], *pool;

    state_letters(d, state);
    printf("%-40s %5u %5llu %5u     %6s  %8.1f", name, d->id,
           (unsigned long long)(d->pages + 128) >> 8, d->online_vcpus, state,
           (double)d->cpu_ns / 1e9);
    if (c.uuid) {
        xeno_uuid_text(d->uuid, uuid);
        printf(" %s %-6s", uuid, reason_of(d));
    }
    if (c.pool) {
        pool = xeno_read(x, "/local/pool/%u/name", d->cpupool);
        printf("%16s", pool ? pool : "-");
        free(pool);
    }
    putchar('\n');
}

/* The name, or as xl calls a domain that has none. */
static char *name_of(struct xeno *x, uint32_t id)
{
    char *s = xeno_domain_name(x, id);

    return s ? s : must(strdup(id ? "(null)" : "Domain-0"));
}

/* As xl list -l has it. */
static json_object *long_json(const struct xeno_domain *d)
{
    json_object *o = json_object_new_object();

    json_number(o, "domid", d->id);
    json_object_object_add(o, "config", record_read(d->id, d->uuid));
    return o;
}

enum form { TABLE, JSON, LONG };

static void print_list(struct xeno *x, const struct xeno_domain *list, int n,
                       enum form form, struct columns columns)
{
    json_object *array = form == TABLE ? NULL : json_object_new_array();

    if (!array)
        print_heading(columns);
    for (int i = 0; i < n; i++) {
        char *name = name_of(x, list[i].id);

        if (array)
            json_object_array_add(array, form == LONG
                                             ? long_json(&list[i])
                                             : domain_json(&list[i], name));
        else
            print_domain(x, &list[i], name, columns);
        free(name);
    }
    if (array)
        json_print(array);
}

int cmd_list(struct xeno *x, int argc, char **argv)
{
    struct columns columns = {false, false};
    struct xeno_domain *list = NULL;
    enum form form = TABLE;
    int c, n;

    while ((c = option(argc, argv, "jlvc")) != -1) {
        switch (c) {
        case 'j': form = JSON; break;
        case 'l': form = LONG; break;
        case 'v': columns.uuid = true; break;
        case 'c': columns.pool = true; break;
        default: return EXIT_USAGE;
        }
    }
    n = pick_domains(x, argc - optind, argv + optind, &list);
    if (n < 0)
        return EXIT_FAILED;
    print_list(x, list, n, form, columns);
    free(list);
    return 0;
}

int cmd_vm_list(struct xeno *x, int argc, char **argv)
{
    struct xeno_domain *list = NULL;
    json_object *array = NULL;
    int c, n;

    while ((c = option(argc, argv, "j")) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        array = json_object_new_array();
    }
    if (optind != argc)
        return usage();
    n = pick_domains(x, 0, NULL, &list);
    if (n >= 0 && !array)
        puts("UUID                                  ID    name");
    for (int i = 0; i < n; i++) {
        char uuid[37], *name = name_of(x, list[i].id);

        xeno_uuid_text(list[i].uuid, uuid);
        if (list[i].id && array)
            json_object_array_add(array, domain_json(&list[i], name));
        else if (list[i].id)
            printf("%s  %-5u %s\n", uuid, list[i].id, name);
        free(name);
    }
    if (array)
        json_print(array);
    free(list);
    return n < 0 ? EXIT_FAILED : 0;
}

/* ---- vCPUs ---- */

/* "0-3,5", or "all" if it has every CPU of the machine. */
static void cpus_text(const struct xeno_cpus *c, unsigned nr, char *s,
                      size_t room)
{
    size_t used = 0;
    bool all = true;

    s[0] = '\0';
    for (unsigned i = 0; i < nr && i < 256; i++) {
        unsigned from = i;

        if (!(c->bits[i / 64] >> i % 64 & 1)) {
            all = false;
            continue;
        }
        while (i + 1 < nr && i + 1 < 256 &&
               c->bits[(i + 1) / 64] >> (i + 1) % 64 & 1)
            i++;
        used += (size_t)snprintf(s + used, room - used,
                                 from == i ? "%s%u" : "%s%u-%u",
                                 used ? "," : "", from, i);
        if (used >= room)
            return;
    }
    if (all)
        snprintf(s, room, "all");
}

struct vcpu_line {
    unsigned number;
    struct xeno_vcpu info;
    char hard[128], soft[128];
};

static json_object *vcpu_json(const struct vcpu_line *v)
{
    json_object *o = json_object_new_object();

    json_number(o, "vcpu", v->number);
    json_flag(o, "online", v->info.online);
    json_flag(o, "running", v->info.running);
    json_flag(o, "blocked", v->info.blocked);
    json_number(o, "cpu", v->info.cpu);
    json_number(o, "cpu_ns", v->info.cpu_ns);
    json_text(o, "hard_affinity", v->hard);
    json_text(o, "soft_affinity", v->soft);
    return o;
}

static void print_vcpu(const char *name, uint32_t id, const struct vcpu_line *v)
{
    char cpu[16] = "-";

    if (v->info.online)
        snprintf(cpu, sizeof(cpu), "%u", v->info.cpu);
    printf("%-32s %5u %5u %5s   %s%s-  %9.1f  %s / %s\n", name, id, v->number,
           cpu, v->info.running ? "r" : "-",
           !v->info.online ? "p" : v->info.blocked ? "b" : "-",
           (double)v->info.cpu_ns / 1e9, v->hard, v->soft);
}

static bool read_vcpu(struct xeno *x, uint32_t id, unsigned nr_cpus,
                      struct vcpu_line *v)
{
    struct xeno_cpus hard, soft;

    if (xeno_vcpu_info(x, id, v->number, &v->info) ||
        xeno_vcpu_affinity(x, id, v->number, &hard, &soft))
        return false;
    cpus_text(&hard, nr_cpus, v->hard, sizeof(v->hard));
    cpus_text(&soft, nr_cpus, v->soft, sizeof(v->soft));
    return true;
}

static void list_vcpus(struct xeno *x, const struct xeno_domain *d,
                       unsigned nr_cpus, json_object *array)
{
    json_object *vcpus = array ? json_object_new_array() : NULL, *o;
    char *name = name_of(x, d->id);

    for (unsigned i = 0; i <= d->max_vcpu_id; i++) {
        struct vcpu_line v = {.number = i};

        if (!read_vcpu(x, d->id, nr_cpus, &v))
            continue;
        if (array)
            json_object_array_add(vcpus, vcpu_json(&v));
        else
            print_vcpu(name, d->id, &v);
    }
    if (array) {
        o = json_object_new_object();
        json_number(o, "domid", d->id);
        json_text(o, "name", name);
        json_object_object_add(o, "vcpus", vcpus);
        json_object_array_add(array, o);
    }
    free(name);
}

int cmd_vcpu_list(struct xeno *x, int argc, char **argv)
{
    struct xeno_machine m;
    struct xeno_domain *list;
    json_object *array = NULL;
    int c, n;

    while ((c = option(argc, argv, "j")) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        array = json_object_new_array();
    }
    n = pick_domains(x, argc - optind, argv + optind, &list);
    if (n < 0)
        return EXIT_FAILED;
    if (xeno_machine_info(x, &m))
        return fail_x(x);
    if (!array)
        printf("%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU",
               "State", "Time(s)", "Affinity (Hard / Soft)");
    for (int i = 0; i < n; i++)
        list_vcpus(x, &list[i], m.nr_cpus, array);
    if (array)
        json_print(array);
    free(list);
    return 0;
}
