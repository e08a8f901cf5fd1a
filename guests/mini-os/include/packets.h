/*
 * The little of ARP, IP and ICMP that proves a network card: frames made,
 * and frames looked at that may hold anything. Pure; the unit tests compile
 * it on the host. Addresses of 32 bits have the first byte on top.
 */
#ifndef PACKETS_H
#define PACKETS_H

#include <stddef.h>
#include <stdint.h>

#define PACKET_MAX 1514
#define ECHO_HEAD 42 /* bytes before an echo's payload */

struct station {
    uint8_t mac[6];
    uint32_t ip;
};

/* Each gives the frame's length; out has PACKET_MAX bytes. */
size_t packet_arp_request(uint8_t *out, const struct station *me, uint32_t ip);
/* payload bytes, at most PACKET_MAX - ECHO_HEAD, of a pattern of seq's. */
size_t packet_echo(uint8_t *out, const struct station *me,
                   const struct station *peer, uint16_t seq, size_t payload);
/*
 * What this station answers to a frame: an ARP reply, an echo reply, or (0)
 * nothing.
 */
size_t packet_answer(uint8_t *out, const uint8_t *frame, size_t len,
                     const struct station *me);
/* 1: an ARP reply to me that tells the address of peer->ip; it is taken. */
int packet_arp_reply(const uint8_t *frame, size_t len, const struct station *me,
                     struct station *peer);
/* 1: the whole, unchanged answer to packet_echo's frame number *seq. */
int packet_echo_reply(const uint8_t *frame, size_t len,
                      const struct station *me, size_t payload, uint16_t *seq);
/* A.B.C.D, up to a space or the end: 0, or -1. */
int parse_ip(const char *s, uint32_t *ip);

#endif
