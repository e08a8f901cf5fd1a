/* vcpu-pin, vcpu-set. */
#include "cmd.h"
#include "guest.h"
#include "store.h"

#include <ctype.h>
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

/* Which vCPUs "all" or a number means; false: said. */
static bool read_vcpus(struct xeno *x, uint32_t id, const char *s,
                       unsigned *first, unsigned *last)
{
    struct xeno_domain d;
    char *end;

    if (xeno_domain_info(x, id, &d)) {
        fail_x(x);
        return false;
    }
    *first = *last = (unsigned)strtoul(s, &end, 10);
    if (!strcmp(s, "all")) {
        *first = 0;
        *last = d.max_vcpu_id;
    } else if (*end || !isdigit((unsigned char)*s) || *first > d.max_vcpu_id) {
        fail("domain %u has no vCPU '%s'", id, s);
        return false;
    }
    return true;
}

int cmd_vcpu_pin(struct xeno *x, int argc, char **argv)
{
    struct xeno_cpus hard, soft;
    bool have_hard = false, have_soft = false;
    unsigned first, last;
    uint32_t id;
    int rc = option_arguments(x, &argc, &argv, "f", NULL, 3, 4, &id);

    if (rc)
        return rc;
    if (!read_vcpus(x, id, argv[1], &first, &last) ||
        !read_cpus(argv[2], &hard, &have_hard) ||
        (argc > 3 && !read_cpus(argv[3], &soft, &have_soft)))
        return EXIT_FAILED;
    for (unsigned v = first; v <= last; v++)
        if (xeno_vcpu_set_affinity(x, id, v, have_hard ? &hard : NULL,
                                   have_soft ? &soft : NULL))
            return fail_x(x);
    return 0;
}

/* "COUNT" of vcpu-set: 0, or the exit status (said). */
static int read_count(struct xeno *x, uint32_t id, const char *s,
                      bool ignore_host, unsigned *count, unsigned *most)
{
    struct xeno_machine m;
    struct xeno_domain d;
    char *end;

    if (xeno_domain_info(x, id, &d) || xeno_machine_info(x, &m))
        return fail_x(x);
    *most = d.max_vcpu_id + 1;
    *count = (unsigned)strtoul(s, &end, 10);
    if (*end || !isdigit((unsigned char)*s) || !*count || *count > *most)
        return fail("'%s': domain %u can have 1 to %u vCPUs", s, id, *most);
    if (*count > m.nr_cpus && *count > d.online_vcpus && !ignore_host)
        return fail("'%s': the machine has %u CPUs (--ignore-host permits "
                    "more)", s, m.nr_cpus);
    return 0;
}

/* The guest is asked by its nodes in xenstore; it plugs by itself. */
int cmd_vcpu_set(struct xeno *x, int argc, char **argv)
{
    unsigned count, most;
    bool ignore_host;
    char base[64], node[32];
    uint32_t id;
    int rc = option_arguments(x, &argc, &argv, "i", &ignore_host, 2, 2, &id);

    if (!rc)
        rc = read_count(x, id, argv[1], ignore_host, &count, &most);
    if (rc)
        return rc;
    snprintf(base, sizeof(base), "/local/domain/%u", id);
    for (unsigned i = 0; i < most; i++) {
        snprintf(node, sizeof(node), "cpu/%u/availability", i);
        if (store_write(x, base, node, i < count ? "online" : "offline"))
            return fail_x(x);
    }
    return 0;
}
