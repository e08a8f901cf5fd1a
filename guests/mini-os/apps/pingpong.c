/*
 * What an event costs: round trips over a channel.
 *
 *   count=N             round trips (10000)
 *   peer=DOMID          wait for that domain at a port, and send back
 *   peer=DOMID port=N   go to that domain's port, and measure
 * Without peer= the channel leads to this domain itself.
 */
#include <apps.h>
#include <xenbus.h>

static struct wait_queue queue;
static volatile u64 seen, sent_back;

static void send_back(unsigned port, void *arg)
{
    (void)arg;
    sent_back++;
    event_send(port);
    wake_all(&queue);
}

static void count_it(unsigned port, void *arg)
{
    (void)port;
    (void)arg;
    seen++;
    wake_all(&queue);
}

/* Until a counter has come so far; 0: nothing came for a while. */
static int await(const volatile u64 *counter, u64 goal, u64 seconds)
{
    int state = irq_save(), ret = 1;

    while (ret && *counter < goal)
        ret = wait_until(&queue, ops.time_ns() + seconds * SECOND_NS);
    irq_restore(state);
    return ret;
}

static void measure(unsigned port, u64 count)
{
    u64 ns = time_ns(), tsc = read_tsc(), i = 0;

    do
        event_send(port);
    while (await(&seen, ++i, 60) && i < count);
    tsc = read_tsc() - tsc;
    ns = time_ns() - ns;
    print("pingpong: %lu round trips, %lu ns and %lu cycles each%s\n", seen,
          ns / i, tsc / i, seen < i ? "; then NOTHING came back" : "");
}

static void with_itself(u64 count)
{
    int near = event_alloc(DOMID_SELF, count_it, NULL);
    int far = near < 0 ? near : event_connect(DOMID_SELF, (unsigned)near,
                                              send_back, NULL);

    if (far < 0) {
        print("pingpong: no channel (%d)\n", far);
        return;
    }
    measure((unsigned)near, count);
    event_close((unsigned)far);
    event_close((unsigned)near);
}

static void as_server(unsigned peer, u64 count)
{
    int port = event_alloc(peer, send_back, NULL), all;

    if (port < 0) {
        print("pingpong: no port for domain %u (%d)\n", peer, port);
        return;
    }
    print("pingpong: port %d awaits domain %u\n", port, peer);
    all = await(&sent_back, count, 600);
    print("pingpong: %s after %lu\n", all ? "done" : "nothing more comes",
          sent_back);
    event_close((unsigned)port);
}

static void as_client(unsigned peer, unsigned remote, u64 count)
{
    int port = event_connect(peer, remote, count_it, NULL);

    if (port < 0) {
        print("pingpong: domain %u has no port %u for us (%d)\n", peer, remote,
              port);
        return;
    }
    measure((unsigned)port, count);
    event_close((unsigned)port);
}

void app_pingpong(void)
{
    u64 count = number_option("count", 100000000, 10000);
    u64 peer = number_option("peer", DOMID_FIRST_RESERVED - 1, DOMID_SELF);
    u64 port = number_option("port", 0xffff, 0);

    if (peer == DOMID_SELF)
        with_itself(count);
    else if (!port)
        as_server((unsigned)peer, count);
    else
        as_client((unsigned)peer, (unsigned)port, count);
}
