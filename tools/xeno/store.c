#include "store.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xenstore.h>

#define MAX_PATH 512
#define AWAIT_STEP_MS 10

/* ---- single nodes ---- */

static int failed(struct xeno *x, const char *what, const char *path)
{
    return xeno_fail(x, errno, "cannot %s '%s' in xenstore: %s", what, path,
                     strerror(errno));
}

int store_write(struct xeno *x, const char *base, const char *node,
                const char *fmt, ...)
{
    struct xs_handle *xs = xeno_store(x);
    char path[MAX_PATH], value[2048];
    va_list ap;
    int n;

    if (!xs)
        return -EIO;
    snprintf(path, sizeof(path), "%s/%s", base, node);
    va_start(ap, fmt);
    n = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(value)) {
        errno = E2BIG;
        return failed(x, "write", path);
    }
    if (!xs_write(xs, XBT_NULL, path, value, (unsigned)n))
        return failed(x, "write", path);
    return 0;
}

int store_dir(struct xeno *x, uint32_t id, char rights, const char *fmt, ...)
{
    struct xs_handle *xs = xeno_store(x);
    struct xs_permissions perms[2] = {{.id = 0, .perms = XS_PERM_NONE},
                                      {.id = id, .perms = XS_PERM_READ}};
    char path[MAX_PATH];
    va_list ap;

    if (!xs)
        return -EIO;
    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    if (rights == 'w')
        perms[1].perms = XS_PERM_READ | XS_PERM_WRITE;
    if (rights == 'o') {
        perms[0].id = id;
        perms[1] = (struct xs_permissions){.id = 0, .perms = XS_PERM_READ};
    }
    if (!xs_mkdir(xs, XBT_NULL, path))
        return failed(x, "make", path);
    if (!xs_set_permissions(xs, XBT_NULL, path, perms, rights ? 2 : 1))
        return failed(x, "set the permissions of", path);
    return 0;
}

void store_remove(struct xeno *x, const char *fmt, ...)
{
    struct xs_handle *xs = xeno_store(x);
    char path[MAX_PATH];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    if (xs)
        xs_rm(xs, XBT_NULL, path);
}

static long now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int value_index(struct xs_handle *xs, const char *node,
                       const char *const *values)
{
    char *s = xs_read(xs, XBT_NULL, node, NULL);
    int found = -1;

    for (int i = 0; s && values[i] && found < 0; i++)
        if (!strcmp(values[i], s))
            found = i;
    free(s);
    return found;
}

/*
 * Looked at again and again: the static libxenstore has no thread for watches,
 * and what is waited for comes within a moment.
 */
int store_await(struct xeno *x, const char *node, const char *const *values,
                unsigned ms)
{
    struct xs_handle *xs = xeno_store(x);
    long end = now_ms() + (long)ms;
    int found = -1;

    while (xs && (found = value_index(xs, node, values)) < 0 && now_ms() < end)
        poll(NULL, 0, AWAIT_STEP_MS);
    return found;
}

/* ---- a guest ---- */

int store_write_all(struct xeno *x, const char *base,
                    const char *const *pairs)
{
    int rc = 0;

    for (; *pairs && !rc; pairs += 2)
        rc = store_write(x, base, pairs[0], "%s", pairs[1]);
    return rc;
}

static int write_vcpus(struct xeno *x, const char *dom, const struct guest *g)
{
    int rc = 0;

    for (unsigned i = 0; i < g->max_vcpus && !rc; i++) {
        char node[32];
        snprintf(node, sizeof(node), "cpu/%u/availability", i);
        rc = store_write(x, dom, node, i < g->vcpus ? "online" : "offline");
    }
    return rc;
}

static int write_memory(struct xeno *x, const char *dom, const struct guest *g)
{
    int rc = store_write(x, dom, "memory/static-max", "%llu",
                         (unsigned long long)g->max_memory_kib);

    return rc ? rc : store_write(x, dom, "memory/target", "%llu",
                                 (unsigned long long)g->memory_kib);
}

static int write_rings(struct xeno *x, const char *dom,
                       const struct xeno_build *b)
{
    int rc = store_write(x, dom, "store/port", "%u", b->store_port);

    return rc ? rc : store_write(x, dom, "store/ring-ref", "%llu",
                                 (unsigned long long)b->store_mfn);
}

