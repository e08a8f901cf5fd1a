/* The network front end against back ends that copy, flip and lie. */
#include "minios_drivers/world.h"

#include "minios_drivers/tests.h"

#include <string.h>

#include <frontend.h>
#include <netfront.h>
#include <ring.h>
#include <xen/io/netif.h>

#define DIR "device/vif/0"
#define TX(i) (&((struct netif_tx_request *)((char *)tx + 64))[(i) % 256])
#define RX(i) (&((struct netif_rx_request *)((char *)rx + 64))[(i) % 256])

static struct netfront *nf;
static char err[160];
static uint8_t frame[NETFRONT_FRAME], got[NETFRONT_FRAME];

static struct ring_page *tx, *rx;
static uint32_t tx_seen, rx_seen;
static uint8_t sent[NETFRONT_FRAME]; /* the last */
static size_t sent_size;
static int quiet, gone;

/* ---- the back end ---- */

static int take_sent(void)
{
    struct netif_tx_request req;
    struct netif_tx_response rsp;
    const uint8_t *page;

    if (tx->req_prod == tx_seen)
        return 0;
    req = *TX(tx_seen);
    page = world_granted(req.gref, 0);
    assert_non_null(page);
    assert_null(world_granted(req.gref, 1));
    assert_true(req.offset + req.size <= (int)PAGE_SIZE);
    memcpy(sent, page + req.offset, req.size);
    sent_size = req.size;
    rsp.id = req.id;
    rsp.status = NETIF_RSP_OKAY;
    memcpy(TX(tx_seen++), &rsp, sizeof(rsp));
    tx->rsp_prod++;
    tx->req_event = tx_seen + 1;
    return 1;
}

static int serve(void)
{
    int did = 0;

    if (world_front_state() == XenbusStateConnected && !tx) {
        tx = world_granted(world_front_number("tx-ring-ref"), 1);
        rx = world_granted(world_front_number("rx-ring-ref"), 1);
        assert_true(tx && rx);
        world_back_state(XenbusStateConnected);
        return 1;
    }
    if (world_front_state() == XenbusStateClosing && tx) {
        tx = NULL;
        world_back_state(XenbusStateClosing);
        return 1;
    }
    if (world_front_state() == XenbusStateClosed) {
        world_back_state(XenbusStateClosed);
        return 1;
    }
    if (world_begins_anew() && !gone) {
        tx_seen = rx_seen = 0;
        world_back_state(XenbusStateInitWait);
        return 1;
    }
    while (tx && !quiet && take_sent())
        did = 1;
    if (did)
        world_event();
    return did;
}

static void respond(uint16_t id, uint16_t offset, uint16_t flags, int status)
{
    struct netif_rx_response rsp = {id, offset, flags, (int16_t)status};

    memcpy(RX(rx_seen++), &rsp, sizeof(rsp));
    rx->rsp_prod++;
    world_event();
}

/* A frame for the front end, at an offset in the page. */
static void deliver(const void *data, size_t n, uint16_t offset)
{
    struct netif_rx_request req = *RX(rx_seen);
    static uint8_t page[PAGE_SIZE];
    void *to = world_awaits(req.gref);

    assert_true(rx->req_prod != rx_seen);
    if (to) {
        memcpy(page + offset, data, n);
        world_give(req.gref, page);
    } else {
        to = world_granted(req.gref, 1);
        assert_non_null(to);
        memcpy((uint8_t *)to + offset, data, n);
    }
    respond(req.id, offset, 0, (int)n);
}

/* ---- the tests ---- */

static void begin(const char *copies, const char *flips)
{
    unsigned i;

    tx = rx = NULL;
    tx_seen = rx_seen = 0;
    quiet = gone = 0;
    world_begin("device/vif", serve);
    world_set(DIR, "mac", "00:16:3e:00:00:01");
    world_set(BACK, "feature-rx-copy", copies);
    world_set(BACK, "feature-rx-flip", flips);
    for (i = 0; i < sizeof(frame); i++)
        frame[i] = (uint8_t)(i * 3);
}

static void open_card(const char *copies, const char *flips)
{
    begin(copies, flips);
    nf = netfront_open(0, err, sizeof(err));
    if (!nf)
        fail_msg("%s", err);
    assert_int_equal(rx->req_prod, 32);
}

static void close_card(void)
{
    netfront_close(nf);
    assert_int_equal(world_front_state(), XenbusStateClosed);
    world_end();
}

