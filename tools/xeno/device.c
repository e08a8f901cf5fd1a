/*
 * A device is two directories that name each other: the guest's (front end)
 * and domain 0's (back end). The kernel drivers in both domains see them
 * appear and negotiate the rest.
 */
#include "device.h"

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define BACKEND_READY_MS 30000

struct sides {
    char back[96], front[96];
};

static void name_sides(struct sides *s, uint32_t id, const char *kind,
                       unsigned number)
{
    snprintf(s->back, sizeof(s->back), "/local/domain/0/backend/%s/%u/%u", kind,
             id, number);
    snprintf(s->front, sizeof(s->front), "/local/domain/%u/device/%s/%u", id,
             kind, number);
}

/* Both directories with what every device has. `state` comes last of all. */
static int make_sides(struct xeno *x, uint32_t id, const struct sides *s)
{
    int rc = store_dir(x, id, 'r', "%s", s->back);

    if (!rc)
        rc = store_dir(x, id, 'o', "%s", s->front);
    if (!rc)
        rc = store_write(x, s->front, "backend", "%s", s->back);
    if (!rc)
        rc = store_write(x, s->front, "backend-id", "0");
    if (!rc)
        rc = store_write(x, s->back, "frontend", "%s", s->front);
    if (!rc)
        rc = store_write(x, s->back, "frontend-id", "%u", id);
    return rc ? rc : store_write(x, s->back, "online", "1");
}

static int start_sides(struct xeno *x, const struct sides *s)
{
    int rc = store_write(x, s->front, "state", "1");

    return rc ? rc : store_write(x, s->back, "state", "1");
}

/*
 * Runs a hotplug script of the administrator's as xl does: action and
 * environment of the interface that Xen's own scripts have.
 */
static int run_script(struct xeno *x, const char *script, const char *back,
                      const char *kind, const char *action, const char *vif)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        setenv("script", script, 1);
        setenv("XENBUS_TYPE", kind, 1);
        setenv("XENBUS_PATH", back + strlen("/local/domain/0/"), 1);
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
    if (pid > 0)
        waitpid(pid, &status, 0);
    if (pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
        return xeno_fail(x, EIO, "the script '%s %s' failed%s", script, action,
                         WIFEXITED(status) && WEXITSTATUS(status) == 127
                             ? ": cannot be run" : "");
    return 0;
}

/* A script's path: names without '/' are Xen's. */
static char *script_path(const char *name)
{
    char *s = NULL;

    if (strchr(name, '/'))
        return strdup(name);
    return asprintf(&s, "/etc/xen/scripts/%s", name) < 0 ? NULL : s;
}

/* ---- disks ---- */

/*
 * A loop device for the file; its path in `node`. The back end names the loop
 * device before there is one: whoever cleans up after us, should we be killed,
 * finds it there.
 */
