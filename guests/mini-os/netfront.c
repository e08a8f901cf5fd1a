/*
 * The network front end. Sending: a page holds two frames and stays granted,
 * read-only. Receiving: by copy, a page stays granted for the back end to
 * write to; by flipping, the page's frame is let go, the back end gives one of
 * its own with the frame in it, and this one is let go again after the copy
 * to the caller. The back end is not trusted: an index, a number or a length
 * that cannot be ends the device.
 */
#include <balloon.h>
#include <frontend.h>
#include <netfront.h>
#include <ring.h>
#include <xen/io/netif.h>

#define SLOTS 32
#define HALF (PAGE_SIZE / 2)

struct slot {
    u8 *page; /* null: none, or it is gone for good */
    int ref;  /* 0: none */
};

struct netfront {
    struct frontend f; /* first */
    struct netfront_counts counts;
    struct ring tx, rx;
    struct id_table tx_ids, rx_ids;
    uint16_t tx_links[SLOTS], rx_links[SLOTS];
    struct slot tx_slots[SLOTS / 2], rx_slots[SLOTS], tx_page, rx_page;
    int port; /* 0: none */
    u8 mac[6];
    int skip; /* within a frame of several slots */
    volatile int failed;
};

const u8 *netfront_mac(struct netfront *nf) { return nf->mac; }

void netfront_counts(struct netfront *nf, struct netfront_counts *counts)
{
    *counts = nf->counts;
}

static void fail(struct netfront *nf, const char *why)
{
    if (!nf->failed)
        print("%s: %s\n", nf->f.dir, why);
    nf->failed = 1;
}

static void notify(const struct netfront *nf)
{
    event_send((unsigned)nf->port);
}

static void handle_event(unsigned port, void *arg)
{
    struct netfront *nf = arg;

    (void)port;
    wake_all(&nf->f.queue);
}

/* ---- sending ---- */

static void reap(struct netfront *nf)
{
    struct netif_tx_response rsp;
    int ret = 0;

    while (!nf->failed &&
           (ret = ring_response(&nf->tx, &rsp, sizeof(rsp))) > 0) {
        if (id_give(&nf->tx_ids, rsp.id)) {
            fail(nf, "the back end answers what was not sent");
            return;
        }
        nf->counts.send_errors += rsp.status != NETIF_RSP_OKAY;
    }
    if (ret < 0)
        fail(nf, "the back end answers more than was sent");
}

/* A free number, within a second, or ID_NONE. */
static uint16_t take_room(struct netfront *nf)
{
    u64 deadline = time_ns() + SECOND_NS;
    int in_time = 1, state;
    uint16_t id;

    for (;;) {
        reap(nf);
        id = nf->failed ? ID_NONE : id_take(&nf->tx_ids);
        if (id != ID_NONE || nf->failed || !in_time)
            return id;
        if (frontend_lost(&nf->f))
            fail(nf, "the back end went away");
        state = irq_save();
        if (!nf->failed && !ring_rest(&nf->tx))
            in_time = frontend_sleep(&nf->f, deadline);
        irq_restore(state);
    }
}

static int send(struct netfront *nf, const void *frame, size_t len)
{
    struct netif_tx_request *req;
    const struct slot *slot;
    uint16_t id;

    id = take_room(nf);
    if (id == ID_NONE)
        return nf->failed ? -XEN_EIO : -XEN_EAGAIN;
    slot = &nf->tx_slots[id / 2];
    memcpy(slot->page + id % 2 * HALF, frame, len);
    req = ring_request(&nf->tx);
    req->gref = (grant_ref_t)slot->ref;
    req->offset = (uint16_t)(id % 2 * HALF);
    req->flags = 0;
    req->id = id;
    req->size = (uint16_t)len;
    if (ring_push(&nf->tx))
        notify(nf);
    nf->counts.sent++;
    return 0;
}

int netfront_send(struct netfront *nf, const void *frame, size_t len)
{
    int ret;

    if (len < 14 || len > NETFRONT_FRAME)
        return -XEN_EINVAL;
    frontend_enter(&nf->f);
    ret = send(nf, frame, len);
    frontend_exit(&nf->f);
    return ret;
}

/* ---- receiving ---- */

/* One more page for a frame to come in. Not 0: there is none to be had. */
static int post(struct netfront *nf)
{
    struct netif_rx_request *req;
    uint16_t id = id_take(&nf->rx_ids);
    struct slot *slot = &nf->rx_slots[id];

    if (nf->counts.flips) {
        if (page_let_go(slot->page))
            return -1;
        slot->ref = gnttab_grant_transfer(nf->f.peer, slot->page);
    } else if (!slot->ref) {
        slot->ref = gnttab_grant(nf->f.peer, slot->page, 0);
    }
    if (slot->ref < 0) {
        slot->ref = 0;
        if (nf->counts.flips && page_take(slot->page, 0))
            slot->page = NULL;
        return -1;
    }
    req = ring_request(&nf->rx);
    req->id = id;
    req->gref = (grant_ref_t)slot->ref;
    return 0;
}

