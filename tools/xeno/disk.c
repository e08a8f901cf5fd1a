/* Disks: a block device of domain 0, or a file behind a loop device. */
#include "device.h"

#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* ---- loop devices ---- */

/*
 * Takes the first free one; its path in `node`. The back end names it before
 * it is made: whoever cleans up after us, should we be killed, finds it there.
 */
static int take_loop(struct xeno *x, int control, int flags, const char *back,
                     const struct loop_config *config, char *node, size_t room)
{
    int rc, loop, n, e;

    do {
        n = ioctl(control, LOOP_CTL_GET_FREE);
        snprintf(node, room, "/dev/loop%d", n);
        loop = n < 0 ? -1 : open(node, flags);
        if (loop < 0 || store_write(x, back, "node", "%s", node))
            rc = -1;
        else
            rc = ioctl(loop, LOOP_CONFIGURE, config);
        e = errno;
        if (loop >= 0)
            close(loop);
        errno = e;
        /* Somebody else may have been faster. */
    } while (rc && e == EBUSY);
    return rc;
}

static int attach_loop(struct xeno *x, const struct guest_disk *d,
                       const char *back, char *node, size_t room)
{
    int flags = (d->readonly ? O_RDONLY : O_RDWR) | O_CLOEXEC;
    int file = open(d->target, flags), rc = -1;
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    struct loop_config config = {
        .fd = (uint32_t)file,
        .info.lo_flags = d->readonly ? LO_FLAGS_READ_ONLY : 0};

    snprintf((char *)config.info.lo_file_name, LO_NAME_SIZE, "%s", d->target);
    if (file >= 0 && control >= 0)
        rc = take_loop(x, control, flags, back, &config, node, room);
    if (rc)
        rc = xeno_fail(x, errno, "disk %s: cannot use the file '%s': %s",
                       d->vdev, d->target, strerror(errno));
    if (control >= 0)
        close(control);
    if (file >= 0)
        close(file);
    return rc;
}

void detach_loop(const char *node, const char *target)
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

/* ---- disks ---- */

/* Says to the back end which block device it is. */
static int write_physical(struct xeno *x, const struct guest_disk *d,
                          const char *back, const struct stat *st)
{
    char node[32];
    struct stat loop = *st;
    int rc = 0;

    if (S_ISREG(st->st_mode)) {
        rc = attach_loop(x, d, back, node, sizeof(node));
        if (!rc && stat(node, &loop))
            rc = xeno_fail(x, errno, "disk %s: '%s': %s", d->vdev, node,
                           strerror(errno));
    }
    if (!rc)
        rc = store_write(x, back, "physical-device", "%x:%x",
                         major(loop.st_rdev), minor(loop.st_rdev));
    return rc ? rc : store_write(x, back, "hotplug-status", "connected");
}

static int write_disk(struct xeno *x, const struct guest_disk *d,
                      const struct device *dev, const char *script)
{
    const char *type = d->cdrom ? "cdrom" : "disk";
    char number[16];
    const char *const pairs[] = {
        "params", d->target, "script", script, "removable",
        d->cdrom ? "1" : "0", "bootable", "1", "dev", d->vdev, "type", "phy",
        "mode", d->readonly ? "r" : "w", "device-type", type,
        "discard-enable", d->readonly ? "0" : "1", NULL};
    const char *const front[] = {"virtual-device", number, "device-type", type,
                                 NULL};
    int rc = device_make(x, dev, pairs);

    snprintf(number, sizeof(number), "%u", d->number);
    return rc ? rc : store_write_all(x, dev->front, front);
}

static int check_target(struct xeno *x, const struct guest_disk *d,
                        struct stat *st)
{
    if (d->script)
        return 0;
    if (stat(d->target, st))
        return xeno_fail(x, errno, "disk %s: '%s': %s", d->vdev, d->target,
                         strerror(errno));
    if (!S_ISBLK(st->st_mode) && !S_ISREG(st->st_mode))
        return xeno_fail(x, ENOTBLK, "disk %s: '%s' is neither a block device "
                         "nor a file", d->vdev, d->target);
    return 0;
}

int device_add_disk(struct xeno *x, uint32_t id, const struct guest_disk *d)
{
    /* The usual script is named for xl's sake, which removes by it. */
    char *script = script_path(d->script ? d->script : "block");
    struct device dev;
    struct stat st = {0};
    int rc = check_target(x, d, &st);

    device_name(&dev, id, "vbd", d->number);
    if (!rc)
        rc = write_disk(x, d, &dev, script);
    if (!rc && d->script)
        rc = store_write(x, dev.back, "script-was-run", "1");
    if (!rc)
        rc = d->script ? device_script(x, &dev, script, "add", NULL)
                       : write_physical(x, d, dev.back, &st);
    free(script);
    return rc ? rc : device_start(x, &dev);
}
