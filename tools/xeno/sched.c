/*
 * sched: parameters of the scheduler, whatever they are. The hypervisor tells
 * their names, units and limits.
 */
#include "cmd.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- values as text ---- */

static const struct {
    const char *suffix;
    int64_t ns;
} units[] = {
    {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1},
};
#define NR_UNITS (sizeof(units) / sizeof(units[0]))

static void value_text(const struct xeno_sched_param_info *p, int64_t value,
                       char text[32])
{
    unsigned u = 0;

    if (p->unit != XENO_SCHED_UNIT_NS || !value) {
        snprintf(text, 32, "%lld", (long long)value);
        return;
    }
    while (value % units[u].ns)
        u++;
    snprintf(text, 32, "%lld%s", (long long)(value / units[u].ns),
             units[u].suffix);
}

/* False: said. A time needs its unit. */
static bool read_value(const struct xeno_sched_param_info *p, const char *text,
                       int64_t *value)
{
    char *end;
    long long n = strtoll(text, &end, 10);
    unsigned u = 0;

    *value = n;
    if (end != text && (p->unit != XENO_SCHED_UNIT_NS || !n) && !*end)
        return true;
    while (u < NR_UNITS && strcmp(end, units[u].suffix))
        u++;
    if (end != text && p->unit == XENO_SCHED_UNIT_NS && u < NR_UNITS &&
        !__builtin_mul_overflow(n, units[u].ns, value))
        return true;
    fail("'%s' is not a value of %s%s", text, p->name,
         p->unit == XENO_SCHED_UNIT_NS ? ", such as 5ms or 200us" : "");
    return false;
}

/* ---- output ---- */

static const struct xeno_sched_param_info *
params_of(const struct xeno_sched_info *info, uint32_t id, uint32_t *n)
{
    bool machine = id == XENO_SCHED_MACHINE;

    *n = machine ? info->nr_global : info->nr_domain;
    return machine ? info->global : info->domain;
}

static json_object *values_json(const struct xeno_sched_info *info, uint32_t id,
                                const struct xeno_sched_values *v)
{
    json_object *o = json_object_new_object();
    const struct xeno_sched_param_info *p;
    uint32_t n;

    p = params_of(info, id, &n);
    for (uint32_t i = 0; i < n; i++) {
        char key[24];

        snprintf(key, sizeof(key), "%.15s%s", p[i].name,
                 p[i].unit == XENO_SCHED_UNIT_NS ? "_ns" : "");
        if (p[i].unit == XENO_SCHED_UNIT_FLAG)
            json_flag(o, key, v->value[i] != 0);
        else
            json_signed(o, key, v->value[i]);
    }
    if (id != XENO_SCHED_MACHINE)
        json_real(o, "promised", v->taken / 1e6);
    return o;
}

static int print_values(const struct xeno_sched_info *info, uint32_t id,
                        const struct xeno_sched_values *v, const char *only)
{
    const struct xeno_sched_param_info *p;
    bool found = !only;
    char text[32];
    uint32_t n;

    p = params_of(info, id, &n);
    for (uint32_t i = 0; i < n; i++) {
        if (only && strcmp(only, p[i].name))
            continue;
        found = true;
        value_text(&p[i], v->value[i], text);
        if (only)
            puts(text);
        else
            printf("%-10s %-8s (%lld to %lld%s)\n", p[i].name, text,
                   (long long)p[i].low, (long long)p[i].high,
                   p[i].unit == XENO_SCHED_UNIT_NS ? " ns" : "");
    }
    return found ? 0 : fail("the scheduler %s has no parameter '%s' %s",
                            info->opt_name, only,
                            id == XENO_SCHED_MACHINE ? "of the machine"
                                                     : "of a domain");
}

/* ---- list ---- */

static json_object *domain_json(struct xeno *x,
                                const struct xeno_sched_info *info, uint32_t id,
                                const struct xeno_sched_values *v)
{
    json_object *o = values_json(info, id, v);
    char *name = xeno_domain_name(x, id);

    json_number(o, "domid", id);
    json_text(o, "name", name ? name : "");
    free(name);
    return o;
}

static void print_line(struct xeno *x, const struct xeno_sched_info *info,
                       uint32_t id, const struct xeno_sched_values *v)
{
    char *name = xeno_domain_name(x, id), text[32];

    printf("%-24s %5u", name ? name : id ? "(null)" : "Domain-0", id);
    for (uint32_t i = 0; i < info->nr_domain; i++) {
        value_text(&info->domain[i], v->value[i], text);
        printf(" %9s", text);
    }
    printf(" %8.2f%%\n", v->taken / 1e4);
    free(name);
}