/* The console's two sides; xenconsoled looks at the front one. */
static int write_console(struct xeno *x, uint32_t id, const char *dom,
                         const struct xeno_build *b)
{
    char back[64], front[96], port[16], ring[24], ids[16];
    const char *const back_nodes[] = {"frontend", front, "frontend-id", ids,
                                      "online", "1", "state", "1",
                                      "protocol", "vt100", NULL};
    const char *const front_nodes[] = {"backend", back, "backend-id", "0",
                                       "limit", "1048576", "type",
                                       "xenconsoled", "output", "pty", "tty",
                                       "", "port", port, "ring-ref", ring,
                                       NULL};
    int rc;

    snprintf(back, sizeof(back), "/local/domain/0/backend/console/%u/0", id);
    snprintf(front, sizeof(front), "%s/console", dom);
    snprintf(port, sizeof(port), "%u", b->console_port);
    snprintf(ring, sizeof(ring), "%llu", (unsigned long long)b->console_mfn);
    snprintf(ids, sizeof(ids), "%u", id);
    rc = store_dir(x, id, 'r', "%s", back);
    if (!rc)
        rc = store_write_all(x, back, back_nodes);
    return rc ? rc : store_write_all(x, front, front_nodes);
}

static int write_vm(struct xeno *x, uint32_t id, const struct guest *g,
                    const char *vm, const char *uuid)
{
    char start[32], libxl[64];
    const char *const nodes[] = {"uuid", uuid, "name", g->name,
                                 "image/ostype", "linux", "image/kernel",
                                 g->kernel, "start_time", start, NULL};
    struct timespec t;
    int rc;

    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(start, sizeof(start), "%lld.%02ld", (long long)t.tv_sec,
             t.tv_nsec / 10000000);
    rc = store_dir(x, id, 'r', "%s", vm);
    if (!rc)
        rc = store_write_all(x, vm, nodes);
    snprintf(libxl, sizeof(libxl), "/libxl/%u", id);
    return rc ? rc : store_write(x, libxl, "type", "pv");
}

/*
 * A name as one node of the index (see store_name_taken): nodes may have
 * letters, digits, "-" and few others, so the rest are written as "_2e".
 */
struct name_key {
    char text[3 * 128];
};

static struct name_key name_key(const char *name)
{
    struct name_key key = {.text = ""};
    size_t n = 0;

    for (; *name && n + 4 < sizeof(key.text); name++) {
        unsigned char c = (unsigned char)*name;
        n += (size_t)sprintf(key.text + n,
                             isalnum(c) || c == '-' ? "%c" : "_%02x", c);
    }
    return key;
}

static int write_index(struct xeno *x, uint32_t id, const char *name)
{
    char ids[16];
    int rc;

    snprintf(ids, sizeof(ids), "%u", id);
    rc = store_write(x, "/xeno/domain", ids, "%s", name);
    return rc ? rc : store_write(x, "/xeno/name", name_key(name).text,
                                 "%u", id);
}

int store_guest(struct xeno *x, uint32_t id, const struct guest *g,
                const struct xeno_build *b)
{
    char dom[64], vm[64], uuid[37];
    int rc;

    xeno_uuid_text(g->uuid, uuid);
    snprintf(dom, sizeof(dom), "/local/domain/%u", id);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    rc = store_dir(x, id, 'r', "%s", dom);
    if (!rc)
        rc = store_write(x, dom, "vm", "%s", vm);
    if (!rc)
        rc = write_vm(x, id, g, vm, uuid);
    if (!rc)
        rc = store_write(x, dom, "name", "%s", g->name);
    if (!rc)
        rc = store_write(x, dom, "domid", "%u", id);
    if (!rc)
        rc = store_dir(x, id, 'w', "%s/control", dom);
    if (!rc)
        rc = store_write(x, dom, "control/shutdown", "%s", "");
    if (!rc)
        rc = store_dir(x, id, 'o', "%s/data", dom);
    if (!rc)
        rc = store_dir(x, id, 'o', "%s/error", dom);
    if (!rc)
        rc = store_dir(x, id, 'r', "%s/device", dom);
    if (!rc)
        rc = write_memory(x, dom, g);
    if (!rc)
        rc = write_vcpus(x, dom, g);
    if (!rc)
        rc = write_rings(x, dom, b);
    if (!rc)
        rc = write_console(x, id, dom, b);
    return rc ? rc : write_index(x, id, g->name);
}

int store_introduce(struct xeno *x, uint32_t id, const struct xeno_build *b)
{
    if (!xs_introduce_domain(xeno_store(x), id, b->store_mfn, b->store_port))
        return xeno_fail(x, errno, "xenstored does not take domain %u: %s", id,
                         strerror(errno));
    return 0;
}

static void forget_backends(struct xeno *x, uint32_t id)
{
    struct xs_handle *xs = xeno_store(x);
    unsigned n = 0;
    char **kind = xs ? xs_directory(xs, XBT_NULL, "/local/domain/0/backend", &n)
                     : NULL;

    for (unsigned i = 0; i < n; i++)
        store_remove(x, "/local/domain/0/backend/%s/%u", kind[i], id);
    free(kind);
}

