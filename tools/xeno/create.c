/*
 * xeno create: from a configuration to a running guest.
 *
 * What can be refused is refused before anything exists: configuration, name,
 * kernel, memory. Then come the domain, its memory, its nodes in xenstore and
 * its devices, and it starts to run. What it cannot see is made while it does.
 * The monitor ends it if we die in between.
 */
#include "create.h"

#include "cmd.h"
#include "device.h"
#include "monitor.h"
#include "record.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

void make_uuid(uint8_t u[16])
{
    if (getrandom(u, 16, 0) != 16)
        abort();
    u[6] = (uint8_t)((u[6] & 0x0f) | 0x40); /* version 4, RFC 4122 */
    u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
}

static int add_devices(struct xeno *x, uint32_t id, const struct guest *g)
{
    int rc = 0;

    for (unsigned i = 0; i < g->nr_disks && !rc; i++)
        rc = device_add_disk(x, id, &g->disk[i]);
    for (unsigned i = 0; i < g->nr_vifs && !rc; i++)
        rc = device_add_vif(x, id, &g->vif[i]);
    return rc;
}

static int pin_vcpus(struct xeno *x, uint32_t id, const struct guest *g)
{
    int rc = 0;

    for (unsigned v = 0; g->have_cpus && v < g->max_vcpus && !rc; v++)
        rc = xeno_vcpu_set_affinity(x, id, v, &g->cpus, NULL);
    return rc;
}

static int make_domain(struct xeno *x, struct guest *g, uint32_t *id)
{
    struct xeno_create c = {.max_vcpus = g->max_vcpus,
                            .max_event_ports = g->max_event_ports,
                            .max_grant_frames = g->max_grant_frames,
                            .max_maptrack_frames = g->max_maptrack_frames};
    int rc;

    memcpy(c.uuid, g->uuid, sizeof(c.uuid));
    rc = xeno_domain_create(x, &c);
    *id = c.id;
    return rc;
}

/* All of it; on failure the text is set and the domain remains. */
static int furnish(struct xeno *x, uint32_t id, const struct guest *g,
                   struct xeno_plan *plan, struct xeno_build *b, bool run)
{
    int rc = pin_vcpus(x, id, g);

    if (!rc)
        rc = xeno_build_run(x, id, plan, b);
    if (!rc) {
        store_guest(x, id, g, b);
        rc = add_devices(x, id, g);
    }
    if (!rc)
        rc = store_introduce(x, id, b);
    if (!rc && run)
        rc = xeno_domain_unpause(x, id);
    if (!rc)
        rc = store_outside(x, id, g);
    return rc ? rc : record_write(x, id, g);
}

/* Takes back what there is, and keeps the message of what went wrong. */
static void undo(struct xeno *x, uint32_t id)
{
    char why[256];
    struct xeno_domain d;

    snprintf(why, sizeof(why), "%s", xeno_error(x));
    if (!xeno_domain_info(x, id, &d))
        guest_destroy(x, &d);
    xeno_fail(x, EIO, "%s", why);
}

static int create_named(struct xeno *x, struct guest *g, bool run, uint32_t *id)
{
    struct xeno_build b = {
        .kernel = g->kernel,
        .ramdisk = g->ramdisk,
        .cmdline = g->cmdline,
        .pages = g->memory_kib / 4,
        .max_pages = g->max_memory_kib / 4,
        .vcpus = g->max_vcpus,
    };
    struct xeno_plan *plan;
    uint32_t other;
    int rc;

    if (!xeno_domain_named(x, g->name, &other))
        return xeno_fail(x, EEXIST, "there is a domain '%s' already: %u",
                         g->name, other);
    rc = xeno_build_open(x, &b, &plan);
    if (rc)
        return rc;
    rc = make_domain(x, g, id);
    if (!rc) {
        rc = furnish(x, *id, g, plan, &b, run);
        if (rc)
            undo(x, *id);
    }
    xeno_build_close(plan);
    return rc;
}

