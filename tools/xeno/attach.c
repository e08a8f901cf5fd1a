/*
 * block-attach, block-detach, block-list and the same for network: devices of
 * guests that run. What changes is also changed in what the guest will start
 * with next time: libxl's record, and our own saved configuration.
 */
#include "cmd.h"
#include "device.h"
#include "json.h"
#include "monitor.h"
#include "record.h"
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the saved configuration ---- */

/* Settings and what they mean; false if we keep none of that guest. */
static bool open_saved(const uint8_t uuid[16], struct cfg *cfg,
                       struct guest *g)
{
    char *text = saved_config_read(uuid);
    bool ok;

    memset(cfg, 0, sizeof(*cfg));
    memset(g, 0, sizeof(*g));
    ok = text && cfg_parse(cfg, "", text) && guest_read(g, cfg);
    free(text);
    return ok;
}

static void close_saved(const uint8_t uuid[16], struct cfg *cfg,
                        struct guest *g, bool changed)
{
    char *text = changed ? cfg_text(cfg) : NULL;

    if (text && !saved_config_write(uuid, text))
        fail("warning: the change will be lost when the guest restarts");
    free(text);
    guest_free(g);
    cfg_free(cfg);
}

static void save_attached(const uint8_t uuid[16], const char *key,
                          const char *spec)
{
    struct cfg cfg;
    struct guest g;
    bool ok = open_saved(uuid, &cfg, &g);

    if (ok)
        cfg_list_add(&cfg, key, spec);
    close_saved(uuid, &cfg, &g, ok);
}

static void save_disk_detached(const uint8_t uuid[16], unsigned number)
{
    struct cfg cfg;
    struct guest g;
    bool changed = false;

    if (open_saved(uuid, &cfg, &g))
        for (unsigned i = g.nr_disks; i-- > 0;)
            if (g.disk[i].number == number) {
                cfg_list_remove(&cfg_get(&cfg, "disk")->value, i);
                changed = true;
            }
    close_saved(uuid, &cfg, &g, changed);
}

/* The others keep their numbers, said or not. */
static void save_vif_detached(const uint8_t uuid[16], unsigned number)
{
    struct cfg_value *list;
    struct cfg cfg;
    struct guest g;
    bool ok = open_saved(uuid, &cfg, &g) && g.nr_vifs;

    list = ok ? &cfg_get(&cfg, "vif")->value : NULL;
    for (unsigned i = ok ? g.nr_vifs : 0; i-- > 0;) {
        char *spec = list->list[i].string, *numbered;

        if ((unsigned)g.vif[i].number == number) {
            cfg_list_remove(list, i);
        } else if (asprintf(&numbered, "%s%sdevid=%d", spec, *spec ? "," : "",
                            g.vif[i].number) >= 0) {
            free(spec);
            list->list[i].string = numbered;
        }
    }
    close_saved(uuid, &cfg, &g, ok);
}

/* ---- attaching ---- */

/* The words of a specification, as xl takes them, in one string. */
static char *join(int n, char **words)
{
    char *text = NULL;
    size_t size;
    FILE *f = must(open_memstream(&text, &size));

    for (int i = 0; i < n; i++)
        fprintf(f, "%s%s", i ? "," : "", words[i]);
    fclose(f);
    return must(text);
}

/* On failure what was made goes again, and the message stays. */
static int undo_attach(struct xeno *x, const struct device *dev)
{
    char why[256];

    snprintf(why, sizeof(why), "%s", xeno_error(x));
    device_remove(x, dev);
    return fail("%s", why);
}

static int attach_disk(struct xeno *x, const struct xeno_domain *d,
                       const struct guest_disk *disk, const char *spec)
{
    struct device dev;

    device_name(&dev, d->id, "vbd", disk->number);
    if (device_exists(x, &dev))
        return fail("domain %u has a disk %s already", d->id, disk->vdev);
    if (device_add_disk(x, d->id, disk))
        return undo_attach(x, &dev);
    record_add_disk(d->id, d->uuid, disk);
    save_attached(d->uuid, "disk", spec);
    return 0;
}

static int attach_vif(struct xeno *x, const struct xeno_domain *d,
                      struct guest_vif *vif, const char *spec)
{
    struct device dev;
    char *numbered = NULL;

    for (int n = 0; vif->number < 0 && n < MAX_VIFS; n++) {
        device_name(&dev, d->id, "vif", (unsigned)n);
        if (!device_exists(x, &dev))
            vif->number = n;
    }
    device_name(&dev, d->id, "vif", (unsigned)vif->number);
    if (vif->number < 0 || device_exists(x, &dev))
        return fail("domain %u has that interface already", d->id);
    choose_mac(vif, d->uuid);
    if (device_add_vif(x, d->id, vif))
        return undo_attach(x, &dev);
    record_add_vif(d->id, d->uuid, vif);
    if (asprintf(&numbered, "%s%sdevid=%d", spec, *spec ? "," : "",
                 vif->number) >= 0)
        save_attached(d->uuid, "vif", numbered);
    free(numbered);
    return 0;
}

