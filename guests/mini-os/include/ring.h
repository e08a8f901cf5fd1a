/*
 * Shared rings, seen from the front end: which indices a peer may set, which
 * numbers it may name. Nothing here touches hardware or sleeps; the unit
 * tests compile it on the host. What a peer wrote is read once, checked and
 * then used; a ring whose peer broke the rules stays broken.
 */
#ifndef RING_H
#define RING_H

#include <stddef.h>
#include <stdint.h>

/* ---- rings of requests and responses ---- */

/* The page's head, the same for all devices; entries begin at byte 64. */
struct ring_page {
    volatile uint32_t req_prod, req_event, rsp_prod, rsp_event;
};

struct ring {
    struct ring_page *page;
    uint32_t entries, entry_size;
    uint32_t req_prod, rsp_cons; /* ours; the page's are only told or read */
    int broken;
};

/* A cleared page becomes a ring of entries of so many bytes. */
void ring_init(struct ring *r, void *page, uint32_t entry_size);
/* Where the next request is to be written, or null: no entry is free. */
void *ring_request(struct ring *r);
/* Shows the peer all requests. 1: it asked to be notified. */
int ring_push(struct ring *r);
/* How many requests have no response yet. */
uint32_t ring_outstanding(const struct ring *r);
/*
 * Copies the next response of size bytes. 1: done; 0: there is none; -1: the
 * ring is broken, as its peer has answered more than was asked.
 */
int ring_response(struct ring *r, void *response, size_t size);
/*
 * Asks to be notified of the next response. 1: one has come meanwhile, or
 * the ring is broken; look again.
 */
int ring_rest(struct ring *r);

/* ---- numbers for what is under way ---- */

#define ID_NONE 0xffffU

struct id_table {
    uint16_t *next; /* of a free one; one that is in use points to itself */
    uint16_t count, first, used;
};

/* links: count of them, the caller's. */
void id_init(struct id_table *t, uint16_t *links, uint16_t count);
/* A free number below count, or ID_NONE. */
uint16_t id_take(struct id_table *t);
/* 1: id is in use. Any value may be asked for. */
int id_valid(const struct id_table *t, uint64_t id);
/* 0, or -1: the number was not in use. */
int id_give(struct id_table *t, uint64_t id);

/* ---- xenstore's wire ---- */

/*
 * The bytes of a ring of size (a power of 2) that can be read, or written, in
 * one piece; -1: the indices cannot be.
 */
long bytes_to_read(uint32_t prod, uint32_t cons, uint32_t size);
long bytes_to_write(uint32_t prod, uint32_t cons, uint32_t size);

#define WIRE_BODY 4096

/* A message as it comes in. body ends with a 0 of ours. */
struct wire {
    uint32_t head[4]; /* type, request, transaction, length */
    uint32_t have;    /* bytes so far, of head and body */
    char body[WIRE_BODY + 1];
};
enum { WIRE_TYPE, WIRE_REQUEST, WIRE_TX, WIRE_LENGTH };

/*
 * Takes some of n bytes, to the message's end at most, and says in *used how
 * many. 1: the message is complete, and the next bytes begin another; 0: it
 * is not; -1: it is longer than can be.
 */
int wire_feed(struct wire *w, const char *bytes, size_t n, size_t *used);
/* The second of two strings in the body, or null: it is not two strings. */
const char *wire_second(const struct wire *w);
/* The whole of s is a decimal number up to max: 0 and *value; or -1. */
int parse_number(const char *s, uint64_t max, uint64_t *value);
/* The whole of s is six bytes in hexadecimal between colons: 0, or -1. */
int parse_mac(const char *s, uint8_t mac[6]);

#endif
