/*
 * What a configuration describes: a guest, its disks and network interfaces,
 * with defaults filled in and everything checked that can be without the
 * machine.
 */
#ifndef XENO_GUEST_H
#define XENO_GUEST_H

#include "cfg.h"
#include "xeno.h"

enum on_event {
    ON_DESTROY,
    ON_RESTART,
    ON_RENAME_RESTART,
    ON_PRESERVE,
    ON_DUMP_DESTROY, /* as ON_DESTROY and ON_RESTART, after a core dump */
    ON_DUMP_RESTART,
};

/*
 * target    path in domain 0: a block device or a file
 * vdev      the guest's name for it (xvda, sda1, hda)
 * number    the same as xenstore counts it
 */
struct guest_disk {
    char *target, *vdev, *script;
    unsigned number;
    bool readonly, cdrom;
};

/*
 * number    as xenstore counts it; -1 (from parse_vif): to be chosen
 * mac       zeros: to be chosen
 * name      of the interface in domain 0, NULL: the usual
 * rate      so many bytes in so many microseconds; 0: no limit
 */
#define MAX_VIFS 64

struct guest_vif {
    int number;
    uint8_t mac[6];
    char *bridge, *script, *ip, *name;
    unsigned long long rate_bytes;
    unsigned long rate_us;
};

struct guest {
    char *name, *kernel, *ramdisk, *cmdline;
    bool have_uuid;
    uint8_t uuid[16];
    uint64_t memory_kib, max_memory_kib;
    unsigned vcpus, max_vcpus;
    unsigned cpu_weight; /* 256: the usual share of a CPU; 0: not given */
    bool have_cpus;
    struct xeno_cpus cpus;
    unsigned max_event_ports, max_grant_frames, max_maptrack_frames;
    enum on_event on_poweroff, on_reboot, on_crash, on_watchdog;
    struct guest_disk *disk;
    unsigned nr_disks;
    struct guest_vif *vif;
    unsigned nr_vifs;
};

/*
 * Interprets the settings. False with cfg->error set, naming file, line and
 * key. guest_free is right in both cases.
 */
bool guest_read(struct guest *g, struct cfg *cfg);
void guest_free(struct guest *g);

/* ---- spec.c: the strings in it ---- */

/*
 * Into a zeroed structure, which its free function empties in any case. False
 * with the reason, up to SPEC_ERROR bytes, in `why`.
 */
#define SPEC_ERROR 128
bool parse_disk(struct guest_disk *d, const char *s, char why[SPEC_ERROR]);
void free_disk(struct guest_disk *d);
bool parse_vif(struct guest_vif *v, const char *s, char why[SPEC_ERROR]);
void free_vif(struct guest_vif *v);
bool parse_mac(const char *s, uint8_t mac[6]);
void mac_text(const uint8_t mac[6], char text[18]);
/* "0-3,^1" or "all": false if it is not such a list. Used by vcpu-pin too. */
bool parse_cpus(const char *s, struct xeno_cpus *cpus);
/* xvda -> 51712 and the like; -1 if it is no such name. */
int vdev_number(const char *vdev);

#endif