/* Frames of all sizes, both ways. */
static void exchange(void)
{
    size_t n;

    for (n = 14; n <= NETFRONT_FRAME; n += 75) {
        assert_int_equal(netfront_send(nf, frame, n), 0);
        assert_int_equal(sent_size, n);
        assert_memory_equal(sent, frame, n);
        assert_int_equal(netfront_receive(nf, got, sizeof(got)), 0);
        assert_int_equal(netfront_wait(nf, 5), 0);
        deliver(frame, n, (uint16_t)(n % 100));
        assert_int_equal(netfront_wait(nf, ~0UL), 1);
        memset(got, 0, sizeof(got));
        assert_int_equal(netfront_receive(nf, got, sizeof(got)), n);
        assert_memory_equal(got, frame, n);
        assert_int_equal(rx->req_prod - rx_seen, 32); /* posted again */
    }
}

void test_net_good(void **state)
{
    struct netfront_counts c;

    (void)state;
    open_card("1", "0");
    assert_memory_equal(netfront_mac(nf), "\x00\x16\x3e\x00\x00\x01", 6);
    assert_string_equal(world_get(DIR, "request-rx-copy"), "1");
    exchange();
    deliver(frame, 1000, 0);
    assert_int_equal(netfront_receive(nf, got, 10), 10); /* cut off */
    assert_int_equal(netfront_send(nf, frame, 13), -XEN_EINVAL);
    assert_int_equal(netfront_send(nf, frame, 1515), -XEN_EINVAL);
    netfront_counts(nf, &c);
    assert_int_equal(c.sent, 21);
    assert_int_equal(c.received, 22);
    assert_int_equal(c.send_errors + c.receive_errors, 0);
    close_card();
}

void test_net_flip(void **state)
{
    struct netfront_counts c;
    struct netif_rx_request req;

    (void)state;
    open_card(NULL, "1");
    assert_string_equal(world_get(DIR, "request-rx-copy"), "0");
    exchange();
    req = *RX(rx_seen); /* a response, but no frame was given */
    respond(req.id, 0, 0, 100);
    assert_int_equal(netfront_receive(nf, got, sizeof(got)), 0);
    req = *RX(rx_seen);
    respond(req.id, 0, 0, NETIF_RSP_ERROR);
    assert_int_equal(netfront_receive(nf, got, sizeof(got)), 0);
    netfront_counts(nf, &c);
    assert_int_equal(c.receive_errors, 2);
    exchange();
    close_card(); /* 32 pages wait for gifts that do not come */
}

void test_net_choice(void **state)
{
    static const struct {
        const char *copies, *flips, *wish;
        int flip; /* -1: refused */
    } rows[] = {
        {"1", NULL, NULL, 0}, {"1", "1", NULL, 0},   {"1", "1", "flip", 1},
        {"1", "0", "flip", 0}, {"1", "1", "copy", 0}, {"0", "1", NULL, 1},
        {NULL, "1", NULL, 1},  {NULL, NULL, NULL, -1}, {"0", "0", NULL, -1},
        {"yes", "2", NULL, -1},
    };
    struct netfront_counts c;
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        begin(rows[i].copies, rows[i].flips);
        world_option = rows[i].wish;
        nf = netfront_open(0, err, sizeof(err));
        assert_int_equal(nf == NULL, rows[i].flip < 0);
        if (!nf) {
            assert_non_null(strstr(err, "neither copies nor flips"));
            world_end();
            continue;
        }
        netfront_counts(nf, &c);
        assert_int_equal(c.flips, rows[i].flip);
        close_card();
    }
}

void test_net_bad_mac(void **state)
{
    static const char *const bad[] = {NULL, "", "00:16:3e:00:00:0g",
                                      "00:16:3e:00:00:01:02:03:04:05"};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin("1", NULL);
        world_set(DIR, "mac", bad[i]);
        assert_null(netfront_open(0, err, sizeof(err)));
        assert_string_equal(err, DIR ": mac is no address");
        world_end();
    }
}

void test_net_full(void **state)
{
    unsigned i;

    (void)state;
    open_card("1", NULL);
    quiet = 1;
    for (i = 0; i < 32; i++)
        assert_int_equal(netfront_send(nf, frame, 100), 0);
    assert_int_equal(netfront_send(nf, frame, 100), -XEN_EAGAIN);
    quiet = 0;
    assert_int_equal(netfront_send(nf, frame, 100), 0);
    close_card();
}

