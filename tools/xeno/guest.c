/* From settings to a guest. */
#include "guest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VCPUS 64

/* ---- single values ---- */

static bool get_string(struct cfg *cfg, const char *key, char **s)
{
    struct cfg_setting *c = cfg_get(cfg, key);

    if (!c)
        return true;
    if (c->value.type != CFG_STRING)
        return cfg_bad(cfg, c->value.line, "%s must be a string", key);
    free(*s);
    *s = strdup(c->value.string);
    return true;
}

/* Also from a string of digits, as xl takes it. */
static bool get_number(struct cfg *cfg, const char *key, uint64_t least,
                       uint64_t most, uint64_t *n)
{
    struct cfg_setting *c = cfg_get(cfg, key);
    long long v;
    char *end;

    if (!c)
        return true;
    v = c->value.number;
    if (c->value.type == CFG_STRING) {
        v = strtoll(c->value.string, &end, 0);
        if (!*c->value.string || *end)
            return cfg_bad(cfg, c->value.line, "%s must be a number, not '%s'", key,
                       c->value.string);
    } else if (c->value.type == CFG_LIST) {
        return cfg_bad(cfg, c->value.line, "%s must be a number", key);
    }
    if (v < 0 || (uint64_t)v < least || (uint64_t)v > most)
        return cfg_bad(cfg, c->value.line, "%s = %lld: must be %llu to %llu", key,
                   v, (unsigned long long)least, (unsigned long long)most);
    *n = (uint64_t)v;
    return true;
}

static bool get_unsigned(struct cfg *cfg, const char *key, unsigned least,
                         unsigned most, unsigned *n)
{
    uint64_t v = *n;

    if (!get_number(cfg, key, least, most, &v))
        return false;
    *n = (unsigned)v;
    return true;
}

static bool get_action(struct cfg *cfg, const char *key, enum on_event *on)
{
    static const char *const name[] = {
        "destroy", "restart", "rename-restart", "preserve", "coredump-destroy",
        "coredump-restart"};
    struct cfg_setting *c = cfg_get(cfg, key);

    if (!c)
        return true;
    for (unsigned i = 0; c->value.type == CFG_STRING && i < 6; i++)
        if (!strcmp(c->value.string, name[i])) {
            *on = (enum on_event)i;
            return true;
        }
    return cfg_bad(cfg, c->value.line, "%s must be \"destroy\", \"restart\", "
                   "\"rename-restart\", \"preserve\", \"coredump-destroy\" or "
                   "\"coredump-restart\"", key);
}

/* ---- lists of devices ---- */

/* The list of that key, of strings: false with the error set. */
static bool get_list(struct cfg *cfg, const char *key, struct cfg_setting **out)
{
    struct cfg_setting *c = cfg_get(cfg, key);

    *out = c;
    if (!c)
        return true;
    if (c->value.type != CFG_LIST)
        return cfg_bad(cfg, c->value.line, "%s must be a list: [ '...' ]", key);
    for (unsigned i = 0; i < c->value.count; i++)
        if (c->value.list[i].type != CFG_STRING)
            return cfg_bad(cfg, c->value.list[i].line,
                       "%s must be a list of strings", key);
    return true;
}

static bool get_disks(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c;
    char why[SPEC_ERROR];

    if (!get_list(cfg, "disk", &c))
        return false;
    if (!c)
        return true;
    g->disk = calloc(c->value.count + 1, sizeof(*g->disk));
    for (unsigned i = 0; i < c->value.count; i++) {
        const struct cfg_value *v = &c->value.list[i];

        g->nr_disks++;
        if (!parse_disk(&g->disk[i], v->string, why))
            return cfg_bad(cfg, v->line, "disk '%s': %s", v->string, why);
        for (unsigned j = 0; j < i; j++)
            if (g->disk[j].number == g->disk[i].number)
                return cfg_bad(cfg, v->line, "disk '%s': there are two of it",
                               g->disk[i].vdev);
    }
    return true;
}

