/* Echo requests, on lwIP's raw interface. */
#include "net.h"
#include <lwip/icmp.h>
#include <lwip/inet_chksum.h>
#include <lwip/prot/ip4.h>
#include <lwip/raw.h>

#define DATA 56
#define IDENT 0x4d4f

struct echo {
    u16_t sequence;
    u64 sent, took;
    volatile int done;
};

/* Takes the answer; all else is left to others. */
static u8_t on_echo(void *arg, struct raw_pcb *pcb, struct pbuf *p,
                    const ip_addr_t *from)
{
    struct echo *e = arg;
    struct icmp_echo_hdr h;

    (void)pcb;
    (void)from;
    if (pbuf_copy_partial(p, &h, sizeof(h), IP_HLEN) != sizeof(h) ||
        h.type != ICMP_ER || h.id != PP_HTONS(IDENT) ||
        h.seqno != lwip_htons(e->sequence))
        return 0;
    e->took = time_ns() - e->sent;
    e->done = 1;
    pbuf_free(p);
    return 1;
}

static struct pbuf *make_echo(u16_t sequence)
{
    struct pbuf *p =
        pbuf_alloc(PBUF_IP, sizeof(struct icmp_echo_hdr) + DATA, PBUF_RAM);
    struct icmp_echo_hdr *h;

    if (!p)
        return NULL;
    memset(p->payload, 0x5a, p->len);
    h = p->payload;
    ICMPH_TYPE_SET(h, ICMP_ECHO);
    ICMPH_CODE_SET(h, 0);
    h->id = PP_HTONS(IDENT);
    h->seqno = lwip_htons(sequence);
    h->chksum = 0;
    h->chksum = inet_chksum(h, p->len);
    return p;
}

/* Under the lock. Null: no memory. */
static struct raw_pcb *send_echo(struct echo *e, const ip4_addr_t *to)
{
    struct raw_pcb *pcb = raw_new(IP_PROTO_ICMP);
    struct pbuf *p = make_echo(e->sequence);
    ip_addr_t address;

    ip_addr_copy_from_ip4(address, *to);
    if (pcb && p) {
        raw_recv(pcb, on_echo, e);
        raw_bind(pcb, IP_ADDR_ANY);
        e->sent = time_ns();
        raw_sendto(pcb, p, &address);
    }
    if (p)
        pbuf_free(p);
    return pcb;
}

u64 ping_once(const ip4_addr_t *to, u64 ms)
{
    static u16_t sequence;
    struct echo e = {0};
    struct raw_pcb *pcb;

    e.sequence = ++sequence;
    net_lock();
    pcb = send_echo(&e, to);
    net_unlock();
    net_wait(&e.done, ms);
    net_lock();
    if (pcb)
        raw_remove(pcb);
    net_unlock();
    return e.done ? e.took : 0;
}
