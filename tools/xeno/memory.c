/* mem-set, mem-max. */
#include "cmd.h"
#include "store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* "512", "512m": MiB; k, g otherwise. 0: not a size. */
static uint64_t parse_kib(const char *s)
{
    char *end;
    unsigned long long n = strtoull(s, &end, 10);
    unsigned shift = 10;

    if (end == s || *s == '-' || n > 1ull << 40)
        return 0;
    switch (*end) {
    case '\0': return n << shift;
    case 'k': case 'K': shift = 0; break;
    case 'm': case 'M': break;
    case 'g': case 'G': shift = 20; break;
    default: return 0;
    }
    return end[1] ? 0 : n << shift;
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
