/*
 * xeno create: from a configuration to a running guest.
 *
 * What can be refused is refused before anything exists: configuration, name,
 * kernel, memory. Then come the domain and its memory, and it starts to run. Its
 * nodes in xenstore are made while it does. It sees nothing of them before
 * xenstored is told of it: what it asks for earlier waits. A guest with devices,
 * which take scripts and time and may be refused, starts when all is there.
 * The monitor ends it if we die in between.
 */
#include "create.h"

#include "cmd.h"
#include "device.h"
#include "json.h"
#include "monitor.h"
#include "record.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
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

/*
 * A weight in the sense of Xen's credit schedulers, as an mcuadv: twice the
 * weight is half of it. Without effect where the scheduler has no such thing.
 */
static int set_weight(struct xeno *x, uint32_t id, const struct guest *g)
{
    struct xeno_sched_info info;
    struct xeno_sched_values v;

    if (!g->cpu_weight || xeno_sched_info(x, &info))
        return 0;
    for (uint32_t i = 0; i < info.nr_domain; i++) {
        const struct xeno_sched_param_info *p = &info.domain[i];
        int64_t *value = &v.value[i];

        if (strcmp(p->name, "mcuadv"))
            continue;
        if (xeno_sched_get(x, id, &v))
            return -1;
        *value = (*value * 256 + g->cpu_weight / 2) / g->cpu_weight;
        *value = *value < p->low ? p->low : *value > p->high ? p->high : *value;
        return xeno_sched_set(x, id, &v);
    }
    return 0;
}

/* All of it; on failure the text is set and the domain remains. */
static int furnish(struct xeno *x, uint32_t id, const struct guest *g,
                   struct xeno_plan *plan, struct xeno_build *b, bool run)
{
    bool early = run && !g->nr_disks && !g->nr_vifs;
    int rc = pin_vcpus(x, id, g);