static int attach_loop(struct xeno *x, const struct guest_disk *d,
                       const char *back, char *node, size_t room)
{
    int flags = (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC;
    int control = -1, loop = -1, rc = -1;
    int file = open(d->target, flags);
    struct loop_config config = {
        .info.lo_flags = d->readonly ? LO_FLAGS_READ_ONLY : 0};

    if (file >= 0)
        control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    config.fd = (uint32_t)file;
    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", d->target);
    /* Somebody else may take the free one first. */
    while (control >= 0 && rc) {
        int n = ioctl(control, LOOP_CTL_GET_FREE);

        snprintf(node, room, "/dev/loop%d", n);
        loop = n < 0 ? -1 : open(node, flags);
        if (loop < 0 || store_write(x, back, "node", "%s", node))
            break;
        rc = ioctl(loop, LOOP_CONFIGURE, &config);
        if (rc && errno != EBUSY)
            break;
        close(loop);
        loop = -1;
    }
    if (rc)
        rc = xeno_fail(x, errno, "disk %s: cannot use the file '%s': %s",
                       d->vdev, d->target, strerror(errno));
    if (loop >= 0)
        close(loop);
    if (control >= 0)
        close(control);
    if (file >= 0)
        close(file);
    return rc;
}

/* Unless it serves another file. */
static void detach_loop(const char *node, const char *target)
{
    int fd = open(node, O_RDONLY | O_CLOEXEC);
    struct loop_info64 info;

    if (fd < 0)
        return;
    if (target && !ioctl(fd, LOOP_GET_STATUS64, &info) &&
        !strncmp((char *)info.lo_file_name, target, LO_NAME_SIZE - 1))
        ioctl(fd, LOOP_CLR_FD);
    close(fd);
}

/* Says to the back end which block device it is. */
static int write_physical(struct xeno *x, const struct guest_disk *d,
                          const char *back, const struct stat *st)
{
    char node[32];
    struct stat loop = *st;
    int rc;

    if (S_ISREG(st->st_mode)) {
        rc = attach_loop(x, d, back, node, sizeof(node));
        if (!rc && stat(node, &loop))
            rc = xeno_fail(x, errno, "disk %s: '%s': %s", d->vdev, node,
                           strerror(errno));
        if (rc)
            return rc;
    }
    rc = store_write(x, back, "physical-device", "%x:%x", major(loop.st_rdev),
                     minor(loop.st_rdev));
    return rc ? rc : store_write(x, back, "hotplug-status", "connected");
}

static int write_disk(struct xeno *x, const struct guest_disk *d,
                      const struct sides *s)
{
    int rc = store_write(x, s->back, "params", "%s", d->target);

    if (!rc)
        rc = store_write(x, s->back, "dev", "%s", d->vdev);
    if (!rc)
        rc = store_write(x, s->back, "mode", d->readonly ? "r" : "w");
    if (!rc)
        rc = store_write(x, s->back, "type", "phy");
    if (!rc)
        rc = store_write(x, s->back, "device-type",
                         d->cdrom ? "cdrom" : "disk");
    if (!rc)
        rc = store_write(x, s->front, "virtual-device", "%u", d->number);
    return rc ? rc : store_write(x, s->front, "device-type",
                                 d->cdrom ? "cdrom" : "disk");
}

int device_add_disk(struct xeno *x, uint32_t id, const struct guest_disk *d)
{
    char *script;
    struct sides s;
    struct stat st = {0};
    int rc;

    if (!d->script && stat(d->target, &st))
        return xeno_fail(x, errno, "disk %s: '%s': %s", d->vdev, d->target,
                         strerror(errno));
    if (!d->script && !S_ISBLK(st.st_mode) && !S_ISREG(st.st_mode))
        return xeno_fail(x, ENOTBLK, "disk %s: '%s' is neither a block device "
                         "nor a file", d->vdev, d->target);
    name_sides(&s, id, "vbd", d->number);
    rc = make_sides(x, id, &s);
    if (!rc)
        rc = write_disk(x, d, &s);
    if (!rc && !d->script)
        rc = write_physical(x, d, s.back, &st);
    if (!rc && d->script) {
        script = script_path(d->script);
        rc = store_write(x, s.back, "script", "%s", script);
        if (!rc)
            rc = store_write(x, s.back, "script-was-run", "1");
        if (!rc)
            rc = run_script(x, script, s.back, "vbd", "add", NULL);
        free(script);
    }
    return rc ? rc : start_sides(x, &s);
}

/* ---- network ---- */

/* An address of Xen's own range, random. */
static void random_mac(uint8_t mac[6])
{
    const uint8_t oui[3] = {0x00, 0x16, 0x3e};

    memcpy(mac, oui, 3);
    if (getrandom(mac + 3, 3, 0) != 3)
        abort();
    mac[3] &= 0x7f;
}

/* Adds the interface to the bridge and starts it. */
static int join_bridge(struct xeno *x, const char *vif, const char *bridge)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = -1;
    struct ifreq r = {0};

    snprintf(r.ifr_name, IFNAMSIZ, "%.15s", bridge);
    r.ifr_ifindex = (int)if_nametoindex(vif);
    if (fd >= 0 && r.ifr_ifindex)
        rc = ioctl(fd, SIOCBRADDIF, &r);
    if (!rc) {
        memset(&r, 0, sizeof(r));
        snprintf(r.ifr_name, IFNAMSIZ, "%.15s", vif);
        rc = ioctl(fd, SIOCGIFFLAGS, &r);
        r.ifr_flags |= IFF_UP;
        if (!rc)
            rc = ioctl(fd, SIOCSIFFLAGS, &r);
    }
    if (rc)
        rc = xeno_fail(x, errno ? errno : ENODEV,
                       "cannot put %s into the bridge '%s': %s", vif, bridge,
                       strerror(errno ? errno : ENODEV));
    if (fd >= 0)
        close(fd);
    return rc;
}