/* A guest, not domain 0: 0, or the exit status (said). */
static int find_guest(struct xeno *x, uint32_t id, struct xeno_domain *d)
{
    if (!id)
        return fail("domain 0 has its devices by itself");
    return xeno_domain_info(x, id, d) ? fail_x(x) : 0;
}

/*
 * The guest, and what is to be attached: at least so many words, the caller
 * frees them. 0, or the exit status (said).
 */
static int attach_arguments(struct xeno *x, int argc, char **argv, int least,
                            struct xeno_domain *d, char **spec)
{
    uint32_t id;
    int rc = domain_arguments(x, &argc, &argv, 1 + least, 16, &id);

    if (!rc)
        rc = find_guest(x, id, d);
    if (!rc)
        *spec = join(argc - 1, argv + 1);
    return rc;
}

int cmd_block_attach(struct xeno *x, int argc, char **argv)
{
    struct guest_disk disk = {0};
    struct xeno_domain d;
    char why[SPEC_ERROR], *spec;
    int rc = attach_arguments(x, argc, argv, 1, &d, &spec);

    if (rc)
        return rc;
    if (!parse_disk(&disk, spec, why))
        rc = fail("disk '%s': %s", spec, why);
    else if (dry_run)
        json_print(record_of_disk(&disk));
    else
        rc = attach_disk(x, &d, &disk, spec);
    free_disk(&disk);
    free(spec);
    return rc;
}

int cmd_network_attach(struct xeno *x, int argc, char **argv)
{
    struct guest_vif vif = {0};
    struct xeno_domain d;
    char why[SPEC_ERROR], *spec;
    int rc = attach_arguments(x, argc, argv, 0, &d, &spec);

    if (rc)
        return rc;
    if (!parse_vif(&vif, spec, why))
        rc = fail("vif '%s': %s", spec, why);
    else if (dry_run)
        json_print(record_of_vif(&vif));
    else
        rc = attach_vif(x, &d, &vif, spec);
    free_vif(&vif);
    free(spec);
    return rc;
}

/* ---- detaching ---- */

/* A disk by its name or number; -1: neither. */
static long disk_number(const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);

    return *s && !*end && n >= 0 ? n : vdev_number(s);
}

/* An interface by its number or MAC; -1: there is none. */
static long vif_number(struct xeno *x, uint32_t id, const char *s)
{
    uint8_t mac[6];
    unsigned *numbers = NULL;
    char *end, text[18];
    long found = strtol(s, &end, 10);
    int n;

    if (*s && !*end)
        return found;
    if (!parse_mac(s, mac))
        return -1;
    mac_text(mac, text);
    found = -1;
    n = device_numbers(x, id, "vif", &numbers);
    for (int i = 0; i < n; i++) {
        char *m = xeno_read(x, "/local/domain/0/backend/vif/%u/%u/mac", id,
                            numbers[i]);

        if (m && !strcasecmp(m, text))
            found = numbers[i];
        free(m);
    }
    free(numbers);
    return found;
}

/* Of a command line: the guest, and its device in words. */
struct detach {
    struct xeno_domain d;
    const char *what;
    bool force;
};

/* 0, or the exit status (said). */
static int detach_arguments(struct xeno *x, int argc, char **argv,
                            struct detach *a)
{
    uint32_t id;
    int rc = option_arguments(x, &argc, &argv, "f", &a->force, 2, 2, &id);

    if (!rc)
        rc = find_guest(x, id, &a->d);
    if (!rc)
        a->what = argv[1];
    return rc;
}

static int detach(struct xeno *x, const struct detach *a, const char *kind,
                  unsigned number)
{
    struct device dev;

    device_name(&dev, a->d.id, kind, number);
    if (!device_exists(x, &dev))
        return fail("domain %u has no such device", dev.id);
    if (a->force)
        device_remove(x, &dev);
    else if (device_detach(x, &dev))
        return fail("%s (--force takes it away)", xeno_error(x));
    return 0;
}

int cmd_block_detach(struct xeno *x, int argc, char **argv)
{
    struct detach a;
    long number;
    int rc = detach_arguments(x, argc, argv, &a);

    if (rc)
        return rc;
    number = disk_number(a.what);
    if (number < 0)
        return fail("'%s' is no disk", a.what);
    rc = detach(x, &a, "vbd", (unsigned)number);
    if (rc)
        return rc;
    record_remove_disk(a.d.id, a.d.uuid, (unsigned)number);
    save_disk_detached(a.d.uuid, (unsigned)number);
    return 0;
}

