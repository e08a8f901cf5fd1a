#include "store.h"

#include "moment.h"

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
#include <xen/io/xs_wire.h>

#define MAX_PATH 512
#define AWAIT_STEP_MS 10

/* ---- single nodes ---- */

/* Collected until xeno_store_run. */
static void put(struct xeno *x, const char *base, const char *node,
                const char *value)
{
    char path[MAX_PATH];

    snprintf(path, sizeof(path), "%s/%s", base, node);
    xeno_store_ask(x, XS_WRITE, path, value, strlen(value), NULL);
}

static void put_number(struct xeno *x, const char *base, const char *node,
                       uint64_t value)
{
    char text[24];

    snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
    put(x, base, node, text);
}

int store_write(struct xeno *x, const char *base, const char *node,
                const char *fmt, ...)
{
    char value[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(value))
        return xeno_fail(x, E2BIG, "cannot write '%s/%s' in xenstore: %s", base,
                         node, strerror(E2BIG));
    put(x, base, node, value);
    return xeno_store_run(x);
}

/* Several pairs of node and value below base, ended by NULL. */
static void put_all(struct xeno *x, const char *base, const char *const *pairs)
{
    for (; *pairs; pairs += 2)
        put(x, base, pairs[0], pairs[1]);
}

int store_write_all(struct xeno *x, const char *base, const char *const *pairs)
{
    put_all(x, base, pairs);
    return xeno_store_run(x);
}

/* See store_dir; collected. */
static void make_dir(struct xeno *x, uint32_t id, char rights, const char *path)
{
    char perms[32];
    int n;

    /* Who owns it, what the others may, what the one named may. */
    if (rights == 'o')
        n = snprintf(perms, sizeof(perms), "n%u%cr0", id, '\0');
    else
        n = snprintf(perms, sizeof(perms), "n0%c%c%u", '\0',
                     rights == 'w' ? 'b' : 'r', id);
    if (!rights)
        n = 2;
    xeno_store_ask(x, XS_MKDIR, path, NULL, 0, NULL);
    xeno_store_ask(x, XS_SET_PERMS, path, perms, (size_t)n + 1, NULL);
}

int store_dir(struct xeno *x, uint32_t id, char rights, const char *fmt, ...)
{
    char path[MAX_PATH];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    make_dir(x, id, rights, path);
    return xeno_store_run(x);
}

static void put_away(struct xeno *x, const char *fmt, va_list ap)
{
    char path[MAX_PATH];

    vsnprintf(path, sizeof(path), fmt, ap);
    xeno_store_ask(x, XS_RM, path, NULL, 0, NULL);
}

void store_put_away(struct xeno *x, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_away(x, fmt, ap);
    va_end(ap);
}

void store_remove(struct xeno *x, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_away(x, fmt, ap);
    va_end(ap);
    (void)xeno_store_run(x);
}

static int value_index(struct xeno *x, const char *node,
                       const char *const *values)
{
    char *s = xeno_read(x, "%s", node);
    int found = -1;

    for (int i = 0; s && values[i] && found < 0; i++)
        if (!strcmp(values[i], s))
            found = i;
    free(s);
    return found;
}

/* Looked at again and again: what is waited for comes within a moment. */
int store_await(struct xeno *x, const char *node, const char *const *values,
                unsigned ms)
{
    double end = moment_now() + ms / 1000.0;
    int found;

    while ((found = value_index(x, node, values)) < 0 && moment_now() < end)
        poll(NULL, 0, AWAIT_STEP_MS);
    return found;
}

/* ---- a guest ---- */

static void put_vcpus(struct xeno *x, const char *dom, const struct guest *g)
{
    for (unsigned i = 0; i < g->max_vcpus; i++) {
        char node[32];

        snprintf(node, sizeof(node), "cpu/%u/availability", i);
        put(x, dom, node, i < g->vcpus ? "online" : "offline");
    }
}

static void console_back(char *path, size_t room, uint32_t id)
{
    snprintf(path, room, "/local/domain/0/backend/console/%u/0", id);
}

/* The guest's side, which xenconsoled looks at. */
static void put_console(struct xeno *x, uint32_t id, const char *dom,
                        const struct xeno_build *b)
{
    char back[64], front[96], port[16], ring[24];
    const char *const nodes[] = {"backend", back, "backend-id", "0", "limit",
                                 "1048576", "type", "xenconsoled", "output",
                                 "pty", "tty", "", "port", port, "ring-ref",
                                 ring, NULL};

    console_back(back, sizeof(back), id);
    snprintf(front, sizeof(front), "%s/console", dom);
    snprintf(port, sizeof(port), "%u", b->console_port);
    snprintf(ring, sizeof(ring), "%llu", (unsigned long long)b->console_mfn);
    put_all(x, front, nodes);
}

/* Domain 0's side. */
static void put_console_back(struct xeno *x, uint32_t id)
{
    char back[64], front[64], ids[16];
    const char *const nodes[] = {"frontend", front, "frontend-id", ids,
                                 "online", "1", "state", "1", "protocol",
                                 "vt100", NULL};

    console_back(back, sizeof(back), id);
    snprintf(front, sizeof(front), "/local/domain/%u/console", id);
    snprintf(ids, sizeof(ids), "%u", id);
    make_dir(x, id, 'r', back);
    put_all(x, back, nodes);
}

static void put_vm(struct xeno *x, uint32_t id, const struct guest *g,
                   const char *vm, const char *uuid)
{
    char start[32];
    const char *const nodes[] = {"uuid", uuid, "name", g->name,
                                 "image/ostype", "linux", "image/kernel",
                                 g->kernel, "start_time", start, NULL};
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    snprintf(start, sizeof(start), "%lld.%02ld", (long long)t.tv_sec,
             t.tv_nsec / 10000000);
    make_dir(x, id, 'r', vm);
    put_all(x, vm, nodes);
}