static void print_head(const struct xeno_sched_info *info)
{
    printf("%s (%s)\n%-24s %5s", info->name, info->opt_name, "Name", "ID");
    for (uint32_t i = 0; i < info->nr_domain; i++)
        printf(" %9s", info->domain[i].name);
    printf(" %9s\n", "promised");
}

/* Domains that go meanwhile are not there. */
static int list(struct xeno *x, const struct xeno_sched_info *info, bool json)
{
    json_object *array = json ? json_object_new_array() : NULL;
    struct xeno_sched_values v;
    struct xeno_domain *d;
    int n = xeno_domain_list_all(x, &d);

    if (n < 0)
        return fail_x(x);
    if (!json)
        print_head(info);
    for (int i = 0; i < n; i++) {
        if (xeno_sched_get(x, d[i].id, &v))
            continue;
        if (json)
            json_object_array_add(array, domain_json(x, info, d[i].id, &v));
        else
            print_line(x, info, d[i].id, &v);
    }
    free(d);
    if (json)
        json_print(array);
    return 0;
}

/* ---- get and set ---- */

static int show_machine(const struct xeno_sched_info *info,
                        const struct xeno_sched_values *v, bool json)
{
    json_object *o;

    if (json) {
        o = values_json(info, XENO_SCHED_MACHINE, v);
        json_text(o, "scheduler", info->opt_name);
        json_print(o);
        return 0;
    }
    printf("%-10s %s (%s)\n", "scheduler", info->opt_name, info->name);
    return print_values(info, XENO_SCHED_MACHINE, v, NULL);
}

static int get(struct xeno *x, const struct xeno_sched_info *info, uint32_t id,
               const char *only, bool json)
{
    struct xeno_sched_values v;

    if (xeno_sched_get(x, id, &v))
        return fail_x(x);
    if (id == XENO_SCHED_MACHINE && !only)
        return show_machine(info, &v, json);
    if (!json)
        return print_values(info, id, &v, only);
    json_print(values_json(info, id, &v));
    return 0;
}

/* One NAME=VALUE into v; false: said. */
static bool assign(const struct xeno_sched_info *info, uint32_t id,
                   const char *word, struct xeno_sched_values *v)
{
    const struct xeno_sched_param_info *p;
    const char *eq = strchr(word, '=');
    size_t length = eq ? (size_t)(eq - word) : strlen(word);
    uint32_t n;

    p = params_of(info, id, &n);
    for (uint32_t i = 0; eq && i < n; i++)
        if (strlen(p[i].name) == length && !strncmp(p[i].name, word, length))
            return read_value(&p[i], eq + 1, &v->value[i]);
    fail("'%s': the parameters are NAME=VALUE, and `xeno sched get` tells them",
         word);
    return false;
}

static int set(struct xeno *x, const struct xeno_sched_info *info, uint32_t id,
               int argc, char **argv)
{
    struct xeno_sched_values v;

    if (!argc)
        return usage();
    if (xeno_sched_get(x, id, &v))
        return fail_x(x);
    for (int i = 0; i < argc; i++)
        if (!assign(info, id, argv[i], &v))
            return EXIT_FAILED;
    return xeno_sched_set(x, id, &v) ? fail_x(x) : 0;
}

/* Is this word a parameter, and not a domain? */
static bool is_param(const struct xeno_sched_info *info, const char *word)
{
    for (uint32_t i = 0; i < info->nr_global; i++)
        if (!strcmp(word, info->global[i].name))
            return true;
    return strchr(word, '=') != NULL;
}

int cmd_sched(struct xeno *x, int argc, char **argv)
{
    struct xeno_sched_info info;
    uint32_t id = XENO_SCHED_MACHINE;
    bool json = false;
    const char *what;
    int c;

    while ((c = option(argc, argv, "j")) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        json = true;
    }
    argc -= optind, argv += optind;
    what = argc ? *argv++ : "list";
    argc -= argc != 0;
    if (xeno_sched_info(x, &info))
        return fail_x(x);
    if (!strcmp(what, "list"))
        return argc ? usage() : list(x, &info, json);
    if (argc && !is_param(&info, *argv)) {
        if (!find_domain(x, *argv, &id))
            return EXIT_FAILED;
        argc--, argv++;
    }
    if (!strcmp(what, "get") && argc <= 1)
        return get(x, &info, id, argc ? *argv : NULL, json);
    if (!strcmp(what, "set"))
        return set(x, &info, id, argc, argv);
    return usage();
}
