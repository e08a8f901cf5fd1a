/* HTTP GET, on lwIP's raw interface. */
#include "net.h"
#include <lwip/tcp.h>

#define WAIT_MS 60000
#define HEAD_MAX 512

struct transfer {
    struct tcp_pcb *pcb; /* null: lwIP knows nothing of us any more */
    volatile int done;
    err_t error;
    seen_fn seen;
    char request[256];
    char head[HEAD_MAX]; /* the answer's beginning */
    size_t used;
};

/* Under the lock. */
static void hang_up(struct transfer *t)
{
    struct tcp_pcb *pcb = t->pcb;

    if (!pcb)
        return;
    t->pcb = NULL;
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    if (tcp_close(pcb) != ERR_OK)
        tcp_abort(pcb);
}

static void take(struct transfer *t, const void *data, size_t n)
{
    size_t room = sizeof(t->head) - 1 - t->used;

    if (t->seen)
        t->seen(data, n);
    if (n > room)
        n = room;
    memcpy(t->head + t->used, data, n);
    t->used += n;
}

static err_t on_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct transfer *t = arg;
    const struct pbuf *q;

    (void)err;
    if (!p) {
        hang_up(t);
        t->done = 1;
        return ERR_OK;
    }
    for (q = p; q; q = q->next)
        take(t, q->payload, q->len);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct transfer *t = arg;

    t->pcb = NULL;
    t->error = err;
    t->done = 1;
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct transfer *t = arg;

    (void)err;
    return tcp_write(pcb, t->request, (u16_t)strlen(t->request),
                     TCP_WRITE_FLAG_COPY);
}

/* http://ADDRESS[:PORT][/PATH]; 0, or -1: it is not. */
static int parse_url(const char *url, ip4_addr_t *to, u16_t *port,
                     const char **path)
{
    char host[16];
    size_t n = 0;
    char *end;

    if (strncmp(url, "http://", 7))
        return -1;
    for (url += 7; *url && *url != ':' && *url != '/'; url++)
        if (n + 1 < sizeof(host))
            host[n++] = *url;
    host[n] = 0;
    *port = 80;
    if (*url == ':') {
        *port = (u16_t)strtoul(url + 1, &end, 10);
        url = end;
    }
    *path = *url ? url : "/";
    return **path == '/' && *port && ip4addr_aton(host, to) ? 0 : -1;
}

static void connect(struct transfer *t, const ip4_addr_t *to, u16_t port)
{
    ip_addr_t address;

    ip_addr_copy_from_ip4(address, *to);
    t->pcb = tcp_new();
    if (!t->pcb) {
        on_error(t, ERR_MEM);
        return;
    }
    tcp_arg(t->pcb, t);
    tcp_recv(t->pcb, on_data);
    tcp_err(t->pcb, on_error);
    t->error = tcp_connect(t->pcb, &address, port, on_connected);
    if (t->error != ERR_OK) {
        hang_up(t);
        t->done = 1;
    }
}

/* The status of "HTTP/1.x STATUS ..."; -1 after a message. */
static int status(const struct transfer *t)
{
    if (!t->done)
        print("get: no answer in %u s\n", WAIT_MS / 1000);
    else if (t->error != ERR_OK)
        print("get: the connection failed (lwIP's error %d)\n", t->error);
    else if (strncmp(t->head, "HTTP/1.", 7) || t->used < 12)
        print("get: that is no HTTP\n");
    else
        return (int)strtoul(t->head + 9, NULL, 10);
    return -1;
}

int http_get(const char *url, seen_fn seen)
{
    struct transfer *t = alloc_cleared(1, sizeof(*t));
    ip4_addr_t to;
    const char *path;
    u16_t port;
    int ret = -1;

    if (!t || parse_url(url, &to, &port, &path)) {
        print("get: http://ADDRESS[:PORT]/PATH\n");
        release(t);
        return -1;
    }
    t->seen = seen;
    snprintf(t->request, sizeof(t->request), "GET %s HTTP/1.0\r\n\r\n", path);
    net_lock();
    connect(t, &to, port);
    net_unlock();
    net_wait(&t->done, WAIT_MS);
    net_lock();
    hang_up(t);
    ret = status(t);
    net_unlock();
    release(t);
    return ret;
}