/* The page is ours again, with what was received if it was flipped. */
static int withdraw(struct slot *slot)
{
    u64 frame = gnttab_end_transfer(slot->ref);

    slot->ref = 0;
    if (page_take(slot->page, frame)) {
        slot->page = NULL; /* no frame is left for it */
        return -1;
    }
    return frame ? 0 : -1;
}

/* Bytes, or 0: nothing for the caller; -1: impossible. */
static int accept(struct netfront *nf, const struct netif_rx_response *rsp,
                  void *buf, size_t size)
{
    struct slot *slot = &nf->rx_slots[rsp->id];
    int more = rsp->flags & NETRXF_more_data, skip = nf->skip || more;
    size_t len = (size_t)rsp->status;
    int got = nf->counts.flips ? withdraw(slot) : 0;

    nf->skip = more != 0;
    if (rsp->status > 0 && (len > PAGE_SIZE || rsp->offset > PAGE_SIZE - len ||
                            rsp->flags & NETRXF_extra_info))
        return -1;
    if (rsp->status <= 0 || skip || got) {
        nf->counts.receive_errors++;
        return 0;
    }
    if (len > size)
        len = size;
    memcpy(buf, slot->page + rsp->offset, len);
    nf->counts.received++;
    return (int)len;
}

static int receive(struct netfront *nf, void *buf, size_t size)
{
    struct netif_rx_response rsp;
    int ret, len = 0;

    while (!len && !nf->failed) {
        ret = ring_response(&nf->rx, &rsp, sizeof(rsp));
        if (!ret)
            return 0;
        if (ret < 0 || !id_valid(&nf->rx_ids, rsp.id)) {
            fail(nf, "the back end fills what it was not given");
            break;
        }
        len = accept(nf, &rsp, buf, size);
        id_give(&nf->rx_ids, rsp.id);
        if (len < 0)
            fail(nf, "the back end's frame cannot be");
        else if (!nf->rx_slots[rsp.id].page || post(nf))
            fail(nf, "no page to receive with");
        else if (ring_push(&nf->rx))
            notify(nf);
    }
    return len > 0 ? len : -XEN_EIO;
}

int netfront_receive(struct netfront *nf, void *buf, size_t size)
{
    int ret;

    frontend_enter(&nf->f);
    ret = receive(nf, buf, size);
    frontend_exit(&nf->f);
    return ret;
}

static int await(struct netfront *nf, u64 deadline_ns)
{
    int in_time = 1, ready, state;

    for (;;) {
        if (frontend_lost(&nf->f))
            fail(nf, "the back end went away");
        state = irq_save();
        ready = nf->failed || ring_rest(&nf->rx);
        if (!ready && in_time && !nf->f.watch.fired)
            in_time = frontend_sleep(&nf->f, deadline_ns);
        irq_restore(state);
        if (ready || !in_time)
            return ready;
    }
}

int netfront_wait(struct netfront *nf, u64 deadline_ns)
{
    int ready;

    frontend_enter(&nf->f);
    ready = await(nf, deadline_ns);
    frontend_exit(&nf->f);
    return ready;
}

/* ---- both ends of life ---- */

static int make_page(struct netfront *nf, struct slot *slot, int readonly)
{
    slot->page = alloc_page();
    if (!slot->page)
        return frontend_fail(&nf->f, "no memory for its pages");
    slot->ref = gnttab_grant(nf->f.peer, slot->page, readonly);
    if (slot->ref > 0)
        return 0;
    slot->ref = 0;
    return frontend_fail(&nf->f, "no grants for its pages");
}

static int make_rings(struct netfront *nf)
{
    unsigned i;
    int ret = make_page(nf, &nf->tx_page, 0) || make_page(nf, &nf->rx_page, 0);

    for (i = 0; !ret && i < SLOTS / 2; i++)
        ret = make_page(nf, &nf->tx_slots[i], 1);
    if (ret)
        return -1;
    ring_init(&nf->tx, nf->tx_page.page, sizeof(struct netif_tx_request));
    ring_init(&nf->rx, nf->rx_page.page, sizeof(struct netif_rx_request));
    id_init(&nf->tx_ids, nf->tx_links, SLOTS);
    id_init(&nf->rx_ids, nf->rx_links, SLOTS);
    nf->port = event_alloc(nf->f.peer, handle_event, nf);
    return nf->port > 0 ? 0 : frontend_fail(&nf->f, "no event channel");
}

