/* A web server of one page, on lwIP's raw interface. */
#include "net.h"
#include <lwip/tcp.h>

#define PORT 80
#define REQUEST_MAX 1024

struct request {
    size_t used;
    char text[REQUEST_MAX];
};

static const char page[] =
    "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n"
    "<!DOCTYPE html>\n<title>mini-os</title>\n"
    "<p>Hello from mini-os. This page comes from a kernel that is one file,\n"
    "with no user mode, no disk and no other program.</p>\n";
static const char bad_request[] =
    "HTTP/1.0 400 Bad Request\r\nConnection: close\r\n\r\n";
static const char not_found[] =
    "HTTP/1.0 404 Not Found\r\nConnection: close\r\n\r\n";
static u64 served;

u64 httpd_served(void) { return served; }

/* Ends the connection: lwIP knows nothing of us from then on. */
static err_t finish(struct tcp_pcb *pcb, struct request *r)
{
    tcp_arg(pcb, NULL);
    tcp_recv(pcb, NULL);
    tcp_err(pcb, NULL);
    tcp_poll(pcb, NULL, 0);
    release(r);
    if (tcp_close(pcb) == ERR_OK)
        return ERR_OK;
    tcp_abort(pcb);
    return ERR_ABRT;
}

static const char *answer(const char *request)
{
    if (strncmp(request, "GET /", 5))
        return bad_request;
    if (request[5] != ' ')
        return not_found;
    served++;
    return page;
}

/* Appends what came; what is longer than a request may be is cut off. */
static void take(struct request *r, const struct pbuf *p)
{
    size_t room = sizeof(r->text) - 1 - r->used;
    size_t n = p->tot_len < room ? p->tot_len : room;

    r->used += pbuf_copy_partial(p, r->text + r->used, (u16_t)n, 0);
    r->text[r->used] = 0;
}

static err_t on_data(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct request *r = arg;
    const char *text;

    (void)err;
    if (!p)
        return finish(pcb, r);
    take(r, p);
    tcp_recved(pcb, p->tot_len);
    pbuf_free(p);
    if (!strstr(r->text, "\r\n\r\n") && r->used + 1 < sizeof(r->text))
        return ERR_OK;
    text = answer(r->text);
    tcp_write(pcb, text, (u16_t)strlen(text), 0);
    return finish(pcb, r);
}

/* Nothing came for a while. */
static err_t on_idle(void *arg, struct tcp_pcb *pcb)
{
    return finish(pcb, arg);
}

/* The connection is gone already. */
static void on_error(void *arg, err_t err)
{
    (void)err;
    release(arg);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct request *r;

    (void)arg;
    if (err != ERR_OK || !pcb)
        return ERR_VAL;
    r = alloc_cleared(1, sizeof(*r));
    if (!r)
        return ERR_MEM;
    tcp_arg(pcb, r);
    tcp_recv(pcb, on_data);
    tcp_err(pcb, on_error);
    tcp_poll(pcb, on_idle, 20); /* ten seconds */
    return ERR_OK;
}

static struct tcp_pcb *listen_on(u16_t port)
{
    struct tcp_pcb *pcb = tcp_new(), *listener = NULL;

    if (pcb && tcp_bind(pcb, IP_ADDR_ANY, port) == ERR_OK)
        listener = tcp_listen(pcb);
    if (pcb && !listener)
        tcp_close(pcb);
    if (listener)
        tcp_accept(listener, on_accept);
    return listener;
}

int httpd_start(void)
{
    struct tcp_pcb *listener;

    net_lock();
    listener = listen_on(PORT);
    net_unlock();
    if (listener)
        return 0;
    print("httpd: port %u cannot be had\n", PORT);
    return -1;
}