int guest_create(struct xeno *x, struct guest *g, bool run, uint32_t *id)
{
    int name = store_lock_name(x, g->name), rc;

    if (name < 0)
        return name;
    for (unsigned i = 0; i < g->nr_vifs; i++)
        choose_mac(&g->vif[i], g->uuid);
    rc = create_named(x, g, run, id);
    close(name);
    return rc;
}

bool guest_from_text(struct xeno *x, const char *file, const char *text,
                     struct guest *g)
{
    struct cfg cfg = {0};
    bool ok = cfg_parse(&cfg, file, text);

    memset(g, 0, sizeof(*g));
    if (ok)
        ok = guest_read(g, &cfg);
    if (!ok)
        xeno_fail(x, EINVAL, "%s", cfg.error);
    if (ok && !g->have_uuid)
        make_uuid(g->uuid);
    cfg_free(&cfg);
    return ok;
}

/* ---- the command ---- */

#define READ_STEP 4096u

/* All that comes, and room for more bytes behind it; NULL with errno. */
static char *read_all(int fd, size_t more, size_t *n)
{
    char *text = NULL;
    ssize_t got;

    *n = 0;
    do {
        text = must(realloc(text, *n + READ_STEP + more));
        got = read(fd, text + *n, READ_STEP);
        if (got > 0)
            *n += (size_t)got;
    } while (got > 0);
    if (!got)
        return text;
    free(text);
    return NULL;
}

/* The file ("-": standard input), with the settings of the command line. */
static char *read_text(const char *file, int extra, char **settings)
{
    int fd = strcmp(file, "-") ? open(file, O_RDONLY | O_CLOEXEC) : 0;
    size_t more = 1, n;
    char *text;

    if (fd < 0)
        return NULL;
    for (int i = 0; i < extra; i++)
        more += strlen(settings[i]) + 1;
    text = read_all(fd, more, &n);
    if (fd)
        close(fd);
    if (!text)
        return NULL;
    text[n] = '\0';
    for (int i = 0; i < extra; i++)
        n += (size_t)sprintf(text + n, "\n%s", settings[i]);
    return text;
}

static void say_created(const struct guest *g, uint32_t id, bool quiet)
{
    if (!quiet)
        printf("Domain %s is running with id %u\n", g->name, id);
}

/* Registered with the monitor all along. */
static int create_watched(struct xeno *x, struct guest *g, const char *text,
                          bool paused, uint32_t *id)
{
    int file = monitor_begin(x, g->uuid, text), rc;

    if (file < 0)
        return file;
    rc = guest_create(x, g, !paused, id);
    if (rc)
        monitor_abandon(file, g->uuid);
    else
        monitor_done(file, g->uuid);
    return rc;
}

int cmd_create(struct xeno *x, int argc, char **argv)
{
    bool paused = false, console = false, quiet = false, dry = false;
    struct guest g;
    uint32_t id;
    char *text;
    int c, rc;

    while ((c = option(argc, argv, "pcqn")) != -1) {
        switch (c) {
        case 'p': paused = true; break;
        case 'c': console = true; break;
        case 'q': quiet = true; break;
        case 'n': dry = true; break;
        default: return EXIT_USAGE;
        }
    }
    argc -= optind;
    argv += optind;
    if (argc < 1)
        return usage();
    text = read_text(argv[0], argc - 1, argv + 1);
    if (!text)
        return fail("cannot read '%s': %s", argv[0], strerror(errno));
    rc = guest_from_text(x, argv[0], text, &g) ? 0 : -EINVAL;
    if (!rc && !dry)
        rc = create_watched(x, &g, text, paused || console, &id);
    if (!rc && !dry)
        say_created(&g, id, quiet);
    free(text);
    guest_free(&g);
    if (rc)
        return fail_x(x);
    if (console && !dry) {
        if (!paused && xeno_domain_unpause(x, id))
            return fail_x(x);
        return console_attach(x, id);
    }
    return 0;
}
