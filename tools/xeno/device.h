/* Disks and network interfaces between a guest and domain 0's drivers. */
#ifndef XENO_DEVICE_H
#define XENO_DEVICE_H

#include "guest.h"
#include "xeno.h"

/*
 * A device is three directories in xenstore: the guest's (front), domain 0's
 * (back), and one below /libxl with what was said when it was made, from which
 * xl reads. `kind` is "vbd" or "vif".
 */
struct device {
    uint32_t id;
    const char *kind;
    unsigned number;
    char front[64], back[64], own[64];
};

void device_name(struct device *d, uint32_t id, const char *kind,
                 unsigned number);
/* Does domain 0's side exist? */
bool device_exists(struct xeno *x, const struct device *d);
/*
 * Makes the directories with what every device has, and in all of back and own
 * also the pairs of node and value, ended by NULL. 0 or -errno, text set.
 */
int device_make(struct xeno *x, const struct device *d,
                const char *const *pairs);
/* Lets the drivers see it. */
int device_start(struct xeno *x, const struct device *d);
/*
 * Runs a hotplug script of the administrator's as xl does. vif is the name of
 * a network interface, else NULL.
 */
int device_script(struct xeno *x, const struct device *d, const char *script,
                  const char *action, const char *vif);
/* A script's path, in memory that the caller frees: names without '/' are
 * Xen's. */
char *script_path(const char *name);

/*
 * Makes a disk or an interface; what must be ready before the guest looks (a
 * loop device, a bridge) is made too. 0 or -errno with the text set; what was
 * made device_remove takes away.
 */
int device_add_disk(struct xeno *x, uint32_t id, const struct guest_disk *d);
int device_add_vif(struct xeno *x, uint32_t id, const struct guest_vif *v);
/*
 * An address for an interface that was given none: the same whenever the guest
 * of that UUID starts.
 */
void choose_mac(struct guest_vif *v, const uint8_t uuid[16]);
/* Releases a loop device unless it serves another file by now. */
void detach_loop(const char *node, const char *target);

/*
 * Asks the guest to give it back, then removes it. -EBUSY with the text set if
 * the guest does not; then it remains.
 */
int device_detach(struct xeno *x, const struct device *d);
/* Takes it from a guest that is gone, or does not care. */
void device_remove(struct xeno *x, const struct device *d);
/* All of a guest that is gone; with the nodes, consoles' too, collected for
 * xeno_store_run. */
void device_remove_all(struct xeno *x, uint32_t id);
/*
 * The numbers of a guest's devices of a kind, in memory that the caller frees;
 * how many, or -1 with the text set.
 */
int device_numbers(struct xeno *x, uint32_t id, const char *kind,
                   unsigned **numbers);

#endif
