/* Shared rings from the front end's side. See ring.h. */
#include <ring.h>

#define HEAD 64U
#define RING_BYTES 4096U

static void copy(void *to, const void *from, size_t n)
{
    const volatile char *src = from;
    char *dst = to;

    while (n--)
        *dst++ = *src++;
}

/* ---- requests and responses ---- */

void ring_init(struct ring *r, void *page, uint32_t entry_size)
{
    r->page = page;
    r->entry_size = entry_size;
    for (r->entries = 1; HEAD + 2 * r->entries * entry_size <= RING_BYTES;)
        r->entries *= 2;
    r->req_prod = r->rsp_cons = 0;
    r->broken = 0;
    r->page->req_event = r->page->rsp_event = 1;
}

static char *entry(const struct ring *r, uint32_t index)
{
    return (char *)r->page + HEAD + (index & (r->entries - 1)) * r->entry_size;
}

void *ring_request(struct ring *r)
{
    if (r->broken || ring_outstanding(r) == r->entries)
        return NULL;
    return entry(r, r->req_prod++);
}

int ring_push(struct ring *r)
{
    uint32_t old = r->page->req_prod, event;

    __sync_synchronize();
    r->page->req_prod = r->req_prod;
    __sync_synchronize();
    event = r->page->req_event;
    return r->req_prod - event < r->req_prod - old;
}

uint32_t ring_outstanding(const struct ring *r)
{
    return r->req_prod - r->rsp_cons;
}

int ring_response(struct ring *r, void *response, size_t size)
{
    uint32_t ready = r->page->rsp_prod - r->rsp_cons;

    if (ready > ring_outstanding(r))
        r->broken = 1;
    if (r->broken)
        return -1;
    if (!ready)
        return 0;
    __sync_synchronize();
    copy(response, entry(r, r->rsp_cons++), size);
    return 1;
}

int ring_rest(struct ring *r)
{
    r->page->rsp_event = r->rsp_cons + 1;
    __sync_synchronize();
    return r->broken || r->page->rsp_prod != r->rsp_cons;
}

/* ---- numbers ---- */

void id_init(struct id_table *t, uint16_t *links, uint16_t count)
{
    uint16_t i;

    t->next = links;
    t->count = count;
    t->used = 0;
    t->first = 0;
    for (i = 0; i < count; i++)
        links[i] = (uint16_t)(i + 1 < count ? i + 1U : ID_NONE);
}

uint16_t id_take(struct id_table *t)
{
    uint16_t id = t->first;

    if (id != ID_NONE) {
        t->first = t->next[id];
        t->next[id] = id;
        t->used++;
    }
    return id;
}

int id_valid(const struct id_table *t, uint64_t id)
{
    return id < t->count && t->next[id] == id;
}

int id_give(struct id_table *t, uint64_t id)
{
    if (!id_valid(t, id))
        return -1;
    t->next[id] = t->first;
    t->first = (uint16_t)id;
    t->used--;
    return 0;
}

/* ---- xenstore's wire ---- */

static long piece(uint32_t n, uint32_t at, uint32_t size)
{
    uint32_t to_end = size - (at & (size - 1));

    return n > size ? -1 : (long)(n < to_end ? n : to_end);
}

long bytes_to_read(uint32_t prod, uint32_t cons, uint32_t size)
{
    return piece(prod - cons, cons, size);
}

long bytes_to_write(uint32_t prod, uint32_t cons, uint32_t size)
{
    return piece(size - (prod - cons), prod, size);
}

int wire_feed(struct wire *w, const char *bytes, size_t n, size_t *used)
{
    uint32_t head = sizeof(w->head), want = head;

    if (w->have == head + w->head[WIRE_LENGTH] && w->have >= head)
        w->have = 0;
    if (w->have >= head)
        want += w->head[WIRE_LENGTH];
    *used = want - w->have < n ? want - w->have : n;
    if (w->have < head)
        copy((char *)w->head + w->have, bytes, *used);
    else
        copy(w->body + w->have - head, bytes, *used);
    w->have += (uint32_t)*used;
    if (w->have < head)
        return 0;
    if (w->head[WIRE_LENGTH] > WIRE_BODY)
        return -1;
    w->body[w->have - head] = 0;
    return w->have == head + w->head[WIRE_LENGTH];
}

const char *wire_second(const struct wire *w)
{
    uint32_t i, n = w->head[WIRE_LENGTH], second = 0;

    for (i = 0; i < n; i++)
        if (!w->body[i] && !second)
            second = i + 1;
    return second && second < n && !w->body[n - 1] ? w->body + second : NULL;
}

int parse_number(const char *s, uint64_t max, uint64_t *value)
{
    uint64_t v = 0, d;

    if (!*s)
        return -1;
    for (; *s; s++) {
        d = (uint64_t)(uint8_t)*s - '0';
        if (d > 9 || d > max || v > (max - d) / 10)
            return -1;
        v = v * 10 + d;
    }
    *value = v;
    return 0;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int parse_mac(const char *s, uint8_t mac[6])
{
    unsigned i;

    for (i = 0; i < 6; i++, s += 3) {
        if (hex(s[0]) < 0 || hex(s[1]) < 0 || s[2] != (i < 5 ? ':' : 0))
            return -1;
        mac[i] = (uint8_t)(hex(s[0]) << 4 | hex(s[1]));
    }
    return 0;
}
