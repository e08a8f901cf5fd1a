/*
 * The network: lwIP behind one lock. A thread of its own feeds it what the
 * card receives and runs its timers; the loop interface is served whenever
 * the lock is given back.
 */
#ifndef NET_H
#define NET_H

#include <mini-os.h>
#include <lwip/err.h>
#include <lwip/ip4_addr.h>
#include <lwip/netif.h>

/*
 * Starts it once, with the address by ip=ADDRESS[/BITS][,GATEWAY] on the
 * command line, or by DHCP without; waits for a lease, lease=SECONDS at most
 * (20). Without a card there is the loop interface. 0; -1 after a message: a
 * bad ip=, or no lease.
 */
int net_start(void);
/* Every call of lwIP happens between these two. */
void net_lock(void);
void net_unlock(void);
/* Sleeps until *done is not 0, at most ms. Not 0: it is. */
int net_wait(const volatile int *done, u64 ms);

/* From the network card 0: 0, or -1 if there is none. Under the lock. */
int card_open(struct netif *netif);
/* Feeds lwIP all that came. Under the lock. */
void card_poll(struct netif *netif);
/* Sleeps until something comes, at most until time_ns() is deadline. */
void card_wait(struct netif *netif, u64 deadline);

/* The page, on port 80: 0, or -1 after a message. */
int httpd_start(void);
u64 httpd_served(void);
/*
 * Gets http://ADDRESS[:PORT]/PATH; seen (may be null) is shown each piece.
 * Its status, or -1 after a message.
 */
typedef void (*seen_fn)(const void *data, size_t n);
int http_get(const char *url, seen_fn seen);
/* An echo of ms milliseconds at most: its time in ns, or 0. */
u64 ping_once(const ip4_addr_t *to, u64 ms);

/* Checks over the loop interface, by the self-test's means. */
void net_self_test(void);

#endif
