/* vcpu-pin, vcpu-set. */
#include "cmd.h"
#include "guest.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A list of CPUs, or "-" for none; false: said. */
static bool read_cpus(const char *s, struct xeno_cpus *set, bool *given)
{
    *given = strcmp(s, "-") != 0;
    if (*given && !parse_cpus(s, set)) {
        fail("'%s' is not a list of CPUs such as 0-3,^1", s);
        return false;
    }
    return true;
}

int cmd_vcpu_pin(struct xeno *x, int argc, char **argv)
{
    struct xeno_cpus hard, soft;
    bool have_hard = false, have_soft = false;
    struct xeno_domain d;
    unsigned first, last;
    uint32_t id;
    char *end;
    int rc = domain_arguments(x, &argc, &argv, 3, 4, &id);

    if (rc)
        return rc;
    if (xeno_domain_info(x, id, &d))
        return fail_x(x);
    first = (unsigned)strtoul(argv[1], &end, 10);
    last = first;
    if (!strcmp(argv[1], "all"))
        first = 0, last = d.max_vcpu_id;
    else if (*end || end == argv[1] || first > d.max_vcpu_id)
        return fail("domain %u has no vCPU '%s'", id, argv[1]);
    if (!read_cpus(argv[2], &hard, &have_hard) ||
        (argc > 3 && !read_cpus(argv[3], &soft, &have_soft)))
        return EXIT_FAILED;
    for (unsigned v = first; v <= last; v++)
        if (xeno_vcpu_set_affinity(x, id, v, have_hard ? &hard : NULL,
                                   have_soft ? &soft : NULL))
            return fail_x(x);
    return 0;
}

/* The guest is asked by its nodes in xenstore; it plugs by itself. */
int cmd_vcpu_set(struct xeno *x, int argc, char **argv)
{
    struct xeno_domain d;
    unsigned long count;
    char base[64], node[32], *end;
    uint32_t id;
    int rc = domain_arguments(x, &argc, &argv, 2, 2, &id);

    if (rc)
        return rc;
    if (xeno_domain_info(x, id, &d))
        return fail_x(x);
    count = strtoul(argv[1], &end, 10);
    if (*end || !count || count > d.max_vcpu_id + 1)
        return fail("'%s': domain %u can have 1 to %u vCPUs", argv[1], id,
                    d.max_vcpu_id + 1);
    snprintf(base, sizeof(base), "/local/domain/%u", id);
    for (unsigned i = 0; i <= d.max_vcpu_id; i++) {
        snprintf(node, sizeof(node), "cpu/%u/availability", i);
        if (store_write(x, base, node, i < count ? "online" : "offline"))
            return fail_x(x);
    }
    return 0;
}