/* The guest's own directory: what is below has its rights if none are set. */
static void put_domain(struct xeno *x, uint32_t id, const struct guest *g,
                       const struct xeno_build *b, const char *dom)
{
    char path[96];

    put(x, dom, "name", g->name);
    put_number(x, dom, "domid", id);
    snprintf(path, sizeof(path), "%s/control", dom);
    make_dir(x, id, 'w', path);
    put(x, path, "shutdown", "");
    snprintf(path, sizeof(path), "%s/data", dom);
    make_dir(x, id, 'o', path);
    snprintf(path, sizeof(path), "%s/error", dom);
    make_dir(x, id, 'o', path);
    snprintf(path, sizeof(path), "%s/device", dom);
    xeno_store_ask(x, XS_MKDIR, path, NULL, 0, NULL);
    put_number(x, dom, "memory/static-max", g->max_memory_kib);
    put_number(x, dom, "memory/target", g->memory_kib);
    put_vcpus(x, dom, g);
    put_number(x, dom, "store/port", b->store_port);
    put_number(x, dom, "store/ring-ref", b->store_mfn);
    put_console(x, id, dom, b);
}

int store_guest(struct xeno *x, uint32_t id, const struct guest *g,
                const struct xeno_build *b)
{
    char dom[64], vm[64], uuid[37];

    xeno_uuid_text(g->uuid, uuid);
    snprintf(dom, sizeof(dom), "/local/domain/%u", id);
    snprintf(vm, sizeof(vm), "/vm/%s", uuid);
    make_dir(x, id, 'r', dom);
    put(x, dom, "vm", vm); /* first: see store_find */
    put_vm(x, id, g, vm, uuid);
    put_domain(x, id, g, b, dom);
    return xeno_store_run(x);
}

int store_outside(struct xeno *x, uint32_t id, const struct guest *g)
{
    char libxl[32];

    snprintf(libxl, sizeof(libxl), "/libxl/%u", id);
    put(x, libxl, "type", "pv");
    put_console_back(x, id);
    xeno_index_add(x, id, g->name);
    return xeno_store_run(x);
}

int store_introduce(struct xeno *x, uint32_t id, const struct xeno_build *b)
{
    char ids[16], rest[48];
    int n;

    snprintf(ids, sizeof(ids), "%u", id);
    n = snprintf(rest, sizeof(rest), "%llu%c%u",
                 (unsigned long long)b->store_mfn, '\0', b->store_port);
    xeno_store_ask(x, XS_INTRODUCE, ids, rest, (size_t)n + 1, NULL);
    return xeno_store_run(x);
}

/*
 * xenstored begins with an empty ring. The guest's requests are put back into
 * it, the bytes before their number, and it finds the ring as it left it.
 */
static int introduce_keeping(struct xeno *x, uint32_t id,
                             const struct xeno_build *b,
                             struct xenstore_domain_interface *ring)
{
    char requests[XENSTORE_RING_SIZE];
    XENSTORE_RING_IDX end = ring->req_prod;
    int rc;

    memcpy(requests, ring->req, sizeof(requests));
    rc = store_introduce(x, id, b);
    memcpy(ring->req, requests, sizeof(requests));
    __atomic_store_n(&ring->req_prod, end, __ATOMIC_RELEASE);
    return rc;
}

/*
 * Paused meanwhile. xenstored looks into all rings when somebody asks it
 * something, as we do next, so nobody need tell it of the requests.
 */
int store_introduce_running(struct xeno *x, uint32_t id,
                            const struct xeno_build *b)
{
    const xen_pfn_t mfn = b->store_mfn;
    int rc = xeno_domain_pause(x, id);
    void *ring;

    if (rc)
        return rc;
    ring = xeno_map(x, id, &mfn, 1);
    if (!ring)
        return -EFAULT;
    rc = introduce_keeping(x, id, b, ring);
    xeno_unmap(x, ring, 1);
    return rc ? rc : xeno_domain_unpause(x, id);
}

/* What store_find looks for goes last. */
void store_forget(struct xeno *x, uint32_t id, const uint8_t uuid[16])
{
    char text[37];

    xeno_index_remove(x, id);
    xeno_uuid_text(uuid, text);
    store_put_away(x, "/libxl/%u", id);
    store_put_away(x, "/vm/%s", text);
    store_put_away(x, "/local/domain/%u", id);
    (void)xeno_store_run(x);
}

bool store_find(struct xeno *x, const uint8_t uuid[16], uint32_t *id)
{
    char text[37], *s;
    bool found = false;
    size_t n = 0;
    char *all = xeno_children(x, &n, "/local/domain");

    xeno_uuid_text(uuid, text);
    for (char *d = all; all && d < all + n && !found; d += strlen(d) + 1) {
        *id = (uint32_t)strtoul(d, NULL, 10);
        s = xeno_read(x, "/local/domain/%u/vm", *id);
        found = *id && s && !strncmp(s, "/vm/", 4) && !strcmp(s + 4, text);
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

int store_rename(struct xeno *x, uint32_t id, const uint8_t uuid[16],
                 const char *name)
{
    char dom[64], vm[64], text[37];

    xeno_uuid_text(uuid, text);
    snprintf(dom, sizeof(dom), "/local/domain/%u", id);
    snprintf(vm, sizeof(vm), "/vm/%s", text);
    xeno_index_remove(x, id);
    put(x, dom, "name", name);
    put(x, vm, "name", name);
    xeno_index_add(x, id, name);
    return xeno_store_run(x);
}
