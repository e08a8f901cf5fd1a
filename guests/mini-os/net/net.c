/* The network's start, its thread, its lock, and what lwIP asks for. */
#include "net.h"
#include <apps.h>
#include <lwip/dhcp.h>
#include <lwip/init.h>
#include <lwip/sys.h>
#include <lwip/timeouts.h>

#define TICK_MS 10
#define LEASE_SECONDS 20
#define LONGEST_WAIT_MS 100 /* lwIP's timers may be set meanwhile */

static struct mutex lock;
static struct netif card;
static int started, have_card;

u32_t sys_now(void) { return (u32_t)(time_ns() / 1000000); }

/* Xorshift, for ports and sequence numbers. */
u32 net_random(void)
{
    static u64 state;

    if (!state)
        state = ops.cycles() | 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (u32)(state >> 16);
}

void net_lock(void) { mutex_lock(&lock); }

/* What was sent to ourselves is taken in before anybody waits for it. */
void net_unlock(void)
{
    netif_poll_all();
    mutex_unlock(&lock);
}

int net_wait(const volatile int *done, u64 ms)
{
    u64 end = time_ns() + ms * 1000000;

    while (!*done && time_ns() < end)
        sleep_ms(TICK_MS);
    return *done;
}

static void net_thread(void *arg)
{
    u64 ms;

    for (;;) {
        net_lock();
        if (have_card)
            card_poll(&card);
        sys_check_timeouts();
        ms = sys_timeouts_sleeptime();
        net_unlock();
        if (ms > LONGEST_WAIT_MS)
            ms = LONGEST_WAIT_MS;
        if (have_card)
            card_wait(&card, time_ns() + ms * 1000000);
        else
            sleep_ms(ms);
    }
    (void)arg;
}

/* "ADDRESS", ended by "end" or by the string's end; where it ends, or null. */
static const char *parse_address(const char *s, ip4_addr_t *out)
{
    char word[16];
    size_t n = 0;

    while ((*s >= '0' && *s <= '9') || *s == '.') {
        if (n + 1 == sizeof(word))
            return NULL;
        word[n++] = *s++;
    }
    word[n] = 0;
    return ip4addr_aton(word, out) ? s : NULL;
}

/* 0, or -1: not ADDRESS[/BITS][,GATEWAY]. */
static int parse_config(const char *s, ip4_addr_t *ip, ip4_addr_t *mask,
                        ip4_addr_t *gateway)
{
    unsigned long bits = 24;
    char *end;

    s = parse_address(s, ip);
    if (s && *s == '/') {
        bits = strtoul(s + 1, &end, 10);
        s = end;
    }
    ip4_addr_set_zero(gateway);
    if (s && *s == ',')
        s = parse_address(s + 1, gateway);
    if (!s || *s || bits < 1 || bits > 30)
        return -1;
    ip4_addr_set_u32(mask, lwip_htonl((u32)(0xffffffffUL << (32 - bits))));
    return 0;
}

static err_t card_init(struct netif *netif)
{
    return card_open(netif) ? ERR_IF : ERR_OK;
}

/* Under the lock. 0, or -1: no card. */
static int add_card(const ip4_addr_t *ip, const ip4_addr_t *mask,
                    const ip4_addr_t *gateway)
{
    if (!netif_add(&card, ip, mask, gateway, NULL, card_init, netif_input))
        return -1;
    netif_set_default(&card);
    netif_set_link_up(&card);
    netif_set_up(&card);
    have_card = 1;
    return 0;
}

static int wait_for_lease(void)
{
    u64 seconds = number_option("lease", 3600, LEASE_SECONDS);
    u64 end = time_ns() + seconds * 1000000000UL;

    while (!dhcp_supplied_address(&card)) {
        if (time_ns() > end) {
            print("net: no lease by DHCP\n");
            return -1;
        }
        sleep_ms(TICK_MS);
    }
    return 0;
}

static void show_address(void)
{
    char ip[16], gateway[16];

    ip4addr_ntoa_r(netif_ip4_addr(&card), ip, sizeof(ip));
    ip4addr_ntoa_r(netif_ip4_gw(&card), gateway, sizeof(gateway));
    print("net: address %s, gateway %s\n", ip, gateway);
}

static int start_card(int use_dhcp, const ip4_addr_t *ip,
                      const ip4_addr_t *mask, const ip4_addr_t *gateway)
{
    int bad;

    net_lock();
    bad = add_card(ip, mask, gateway);
    if (!bad && use_dhcp)
        dhcp_start(&card);
    net_unlock();
    if (bad) {
        print("net: no network card, only the loop interface\n");
        return 0;
    }
    if (use_dhcp && wait_for_lease())
        return -1;
    show_address();
    return 0;
}

int net_start(void)
{
    char text[48];
    size_t len;
    const char *given = option("ip", &len);
    int use_dhcp = !given || (len == 4 && !strncmp(given, "dhcp", 4));
    ip4_addr_t ip = {0}, mask = {0}, gateway = {0};

    if (started)
        return 0;
    if (!use_dhcp) {
        snprintf(text, sizeof(text), "%s", given);
        text[len < sizeof(text) ? len : sizeof(text) - 1] = 0;
        if (parse_config(text, &ip, &mask, &gateway)) {
            print("net: ip= is ADDRESS[/BITS][,GATEWAY] or dhcp\n");
            return -1;
        }
    }
    lwip_init();
    started = 1;
    if (!thread_create("net", net_thread, NULL))
        panic("no memory for the network's thread");
    return start_card(use_dhcp, &ip, &mask, &gateway);
}
