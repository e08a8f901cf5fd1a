/* pause, unpause, shutdown, reboot, destroy, rename and the like. */
#include "cmd.h"
#include "json.h"
#include "monitor.h"
#include "store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cmd_pause(struct xeno *x, int argc, char **argv)
{
    uint32_t id;
    int rc = domain_arguments(x, &argc, &argv, 1, 1, &id);

    if (rc)
        return rc;
    return xeno_domain_pause(x, id) ? fail_x(x) : 0;
}

int cmd_unpause(struct xeno *x, int argc, char **argv)
{
    uint32_t id;
    int rc = domain_arguments(x, &argc, &argv, 1, 1, &id);

    if (rc)
        return rc;
    return xeno_domain_unpause(x, id) ? fail_x(x) : 0;
}

/* ---- asking guests ---- */

/* Writes control/shutdown; the guest does the rest. */
static bool ask(struct xeno *x, uint32_t id, const char *what)
{
    char base[64];

    if (!id) {
        fail("domain 0 is not a guest: use its own %s command", what);
        return false;
    }
    snprintf(base, sizeof(base), "/local/domain/%u", id);
    if (store_write(x, base, "control/shutdown", "%s", what)) {
        fail_x(x);
        return false;
    }
    return true;
}

/* Until it is shut down or gone; -w twice: until it is gone. */
static void await_end(struct xeno *x, uint32_t id, bool gone)
{
    struct xeno_domain d;

    while (!xeno_domain_info(x, id, &d) && !d.dying && (gone || !d.shutdown))
        poll(NULL, 0, 200);
}

/* The ids that argv or -a name; their number, or -1 (said). */
static int pick_ids(struct xeno *x, bool all, int argc, char **argv,
                    uint32_t **ids)
{
    struct xeno_domain *list;
    int n = argc, used = 0;

    if (all && (n = xeno_domain_list_all(x, &list)) < 0) {
        fail_x(x);
        return -1;
    }
    *ids = must(calloc((size_t)n + 1, sizeof(**ids)));
    for (int i = 0; i < n; i++) {
        if (!all && !find_domain(x, argv[i], &(*ids)[used++]))
            return -1;
        if (all && list[i].id)
            (*ids)[used++] = list[i].id;
    }
    if (all)
        free(list);
    return used;
}

static int ask_all(struct xeno *x, int argc, char **argv, const char *what,
                   const char *flags)
{
    bool all = false, ok = true;
    int c, n, wait = 0;
    uint32_t *ids;

    while ((c = option(argc, argv, flags)) != -1) {
        if (c == 'w')
            wait++;
        else if (c == 'a')
            all = true;
        else if (c != 'F')
            return EXIT_USAGE;
    }
    if ((optind == argc) != all)
        return usage();
    n = pick_ids(x, all, argc - optind, argv + optind, &ids);
    for (int i = 0; i < n; i++)
        ok &= ask(x, ids[i], what);
    for (int i = 0; wait && ok && i < n; i++)
        await_end(x, ids[i], wait > 1);
    if (n >= 0)
        free(ids);
    return n >= 0 && ok ? 0 : EXIT_FAILED;
}

int cmd_shutdown(struct xeno *x, int argc, char **argv)
{
    return ask_all(x, argc, argv, "poweroff", "waF");
}

int cmd_reboot(struct xeno *x, int argc, char **argv)
{
    return ask_all(x, argc, argv, "reboot", "aF");
}

int cmd_sysrq(struct xeno *x, int argc, char **argv)
{
    char base[64];
    uint32_t id;

    if (option(argc, argv, "") != -1)
        return EXIT_USAGE;
    argc -= optind, argv += optind;
    if (argc != 2 || strlen(argv[1]) != 1)
        return usage();
    if (!find_domain(x, argv[0], &id))
        return EXIT_FAILED;
    snprintf(base, sizeof(base), "/local/domain/%u", id);
    return store_write(x, base, "control/sysrq", "%s", argv[1]) ? fail_x(x) : 0;
}

/* ---- the rest ---- */