/* The first that no other interface has. */
static int free_number(const struct guest *g)
{
    uint64_t used = 0;
    int n = 0;

    for (unsigned i = 0; i < g->nr_vifs; i++)
        if (g->vif[i].number >= 0)
            used |= 1ull << g->vif[i].number;
    while (used >> n & 1)
        n++;
    return n;
}

static bool number_vifs(struct cfg *cfg, struct guest *g, unsigned line)
{
    for (unsigned i = 0; i < g->nr_vifs; i++)
        for (unsigned j = 0; j < i; j++)
            if (g->vif[i].number >= 0 && g->vif[i].number == g->vif[j].number)
                return cfg_bad(cfg, line, "vif: devid=%d is there twice",
                               g->vif[i].number);
    for (unsigned i = 0; i < g->nr_vifs; i++)
        if (g->vif[i].number < 0)
            g->vif[i].number = free_number(g);
    return true;
}

static bool get_vifs(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c;
    char why[SPEC_ERROR];

    if (!get_list(cfg, "vif", &c))
        return false;
    if (!c)
        return true;
    if (c->value.count >= MAX_VIFS)
        return cfg_bad(cfg, c->value.line, "vif: at most %u", MAX_VIFS - 1);
    g->vif = calloc(c->value.count + 1, sizeof(*g->vif));
    for (unsigned i = 0; i < c->value.count; i++) {
        const struct cfg_value *v = &c->value.list[i];

        g->nr_vifs++;
        if (!parse_vif(&g->vif[i], v->string, why))
            return cfg_bad(cfg, v->line, "vif '%s': %s", v->string, why);
    }
    return number_vifs(cfg, g, c->value.line);
}

/* ---- the whole ---- */

/* Keys that change nothing here but are common in working files. */
static const char *const ignored[] = {
    "builder", "type", "vfb", "serial", "usb", "localtime", "rtc_timeoffset",
    "pool", "cap", "keymap", "sdl", "vnc", "vnclisten",
    "stdvga", "acpi", "apic", "pae", "nestedhvm", "claim_mode", "seclabel",
    "init_seclabel", "device_model_version", "xend_suspend_evtchn_compat",
    "driver_domain", "tsc_mode", "soundhw", "timer_mode", "description",
};

static bool check_type(struct cfg *cfg)
{
    struct cfg_setting *t = cfg_get(cfg, "type"), *b = cfg_get(cfg, "builder");

    if (t && t->value.type == CFG_STRING && strcmp(t->value.string, "pv"))
        return cfg_bad(cfg, t->value.line, "type '%s': only \"pv\" guests can run",
                   t->value.string);
    if (b && b->value.type == CFG_STRING && !strcmp(b->value.string, "hvm"))
        return cfg_bad(cfg, b->value.line, "builder 'hvm': only PV guests can run");
    return true;
}

static bool check_unknown(struct cfg *cfg)
{
    for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)cfg_get(cfg, ignored[i]);
    for (struct cfg_setting *s = cfg->first; s; s = s->next)
        if (!s->used)
            return cfg_bad(cfg, s->value.line, "unknown or unsupported key '%s'",
                       s->key);
    return true;
}

static bool get_cpus(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c = cfg_get(cfg, "cpus");

    if (!c)
        return true;
    if (c->value.type != CFG_STRING || !parse_cpus(c->value.string, &g->cpus))
        return cfg_bad(cfg, c->value.line,
                   "cpus must be a list of CPUs: \"0-3,^1\" or \"all\"");
    g->have_cpus = true;
    return true;
}

static bool get_uuid(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c = cfg_get(cfg, "uuid");

    if (!c)
        return true;
    if (c->value.type != CFG_STRING ||
        !xeno_uuid_parse(c->value.string, g->uuid))
        return cfg_bad(cfg, c->value.line, "uuid is not of the form "
                   "01234567-89ab-cdef-0123-456789abcdef");
    g->have_uuid = true;
    return true;
}

