/*
 * The self-test's network back end, in this domain itself: what is sent comes
 * back, by flipping, which no back end of today offers. In xenstore it lies
 * below data/mini; its grants and events are real.
 */
#include <apps.h>
#include <balloon.h>
#include <netfront.h>
#include <ring.h>
#include <xenbus.h>
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>

#define FRONT "data/mini/vif/0"
#define BACK "data/mini/back"

static struct back {
    unsigned self;
    void *pages[3]; /* in whose places the rings and what was sent are shown */
    long handles[3];
    struct ring_page *tx, *rx;
    u32 tx_seen, rx_seen;
    int port, lies, failed;
    struct semaphore ended;
} back;

static u64 front_number(const char *name)
{
    u64 value = 0;

    xenbus_read_number(0, FRONT, name, 0xffffffff, &value);
    return value;
}

static void arrived(unsigned port, void *arg)
{
    (void)port;
    (void)arg; /* the thread looks every few milliseconds */
}

static void *show(unsigned i, u64 ref)
{
    back.handles[i] = gnttab_map(back.self, (int)ref, back.pages[i], 0);
    back.failed |= back.handles[i] < 0;
    return back.pages[i];
}

/* A page with these bytes changes hands. */
static int flip(u64 ref, const u8 *from, size_t n)
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
    ret = gnttab_give(back.self, (int)ref, frame);
    if (!page_take(page, 0))
        free_page(page);
    return ret;
}

static void echo(void)
{
    struct netif_tx_request *sent =
        (struct netif_tx_request *)((u64)back.tx + 64) + back.tx_seen % 256;
    struct netif_rx_request *free =
        (struct netif_rx_request *)((u64)back.rx + 64) + back.rx_seen % 256;
    struct netif_tx_response done = {sent->id, NETIF_RSP_OKAY};
    struct netif_rx_response got = {free->id, 0, 0, (int16_t)sent->size};
    const u8 *page;

    back.handles[2] = gnttab_map(back.self, (int)sent->gref, back.pages[2], 1);
    page = back.pages[2];
    back.failed |= back.handles[2] < 0 ||
                   flip(free->gref, page + sent->offset, sent->size) ||
                   gnttab_unmap(back.handles[2], back.pages[2]);
    if (back.lies)
        got.id = 4711;
    memcpy(sent, &done, sizeof(done));
    memcpy(free, &got, sizeof(got));
    back.tx_seen++;
    back.rx_seen++;
    __sync_synchronize();
    back.tx->rsp_prod = back.tx_seen;
    back.rx->rsp_prod = back.rx_seen;
    event_send((unsigned)back.port);
}

static void serve(void)
{
    back.tx = show(0, front_number("tx-ring-ref"));
    back.rx = show(1, front_number("rx-ring-ref"));
    back.port = event_connect(back.self,
                              (unsigned)front_number("event-channel"), arrived,
                              NULL);
    xenbus_write(0, BACK, "state", "%d", XenbusStateConnected);
    while (!back.failed && front_number("state") == XenbusStateConnected) {
        while (back.tx_seen != back.tx->req_prod &&
               back.rx_seen != back.rx->req_prod && !back.failed)
            echo();
        sleep_ms(1);
    }
    event_close((unsigned)back.port);
    gnttab_unmap(back.handles[0], back.pages[0]);
    gnttab_unmap(back.handles[1], back.pages[1]);
}

static void run_back_end(void *arg)
{
    u64 end = time_ns() + 60 * SECOND_NS;

    (void)arg;
    while (front_number("state") != XenbusStateConnected && time_ns() < end)
        sleep_ms(1);
    serve();
    xenbus_write(0, BACK, "state", "%d", XenbusStateClosed);
    sem_up(&back.ended);
}

static int start_back_end(unsigned self, int lies)
{
    unsigned i;

    memset(&back, 0, sizeof(back));
    back.self = self;
    back.lies = lies;
    for (i = 0; i < ARRAY_SIZE(back.pages); i++)
        back.pages[i] = alloc_page();
    xenbus_write(0, FRONT, "backend", BACK);
    xenbus_write(0, FRONT, "backend-id", "%u", self);
    xenbus_write(0, FRONT, "mac", "00:16:3e:01:02:03");
    xenbus_write(0, BACK, "feature-rx-flip", "1");
    xenbus_write(0, BACK, "state", "%d", XenbusStateInitWait);
    return back.pages[2] && thread_create("back end", run_back_end, NULL);
}

static void end_back_end(void)
{
    unsigned i;

    sem_down(&back.ended);
    for (i = 0; i < ARRAY_SIZE(back.pages); i++)
        free_page(back.pages[i]);
    xenbus_remove(0, "data/mini", NULL);
}

/* So many frames there and back; how many of them came. */
static unsigned exchange(struct netfront *card, unsigned count)
{
    static u8 frame[1000], got[1000];
    unsigned i, n;

    for (i = 0; i < count; i++) {
        for (n = 0; n < sizeof(frame); n++)
            frame[n] = (u8)(i + n * 7);
        if (netfront_send(card, frame, sizeof(frame)) ||
            !netfront_wait(card, time_ns() + 60 * SECOND_NS) ||
            netfront_receive(card, got, sizeof(got)) != (int)sizeof(got) ||
            memcmp(frame, got, sizeof(got)))
            break;
    }
    return i;
}

static void run_card(unsigned self, int lies, unsigned count)
{
    struct netfront_counts c = {0, 0, 0, 0, 0};
    struct netfront *card = NULL;
    char err[160] = "no back end";

    if (start_back_end(self, lies))
        card = netfront_open_in("data/mini/vif", 0, err, sizeof(err));
    if (!card) {
        print("# %s\n", err);
        expect(0, "a card that flips pages opens");
        return;
    }
    netfront_counts(card, &c);
    expect(c.flips, "a card that flips pages opens");
    if (lies)
        expect(exchange(card, 1) == 0 &&
                   netfront_send(card, "1234567890abcdef", 16) == -XEN_EIO,
               "a back end that lies ends it");
    else
        expect(exchange(card, count) == count, "frames come in flipped pages");
    netfront_close(card);
    end_back_end();
}

void test_flipping(unsigned self)
{
    u64 pages = free_pages();
    unsigned grants = gnttab_free();

    if (pages < 64) {
        print("# SKIP flipping: too little memory\n");
        return;
    }
    run_card(self, 0, 100);
    expect(free_pages() == pages && gnttab_free() == grants,
           "it leaves no page and no grant behind");
    run_card(self, 1, 0);
    expect(free_pages() == pages && gnttab_free() == grants,
           "nor does the one that failed");
}
