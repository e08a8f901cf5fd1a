/* From settings to a guest. */
#include "guest.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_VCPUS 64

static bool bad(struct cfg *cfg, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static bool bad(struct cfg *cfg, unsigned line, const char *fmt, ...)
{
    va_list ap;
    int n = snprintf(cfg->error, sizeof(cfg->error), "%s:%u: ", cfg->file,
                     line);

    if (n > 0 && (size_t)n < sizeof(cfg->error)) {
        va_start(ap, fmt);
        vsnprintf(cfg->error + n, sizeof(cfg->error) - (size_t)n, fmt, ap);
        va_end(ap);
    }
    return false;
}

/* ---- single values ---- */

static bool get_string(struct cfg *cfg, const char *key, char **s)
{
    struct cfg_setting *c = cfg_get(cfg, key);

    if (!c)
        return true;
    if (c->value.type != CFG_STRING)
        return bad(cfg, c->value.line, "%s must be a string", key);
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
            return bad(cfg, c->value.line, "%s must be a number, not '%s'", key,
                       c->value.string);
    } else if (c->value.type == CFG_LIST) {
        return bad(cfg, c->value.line, "%s must be a number", key);
    }
    if (v < 0 || (uint64_t)v < least || (uint64_t)v > most)
        return bad(cfg, c->value.line, "%s = %lld: must be %llu to %llu", key,
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
    static const char *const name[] = {"destroy", "restart", "rename-restart",
                                       "preserve"};
    struct cfg_setting *c = cfg_get(cfg, key);

    if (!c)
        return true;
    for (unsigned i = 0; c->value.type == CFG_STRING && i < 4; i++)
        if (!strcmp(c->value.string, name[i])) {
            *on = (enum on_event)i;
            return true;
        }
    return bad(cfg, c->value.line, "%s must be \"destroy\", \"restart\", "
               "\"rename-restart\" or \"preserve\"", key);
}

static void cpu_set(struct xeno_cpus *c, unsigned cpu, bool on)
{
    if (on)
        c->bits[cpu / 64] |= 1ull << cpu % 64;
    else
        c->bits[cpu / 64] &= ~(1ull << cpu % 64);
}

/* One of "3", "0-2", "^1". */
static bool parse_cpu_part(const char *s, size_t n, struct xeno_cpus *cpus)
{
    char part[32], *end;
    unsigned long from, to;
    bool on = true;

    if (!n || n >= sizeof(part))
        return false;
    memcpy(part, s, n);
    part[n] = '\0';
    s = part;
    if (*s == '^') {
        on = false;
        s++;
    }
    if (!isdigit((unsigned char)*s))
        return false;
    from = to = strtoul(s, &end, 10);
    if (*end == '-' && isdigit((unsigned char)end[1]))
        to = strtoul(end + 1, &end, 10);
    if (*end || from > to || to >= 256)
        return false;
    for (; from <= to; from++)
        cpu_set(cpus, (unsigned)from, on);
    return true;
}

bool parse_cpus(const char *s, struct xeno_cpus *cpus)
{
    memset(cpus, 0, sizeof(*cpus));
    if (!strncmp(s, "all", 3)) {
        memset(cpus, 0xff, sizeof(*cpus));
        s += 3;
        if (!*s)
            return true;
        if (*s++ != ',')
            return false;
    }
    for (;;) {
        size_t n = strcspn(s, ",");

        if (!parse_cpu_part(s, n, cpus))
            return false;
        if (!s[n])
            break;
        s += n + 1;
    }
    for (unsigned i = 0; i < 4; i++)
        if (cpus->bits[i])
            return true;
    return false;
}

/* ---- disks ---- */

/* Letters as in xvda .. xvdz, xvdaa: counted from 0; *s moves on. */
static int drive_letters(const char **s)
{
    int n = 0;

    while (**s >= 'a' && **s <= 'z' && n < 1000)
        n = n * 26 + (*(*s)++ - 'a') + 1;
    return n - 1;
}

int vdev_number(const char *vdev)
{
    unsigned long part;
    int disk, kind;
    char *end;

    if (!strncmp(vdev, "xvd", 3))
        kind = 0, vdev += 3;
    else if (!strncmp(vdev, "sd", 2))
        kind = 1, vdev += 2;
    else if (!strncmp(vdev, "hd", 2))
        kind = 2, vdev += 2;
    else
        return -1;
    disk = drive_letters(&vdev);
    part = strtoul(vdev, &end, 10);
    if (disk < 0 || *end || (*vdev && (!isdigit((unsigned char)*vdev) || !part)))
        return -1;
    /* The encoding of the block interface (vbd-interface in Xen's docs). */
    if (kind == 0 && disk < 16 && part < 16)
        return 202 << 8 | disk << 4 | (int)part;
    if (kind == 0 && disk < 1 << 12 && part < 256)
        return 1 << 28 | disk << 8 | (int)part;
    if (kind == 1 && disk < 16 && part < 16)
        return 8 << 8 | disk << 4 | (int)part;
    if (kind == 2 && disk < 4 && part < 64)
        return (disk < 2 ? 3 : 22) << 8 | (disk & 1) << 6 | (int)part;
    return -1;
}

static void set_text(char **to, const char *s, size_t n)
{
    free(*to);
    *to = strndup(s, n);
}

static bool disk_access(struct guest_disk *d, const char *s, size_t n)
{
    if ((n == 1 && *s == 'r') || (n == 2 && !strncmp(s, "ro", 2)))
        d->readonly = true;
    else if ((n == 1 && *s == 'w') || (n == 2 && !strncmp(s, "rw", 2)))
        d->readonly = false;
    else
        return false;
    return true;
}

/* key=value or a bare word; false: unknown. */
static bool disk_option(struct guest_disk *d, const char *s, size_t n)
{
    size_t k = (size_t)(memchr(s, '=', n) ? (char *)memchr(s, '=', n) - s
                                          : (ptrdiff_t)n);
    const char *v = s + k + 1;
    size_t vn = k < n ? n - k - 1 : 0;

#define IS(word) (k == sizeof(word) - 1 && !strncmp(s, word, k))
    if (k < n && IS("target"))
        set_text(&d->target, v, vn);
    else if (k < n && IS("vdev"))
        set_text(&d->vdev, v, vn);
    else if (k < n && IS("script"))
        set_text(&d->script, v, vn);
    else if (k < n && IS("access"))
        return disk_access(d, v, vn);
    else if (k < n && IS("format"))
        return vn == 3 && !strncmp(v, "raw", 3);
    else if (k < n && IS("backendtype"))
        return vn == 3 && !strncmp(v, "phy", 3);
    else if (k < n && IS("devtype"))
        d->cdrom = vn == 5 && !strncmp(v, "cdrom", 5);
    else if (IS("cdrom"))
        d->cdrom = d->readonly = true;
    else if (IS("raw") || IS("discard") || IS("no-discard") ||
             IS("direct-io-safe"))
        ;
    else
        return false;
#undef IS
    return true;
}

/* Positional fields: target, format, vdev, access. */
static bool disk_field(struct guest_disk *d, unsigned field, const char *s,
                       size_t n)
{
    switch (field) {
    case 0:
        set_text(&d->target, s, n);
        return true;
    case 1:
        return !n || (n == 3 && !strncmp(s, "raw", 3));
    case 2:
        set_text(&d->vdev, s, n);
        return true;
    case 3:
        return !n || disk_access(d, s, n);
    default:
        return false;
    }
}

/* The old "phy:target,vdev,access" leaves the format out. */
static bool parse_disk(struct guest_disk *d, const char *s, char *why,
                       size_t room)
{
    unsigned field = 0;
    bool old = false;

    if (!strncmp(s, "phy:", 4) || !strncmp(s, "file:", 5)) {
        s = strchr(s, ':') + 1;
        old = true;
    }
    for (;;) {
        size_t n = strcspn(s, ",");
        const char *b = s;

        while (n && isspace((unsigned char)*b))
            b++, n--;
        if (!strncmp(b, "target=", 7))
            n = strlen(b); /* takes the rest, commas and all */
        if (memchr(b, '=', n) || field > 3 || (field == 0 && !old && n == 0)) {
            if (n && !disk_option(d, b, n)) {
                snprintf(why, room, "unknown disk option '%.*s'", (int)n, b);
                return false;
            }
        } else if (disk_field(d, field, b, n)) {
            field += old && field == 0 ? 2 : 1;
        } else if (!disk_option(d, b, n)) {
            snprintf(why, room, "bad disk field '%.*s'", (int)n, b);
            return false;
        }
        s = b + n;
        if (!*s)
            break;
        s++;
    }
    if (!d->target || !*d->target || !d->vdev) {
        snprintf(why, room, "a disk needs a target and a vdev");
        return false;
    }
    d->number = (unsigned)vdev_number(d->vdev);
    if (vdev_number(d->vdev) < 0) {
        snprintf(why, room, "'%s' is no virtual device (xvda, sda1, hda)",
                 d->vdev);
        return false;
    }
    return true;
}

/* ---- network ---- */

static bool parse_mac(const char *s, size_t n, uint8_t mac[6])
{
    unsigned b[6];
    int used = 0;

    if (n != 17 || sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2],
                          &b[3], &b[4], &b[5], &used) != 6 || used != 17)
        return false;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)b[i];
    return !(mac[0] & 1);
}

