/* What the strings say that describe a disk, an interface, a set of CPUs. */
#include "guest.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One part of a string, and its two halves if it is key=value. */
struct part {
    const char *s;
    size_t n;
    const char *value; /* NULL: no '=' */
    size_t value_n, key_n;
};

/* The part at *s, up to a comma; blanks in front are dropped, *s moves on. */
static struct part next_part(const char **s)
{
    struct part p = {.n = strcspn(*s, ",")};
    const char *eq;

    p.s = *s;
    *s += p.n + ((*s)[p.n] != '\0');
    while (p.n && isspace((unsigned char)*p.s))
        p.s++, p.n--;
    eq = memchr(p.s, '=', p.n);
    p.key_n = eq ? (size_t)(eq - p.s) : p.n;
    p.value = eq ? eq + 1 : NULL;
    p.value_n = eq ? p.n - p.key_n - 1 : 0;
    return p;
}

static bool is(const char *s, size_t n, const char *word)
{
    return strlen(word) == n && !memcmp(s, word, n);
}

static bool is_key(const struct part *p, const char *key)
{
    return p->value && is(p->s, p->key_n, key);
}

static bool value_is(const struct part *p, const char *word)
{
    return is(p->value, p->value_n, word);
}

static bool set_text(char **to, const char *s, size_t n)
{
    free(*to);
    *to = strndup(s, n);
    return *to;
}

static bool refuse(char *why, const char *what, const struct part *p)
{
    snprintf(why, SPEC_ERROR, "%s '%.*s'", what, (int)p->n, p->s);
    return false;
}

/* ---- virtual devices ---- */

/* Letters as in xvda .. xvdz, xvdaa: counted from 0; *s moves on. */
static int drive_letters(const char **s)
{
    int n = 0;

    while (**s >= 'a' && **s <= 'z' && n < 1000)
        n = n * 26 + (*(*s)++ - 'a') + 1;
    return n - 1;
}

/* The encoding of the block interface (vbd-interface in Xen's docs). */
static int encode_vdev(char kind, int disk, unsigned long part)
{
    if (kind == 'x' && disk < 16 && part < 16)
        return 202 << 8 | disk << 4 | (int)part;
    if (kind == 'x' && disk < 1 << 12 && part < 256)
        return 1 << 28 | disk << 8 | (int)part;
    if (kind == 's' && disk < 16 && part < 16)
        return 8 << 8 | disk << 4 | (int)part;
    if (kind == 'h' && disk < 4 && part < 64)
        return (disk < 2 ? 3 : 22) << 8 | (disk & 1) << 6 | (int)part;
    return -1;
}

int vdev_number(const char *vdev)
{
    char kind = *vdev, *end;
    unsigned long part;
    int disk;

    if (!strncmp(vdev, "xvd", 3))
        vdev += 3;
    else if (!strncmp(vdev, "sd", 2) || !strncmp(vdev, "hd", 2))
        vdev += 2;
    else
        return -1;
    disk = drive_letters(&vdev);
    part = strtoul(vdev, &end, 10);
    if (disk < 0 || *end ||
        (*vdev && (!isdigit((unsigned char)*vdev) || !part)))
        return -1;
    return encode_vdev(kind, disk, part);
}

/* ---- disks ---- */

static bool disk_access(struct guest_disk *d, const char *s, size_t n)
{
    d->readonly = is(s, n, "r") || is(s, n, "ro");
    return d->readonly || is(s, n, "w") || is(s, n, "rw");
}

/* Also with what it is behind it: "hdc:cdrom". */
static bool disk_vdev(struct guest_disk *d, const char *s, size_t n)
{
    const char *colon = memchr(s, ':', n);
    size_t name = colon ? (size_t)(colon - s) : n;

    if (colon && is(colon + 1, n - name - 1, "cdrom"))
        d->cdrom = d->readonly = true;
    else if (colon && !is(colon + 1, n - name - 1, "disk"))
        return false;
    return set_text(&d->vdev, s, name);
}

static bool disk_type(struct guest_disk *d, const struct part *p)
{
    d->cdrom = value_is(p, "cdrom");
    d->readonly |= d->cdrom;
    return d->cdrom || value_is(p, "disk");
}