/* The index may know another guest by that name already. */
static void forget_index(struct xeno *x, uint32_t id)
{
    char *name = xeno_read(x, "/xeno/domain/%u", id), *s;

    if (!name)
        return;
    s = xeno_read(x, "/xeno/name/%s", name_key(name).text);
    if (s && strtoul(s, NULL, 10) == id)
        store_remove(x, "/xeno/name/%s", name_key(name).text);
    store_remove(x, "/xeno/domain/%u", id);
    free(s);
    free(name);
}

/* What store_find looks for goes last. */
void store_forget(struct xeno *x, uint32_t id, const uint8_t uuid[16])
{
    char text[37];

    xeno_uuid_text(uuid, text);
    forget_backends(x, id);
    forget_index(x, id);
    store_remove(x, "/libxl/%u", id);
    store_remove(x, "/vm/%s", text);
    store_remove(x, "/local/domain/%u", id);
}

bool store_find(struct xeno *x, const uint8_t uuid[16], uint32_t *id)
{
    struct xs_handle *xs = xeno_store(x);
    char text[37], vm[64], *s;
    bool found = false;
    unsigned n = 0;
    char **all = xs ? xs_directory(xs, XBT_NULL, "/local/domain", &n) : NULL;

    xeno_uuid_text(uuid, text);
    snprintf(vm, sizeof(vm), "/vm/%s", text);
    for (unsigned i = 0; i < n && !found; i++) {
        *id = (uint32_t)strtoul(all[i], NULL, 10);
        s = xeno_read(x, "/local/domain/%u/vm", *id);
        found = *id && s && !strcmp(s, vm);
        free(s);
    }
    free(all);
    return found;
}

/* ---- names ---- */

/* FNV-1a; two names of one value would merely exclude each other. */
static uint64_t hash(const char *s)
{
    uint64_t h = 0xcbf29ce484222325;

    while (*s)
        h = (h ^ (unsigned char)*s++) * 0x100000001b3;
    return h >> 2;
}

/*
 * A record lock per name, at the name's hash as an offset in a file that stays
 * empty: the kernel releases it when its holder dies.
 */
int store_lock_name(struct xeno *x, const char *name)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET,
                         .l_start = (off_t)hash(name), .l_len = 1};
    int fd;

    mkdir(RUN_DIR, 0755);
    fd = open(RUN_DIR "/names.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return xeno_fail(x, errno, "cannot open " RUN_DIR "/names.lock: %s",
                         strerror(errno));
    if (fcntl(fd, F_OFD_SETLK, &lock)) {
        close(fd);
        return xeno_fail(x, EEXIST, "another command is giving the name '%s'",
                         name);
    }
    return fd;
}

/* Does this domain have that name, and does it exist? */
static bool is_named(struct xeno *x, uint32_t id, const char *name)
{
    char *s = xeno_domain_name(x, id);
    struct xeno_domain d;
    bool yes = s && !strcmp(s, name) && !xeno_domain_info(x, id, &d);

    free(s);
    return yes;
}

static bool contains(char **list, unsigned n, const char *s)
{
    for (unsigned i = 0; i < n; i++)
        if (!strcmp(list[i], s))
            return true;
    return false;
}

/*
 * Our guests are in an index by name, so that looking does not grow with their
 * number; of those that xl made, the names are read one by one.
 */
int store_name_taken(struct xeno *x, const char *name)
{
    struct xs_handle *xs = xeno_store(x);
    char *s = xeno_read(x, "/xeno/name/%s", name_key(name).text), **all, **ours;
    unsigned n = 0, m = 0;
    int found = -1;

    if (s && is_named(x, (uint32_t)strtoul(s, NULL, 10), name))
        found = atoi(s);
    free(s);
    if (found >= 0 || !xs)
        return found;
    all = xs_directory(xs, XBT_NULL, "/libxl", &n);
    ours = xs_directory(xs, XBT_NULL, "/xeno/domain", &m);
    for (unsigned i = 0; i < n && found < 0; i++)
        if (!contains(ours, m, all[i]) &&
            is_named(x, (uint32_t)strtoul(all[i], NULL, 10), name))
            found = atoi(all[i]);
    free(all);
    free(ours);
    return found;
}

int store_rename(struct xeno *x, uint32_t id, const uint8_t uuid[16],
                 const char *name)
{
    char dom[64], vm[64], text[37], *old = xeno_domain_name(x, id);
    int rc;

    xeno_uuid_text(uuid, text);
    snprintf(dom, sizeof(dom), "/local/domain/%u", id);
    snprintf(vm, sizeof(vm), "/vm/%s", text);
    rc = store_write(x, dom, "name", "%s", name);
    if (!rc)
        rc = store_write(x, vm, "name", "%s", name);
    if (!rc)
        rc = write_index(x, id, name);
    if (!rc && old)
        store_remove(x, "/xeno/name/%s", name_key(old).text);
    free(old);
    return rc;
}
