/*
 * The back end of another guest's network card, which flips pages: it answers
 * for one address, to ARP and to echoes. Who starts it makes the directories
 * in xenstore: backend/vif/DOMID/0 here and device/vif/0 there.
 *
 *   peer=DOMID  the other guest
 *   ip=         the address (192.168.77.1)
 */
#include <apps.h>
#include <netback.h>
#include <xenbus.h>

void app_netback(void)
{
    static char front[40], dir[40];
    struct station me = {{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff}, 0};
    struct netback nb = {0, front, dir, &me, 0, 0, 0, NULL};
    size_t len;
    const char *ip = option("ip", &len);
    int ret;

    nb.peer = (unsigned)number_option("peer", DOMID_FIRST_RESERVED - 1, 0);
    if (parse_ip(ip ? ip : "192.168.77.1", &me.ip)) {
        print("netback: ip= is no address\n");
        return;
    }
    snprintf(front, sizeof(front), "/local/domain/%u/device/vif/0", nb.peer);
    snprintf(dir, sizeof(dir), "backend/vif/%u/0", nb.peer);
    ret = netback_run(&nb);
    print("netback: %lu frames taken, %lu flipped to domain %u%s\n", nb.taken,
          nb.flipped, nb.peer, ret ? "; FAILED" : "");
}
