/*
 * A network back end in a guest. It takes one frame at a time, and trusts the
 * front end no more than that trusts it: a request is copied, checked and then
 * used, and one that cannot be ends the service.
 */
#include <balloon.h>
#include <netback.h>
#include <ring.h>
#include <xenbus.h>
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>

#define ENTRIES 256U

struct netback_rings {
    void *tx_page, *rx_page, *frame_page; /* others' are shown there */
    long tx_handle, rx_handle;
    struct ring_page *tx, *rx;
    u32 tx_seen, rx_seen;
    int port;
    u8 in[PACKET_MAX], out[PACKET_MAX];
};

static int complain(const struct netback *nb, const char *what)
{
    print("netback: %s %s\n", nb->front, what);
    return -1;
}

static u64 front_number(const struct netback *nb, const char *name)
{
    u64 value = 0;

    xenbus_read_number(0, nb->front, name, 0xffffffff, &value);
    return value;
}

/* ---- frames ---- */

/* A page with these bytes changes hands. */
static int flip(const struct netback *nb, u64 ref, const u8 *from, size_t n)
{
    u8 *page = alloc_page();
    u64 frame;
    int ret;

    if (!page)
        return -1;
    frame = page_mfn(page);
    memcpy(page, from, n);
    ops.set_pte((u64)page, 0);
    ops.flush_page((u64)page);
    ret = gnttab_give(nb->peer, (int)ref, frame);
    if (!page_take(page, 0))
        free_page(page);
    return ret;
}

/* To a page that the front end awaits one for; without any it is lost. */
static int hand_over(struct netback *nb, const u8 *frame, size_t n)
{
    struct netback_rings *r = nb->rings;
    u8 *slot = (u8 *)r->rx + 64;
    struct netif_rx_request req;
    struct netif_rx_response rsp = {0, 0, 0, 0};

    if (r->rx_seen == r->rx->req_prod)
        return 0;
    slot += r->rx_seen % ENTRIES * sizeof(req);
    memcpy(&req, slot, sizeof(req));
    if (flip(nb, req.gref, frame, n))
        return -1;
    rsp.id = nb->lies ? 4711 : req.id;
    rsp.status = (int16_t)n;
    memcpy(slot, &rsp, sizeof(rsp));
    __sync_synchronize();
    r->rx->rsp_prod = ++r->rx_seen;
    nb->flipped++;
    return 0;
}

/* Copies a frame that lies whole in its page. Its length, or -1. */
static int copy_frame(const struct netback *nb,
                      const struct netif_tx_request *req)
{
    struct netback_rings *r = nb->rings;
    long handle;

    if (req->size < 14 || req->size > PACKET_MAX || req->flags ||
        req->offset > PAGE_SIZE - req->size)
        return -1;
    handle = gnttab_map(nb->peer, (int)req->gref, r->frame_page, 1);
    if (handle < 0)
        return -1;
    memcpy(r->in, (u8 *)r->frame_page + req->offset, req->size);
    return gnttab_unmap(handle, r->frame_page) ? -1 : req->size;
}

static int answer(struct netback *nb, size_t n)
{
    struct netback_rings *r = nb->rings;
    size_t len;

    if (!nb->me)
        return hand_over(nb, r->in, n);
    len = packet_answer(r->out, r->in, n, nb->me);
    return len ? hand_over(nb, r->out, len) : 0;
}

static int take_one(struct netback *nb)
{
    struct netback_rings *r = nb->rings;
    u8 *slot = (u8 *)r->tx + 64;
    struct netif_tx_request req;
    struct netif_tx_response rsp = {0, NETIF_RSP_OKAY};
    int n;

    if (r->tx->req_prod - r->tx_seen > ENTRIES)
        return -1;
    slot += r->tx_seen % ENTRIES * sizeof(req);
    memcpy(&req, slot, sizeof(req));
    n = copy_frame(nb, &req);
    if (n < 0 || answer(nb, (size_t)n))
        return -1;
    rsp.id = req.id;
    memcpy(slot, &rsp, sizeof(rsp));
    __sync_synchronize();
    r->tx->rsp_prod = ++r->tx_seen;
    nb->taken++;
    event_send((unsigned)r->port);
    return 0;
}

/* ---- a front end ---- */

static int front_is(const struct netback *nb, unsigned state)
{
    return front_number(nb, "state") == state;
}

static int serve(struct netback *nb)
{
    struct netback_rings *r = nb->rings;

    while (front_is(nb, XenbusStateConnected)) {
        while (r->tx_seen != r->tx->req_prod)
            if (take_one(nb))
                return complain(nb, "broke the protocol");
        sleep_ms(1);
    }
    return 0;
}

static void arrived(unsigned port, void *arg)
{
    (void)port;
    (void)arg; /* the thread looks every few milliseconds */
}

static int await_front(const struct netback *nb)
{
    u64 end = time_ns() + 60 * SECOND_NS;

    while (!front_is(nb, XenbusStateConnected))
        if (time_ns() > end)
            return complain(nb, "does not connect");
        else
            sleep_ms(1);
    return 0;
}

static int attach(struct netback *nb)
{
    struct netback_rings *r = nb->rings;

    r->tx_handle = gnttab_map(nb->peer, (int)front_number(nb, "tx-ring-ref"),
                              r->tx_page, 0);
    r->rx_handle = gnttab_map(nb->peer, (int)front_number(nb, "rx-ring-ref"),
                              r->rx_page, 0);
    r->port = event_connect(nb->peer,
                            (unsigned)front_number(nb, "event-channel"),
                            arrived, NULL);
    if (r->tx_handle < 0 || r->rx_handle < 0 || r->port < 0)
        return complain(nb, "has no rings");
    r->tx = r->tx_page;
    r->rx = r->rx_page;
    return 0;
}

static void detach(const struct netback_rings *r)
{
    if (r->port > 0)
        event_close((unsigned)r->port);
    if (r->tx_handle >= 0)
        gnttab_unmap(r->tx_handle, r->tx_page);
    if (r->rx_handle >= 0)
        gnttab_unmap(r->rx_handle, r->rx_page);
}

static void tell(const struct netback *nb, unsigned state)
{
    xenbus_write(0, nb->dir, "state", "%u", state);
}

static int offer(struct netback *nb)
{
    int ret;

    xenbus_write(0, nb->dir, "feature-rx-flip", "1");
    tell(nb, XenbusStateInitWait);
    ret = await_front(nb);
    if (!ret) {
        ret = attach(nb);
        if (!ret) {
            tell(nb, XenbusStateConnected);
            ret = serve(nb);
        }
        detach(nb->rings);
    }
    tell(nb, XenbusStateClosed);
    return ret;
}

static void free_one(void *page)
{
    if (page)
        free_page(page);
}

int netback_run(struct netback *nb)
{
    struct netback_rings *r = alloc_cleared(1, sizeof(*r));
    int ret = -1;

    if (!r)
        return complain(nb, "is too much: no memory");
    nb->rings = r;
    r->tx_page = alloc_page();
    r->rx_page = alloc_page();
    r->frame_page = alloc_page();
    if (r->tx_page && r->rx_page && r->frame_page)
        ret = offer(nb);
    free_one(r->tx_page);
    free_one(r->rx_page);
    free_one(r->frame_page);
    release(r);
    return ret;
}
