/* What xenstore knows about domains. */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenstore.h>

char *xeno_read(struct xeno *x, const char *fmt, ...)
{
    struct xs_handle *xs = xeno_store(x);
    char path[256];
    va_list ap;

    if (!xs)
        return NULL;
    va_start(ap, fmt);
    vsnprintf(path, sizeof(path), fmt, ap);
    va_end(ap);
    return xs_read(xs, XBT_NULL, path, NULL);
}

char *xeno_domain_name(struct xeno *x, uint32_t id)
{
    return xeno_read(x, "/local/domain/%u/name", id);
}

/* By name, or by UUID if name is NULL; 0 or -ESRCH. */
static int search(struct xeno *x, const char *name, const uint8_t *uuid,
                  uint32_t *id)
{
    struct xeno_domain *list;
    int n = xeno_domain_list_all(x, &list), rc = -ESRCH;

    if (n < 0)
        return n;
    for (int i = 0; i < n && rc; i++) {
        char *s = name ? xeno_domain_name(x, list[i].id) : NULL;

        if (name ? s && !strcmp(s, name) : !memcmp(list[i].uuid, uuid, 16)) {
            *id = list[i].id;
            rc = 0;
        }
        free(s);
    }
    free(list);
    return rc;
}

int xeno_domain_find(struct xeno *x, const char *what, uint32_t *id)
{
    struct xeno_domain d;
    uint8_t uuid[16];
    char *end;
    unsigned long n = strtoul(what, &end, 10);
    int rc;

    if (isdigit((unsigned char)what[0]) && !*end && n < DOMID_FIRST_RESERVED) {
        *id = (uint32_t)n;
        return xeno_domain_info(x, *id, &d);
    }
    rc = xeno_uuid_parse(what, uuid) ? search(x, NULL, uuid, id)
                                : search(x, what, NULL, id);
    if (rc == -ESRCH)
        return xeno_fail(x, ESRCH, "there is no domain '%s'", what);
    return rc;
}