/* key=value; false: unknown, or not for us. */
static bool disk_option(struct guest_disk *d, const struct part *p)
{
    if (is_key(p, "vdev"))
        return disk_vdev(d, p->value, p->value_n);
    if (is_key(p, "script"))
        return set_text(&d->script, p->value, p->value_n);
    if (is_key(p, "access"))
        return disk_access(d, p->value, p->value_n);
    if (is_key(p, "devtype"))
        return disk_type(d, p);
    if (is_key(p, "format"))
        return value_is(p, "raw");
    if (is_key(p, "backendtype"))
        return value_is(p, "phy");
    if (is_key(p, "backend"))
        return value_is(p, "0") || value_is(p, "Domain-0");
    return false;
}

static bool disk_flag(struct guest_disk *d, const struct part *p)
{
    static const char *const harmless[] = {"discard", "no-discard",
                                           "direct-io-safe"};

    if (is(p->s, p->n, "cdrom"))
        return d->cdrom = d->readonly = true;
    for (unsigned i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
        if (is(p->s, p->n, harmless[i]))
            return true;
    return false;
}

/* Positional fields: target, format, vdev, access; all may be empty. */
static bool disk_field(struct guest_disk *d, unsigned field,
                       const struct part *p)
{
    switch (field) {
    case 0:
        return set_text(&d->target, p->s, p->n);
    case 1:
        return !p->n || is(p->s, p->n, "raw");
    case 2:
        return !p->n || disk_vdev(d, p->s, p->n);
    case 3:
        return !p->n || disk_access(d, p->s, p->n);
    default:
        return false;
    }
}

/* Old prefixes are dropped; *old: one was there that leaves the format out. */
static const char *drop_prefixes(const char *s, bool *old)
{
    static const char *const prefix[] = {"phy:", "file:", "tap:", "tap2:",
                                         "tapdisk:", "aio:", "raw:"};

    *old = false;
    for (unsigned i = 0; i < sizeof(prefix) / sizeof(prefix[0]);) {
        bool has = !strncmp(s, prefix[i], strlen(prefix[i]));

        s += has ? strlen(prefix[i]) : 0;
        *old |= has;
        i = has ? 0 : i + 1;
    }
    return s;
}

static bool check_disk(struct guest_disk *d, char *why)
{
    int number = d->vdev ? vdev_number(d->vdev) : -1;

    if (!d->target || !*d->target || !d->vdev)
        snprintf(why, SPEC_ERROR, "a disk needs a target and a vdev");
    else if (number < 0)
        snprintf(why, SPEC_ERROR, "'%s' is no virtual device (xvda, sda1, hda)",
                 d->vdev);
    d->number = (unsigned)number;
    return d->target && *d->target && number >= 0;
}

bool parse_disk(struct guest_disk *d, const char *s, char why[SPEC_ERROR])
{
    unsigned field = 0;
    bool old;

    s = drop_prefixes(s, &old);
    while (*s) {
        const char *target = s + strspn(s, " \t");
        struct part p = next_part(&s);

        if (is_key(&p, "target")) {
            /* It takes the rest, commas and all. */
            set_text(&d->target, p.value, strlen(p.value));
            s = target + strlen(target);
        } else if (p.value && !disk_option(d, &p)) {
            return refuse(why, "unknown disk option", &p);
        } else if (!p.value && !disk_flag(d, &p)) {
            if (!disk_field(d, field, &p))
                return refuse(why, "bad disk field", &p);
            field += old && field == 0 ? 2 : 1;
        }
    }
    return check_disk(d, why);
}

void free_disk(struct guest_disk *d)
{
    free(d->target);
    free(d->vdev);
    free(d->script);
}

/* ---- network ---- */

bool parse_mac(const char *s, uint8_t mac[6])
{
    unsigned b[6];
    int used = 0;

    if (sscanf(s, "%2x:%2x:%2x:%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &b[3],
               &b[4], &b[5], &used) != 6 || used != 17 || s[used])
        return false;
    for (unsigned i = 0; i < 6; i++)
        mac[i] = (uint8_t)b[i];
    return !(mac[0] & 1);
}

void mac_text(const uint8_t m[6], char text[18])
{
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
             m[4], m[5]);
}

static bool vif_mac(struct guest_vif *v, const struct part *p)
{
    char text[18];

    if (p->value_n != 17)
        return false;
    memcpy(text, p->value, 17);
    text[17] = '\0';
    return parse_mac(text, v->mac);
}