static bool vif_option(struct guest_vif *v, const char *s, size_t n)
{
    const char *eq = memchr(s, '=', n);
    size_t k = eq ? (size_t)(eq - s) : n, vn = eq ? n - k - 1 : 0;

#define IS(word) (k == sizeof(word) - 1 && !strncmp(s, word, k))
    if (!eq)
        return false;
    if (IS("mac"))
        return parse_mac(eq + 1, vn, v->mac);
    if (IS("bridge"))
        set_text(&v->bridge, eq + 1, vn);
    else if (IS("script"))
        set_text(&v->script, eq + 1, vn);
    else if (IS("ip"))
        set_text(&v->ip, eq + 1, vn);
    else if (IS("vifname"))
        set_text(&v->name, eq + 1, vn);
    else if (!IS("type") && !IS("model"))
        return false;
#undef IS
    return true;
}

static bool parse_vif(struct guest_vif *v, const char *s, char *why,
                      size_t room)
{
    while (*s) {
        size_t n = strcspn(s, ",");
        const char *b = s;

        while (n && isspace((unsigned char)*b))
            b++, n--;
        if (n && !vif_option(v, b, n)) {
            snprintf(why, room, "bad vif option '%.*s'", (int)n, b);
            return false;
        }
        s = b + n;
        if (*s)
            s++;
    }
    return true;
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
        return bad(cfg, c->value.line, "%s must be a list: [ '...' ]", key);
    for (unsigned i = 0; i < c->value.count; i++)
        if (c->value.list[i].type != CFG_STRING)
            return bad(cfg, c->value.list[i].line,
                       "%s must be a list of strings", key);
    return true;
}