static bool destroy(struct xeno *x, const char *what)
{
    struct xeno_domain d;
    uint32_t id;

    if (!find_domain(x, what, &id))
        return false;
    if (!id) {
        fail("domain 0 cannot be destroyed");
        return false;
    }
    if (xeno_domain_info(x, id, &d) || guest_destroy(x, &d)) {
        fail_x(x);
        return false;
    }
    return true;
}

int cmd_destroy(struct xeno *x, int argc, char **argv)
{
    bool ok = true;

    if (option(argc, argv, "") != -1)
        return EXIT_USAGE;
    if (optind == argc)
        return usage();
    for (int i = optind; i < argc; i++)
        ok &= destroy(x, argv[i]);
    return ok ? 0 : EXIT_FAILED;
}

static int rename_locked(struct xeno *x, uint32_t id, const char *name)
{
    struct xeno_domain d;
    uint32_t other;

    if (!xeno_domain_named(x, name, &other))
        return fail("there is a domain '%s' already: %u", name, other);
    if (xeno_domain_info(x, id, &d) || store_rename(x, id, d.uuid, name))
        return fail_x(x);
    return 0;
}

int cmd_rename(struct xeno *x, int argc, char **argv)
{
    uint32_t id;
    int lock, rc = domain_arguments(x, &argc, &argv, 2, 2, &id);

    if (rc)
        return rc;
    if (!*argv[1] || strchr(argv[1], '/') || strlen(argv[1]) > 80)
        return fail("'%s' cannot be a name: at most 80 characters, no '/'",
                    argv[1]);
    lock = store_lock_name(x, argv[1]);
    if (lock < 0)
        return fail_x(x);
    rc = rename_locked(x, id, argv[1]);
    close(lock);
    return rc;
}

/* Options and the one domain of domid and domname; *o is NULL without -j. */
static int name_arguments(struct xeno *x, int argc, char **argv,
                          json_object **o, uint32_t *id)
{
    int c;

    *o = NULL;
    while ((c = option(argc, argv, "j")) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        *o = json_object_new_object();
    }
    if (argc - optind != 1)
        return usage();
    return find_domain(x, argv[optind], id) ? 0 : EXIT_FAILED;
}

static void print_json(json_object *o, uint32_t id, const char *name)
{
    json_number(o, "domid", id);
    json_text(o, "name", name);
    json_print(o);
}

int cmd_domid(struct xeno *x, int argc, char **argv)
{
    json_object *o;
    uint32_t id;
    char *name;
    int rc = name_arguments(x, argc, argv, &o, &id);

    if (rc)
        return rc;
    name = xeno_domain_name(x, id);
    if (o)
        print_json(o, id, name);
    else
        printf("%u\n", id);
    free(name);
    return 0;
}

int cmd_domname(struct xeno *x, int argc, char **argv)
{
    json_object *o;
    uint32_t id;
    char *name;
    int rc = name_arguments(x, argc, argv, &o, &id);

    if (rc)
        return rc;
    name = xeno_domain_name(x, id);
    if (!name)
        return fail("domain %u has no name", id);
    if (o)
        print_json(o, id, name);
    else
        puts(name);
    free(name);
    return 0;
}

int cmd_trigger(struct xeno *x, int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned trigger;
    } known[] = {{"nmi", XEN_DOMCTL_SENDTRIGGER_NMI},
                 {"reset", XEN_DOMCTL_SENDTRIGGER_RESET},
                 {"init", XEN_DOMCTL_SENDTRIGGER_INIT},
                 {"power", XEN_DOMCTL_SENDTRIGGER_POWER},
                 {"sleep", XEN_DOMCTL_SENDTRIGGER_SLEEP}};
    unsigned vcpu = 0;
    uint32_t id;
    char *end;
    int rc = domain_arguments(x, &argc, &argv, 2, 3, &id);

    if (rc)
        return rc;
    if (argc > 2) {
        vcpu = (unsigned)strtoul(argv[2], &end, 10);
        if (*end || end == argv[2])
            return fail("'%s' is no number of a vCPU", argv[2]);
    }
    for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (!strcmp(known[i].name, argv[1]))
            return xeno_domain_trigger(x, id, known[i].trigger, vcpu)
                       ? fail_x(x) : 0;
    return fail("'%s' is no trigger for a PV guest: nmi, reset, init, power "
                "or sleep", argv[1]);
}