    if (!rc)
        rc = set_weight(x, id, g);
    if (!rc)
        rc = xeno_build_run(x, id, plan, b);
    if (!rc && early)
        rc = xeno_domain_unpause(x, id);
    if (!rc)
        rc = store_guest(x, id, g, b);
    if (!rc)
        rc = add_devices(x, id, g);
    if (!rc)
        rc = early ? store_introduce_running(x, id, b)
                   : store_introduce(x, id, b);
    if (!rc && run && !early)
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
                     unsigned extra, struct guest *g)
{
    struct cfg cfg = {.extra = extra};
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

/* ---- what the commands read ---- */

/*
 * The words behind the options: settings have a "=" in them, the other one is
 * the file. text and extra as for guest_from_text; the caller frees the text.
 */
struct source {
    const char *file;
    char *text;
    unsigned extra;
};

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

/* The file ("-": standard input; NULL: nothing) in s->text; false with errno. */
static bool read_file(struct source *s, size_t more, size_t *n)
{
    int fd = 0;

    *n = 0;
    if (s->file && strcmp(s->file, "-"))
        fd = open(s->file, O_RDONLY | O_CLOEXEC);
    if (!s->file)
        s->text = must(calloc(more, 1));
    else if (fd >= 0)
        s->text = read_all(fd, more, n);
    if (fd > 0)
        close(fd);
    return s->text;
}

/* 0, or the exit status (said). file: that of -f, or NULL. */
static int read_source(struct source *s, const char *file, int words,
                       char **word)
{
    size_t more = 1, n;

    *s = (struct source){.file = file, .extra = 2};
    for (int i = 0; i < words; i++) {
        more += strlen(word[i]) + 1;
        if (strchr(word[i], '='))
            continue;
        if (s->file)
            return usage();
        s->file = word[i];
    }
    if (!s->file && !words)
        return usage();
    if (!read_file(s, more, &n))
        return fail("cannot read '%s': %s", s->file, strerror(errno));
    for (size_t i = 0; i < n; i++)
        s->extra += s->text[i] == '\n';
    s->text[n] = '\0';
    for (int i = 0; i < words; i++)
        if (strchr(word[i], '='))
            n += (size_t)sprintf(s->text + n, "\n%s", word[i]);
    return 0;
}

static int read_guest(struct xeno *x, const struct source *s, struct guest *g)
{
    return guest_from_text(x, s->file ? s->file : "", s->text, s->extra, g)
               ? 0 : fail_x(x);
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

/*
 * Until nobody keeps the guest's configuration any more. Between two lives of
 * a guest that restarts nobody does for a moment, either.
 */
static void await_end(const uint8_t uuid[16])
{
    for (int missing = 0; missing < 5; poll(NULL, 0, 200)) {
        char *text = saved_config_read(uuid);

        missing = text ? 0 : missing + 1;
        free(text);
    }
}

struct wishes {
    bool paused, console, quiet, dry, wait;
    const char *file;
};

/* False: wrong usage (said). */
static bool read_wishes(int argc, char **argv, struct wishes *w)
{
    int c;

    *w = (struct wishes){.dry = dry_run};
    while ((c = option(argc, argv, "pcFqnf:deVA")) != -1) {
        switch (c) {
        case 'p': w->paused = true; break;
        case 'c': w->console = true; break;
        case 'F': w->wait = true; break;
        case 'q': w->quiet = true; break;
        case 'n': w->dry = true; break;
        case 'f': w->file = optarg; break;
        case 'd': case 'e': break; /* xl's: nothing to do with us */
        case 'V': case 'A':
            fail("-%c: a guest here has no display", c);
            return false;
        default: return false;
        }
    }
    return true;
}

static int create(struct xeno *x, struct guest *g, const char *text,
                  const struct wishes *w)
{
    uint32_t id;

    if (create_watched(x, g, text, w->paused || w->console, &id))
        return fail_x(x);
    say_created(g, id, w->quiet);
    fflush(stdout);
    if (w->console && !w->paused && xeno_domain_unpause(x, id))
        return fail_x(x);
    if (w->wait && !w->console)
        await_end(g->uuid);
    return w->console ? console_attach(x, id) : 0;
}

int cmd_create(struct xeno *x, int argc, char **argv)
{
    struct wishes w;
    struct source s;
    struct guest g;
    int rc;

    if (!read_wishes(argc, argv, &w))
        return EXIT_USAGE;
    rc = read_source(&s, w.file, argc - optind, argv + optind);
    if (!rc) {
        rc = read_guest(x, &s, &g);
        if (!rc && w.dry)
            json_print(record_of(&g));
        else if (!rc)
            rc = create(x, &g, s.text, &w);
        guest_free(&g);
    }
    free(s.text);
    return rc;
}

/* A guest of xl's has libxl's record alone, which xl restarts it by. */
static int update_config(struct xeno *x, uint32_t id, struct guest *g,
                         const uint8_t uuid[16], const char *text)
{
    char *old = saved_config_read(uuid);
    bool ok = !old || saved_config_write(uuid, text);

    free(old);
    memcpy(g->uuid, uuid, sizeof(g->uuid));
    if (!ok)
        return fail("cannot keep the configuration: %s", strerror(errno));
    return record_write(x, id, g) ? fail_x(x) : 0;
}

int cmd_config_update(struct xeno *x, int argc, char **argv)
{
    const char *file = NULL;
    struct xeno_domain d;
    struct source s;
    struct guest g;
    uint32_t id;
    int c, rc;

    while ((c = option(argc, argv, "f:")) != -1) {
        if (c != 'f')
            return EXIT_USAGE;
        file = optarg;
    }
    if (optind == argc)
        return usage();
    if (!find_domain(x, argv[optind++], &id))
        return EXIT_FAILED;
    if (xeno_domain_info(x, id, &d))
        return fail_x(x);
    rc = read_source(&s, file, argc - optind, argv + optind);
    if (!rc) {
        rc = read_guest(x, &s, &g);
        if (!rc)
            rc = update_config(x, id, &g, d.uuid, s.text);
        guest_free(&g);
    }
    free(s.text);
    return rc;
}