static int post_all(struct netfront *nf)
{
    unsigned i;

    for (i = 0; i < SLOTS; i++) {
        nf->rx_slots[i].page = alloc_page();
        if (!nf->rx_slots[i].page || post(nf))
            return frontend_fail(&nf->f, "no pages to receive with");
    }
    ring_push(&nf->rx);
    return 0;
}

/* rx=flip on the command line prefers flipping where both are offered. */
static int choose_receive(struct netfront *nf)
{
    int copies = frontend_feature(&nf->f, "feature-rx-copy");
    int flips = frontend_feature(&nf->f, "feature-rx-flip");
    size_t len;
    const char *wish = option("rx", &len);

    if (!copies && !flips)
        return frontend_fail(&nf->f, "the back end neither copies nor flips");
    nf->counts.flips = flips && (!copies || (wish && len == 4 &&
                                             !strncmp(wish, "flip", 4)));
    return 0;
}

static int publish(struct netfront *nf)
{
    const char *dir = nf->f.dir;

    if (xenbus_write(0, dir, "tx-ring-ref", "%d", nf->tx_page.ref) ||
        xenbus_write(0, dir, "rx-ring-ref", "%d", nf->rx_page.ref) ||
        xenbus_write(0, dir, "event-channel", "%d", nf->port) ||
        xenbus_write(0, dir, "request-rx-copy", "%d", !nf->counts.flips) ||
        xenbus_write(0, dir, "feature-rx-notify", "1") ||
        xenbus_write(0, dir, "feature-no-csum-offload", "1") ||
        xenbus_write(0, dir, "feature-sg", "0"))
        return frontend_fail(&nf->f, "its rings cannot be told");
    return frontend_switch(&nf->f, XenbusStateConnected);
}

/* With a back end that awaits us. */
static int connect(struct netfront *nf)
{
    char mac[20];

    if (xenbus_read(0, nf->f.dir, "mac", mac, sizeof(mac)) < 0 ||
        parse_mac(mac, nf->mac))
        return frontend_fail(&nf->f, "mac is no address");
    if (choose_receive(nf) || make_rings(nf) || post_all(nf) || publish(nf))
        return -1;
    return frontend_wait(&nf->f, STATE_BIT(Connected));
}

/* What the back end still uses stays out of use. */
static void free_slot(struct slot *slot, int flipped)
{
    if (slot->ref && flipped)
        withdraw(slot);
    else if (slot->ref && gnttab_end(slot->ref))
        slot->page = NULL;
    if (slot->page)
        free_page(slot->page);
    slot->page = NULL;
    slot->ref = 0;
}

static void disconnect(struct netfront *nf)
{
    unsigned i;

    frontend_leave(&nf->f);
    if (nf->port > 0)
        event_close((unsigned)nf->port);
    for (i = 0; i < SLOTS; i++)
        free_slot(&nf->rx_slots[i], nf->counts.flips);
    for (i = 0; i < SLOTS / 2; i++)
        free_slot(&nf->tx_slots[i], 0);
    free_slot(&nf->tx_page, 0);
    free_slot(&nf->rx_page, 0);
    nf->port = 0;
}

/* Frames under way may be lost, as they may in any network. */
static void part(struct frontend *f)
{
    disconnect((struct netfront *)(void *)f);
}

static int meet(struct frontend *f)
{
    struct netfront *nf = (struct netfront *)(void *)f;

    if (nf->failed)
        return 0;
    nf->skip = 0;
    if (!frontend_find_again(f) && !connect(nf))
        return 0;
    nf->failed = 1;
    disconnect(nf);
    return -1;
}

static struct netfront *open_device(const char *class, unsigned index,
                                    char *err, size_t size)
{
    static const struct frontend_driver driver = {part, meet};
    struct netfront *nf = alloc_cleared(1, sizeof(*nf));

    if (!nf) {
        snprintf(err, size, "no memory for a network device");
    } else if (frontend_find(&nf->f, class, index, err, size) || connect(nf)) {
        disconnect(nf);
        release(nf);
        nf = NULL;
    } else {
        frontend_opened(&nf->f, &driver);
    }
    return nf;
}

struct netfront *netfront_open_in(const char *class, unsigned index, char *err,
                                  size_t size)
{
    struct netfront *nf;

    mutex_lock(&devices_lock);
    nf = open_device(class, index, err, size);
    mutex_unlock(&devices_lock);
    return nf;
}

struct netfront *netfront_open(unsigned index, char *err, size_t size)
{
    return netfront_open_in("device/vif", index, err, size);
}

void netfront_close(struct netfront *nf)
{
    if (!nf)
        return;
    mutex_lock(&devices_lock);
    frontend_closed(&nf->f);
    disconnect(nf);
    mutex_unlock(&devices_lock);
    release(nf);
}