void test_net_errors(void **state)
{
    struct netfront_counts c;
    struct netif_rx_request req;
    struct netif_tx_response rsp = {0, NETIF_RSP_DROPPED};

    (void)state;
    open_card("1", NULL);
    respond(RX(rx_seen)->id, 0, 0, NETIF_RSP_ERROR);
    respond(RX(rx_seen)->id, 0, 0, 0);
    respond(RX(rx_seen)->id, 0, NETRXF_more_data, 100); /* one of three */
    respond(RX(rx_seen)->id, 0, NETRXF_more_data, 100);
    respond(RX(rx_seen)->id, 0, 0, 100);
    deliver(frame, 60, 0);
    assert_int_equal(netfront_receive(nf, got, sizeof(got)), 60);
    netfront_counts(nf, &c);
    assert_int_equal(c.receive_errors, 5);
    req = *RX(rx_seen);
    assert_non_null(world_granted(req.gref, 1));
    quiet = 1;
    netfront_send(nf, frame, 60);
    rsp.id = TX(tx_seen)->id;
    memcpy(TX(tx_seen++), &rsp, sizeof(rsp));
    tx->rsp_prod++;
    quiet = 0;
    netfront_send(nf, frame, 60);
    netfront_counts(nf, &c);
    assert_int_equal(c.send_errors, 1);
    close_card();
}

/* The device has failed, once for all. */
static void broken(const char *says)
{
    assert_int_equal(netfront_receive(nf, got, sizeof(got)), -XEN_EIO);
    if (!strstr(world_output, says))
        fail_msg("'%s' does not say '%s'", world_output, says);
    assert_int_equal(netfront_send(nf, frame, 60), -XEN_EIO);
    assert_int_equal(netfront_wait(nf, ~0UL), 1);
    assert_int_equal(netfront_receive(nf, got, sizeof(got)), -XEN_EIO);
    close_card();
}

void test_net_hostile_receive(void **state)
{
    static const struct {
        int id; /* -1: the right one */
        uint16_t offset, flags;
        int status;
    } rows[] = {
        {-1, 0, 0, 4097},          {-1, 1, 0, 4096}, {-1, 4096, 0, 1},
        {-1, 0xffff, 0, 60},       {-1, 0, 0, 32767},
        {-1, 0, NETRXF_extra_info, 60}, {32, 0, 0, 60}, {0xffff, 0, 0, 60},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_card("1", NULL);
        respond(rows[i].id < 0 ? RX(0)->id : (uint16_t)rows[i].id,
                rows[i].offset, rows[i].flags, rows[i].status);
        broken(rows[i].id < 0 ? "the back end's frame cannot be"
                              : "the back end fills what it was not given");
    }
    open_card("1", NULL);
    rx->rsp_prod = 33;
    broken("the back end fills what it was not given");
    open_card("1", NULL);
    rx->rsp_prod = 0x80000000;
    broken("the back end fills what it was not given");
}

void test_net_hostile_send(void **state)
{
    static const uint16_t ids[] = {1, 31, 32, 0xffff};
    struct netif_tx_response rsp = {0, NETIF_RSP_OKAY};
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        open_card("1", NULL);
        quiet = 1;
        netfront_send(nf, frame, 60);
        rsp.id = ids[i];
        memcpy(TX(0), &rsp, sizeof(rsp));
        tx->rsp_prod = 1;
        assert_int_equal(netfront_send(nf, frame, 60), -XEN_EIO);
        broken("the back end answers what was not sent");
    }
    open_card("1", NULL);
    tx->rsp_prod = 1;
    assert_int_equal(netfront_send(nf, frame, 60), -XEN_EIO);
    broken("the back end answers more than was sent");
}

void test_net_goes_away(void **state)
{
    (void)state;
    open_card("1", NULL);
    world_back_state(XenbusStateClosing);
    assert_int_equal(netfront_wait(nf, ~0UL), 1);
    broken("the back end went away");
}

/* By copy and by flipping; what is in the rings by then is lost. */
void test_net_suspend(void **state)
{
    unsigned flips;

    (void)state;
    for (flips = 0; flips < 2; flips++) {
        open_card(flips ? "0" : "1", flips ? "1" : "0");
        exchange();
        quiet = 1;
        assert_int_equal(netfront_send(nf, frame, 100), 0);
        deliver(frame, 100, 0);
        quiet = 0;
        frontends_part();
        assert_int_equal(world_grants(), 0);
        world_set(DIR, "mac", "00:16:3e:00:00:02");
        frontends_meet();
        assert_int_equal(rx->req_prod, 32);
        assert_int_equal(netfront_mac(nf)[5], 2);
        exchange();
        assert_string_equal(world_output, "");
        close_card();
    }
}

void test_net_suspend_for_good(void **state)
{
    (void)state;
    open_card("1", NULL);
    frontends_part();
    world_set(DIR, "mac", "none");
    frontends_meet();
    assert_string_equal(world_output,
                        "after the suspension: " DIR ": mac is no address\n");
    assert_int_equal(netfront_send(nf, frame, 60), -XEN_EIO);
    assert_int_equal(netfront_wait(nf, ~0UL), 1);
    assert_int_equal(netfront_receive(nf, got, sizeof(got)), -XEN_EIO);
    frontends_part(); /* it has failed for good */
    frontends_meet();
    netfront_close(nf);
    world_end();
}
