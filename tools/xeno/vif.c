/* Network interfaces, which join a bridge of domain 0 or go to a script. */
#include "device.h"

#include "store.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BACKEND_READY_MS 30000

/* Of Xen's own range; the rest is a hash (FNV-1a) of UUID and number. */
void choose_mac(struct guest_vif *v, const uint8_t uuid[16])
{
    uint32_t h = 2166136261u;

    if (memcmp(v->mac, "\0\0\0\0\0\0", 6))
        return;
    for (unsigned i = 0; i < 16; i++)
        h = (h ^ uuid[i]) * 16777619u;
    h = (h ^ (uint32_t)v->number) * 16777619u;
    memcpy(v->mac, "\x00\x16\x3e", 3);
    v->mac[3] = h >> 24 & 0x7f;
    v->mac[4] = (uint8_t)(h >> 16);
    v->mac[5] = (uint8_t)(h >> 8);
}

/* ---- the interface in domain 0 ---- */

static int rename_interface(int fd, const char *from, const char *to)
{
    struct ifreq r = {0};

    snprintf(r.ifr_name, IFNAMSIZ, "%.15s", from);
    snprintf(r.ifr_newname, IFNAMSIZ, "%.15s", to);
    return ioctl(fd, SIOCSIFNAME, &r);
}

/* Adds it to the bridge and starts it. */
static int join_bridge(int fd, const char *vif, const char *bridge)
{
    struct ifreq r = {0};

    snprintf(r.ifr_name, IFNAMSIZ, "%.15s", bridge);
    r.ifr_ifindex = (int)if_nametoindex(vif);
    if (!r.ifr_ifindex || ioctl(fd, SIOCBRADDIF, &r))
        return -1;
    memset(&r, 0, sizeof(r));
    snprintf(r.ifr_name, IFNAMSIZ, "%.15s", vif);
    if (ioctl(fd, SIOCGIFFLAGS, &r))
        return -1;
    r.ifr_flags |= IFF_UP;
    return ioctl(fd, SIOCSIFFLAGS, &r);
}

static int plug(struct xeno *x, const struct guest_vif *v, const char *vif,
                const char *bridge)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = 0;

    if (fd < 0)
        return xeno_fail(x, errno, "cannot open a socket: %s", strerror(errno));
    if (v->name && rename_interface(fd, vif, v->name))
        rc = xeno_fail(x, errno, "cannot rename %s to '%s': %s", vif, v->name,
                       strerror(errno));
    else if (join_bridge(fd, v->name ? v->name : vif, bridge))
        rc = xeno_fail(x, errno, "cannot put %s into the bridge '%s': %s", vif,
                       bridge, strerror(errno));
    close(fd);
    return rc;
}

/* ---- the device ---- */

static int connect_vif(struct xeno *x, const struct guest_vif *v,
                       const struct device *dev, const char *script,
                       const char *bridge)
{
    static const char *const ready[] = {"2", "4", NULL};
    char node[96], vif[IFNAMSIZ];
    int rc;

    snprintf(vif, sizeof(vif), "vif%u.%u", dev->id, dev->number);
    snprintf(node, sizeof(node), "%s/state", dev->back);
    if (store_await(x, node, ready, BACKEND_READY_MS) < 0)
        return xeno_fail(x, ETIMEDOUT, "vif %s: no network back end in domain "
                         "0 (is xen-netback loaded?)", vif);
    if (v->script)
        return device_script(x, dev, script, "online", vif);
    rc = plug(x, v, vif, bridge);
    return rc ? rc : store_write(x, dev->back, "hotplug-status", "connected");
}

static int write_vif(struct xeno *x, const struct guest_vif *v,
                     const struct device *dev, const char *script,
                     const char *bridge)
{
    char mac[18], number[16], rate[48];
    const char *pairs[17] = {"script", script, "mac", mac, "bridge", bridge,
                             "handle", number, "type", "vif"};
    const char *const front[] = {"handle", number, "mac", mac, NULL};
    unsigned n = 10;
    int rc;

    mac_text(v->mac, mac);
    snprintf(number, sizeof(number), "%u", dev->number);
    if (v->ip)
        pairs[n++] = "ip", pairs[n++] = v->ip;
    if (v->name)
        pairs[n++] = "vifname", pairs[n++] = v->name;
    snprintf(rate, sizeof(rate), "%llu,%lu", v->rate_bytes, v->rate_us);
    if (v->rate_bytes)
        pairs[n++] = "rate", pairs[n++] = rate;
    rc = device_make(x, dev, pairs);
    return rc ? rc : store_write_all(x, dev->front, front);
}

int device_add_vif(struct xeno *x, uint32_t id, const struct guest_vif *v)
{
    /* xen-netback wants a name of a script, run or not. */
    char *script = script_path(v->script ? v->script : "vif-bridge");
    const char *bridge = v->bridge ? v->bridge : "xenbr0";
    struct device dev;
    int rc;

    device_name(&dev, id, "vif", (unsigned)v->number);
    rc = write_vif(x, v, &dev, script, bridge);
    if (!rc && v->script)
        rc = store_write(x, dev.back, "script-was-run", "1");
    if (!rc)
        rc = device_start(x, &dev);
    if (!rc)
        rc = connect_vif(x, v, &dev, script, bridge);
    free(script);
    return rc;
}
