#include "record.h"

#include "json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY "/var/lib/xen"
#define RECORD "libxl-json"

/* ---- the structure ---- */

static json_object *add_object(json_object *o, const char *key)
{
    json_object *new = json_object_new_object();

    json_object_object_add(o, key, new);
    return new;
}

static json_object *add_array(json_object *o, const char *key)
{
    json_object *new = json_object_new_array();

    json_object_object_add(o, key, new);
    return new;
}

json_object *record_of_disk(const struct guest_disk *d)
{
    json_object *o = json_object_new_object();

    json_text(o, "pdev_path", d->target);
    json_text(o, "vdev", d->vdev);
    json_text(o, "format", "raw");
    json_text(o, "script", d->script);
    if (!d->readonly)
        json_number(o, "readwrite", 1);
    if (d->cdrom)
        json_number(o, "is_cdrom", 1);
    return o;
}

json_object *record_of_vif(const struct guest_vif *v)
{
    json_object *o = json_object_new_object();
    char mac[18];

    mac_text(v->mac, mac);
    json_number(o, "devid", (unsigned)v->number);
    json_text(o, "mac", mac);
    json_text(o, "ip", v->ip);
    json_text(o, "bridge", v->bridge);
    json_text(o, "ifname", v->name);
    json_text(o, "script", v->script);
    json_text(o, "nictype", "vif");
    if (v->rate_bytes) {
        json_number(o, "rate_bytes_per_interval", v->rate_bytes);
        json_number(o, "rate_interval_usecs", v->rate_us);
    }
    return o;
}

static void add_build(json_object *o, const struct guest *g)
{
    json_object *b = add_object(o, "b_info"), *online;

    json_number(b, "max_vcpus", g->max_vcpus);
    online = add_array(b, "avail_vcpus");
    for (unsigned i = 0; i < g->vcpus; i++)
        json_object_array_add(online, json_object_new_int((int)i));
    json_number(b, "max_memkb", g->max_memory_kib);
    json_number(b, "target_memkb", g->memory_kib);
    json_number(b, "video_memkb", 0);
    json_number(b, "event_channels", g->max_event_ports);
    json_number(b, "max_grant_frames", g->max_grant_frames);
    json_number(b, "max_maptrack_frames", g->max_maptrack_frames);
    json_text(b, "kernel", g->kernel);
    json_text(b, "cmdline", g->cmdline);
    json_text(b, "ramdisk", g->ramdisk);
    add_object(b, "sched_params");
    add_object(b, "type.pv");
    add_object(b, "arch_x86");
}

static void add_actions(json_object *o, const struct guest *g)
{
    static const char *const name[] = {
        "destroy", "restart", "rename_restart", "preserve", "coredump_destroy",
        "coredump_restart"};

    json_text(o, "on_poweroff", name[g->on_poweroff]);
    json_text(o, "on_reboot", name[g->on_reboot]);
    json_text(o, "on_watchdog", name[g->on_watchdog]);
    json_text(o, "on_crash", name[g->on_crash]);
}

json_object *record_of(const struct guest *g)
{
    json_object *o = json_object_new_object(), *c = add_object(o, "c_info");
    json_object *disks, *nics;
    char uuid[37];

    xeno_uuid_text(g->uuid, uuid);
    json_text(c, "type", "pv");
    json_text(c, "name", g->name);
    json_text(c, "uuid", uuid);
    add_build(o, g);
    disks = add_array(o, "disks");
    for (unsigned i = 0; i < g->nr_disks; i++)
        json_object_array_add(disks, record_of_disk(&g->disk[i]));
    nics = add_array(o, "nics");
    for (unsigned i = 0; i < g->nr_vifs; i++)
        json_object_array_add(nics, record_of_vif(&g->vif[i]));
    add_actions(o, g);
    return o;
}

/* ---- files ---- */

struct path {
    char text[128];
};

/* kind: 'd' for data, 'l' for a lock. */
static struct path path_of(uint32_t id, const uint8_t uuid[16], char kind,
                           const char *what)
{
    struct path p;
    char text[37];

    xeno_uuid_text(uuid, text);
    snprintf(p.text, sizeof(p.text), DIRECTORY "/userdata-%c.%u.%s.%s", kind,
             id, text, what);
    return p;
}