static int connect_vif(struct xeno *x, const struct guest_vif *v,
                       const struct sides *s, const char *vif)
{
    static const char *const ready[] = {"2", "4", NULL};
    char node[128], *script;
    int rc;

    snprintf(node, sizeof(node), "%s/state", s->back);
    if (store_await(x, node, ready, BACKEND_READY_MS) < 0)
        return xeno_fail(x, ETIMEDOUT, "vif %s: no network back end in domain "
                         "0 (is xen-netback loaded?)", vif);
    if (!v->script) {
        rc = join_bridge(x, vif, v->bridge ? v->bridge : "xenbr0");
        return rc ? rc
                  : store_write(x, s->back, "hotplug-status", "connected");
    }
    script = script_path(v->script);
    rc = run_script(x, script, s->back, "vif", "online", vif);
    free(script);
    return rc;
}

static int write_vif(struct xeno *x, const struct guest_vif *v,
                     const struct sides *s, unsigned number, const char *mac)
{
    char *script = script_path(v->script ? v->script : "vif-bridge");
    int rc = store_write(x, s->back, "mac", "%s", mac);

    if (!rc)
        rc = store_write(x, s->back, "handle", "%u", number);
    if (!rc)
        rc = store_write(x, s->back, "type", "vif");
    if (!rc)
        rc = store_write(x, s->back, "bridge", "%s",
                         v->bridge ? v->bridge : "xenbr0");
    /* xen-netback wants a name of a script, run or not. */
    if (!rc)
        rc = store_write(x, s->back, "script", "%s", script);
    if (!rc && v->script)
        rc = store_write(x, s->back, "script-was-run", "1");
    if (!rc && v->ip)
        rc = store_write(x, s->back, "ip", "%s", v->ip);
    if (!rc)
        rc = store_write(x, s->front, "handle", "%u", number);
    free(script);
    return rc ? rc : store_write(x, s->front, "mac", "%s", mac);
}

int device_add_vif(struct xeno *x, uint32_t id, unsigned number,
                   const struct guest_vif *v)
{
    char mac[18], vif[IFNAMSIZ];
    uint8_t m[6];
    struct sides s;
    int rc;

    memcpy(m, v->mac, sizeof(m));
    if (!memcmp(m, "\0\0\0\0\0\0", 6))
        random_mac(m);
    snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1],
             m[2], m[3], m[4], m[5]);
    snprintf(vif, sizeof(vif), "vif%u.%u", id, number);
    name_sides(&s, id, "vif", number);
    rc = make_sides(x, id, &s);
    if (!rc)
        rc = write_vif(x, v, &s, number, mac);
    if (!rc)
        rc = start_sides(x, &s);
    return rc ? rc : connect_vif(x, v, &s, vif);
}

/* ---- the end ---- */

/* Has the back end let go, then undoes what was made for it. */
static void remove_one(struct xeno *x, uint32_t id, const char *kind,
                       const char *number)
{
    static const char *const closed[] = {"6", NULL};
    char back[96], node[128], vif[32], *s, *state, *ran,
         *target;

    snprintf(back, sizeof(back), "/local/domain/0/backend/%s/%u/%s", kind, id,
             number);
    snprintf(vif, sizeof(vif), "vif%u.%s", id, number);
    state = xeno_read(x, "%s/state", back);
    store_write(x, back, "online", "0");
    if (state && *state != '6' && *state != '1') {
        store_write(x, back, "state", "5");
        snprintf(node, sizeof(node), "%s/state", back);
        store_await(x, node, closed, BACKEND_READY_MS);
    }
    free(state);
    s = xeno_read(x, "%s/script", back);
    ran = xeno_read(x, "%s/script-was-run", back);
    if (s && ran)
        run_script(x, s, back, kind, strcmp(kind, "vif") ? "remove" : "offline",
                   strcmp(kind, "vif") ? NULL : vif);
    free(ran);
    free(s);
    s = xeno_read(x, "%s/node", back);
    target = xeno_read(x, "%s/params", back);
    if (s && !strcmp(kind, "vbd"))
        detach_loop(s, target);
    free(target);
    free(s);
    store_remove(x, "%s", back);
}

void device_remove_all(struct xeno *x, uint32_t id)
{
    static const char *const kinds[] = {"vbd", "vif"};

    for (unsigned k = 0; k < 2; k++) {
        size_t n;
        char *list = xeno_children(x, &n, "/local/domain/0/backend/%s/%u",
                                   kinds[k], id);

        for (char *s = list; list && s < list + n; s += strlen(s) + 1)
            remove_one(x, id, kinds[k], s);
        free(list);
    }
}