int cmd_network_detach(struct xeno *x, int argc, char **argv)
{
    struct detach a;
    long number;
    int rc = detach_arguments(x, argc, argv, &a);

    if (rc)
        return rc;
    number = vif_number(x, a.d.id, a.what);
    if (number < 0)
        return fail("domain %u has no interface '%s'", a.d.id, a.what);
    rc = detach(x, &a, "vif", (unsigned)number);
    if (rc)
        return rc;
    record_remove_vif(a.d.id, a.d.uuid, (unsigned)number);
    save_vif_detached(a.d.uuid, (unsigned)number);
    return 0;
}

/* ---- listing ---- */

/* A number that the guest wrote, or -1. */
static int front_number(struct xeno *x, const struct device *dev,
                        const char *node)
{
    char *s = xeno_read(x, "%s/%s", dev->front, node);
    int n = s ? atoi(s) : -1;

    free(s);
    return n;
}

static json_object *device_json(struct xeno *x, const struct device *dev,
                                const char *const *numbers,
                                const char *const *texts)
{
    json_object *o = json_object_new_object();

    json_number(o, "domid", dev->id);
    json_number(o, "devid", dev->number);
    json_number(o, "backend_id", 0);
    json_text(o, "backend", dev->back);
    for (; *numbers; numbers++)
        json_object_object_add(o, *numbers, json_object_new_int(
                                   front_number(x, dev, *numbers)));
    for (; *texts; texts++) {
        char *s = xeno_read(x, "%s/%s", dev->back, *texts);

        json_text(o, *texts, s);
        free(s);
    }
    return o;
}

static json_object *disk_json(struct xeno *x, const struct device *dev)
{
    static const char *const numbers[] = {"state", "event-channel", "ring-ref",
                                          NULL};
    static const char *const texts[] = {"dev", "params", "mode", "device-type",
                                        "script", "node", NULL};

    return device_json(x, dev, numbers, texts);
}

static json_object *vif_json(struct xeno *x, const struct device *dev)
{
    static const char *const numbers[] = {"state", "event-channel",
                                          "tx-ring-ref", "rx-ring-ref", NULL};
    static const char *const texts[] = {"mac", "bridge", "ip", "vifname",
                                        "script", NULL};

    return device_json(x, dev, numbers, texts);
}

/* Lines as xl has them. */
static void print_disk(struct xeno *x, const struct device *dev)
{
    printf("%-5u %-3d %-6u %-5d %-6d %-8d %-30s\n", dev->number, 0, dev->id,
           front_number(x, dev, "state"), front_number(x, dev, "event-channel"),
           front_number(x, dev, "ring-ref"), dev->back);
}

static void print_vif(struct xeno *x, const struct device *dev)
{
    char *mac = xeno_read(x, "%s/mac", dev->back);

    printf("%-3u %-2d %-17s %6u %5d %6d %5d/%-11d %-30s\n", dev->number, 0,
           mac ? mac : "?", dev->number, front_number(x, dev, "state"),
           front_number(x, dev, "event-channel"),
           front_number(x, dev, "tx-ring-ref"),
           front_number(x, dev, "rx-ring-ref"), dev->back);
    free(mac);
}

static void list_devices(struct xeno *x, uint32_t id, bool disks,
                         json_object *array)
{
    unsigned *numbers = NULL;
    int n = device_numbers(x, id, disks ? "vbd" : "vif", &numbers);

    for (int i = 0; i < n; i++) {
        struct device dev;

        device_name(&dev, id, disks ? "vbd" : "vif", numbers[i]);
        if (array)
            json_object_array_add(array, disks ? disk_json(x, &dev)
                                               : vif_json(x, &dev));
        else if (disks)
            print_disk(x, &dev);
        else
            print_vif(x, &dev);
    }
    free(numbers);
}

static int list(struct xeno *x, int argc, char **argv, bool disks,
                const char *heading)
{
    json_object *array = NULL;
    uint32_t id;
    int c;

    while ((c = option(argc, argv, "j")) != -1) {
        if (c != 'j')
            return EXIT_USAGE;
        array = json_object_new_array();
    }
    if (optind == argc)
        return usage();
    if (!array)
        puts(heading);
    for (; optind < argc; optind++) {
        if (!find_domain(x, argv[optind], &id))
            return EXIT_FAILED;
        list_devices(x, id, disks, array);
    }
    if (array)
        json_print(array);
    return 0;
}

int cmd_block_list(struct xeno *x, int argc, char **argv)
{
    return list(x, argc, argv, true, "Vdev  BE  handle state evt-ch ring-ref "
                                     "BE-path");
}

int cmd_network_list(struct xeno *x, int argc, char **argv)
{
    return list(x, argc, argv, false,
                "Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref "
                "BE-path");
}
