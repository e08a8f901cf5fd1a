/*
 * What disks and network interfaces have in common. The kernel drivers in both
 * domains see the directories appear and negotiate the rest.
 */
#include "device.h"

#include "store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* For the driver of a guest that is gone, and for a guest that lives. */
#define DRIVER_MS 30000
#define GUEST_MS 10000
#define STEP_MS 10

void device_name(struct device *d, uint32_t id, const char *kind,
                 unsigned number)
{
    d->id = id;
    d->kind = kind;
    d->number = number;
    snprintf(d->back, sizeof(d->back), "/local/domain/0/backend/%s/%u/%u", kind,
             id, number);
    snprintf(d->front, sizeof(d->front), "/local/domain/%u/device/%s/%u", id,
             kind, number);
    snprintf(d->own, sizeof(d->own), "/libxl/%u/device/%s/%u", id, kind,
             number);
}

bool device_exists(struct xeno *x, const struct device *d)
{
    char *s = xeno_read(x, "%s/frontend-id", d->back);
    bool yes = s != NULL;

    free(s);
    return yes;
}

/* ---- making ---- */

int device_make(struct xeno *x, const struct device *d,
                const char *const *pairs)
{
    char id[16];
    const char *const common[] = {"frontend", d->front, "frontend-id", id,
                                  "online", "1", NULL};
    const char *const front[] = {"backend", d->back, "backend-id", "0", NULL};
    int rc = store_dir(x, d->id, 'r', "%s", d->back);

    snprintf(id, sizeof(id), "%u", d->id);
    if (!rc)
        rc = store_dir(x, d->id, 'o', "%s", d->front);
    if (!rc)
        rc = store_write_all(x, d->front, front);
    if (!rc)
        rc = store_write_all(x, d->back, common);
    if (!rc)
        rc = store_write_all(x, d->back, pairs);
    if (!rc)
        rc = store_write(x, d->own, "backend", "%s", d->back);
    if (!rc)
        rc = store_write_all(x, d->own, common);
    return rc ? rc : store_write_all(x, d->own, pairs);
}

int device_start(struct xeno *x, const struct device *d)
{
    int rc = store_write(x, d->front, "state", "1");

    return rc ? rc : store_write(x, d->back, "state", "1");
}

/* ---- scripts ---- */

char *script_path(const char *name)
{
    char *s = NULL;

    if (strchr(name, '/'))
        return strdup(name);
    return asprintf(&s, "/etc/xen/scripts/%s", name) < 0 ? NULL : s;
}

/* Action and environment of the interface that Xen's own scripts have. */
static void exec_script(const struct device *d, const char *script,
                        const char *action, const char *vif)
{
    setenv("script", script, 1);
    setenv("XENBUS_TYPE", d->kind, 1);
    setenv("XENBUS_PATH", d->back + strlen("/local/domain/0/"), 1);
    setenv("XENBUS_BASE_PATH", "backend", 1);
    if (vif) {
        setenv("vif", vif, 1);
        setenv("INTERFACE", vif, 1);
        execl(script, script, action, "type_if=vif", (char *)NULL);
    } else {
        execl(script, script, action, (char *)NULL);
    }
    _exit(127);
}

int device_script(struct xeno *x, const struct device *d, const char *script,
                  const char *action, const char *vif)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0)
        exec_script(d, script, action, vif);
    if (pid > 0)
        waitpid(pid, &status, 0);
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
        return xeno_fail(x, EIO, "the script '%s %s' failed%s", script, action,
                         WIFEXITED(status) && WEXITSTATUS(status) == 127
                             ? ": cannot be run" : "");
    return 0;
}

/* ---- the end ---- */

/*
 * Until domain 0's driver has let go. Its own word is the only one that can be
 * trusted: a driver whose front end vanished unbinds without a change of state.
 */
static bool await_driver(const struct device *d, unsigned ms)
{
    char path[96];

    snprintf(path, sizeof(path),
             "/sys/bus/xen-backend/devices/%s-%u-%u/driver", d->kind, d->id,
             d->number);
    for (unsigned t = 0; !access(path, F_OK); t += STEP_MS) {
        if (t >= ms)
            return false;
        poll(NULL, 0, STEP_MS);
    }
    return true;
}

/* Undoes what was made for the back end. */
static void give_back(struct xeno *x, const struct device *d)
{
    bool disk = !strcmp(d->kind, "vbd");
    char *script = xeno_read(x, "%s/script", d->back);
    char *ran = xeno_read(x, "%s/script-was-run", d->back);
    char *node = disk ? xeno_read(x, "%s/node", d->back) : NULL;
    char *target = disk ? xeno_read(x, "%s/params", d->back) : NULL;
    char vif[32];

    snprintf(vif, sizeof(vif), "vif%u.%u", d->id, d->number);
    if (script && ran)
        device_script(x, d, script, disk ? "remove" : "offline",
                      disk ? NULL : vif);
    else if (node)
        detach_loop(node, target);
    free(target);
    free(node);
    free(ran);
    free(script);
}

static void remove_nodes(struct xeno *x, const struct device *d)
{
    store_remove(x, "%s", d->front);
    store_remove(x, "%s", d->own);
    store_remove(x, "%s", d->back);
}

int device_detach(struct xeno *x, const struct device *d)
{
    store_write(x, d->back, "online", "0");
    store_write(x, d->back, "state", "5");
    if (!await_driver(d, GUEST_MS))
        return xeno_fail(x, EBUSY, "the guest does not give %s %u back",
                         d->kind, d->number);
    give_back(x, d);
    remove_nodes(x, d);
    return 0;
}

void device_remove(struct xeno *x, const struct device *d)
{
    store_write(x, d->back, "online", "0");
    store_remove(x, "%s", d->front);
    await_driver(d, DRIVER_MS);
    give_back(x, d);
    remove_nodes(x, d);
}

int device_numbers(struct xeno *x, uint32_t id, const char *kind,
                   unsigned **numbers)
{
    size_t size, n = 0;
    char *list = xeno_children(x, &size, "/local/domain/0/backend/%s/%u", kind,
                               id);

    *numbers = calloc(size + 1, sizeof(**numbers));
    for (char *s = list; *numbers && list && s < list + size;
         s += strlen(s) + 1)
        (*numbers)[n++] = (unsigned)strtoul(s, NULL, 10);
    free(list);
    return *numbers ? (int)n : -1;
}

static void remove_kind(struct xeno *x, uint32_t id, const char *kind)
{
    unsigned *numbers = NULL;
    int n = device_numbers(x, id, kind, &numbers);

    for (int i = 0; i < n; i++) {
        struct device d;

        device_name(&d, id, kind, numbers[i]);
        device_remove(x, &d);
    }
    free(numbers);
}

void device_remove_all(struct xeno *x, uint32_t id)
{
    size_t n = 0;
    char *kinds = xeno_children(x, &n, "/local/domain/0/backend");

    for (char *k = kinds; kinds && k < kinds + n; k += strlen(k) + 1) {
        if (!strcmp(k, "vbd") || !strcmp(k, "vif"))
            remove_kind(x, id, k);
        store_put_away(x, "/local/domain/0/backend/%s/%u", k, id);
    }
    free(kinds);
}
