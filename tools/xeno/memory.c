/* mem-set, mem-max, dump-core. */
#include "cmd.h"
#include "store.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* "512", "512m": MiB; t, g, k, b (bytes) otherwise. 0: not a size. */
static uint64_t parse_kib(const char *s)
{
    char *end;
    unsigned long long n = strtoull(s, &end, 10);
    unsigned shift = 10;

    if (!isdigit((unsigned char)*s) || (*end && end[1]))
        return 0;
    switch (tolower((unsigned char)*end)) {
    case 't': shift = 30; break;
    case 'g': shift = 20; break;
    case '\0': case 'm': break;
    case 'k': shift = 0; break;
    case 'b': shift = 0; n >>= 10; break;
    default: return 0;
    }
    return n < 1ull << (50 - shift) ? n << shift : 0;
}

/* "DOMAIN SIZE" of argv; an exit status, 0 if good. */
static int read_arguments(struct xeno *x, int argc, char **argv, uint32_t *id,
                          uint64_t *kib)
{
    int rc = domain_arguments(x, &argc, &argv, 2, 2, id);

    if (rc)
        return rc;
    *kib = parse_kib(argv[1]);
    if (!*kib)
        return fail("'%s' is not a size such as 512 (MiB), 65536k or 2g",
                    argv[1]);
    return 0;
}

/*
 * The target is for the guest's balloon driver; the hypervisor's limit goes
 * along, within what the guest was built for.
 */
int cmd_mem_set(struct xeno *x, int argc, char **argv)
{
    uint64_t kib, most;
    char base[64], *s;
    uint32_t id;
    int rc = read_arguments(x, argc, argv, &id, &kib);

    if (rc)
        return rc;
    s = xeno_read(x, "/local/domain/%u/memory/static-max", id);
    most = s ? strtoull(s, NULL, 10) : 0;
    free(s);
    if (most && kib > most)
        return fail("domain %u can have at most %llu KiB", id,
                    (unsigned long long)most);
    snprintf(base, sizeof(base), "/local/domain/%u", id);
    if (id && xeno_domain_max_memory(x, id, kib + 1024))
        return fail_x(x);
    if (store_write(x, base, "memory/target", "%llu", (unsigned long long)kib))
        return fail_x(x);
    return 0;
}

int cmd_mem_max(struct xeno *x, int argc, char **argv)
{
    uint64_t kib;
    uint32_t id;
    int rc = read_arguments(x, argc, argv, &id, &kib);

    if (rc)
        return rc;
    return xeno_domain_max_memory(x, id, kib) ? fail_x(x) : 0;
}

/* ---- dump-core ---- */

#define XL_DIR "/var/lib/xen"
#define DUMP_DIR XL_DIR "/dump"

const char *core_path(const char *name, char *path, size_t room)
{
    mkdir(XL_DIR, 0755);
    mkdir(DUMP_DIR, 0700);
    snprintf(path, room, DUMP_DIR "/%s", name);
    return path;
}

int cmd_dump_core(struct xeno *x, int argc, char **argv)
{
    char *name, path[160];
    uint32_t id;
    int rc = domain_arguments(x, &argc, &argv, 1, 2, &id);

    if (rc)
        return rc;
    if (!id)
        return fail("domain 0 cannot be dumped");
    name = xeno_domain_name(x, id);
    rc = xeno_core_dump(x, id, argc > 1 ? argv[1]
                                        : core_path(name ? name : argv[0], path,
                                                    sizeof(path)));
    free(name);
    return rc ? fail_x(x) : 0;
}
