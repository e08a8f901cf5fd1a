/*
 * The network's self-test: echoes and pages over the loop interface, then
 * frames that no sane sender makes, through an interface made for them.
 */
#include "net.h"
#include <apps.h>
#include <lwip/etharp.h>
#include <lwip/ip4_frag.h>
#include <lwip/tcp.h>
#include <netif/ethernet.h>

static int found;
static u64 answers; /* frames that went out of the made interface */

static void look(const void *data, size_t n)
{
    char text[512];

    n = n < sizeof(text) ? n : sizeof(text) - 1;
    memcpy(text, data, n);
    text[n] = 0;
    found |= strstr(text, "Hello from mini-os.") != NULL;
}

static void test_loop(void)
{
    ip4_addr_t self, nowhere;

    IP4_ADDR(&self, 127, 0, 0, 1);
    IP4_ADDR(&nowhere, 192, 0, 2, 1);
    expect(ping_once(&self, 3000) > 0, "an echo comes back");
    expect(!ping_once(&nowhere, 50), "none comes from nowhere");
    expect(!httpd_start(), "the server listens");
    expect(httpd_start(), "... once");
    expect(http_get("http://127.0.0.1/", look) == 200 && found,
           "it gives the page");
    expect(http_get("http://127.0.0.1:80/none", NULL) == 404,
           "... and no other");
    expect(http_get("http://127.0.0.1:81/", NULL) == -1,
           "where nothing listens nothing is got");
    expect(http_get("ftp://127.0.0.1/", NULL) == -1 &&
               http_get("http://127.0.0.1:0/", NULL) == -1 &&
               http_get("http://127.0.0.1234567890/", NULL) == -1,
           "other addresses are refused");
}

static err_t count_frame(struct netif *netif, struct pbuf *p)
{
    (void)netif;
    (void)p;
    answers++;
    return ERR_OK;
}

static err_t init_made(struct netif *netif)
{
    static const u8 mac[] = {2, 0, 0, 0, 0, 1};

    memcpy(netif->hwaddr, mac, sizeof(mac));
    netif->hwaddr_len = sizeof(mac);
    netif->mtu = 1500;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP |
                   NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    netif->output = etharp_output;
    netif->linkoutput = count_frame;
    /* Sums are not looked at, so that bad fields are. */
    NETIF_SET_CHECKSUM_CTRL(netif, NETIF_CHECKSUM_GEN_ICMP);
    return ERR_OK;
}

static void feed(struct netif *netif, const u8 *frame, unsigned len)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)len, PBUF_RAM);

    if (!p)
        return;
    pbuf_take(p, frame, (u16_t)len);
    if (netif->input(p, netif) != ERR_OK)
        pbuf_free(p);
}

/* Ethernet and IP as from 10.9.0.2 to 10.9.0.1, then what is particular. */
#define ETHERNET(type) 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, type
#define IP(len, frag, proto)                                                   \
    0x45, 0, 0, len, 0, 7, frag, 0, 64, proto, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1
static const u8 arp[64] = {ETHERNET(6), 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0,
                           2, 10, 9, 0, 2, 0, 0, 0, 0, 0, 0, 10, 9, 0, 1};
static const u8 echo[64] = {ETHERNET(0), IP(50, 0, 1), 8, 0, 0, 0, 1, 2, 3, 4};
static const u8 part[64] = {ETHERNET(0), IP(44, 0x20, 17), 0, 9, 0, 9, 0, 99};
static const u8 syn[64] = {ETHERNET(0), IP(48, 0, 6), 9, 9, 0, 80, 0, 0, 0, 1,
                           0, 0, 0, 0, 0x70, 2, 16, 0, 0, 0, 0, 0, 2, 4, 5,
                           0xb4, 1, 1, 1, 0};
static const u8 *const frames[] = {arp, echo, part, syn};

/* Every length, and every byte changed in five ways. */
static void feed_variants(struct netif *netif, const u8 *frame)
{
    static const u8 masks[] = {1, 0x0f, 0x80, 0xf0, 0xff};
    u8 copy[64];
    unsigned i, k;

    for (i = 0; i <= 64; i++)
        feed(netif, frame, i);
    for (i = 0; i < 64; i++)
        for (k = 0; k < sizeof(masks); k++) {
            memcpy(copy, frame, sizeof(copy));
            copy[i] ^= masks[k];
            feed(netif, copy, sizeof(copy));
        }
}

/* Connections and neighbours go with the interface, fragments by age. */
static void forget(struct netif *netif)
{
    int i;

    netif_remove(netif);
    for (i = 0; i <= IP_REASS_MAXAGE; i++)
        ip_reass_tmr();
}

static void test_hostile(void)
{
    static struct netif made;
    ip4_addr_t ip, mask, none = {0};
    u64 before;
    unsigned i;

    IP4_ADDR(&ip, 10, 9, 0, 1);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    net_lock();
    before = heap_free();
    netif_add(&made, &ip, &mask, &none, NULL, init_made, netif_input);
    netif_set_up(&made);
    for (i = 0; i < ARRAY_SIZE(frames); i++)
        feed_variants(&made, frames[i]);
    expect(answers > 10, "sane ones among bad frames are answered");
    forget(&made);
    expect(heap_free() >= before, "bad frames leave nothing behind");
    net_unlock();
    expect(http_get("http://127.0.0.1/", NULL) == 200,
           "and the server serves on");
}

void net_self_test(void)
{
    if (net_start())
        return;
    test_loop();
    test_hostile();
    test_end();
}
