/* What xenstore knows about domains. */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

static struct xeno_answer ask(struct xeno *x, unsigned type, const char *fmt,
                              va_list ap)
{
    struct xeno_answer a;
    char path[256];

    vsnprintf(path, sizeof(path), fmt, ap);
    xeno_store_ask(x, type, path, NULL, 0, &a);
    (void)xeno_store_run(x);
    return a;
}

char *xeno_read(struct xeno *x, const char *fmt, ...)
{
    struct xeno_answer a;
    va_list ap;

    va_start(ap, fmt);
    a = ask(x, XS_READ, fmt, ap);
    va_end(ap);
    return a.data;
}

char *xeno_children(struct xeno *x, size_t *n, const char *fmt, ...)
{
    struct xeno_answer a;
    va_list ap;

    va_start(ap, fmt);
    a = ask(x, XS_DIRECTORY, fmt, ap);
    va_end(ap);
    *n = a.n;
    return a.data;
}

char *xeno_domain_name(struct xeno *x, uint32_t id)
{
    return xeno_read(x, "/local/domain/%u/name", id);
}

/* ---- the index of names ---- */

#define INDEX_ID "/xeno/domain"
#define INDEX_NAME "/xeno/name"

/*
 * A name as one node: nodes may have letters, digits, "-" and few others, so
 * the rest are written as "_2e".
 */
struct name_path {
    char text[sizeof(INDEX_NAME) + 3 * 128];
};

static struct name_path name_path(const char *name)
{
    struct name_path p = {.text = INDEX_NAME "/"};
    size_t n = strlen(p.text);

    for (; *name && n + 4 < sizeof(p.text); name++) {
        unsigned char c = (unsigned char)*name;
        n += (size_t)sprintf(p.text + n,
                             isalnum(c) || c == '-' ? "%c" : "_%02x", c);
    }
    return p;
}

void xeno_index_add(struct xeno *x, uint32_t id, const char *name)
{
    char path[32], ids[16];
    int n = snprintf(ids, sizeof(ids), "%u", id);

    snprintf(path, sizeof(path), INDEX_ID "/%u", id);
    xeno_store_ask(x, XS_WRITE, path, name, strlen(name), NULL);
    xeno_store_ask(x, XS_WRITE, name_path(name).text, ids, (size_t)n, NULL);
}

/* By its own entry: xl may have renamed it, or another may have its name. */
void xeno_index_remove(struct xeno *x, uint32_t id)
{
    char path[32], *name = xeno_read(x, INDEX_ID "/%u", id), *s;
    struct name_path by_name;

    if (!name)
        return;
    by_name = name_path(name);
    s = xeno_read(x, "%s", by_name.text);
    if (s && strtoul(s, NULL, 10) == id)
        xeno_store_ask(x, XS_RM, by_name.text, NULL, 0, NULL);
    snprintf(path, sizeof(path), INDEX_ID "/%u", id);
    xeno_store_ask(x, XS_RM, path, NULL, 0, NULL);
    free(s);
    free(name);
}

/* ---- looking for domains ---- */

/* Does this domain have that name, and does it exist? */
static bool is_named(struct xeno *x, uint32_t id, const char *name)
{
    char *s = xeno_domain_name(x, id);
    struct xeno_domain d;
    bool yes = s && !strcmp(s, name) && !xeno_domain_info(x, id, &d);

    free(s);
    return yes;
}

/* Asks for the names of all domains at once. */
static int search_names(struct xeno *x, const char *name, uint32_t *id)
{
    struct xeno_domain *list;
    struct xeno_answer *a;
    char path[48];
    int n = xeno_domain_list_all(x, &list), rc = -ESRCH;

    if (n < 0)
        return n;
    a = calloc((size_t)n + 1, sizeof(*a));
    for (int i = 0; a && i < n; i++) {
        snprintf(path, sizeof(path), "/local/domain/%u/name", list[i].id);
        xeno_store_ask(x, XS_READ, path, NULL, 0, &a[i]);
    }
    (void)xeno_store_run(x);
    for (int i = 0; a && i < n; i++) {
        if (rc && a[i].data && !strcmp(a[i].data, name)) {
            *id = list[i].id;
            rc = 0;
        }
        free(a[i].data);
    }
    free(a);
    free(list);
    return rc;
}

/*
 * The index has the guests that `xeno` made, and /libxl has all. If the two
 * lists are the same, xl made none, and the index decides.
 */
int xeno_domain_named(struct xeno *x, const char *name, uint32_t *id)
{
    struct xeno_answer hit, all, ours;
    bool same, found = false;

    xeno_store_ask(x, XS_READ, name_path(name).text, NULL, 0, &hit);
    xeno_store_ask(x, XS_DIRECTORY, "/libxl", NULL, 0, &all);
    xeno_store_ask(x, XS_DIRECTORY, INDEX_ID, NULL, 0, &ours);
    (void)xeno_store_run(x);
    if (hit.data) {
        *id = (uint32_t)strtoul(hit.data, NULL, 10);
        found = is_named(x, *id, name);
    }
    same = all.data && ours.data && all.n == ours.n &&
           !memcmp(all.data, ours.data, all.n);
    same |= all.error == ENOENT && ours.error == ENOENT;
    free(hit.data);
    free(all.data);
    free(ours.data);
    if (found)
        return 0;
    return same ? -ESRCH : search_names(x, name, id);
}

/* What xl has made or renamed is not. */
static bool in_index(struct xeno *x, const char *name, uint32_t *id)
{
    char *s = xeno_read(x, "%s", name_path(name).text);

    *id = s ? (uint32_t)strtoul(s, NULL, 10) : 0;
    free(s);
    return *id && is_named(x, *id, name);
}

static int search_uuid(struct xeno *x, const uint8_t *uuid, uint32_t *id)
{
    struct xeno_domain *list;
    int n = xeno_domain_list_all(x, &list), rc = -ESRCH;

    for (int i = 0; i < n && rc; i++)
        if (!memcmp(list[i].uuid, uuid, 16)) {
            *id = list[i].id;
            rc = 0;
        }
    if (n >= 0)
        free(list);
    return n < 0 ? n : rc;
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
    if (xeno_uuid_parse(what, uuid))
        rc = search_uuid(x, uuid, id);
    else if (in_index(x, what, id))
        rc = 0;
    else
        rc = search_names(x, what, id);
    if (rc == -ESRCH)
        return xeno_fail(x, ESRCH, "there is no domain '%s'", what);
    return rc;
}