static bool get_disks(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c;
    char why[128];

    if (!get_list(cfg, "disk", &c))
        return false;
    if (!c)
        return true;
    g->disk = calloc(c->value.count + 1, sizeof(*g->disk));
    for (unsigned i = 0; i < c->value.count; i++) {
        g->nr_disks++;
        if (!parse_disk(&g->disk[i], c->value.list[i].string, why, sizeof(why)))
            return bad(cfg, c->value.list[i].line, "disk '%s': %s",
                       c->value.list[i].string, why);
        for (unsigned j = 0; j < i; j++)
            if (g->disk[j].number == g->disk[i].number)
                return bad(cfg, c->value.list[i].line,
                           "disk '%s': there are two of it", g->disk[i].vdev);
    }
    return true;
}

static bool get_vifs(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c;
    char why[128];

    if (!get_list(cfg, "vif", &c))
        return false;
    if (!c)
        return true;
    g->vif = calloc(c->value.count + 1, sizeof(*g->vif));
    for (unsigned i = 0; i < c->value.count; i++) {
        g->nr_vifs++;
        if (!parse_vif(&g->vif[i], c->value.list[i].string, why, sizeof(why)))
            return bad(cfg, c->value.list[i].line, "vif '%s': %s",
                       c->value.list[i].string, why);
    }
    return true;
}

/* ---- the whole ---- */

/* Keys that change nothing here but are common in working files. */
static const char *const ignored[] = {
    "builder", "type", "vfb", "serial", "usb", "localtime", "rtc_timeoffset",
    "pool", "cpu_weight", "cap", "keymap", "sdl", "vnc", "vnclisten",
    "stdvga", "acpi", "apic", "pae", "nestedhvm", "claim_mode", "seclabel",
    "init_seclabel", "device_model_version", "xend_suspend_evtchn_compat",
    "driver_domain", "tsc_mode", "soundhw", "timer_mode", "description",
};

static bool check_type(struct cfg *cfg)
{
    struct cfg_setting *t = cfg_get(cfg, "type"), *b = cfg_get(cfg, "builder");

    if (t && t->value.type == CFG_STRING && strcmp(t->value.string, "pv"))
        return bad(cfg, t->value.line, "type '%s': only \"pv\" guests can run",
                   t->value.string);
    if (b && b->value.type == CFG_STRING && !strcmp(b->value.string, "hvm"))
        return bad(cfg, b->value.line, "builder 'hvm': only PV guests can run");
    return true;
}

static bool check_unknown(struct cfg *cfg)
{
    for (unsigned i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        (void)cfg_get(cfg, ignored[i]);
    for (struct cfg_setting *s = cfg->first; s; s = s->next)
        if (!s->used)
            return bad(cfg, s->value.line, "unknown or unsupported key '%s'",
                       s->key);
    return true;
}

static bool get_cpus(struct cfg *cfg, struct guest *g)
{
    struct cfg_setting *c = cfg_get(cfg, "cpus");

    if (!c)
        return true;
    if (c->value.type != CFG_STRING || !parse_cpus(c->value.string, &g->cpus))
        return bad(cfg, c->value.line,
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
        return bad(cfg, c->value.line, "uuid is not of the form "
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
        return bad(cfg, 1, "the guest needs a name = \"...\"");
    if (strchr(g->name, '/') || strlen(g->name) > 80)
        return bad(cfg, cfg_get(cfg, "name")->value.line,
                   "name '%s': at most 80 characters, no '/'", g->name);
    if (!g->kernel || !*g->kernel)
        return bad(cfg, 1, "the guest needs a kernel = \"/path\"");
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
    for (unsigned i = 0; i < g->nr_disks; i++) {
        free(g->disk[i].target);
        free(g->disk[i].vdev);
        free(g->disk[i].script);
    }
    for (unsigned i = 0; i < g->nr_vifs; i++) {
        free(g->vif[i].bridge);
        free(g->vif[i].script);
        free(g->vif[i].ip);
        free(g->vif[i].name);
    }
    free(g->disk);
    free(g->vif);
    free(g->name);
    free(g->kernel);
    free(g->ramdisk);
    free(g->cmdline);
}