/* False with errno. */
static bool write_record(uint32_t id, const uint8_t uuid[16], json_object *o)
{
    struct path p = path_of(id, uuid, 'd', RECORD);
    const char *text = json_string(o);
    size_t n = strlen(text);
    int fd = open(p.text, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n;

    if (fd >= 0)
        close(fd);
    return ok;
}

int record_write(struct xeno *x, uint32_t id, const struct guest *g)
{
    json_object *o = record_of(g);
    bool ok = write_record(id, g->uuid, o);

    json_object_put(o);
    if (ok || errno == ENOENT)
        return 0;
    return xeno_fail(x, errno, "cannot write to " DIRECTORY ": %s",
                     strerror(errno));
}

json_object *record_read(uint32_t id, const uint8_t uuid[16])
{
    struct path p = path_of(id, uuid, 'd', RECORD);

    return json_object_from_file(p.text);
}

void record_forget(uint32_t id, const uint8_t uuid[16])
{
    struct path p = path_of(id, uuid, 'd', RECORD);

    unlink(p.text);
}

/* ---- changes ---- */

/*
 * Whoever holds the lock removes its file when done, so a lock counts only if
 * the file still has its name. -1: no lock.
 */
static int take_lock(const struct path *p)
{
    struct stat mine, there;
    int fd;

    for (;;) {
        fd = open(p->text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0 || flock(fd, LOCK_EX) || fstat(fd, &mine))
            break;
        if (!stat(p->text, &there) && mine.st_ino == there.st_ino &&
            mine.st_dev == there.st_dev)
            return fd;
        close(fd);
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Calls change on the record's array of that name. */
static void edit(uint32_t id, const uint8_t uuid[16], const char *array,
                 void (*change)(json_object *list, json_object *entry,
                                unsigned number),
                 json_object *entry, unsigned number)
{
    struct path lock = path_of(id, uuid, 'l', "domain-userdata-lock");
    int fd = take_lock(&lock);
    json_object *o = fd < 0 ? NULL : record_read(id, uuid), *list;

    if (o) {
        if (!json_object_object_get_ex(o, array, &list))
            list = add_array(o, array);
        change(list, entry, number);
        write_record(id, uuid, o);
        json_object_put(o);
    }
    if (fd >= 0) {
        unlink(lock.text);
        close(fd);
    }
}

static void append(json_object *list, json_object *entry, unsigned number)
{
    (void)number;
    json_object_array_add(list, json_object_get(entry));
}

/* Removes the entry whose vdev, or else devid, is that number. */
static void drop(json_object *list, json_object *entry, unsigned number)
{
    (void)entry;
    for (size_t i = json_object_array_length(list); i-- > 0;) {
        json_object *e = json_object_array_get_idx(list, i), *v;
        int n = -1;

        if (json_object_object_get_ex(e, "vdev", &v))
            n = vdev_number(json_object_get_string(v));
        else if (json_object_object_get_ex(e, "devid", &v))
            n = json_object_get_int(v);
        if (n >= 0 && (unsigned)n == number)
            json_object_array_del_idx(list, i, 1);
    }
}

void record_add_disk(uint32_t id, const uint8_t uuid[16],
                     const struct guest_disk *d)
{
    json_object *o = record_of_disk(d);

    edit(id, uuid, "disks", append, o, 0);
    json_object_put(o);
}

void record_add_vif(uint32_t id, const uint8_t uuid[16],
                    const struct guest_vif *v)
{
    json_object *o = record_of_vif(v);

    edit(id, uuid, "nics", append, o, 0);
    json_object_put(o);
}

void record_remove_disk(uint32_t id, const uint8_t uuid[16], unsigned number)
{
    edit(id, uuid, "disks", drop, NULL, number);
}

void record_remove_vif(uint32_t id, const uint8_t uuid[16], unsigned number)
{
    edit(id, uuid, "nics", drop, NULL, number);
}
