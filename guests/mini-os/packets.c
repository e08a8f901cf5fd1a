/* ARP, IP and ICMP echo, as little as there can be. See packets.h. */
#include <packets.h>

#define ETHERNET 14U
#define TYPE_ARP 0x806U
#define TYPE_IP 0x800U
#define ARP_SIZE 28U
#define IP_HEAD 20U
#define ECHO_ID 0x6d6fU

static unsigned get16(const uint8_t *p) { return (unsigned)p[0] << 8 | p[1]; }

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static void copy(uint8_t *to, const uint8_t *from, size_t n)
{
    while (n--)
        *to++ = *from++;
}

static int same(const uint8_t *a, const uint8_t *b, size_t n)
{
    while (n && *a++ == *b++)
        n--;
    return !n;
}

/* Over a range that holds its own sum the result is 0. */
static unsigned checksum(const uint8_t *p, size_t n)
{
    uint32_t sum = 0;

    for (; n > 1; n -= 2, p += 2)
        sum += get16(p);
    if (n)
        sum += (uint32_t)*p << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void put_ethernet(uint8_t *out, const uint8_t *to, const uint8_t *from,
                         unsigned type)
{
    copy(out, to, 6);
    copy(out + 6, from, 6);
    put16(out + 12, type);
}

/* ---- ARP ---- */

static size_t put_arp(uint8_t *out, unsigned operation,
                      const struct station *me, const struct station *to)
{
    static const uint8_t head[] = {0, 1, 8, 0, 6, 4};
    uint8_t *arp = out + ETHERNET;

    put_ethernet(out, to->mac, me->mac, TYPE_ARP);
    copy(arp, head, sizeof(head));
    put16(arp + 6, operation);
    copy(arp + 8, me->mac, 6);
    put32(arp + 14, me->ip);
    copy(arp + 18, to->mac, 6);
    put32(arp + 24, to->ip);
    return ETHERNET + ARP_SIZE;
}

size_t packet_arp_request(uint8_t *out, const struct station *me, uint32_t ip)
{
    struct station all = {{255, 255, 255, 255, 255, 255}, ip};

    return put_arp(out, 1, me, &all);
}

/* The ARP part of such an operation that asks or tells me; or null. */
static const uint8_t *find_arp(const uint8_t *frame, size_t len,
                               const struct station *me, unsigned operation)
{
    const uint8_t *arp = frame + ETHERNET;

    if (len < ETHERNET + ARP_SIZE || get16(frame + 12) != TYPE_ARP)
        return NULL;
    return get16(arp) == 1 && get16(arp + 2) == TYPE_IP &&
                   get16(arp + 6) == operation && get32(arp + 24) == me->ip
               ? arp : NULL;
}

int packet_arp_reply(const uint8_t *frame, size_t len, const struct station *me,
                     struct station *peer)
{
    const uint8_t *arp = find_arp(frame, len, me, 2);

    if (!arp || get32(arp + 14) != peer->ip)
        return 0;
    copy(peer->mac, arp + 8, 6);
    return 1;
}

/* ---- ICMP echo ---- */

static void put_ip(uint8_t *ip, uint32_t from, uint32_t to, size_t size)
{
    ip[0] = 0x45;
    ip[1] = 0;
    put16(ip + 2, (unsigned)size);
    put32(ip + 4, 0x4000); /* number 0, not to be split */
    ip[8] = 64;
    ip[9] = 1;
    put16(ip + 10, 0);
    put32(ip + 12, from);
    put32(ip + 16, to);
    put16(ip + 10, checksum(ip, IP_HEAD));
}

static uint8_t echo_byte(unsigned seq, size_t i)
{
    return (uint8_t)(seq * 31 + i * 7);
}

size_t packet_echo(uint8_t *out, const struct station *me,
                   const struct station *peer, uint16_t seq, size_t payload)
{
    uint8_t *icmp = out + ETHERNET + IP_HEAD;
    size_t i;

    put_ethernet(out, peer->mac, me->mac, TYPE_IP);
    put_ip(out + ETHERNET, me->ip, peer->ip, IP_HEAD + 8 + payload);
    put32(icmp, 0x08000000);
    put16(icmp + 4, ECHO_ID);
    put16(icmp + 6, seq);
    for (i = 0; i < payload; i++)
        icmp[8 + i] = echo_byte(seq, i);
    put16(icmp + 2, checksum(icmp, 8 + payload));
    return ECHO_HEAD + payload;
}

/* The ICMP part, whole and of that type, and its size; or null. */
static const uint8_t *find_echo(const uint8_t *frame, size_t len,
                                const struct station *me, unsigned type,
                                size_t *size)
{
    const uint8_t *ip = frame + ETHERNET, *icmp = ip + IP_HEAD;

    if (len < ECHO_HEAD || get16(frame + 12) != TYPE_IP || ip[0] != 0x45 ||
        checksum(ip, IP_HEAD) || get16(ip + 6) & 0x3fff || ip[9] != 1 ||
        get32(ip + 16) != me->ip)
        return NULL;
    if (get16(ip + 2) < IP_HEAD + 8 || get16(ip + 2) > len - ETHERNET)
        return NULL;
    *size = get16(ip + 2) - IP_HEAD;
    return icmp[0] == type && !icmp[1] && !checksum(icmp, *size) ? icmp : NULL;
}

int packet_echo_reply(const uint8_t *frame, size_t len,
                      const struct station *me, size_t payload, uint16_t *seq)
{
    size_t size, i;
    const uint8_t *icmp = find_echo(frame, len, me, 0, &size);

    if (!icmp || get16(icmp + 4) != ECHO_ID || size != 8 + payload)
        return 0;
    *seq = (uint16_t)get16(icmp + 6);
    for (i = 0; i < payload; i++)
        if (icmp[8 + i] != echo_byte(*seq, i))
            return 0;
    return 1;
}

static size_t answer_arp(uint8_t *out, const uint8_t *arp,
                         const struct station *me)
{
    struct station to;

    copy(to.mac, arp + 8, 6);
    to.ip = get32(arp + 14);
    return put_arp(out, 2, me, &to);
}

static size_t answer_echo(uint8_t *out, const uint8_t *frame,
                          const uint8_t *icmp, size_t size,
                          const struct station *me)
{
    uint8_t *reply = out + ETHERNET + IP_HEAD;

    put_ethernet(out, frame + 6, me->mac, TYPE_IP);
    put_ip(out + ETHERNET, me->ip, get32(frame + ETHERNET + 12),
           IP_HEAD + size);
    copy(reply, icmp, size);
    put32(reply, 0);
    put16(reply + 2, checksum(reply, size));
    return ETHERNET + IP_HEAD + size;
}

size_t packet_answer(uint8_t *out, const uint8_t *frame, size_t len,
                     const struct station *me)
{
    const uint8_t *part;
    size_t size;

    if (len > PACKET_MAX)
        return 0;
    part = find_arp(frame, len, me, 1);
    if (part)
        return answer_arp(out, part, me);
    part = find_echo(frame, len, me, 8, &size);
    if (part && !same(frame + 6, me->mac, 6))
        return answer_echo(out, frame, part, size, me);
    return 0;
}

int parse_ip(const char *s, uint32_t *ip)
{
    unsigned part, byte;

    for (*ip = 0, part = 0; part < 4; part++) {
        if (*s < '0' || *s > '9')
            return -1;
        for (byte = 0; *s >= '0' && *s <= '9' && byte < 256; s++)
            byte = byte * 10 + (unsigned)(*s - '0');
        if (byte > 255 || (part < 3 && *s++ != '.'))
            return -1;
        *ip = *ip << 8 | byte;
    }
    return *s && *s != ' ' ? -1 : 0;
}