/* What the kernel takes as the name of an interface. */
static bool vif_name(struct guest_vif *v, const struct part *p)
{
    for (size_t i = 0; i < p->value_n; i++)
        if (strchr("/: \t", p->value[i]))
            return false;
    return p->value_n && p->value_n < IFNAMSIZ && *p->value != '.' &&
           set_text(&v->name, p->value, p->value_n);
}

/* "50ms": microseconds, up to a minute; 0 is bad. */
static unsigned long interval_us(const char *s)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10), unit = 0;

    if (!strcmp(end, "us") || !*end)
        unit = 1;
    else if (!strcmp(end, "ms"))
        unit = 1000;
    else if (!strcmp(end, "s"))
        unit = 1000000;
    return isdigit((unsigned char)*s) && n <= 60000000 && n * unit <= 60000000
               ? n * unit : 0;
}

/* "10Mb/s@20ms": so many bytes in so many microseconds. */
static bool vif_rate(struct guest_vif *v, const struct part *p)
{
    char text[40], *end;
    unsigned long long rate, scale = 1;

    snprintf(text, sizeof(text), "%.*s", (int)p->value_n, p->value);
    rate = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)*text) || rate > 1000000000000ull)
        return false;
    if (*end == 'G' || *end == 'M' || *end == 'K')
        scale = *end == 'G' ? 1000000000 : *end == 'M' ? 1000000 : 1000, end++;
    if (rate > 1000000000000ull / scale || (*end != 'B' && *end != 'b'))
        return false;
    rate = rate * scale / (*end == 'b' ? 8 : 1);
    if (strncmp(end + 1, "/s", 2) || (end[3] && end[3] != '@'))
        return false;
    v->rate_us = end[3] ? interval_us(end + 4) : 50000;
    v->rate_bytes = rate * v->rate_us / 1000000;
    return v->rate_bytes;
}

static bool vif_number(struct guest_vif *v, const struct part *p)
{
    char text[8], *end;

    snprintf(text, sizeof(text), "%.*s", (int)p->value_n, p->value);
    v->number = (int)strtol(text, &end, 10);
    return isdigit((unsigned char)*text) && !*end && v->number < MAX_VIFS;
}

static bool vif_option(struct guest_vif *v, const struct part *p)
{
    if (is_key(p, "mac"))
        return vif_mac(v, p);
    if (is_key(p, "bridge"))
        return set_text(&v->bridge, p->value, p->value_n);
    if (is_key(p, "script"))
        return set_text(&v->script, p->value, p->value_n);
    if (is_key(p, "ip"))
        return set_text(&v->ip, p->value, p->value_n);
    if (is_key(p, "vifname"))
        return vif_name(v, p);
    if (is_key(p, "devid"))
        return vif_number(v, p);
    if (is_key(p, "rate"))
        return vif_rate(v, p);
    if (is_key(p, "backend"))
        return value_is(p, "0") || value_is(p, "Domain-0");
    return is_key(p, "type") || is_key(p, "model");
}

bool parse_vif(struct guest_vif *v, const char *s, char why[SPEC_ERROR])
{
    v->number = -1;
    while (*s) {
        struct part p = next_part(&s);

        if (p.n && !vif_option(v, &p))
            return refuse(why, "bad vif option", &p);
    }
    return true;
}

void free_vif(struct guest_vif *v)
{
    free(v->bridge);
    free(v->script);
    free(v->ip);
    free(v->name);
}

/* ---- CPUs ---- */

static void cpu_set(struct xeno_cpus *c, unsigned cpu, bool on)
{
    if (on)
        c->bits[cpu / 64] |= 1ull << cpu % 64;
    else
        c->bits[cpu / 64] &= ~(1ull << cpu % 64);
}

/* One of "all", "3", "0-2", "^1". */
static bool parse_cpu_part(const struct part *p, struct xeno_cpus *cpus)
{
    char text[32], *s = text, *end;
    unsigned long from, to;
    bool on = true;

    snprintf(text, sizeof(text), "%.*s", (int)p->n, p->s);
    if (*s == '^') {
        on = false;
        s++;
    }
    if (!strcmp(s, "all"))
        s = strcpy(text, "0-255");
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
    bool any = false;

    memset(cpus, 0, sizeof(*cpus));
    while (*s) {
        struct part p = next_part(&s);

        if (p.value || !parse_cpu_part(&p, cpus))
            return false;
    }
    for (unsigned i = 0; i < 4; i++)
        any |= cpus->bits[i] != 0;
    return any;
}