/* cmdline, or root and extra as xl puts them together. */
static bool get_cmdline(struct cfg *cfg, struct guest *g)
{
    char *root = NULL, *extra = NULL;
    bool ok = get_string(cfg, "cmdline", &g->cmdline) &&
              get_string(cfg, "root", &root) &&
              get_string(cfg, "extra", &extra);

    if (ok && !g->cmdline && (root || extra) &&
        asprintf(&g->cmdline, "%s%s%s%s", root ? "root=" : "", root ? root : "",
                 root && extra ? " " : "", extra ? extra : "") < 0)
        g->cmdline = NULL;
    free(root);
    free(extra);
    if (ok && !g->cmdline)
        g->cmdline = strdup("");
    return ok;
}

static bool get_memory(struct cfg *cfg, struct guest *g)
{
    const uint64_t most = 1ull << 24; /* MiB */
    uint64_t memory = 64, maximum = 0;

    if (!get_number(cfg, "memory", 1, most, &memory))
        return false;
    maximum = memory;
    if (!get_number(cfg, "maxmem", memory, most, &maximum))
        return false;
    g->memory_kib = memory << 10;
    g->max_memory_kib = maximum << 10;
    return true;
}

static bool get_vcpus(struct cfg *cfg, struct guest *g)
{
    g->vcpus = 1;
    if (!get_unsigned(cfg, "vcpus", 1, MAX_VCPUS, &g->vcpus))
        return false;
    g->max_vcpus = g->vcpus;
    return get_unsigned(cfg, "maxvcpus", g->vcpus, MAX_VCPUS, &g->max_vcpus);
}

static bool check_name(struct cfg *cfg, const struct guest *g)
{
    if (!g->name || !*g->name)
        return cfg_bad(cfg, 1, "the guest needs a name = \"...\"");
    if (strchr(g->name, '/') || strlen(g->name) > 80)
        return cfg_bad(cfg, cfg_get(cfg, "name")->value.line,
                   "name '%s': at most 80 characters, no '/'", g->name);
    if (!g->kernel || !*g->kernel)
        return cfg_bad(cfg, 1, "the guest needs a kernel = \"/path\"");
    return true;
}

bool guest_read(struct guest *g, struct cfg *cfg)
{
    memset(g, 0, sizeof(*g));
    g->on_reboot = ON_RESTART;
    g->max_event_ports = 1023;
    g->max_grant_frames = 64;
    g->max_maptrack_frames = 1024;
    return get_string(cfg, "name", &g->name) &&
           get_string(cfg, "kernel", &g->kernel) &&
           get_string(cfg, "ramdisk", &g->ramdisk) && get_cmdline(cfg, g) &&
           get_uuid(cfg, g) && get_memory(cfg, g) && get_vcpus(cfg, g) &&
           get_cpus(cfg, g) &&
           get_unsigned(cfg, "cpu_weight", 1, 65535, &g->cpu_weight) &&
           get_unsigned(cfg, "event_channels", 1, 131071,
                        &g->max_event_ports) &&
           get_unsigned(cfg, "max_grant_frames", 1, 4096,
                        &g->max_grant_frames) &&
           get_unsigned(cfg, "max_maptrack_frames", 0, 65536,
                        &g->max_maptrack_frames) &&
           get_action(cfg, "on_poweroff", &g->on_poweroff) &&
           get_action(cfg, "on_reboot", &g->on_reboot) &&
           get_action(cfg, "on_crash", &g->on_crash) &&
           get_action(cfg, "on_watchdog", &g->on_watchdog) &&
           check_type(cfg) && get_disks(cfg, g) && get_vifs(cfg, g) &&
           check_unknown(cfg) && check_name(cfg, g);
}

void guest_free(struct guest *g)
{
    for (unsigned i = 0; i < g->nr_disks; i++)
        free_disk(&g->disk[i]);
    for (unsigned i = 0; i < g->nr_vifs; i++)
        free_vif(&g->vif[i]);
    free(g->disk);
    free(g->vif);
    free(g->name);
    free(g->kernel);
    free(g->ramdisk);
    free(g->cmdline);
}
