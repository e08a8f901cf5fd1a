/*
 * A network card's throughput: echo requests in a window, every answer looked
 * at byte for byte; and a station that answers ARP and echoes meanwhile.
 *
 *   net=N         the N-th card (0)
 *   ip=, peer=    our address and whom to ask (192.168.77.20, .1)
 *   count=, size= how many echoes (1000) with how many bytes (1400)
 *   serve=N       then N seconds (0) of answering alone
 */
#include <apps.h>
#include <netfront.h>
#include <packets.h>
#include <xenbus.h>

#define WINDOW 16U

static struct bench {
    struct netfront *card;
    struct station me, peer;
    size_t size;
    u64 answered, served, other;
    u8 in[PACKET_MAX], out[PACKET_MAX];
    int resolved, failed;
} bench;

static void send(size_t len)
{
    int ret = netfront_send(bench.card, bench.out, len);

    if (ret == -XEN_EIO)
        bench.failed = 1;
}

static void look_at(size_t len)
{
    uint16_t seq;
    size_t answer;

    if (packet_arp_reply(bench.in, len, &bench.me, &bench.peer)) {
        bench.resolved = 1;
    } else if (packet_echo_reply(bench.in, len, &bench.me, bench.size, &seq)) {
        bench.answered++;
    } else {
        answer = packet_answer(bench.out, bench.in, len, &bench.me);
        if (answer)
            send(answer);
        bench.served += answer != 0;
        bench.other += answer == 0;
    }
}

/* Until one frame at least has come. 0: not before the deadline. */
static int take_frames(u64 deadline)
{
    int len, ready = netfront_wait(bench.card, deadline);

    while (ready && (len = netfront_receive(bench.card, bench.in,
                                            sizeof(bench.in))) != 0) {
        if (len < 0) {
            bench.failed = 1;
            return 0;
        }
        look_at((size_t)len);
    }
    return ready;
}

static int resolve(void)
{
    unsigned i;

    for (i = 0; i < 60 && !bench.resolved && !bench.failed; i++) {
        u64 end = time_ns() + SECOND_NS;

        send(packet_arp_request(bench.out, &bench.me, bench.peer.ip));
        while (!bench.resolved && take_frames(end))
            ;
    }
    if (!bench.resolved)
        print("netbench: nobody answers for the peer's address\n");
    return bench.resolved;
}

static void flood(u64 count)
{
    u64 sent = 0, lost = 0, begin = time_ns(), tsc = read_tsc(), ns;

    while (bench.answered + lost < count && !bench.failed) {
        while (sent < count && sent - bench.answered - lost < WINDOW &&
               !bench.failed)
            send(packet_echo(bench.out, &bench.me, &bench.peer,
                             (uint16_t)sent++, bench.size));
        if (!take_frames(time_ns() + 60 * SECOND_NS))
            lost = sent - bench.answered;
    }
    tsc = read_tsc() - tsc;
    ns = time_ns() - begin;
    print("netbench: %lu echoes of %lu bytes: %lu answered, %lu lost, "
          "%lu KiB/s each way, %lu cycles each\n", sent, bench.size,
          bench.answered, lost,
          bench.answered * (bench.size + ECHO_HEAD) * 976562UL / (ns + 1),
          tsc / (sent + 1));
}

static void serve(u64 seconds)
{
    u64 end = time_ns() + seconds * SECOND_NS;

    if (seconds)
        print("netbench: answers for %lu seconds\n", seconds);
    while (take_frames(end) && time_ns() < end)
        ;
}

static int address(const char *word, const char *fallback, u32 *ip)
{
    size_t len;
    const char *value = option(word, &len);

    if (!parse_ip(value ? value : fallback, ip))
        return 0;
    print("netbench: %s= is no address\n", word);
    return -1;
}

static int open_card(void)
{
    struct netfront_counts counts;
    char err[160];

    if (address("ip", "192.168.77.20", &bench.me.ip) ||
        address("peer", "192.168.77.1", &bench.peer.ip))
        return -1;
    bench.size = number_option("size", PACKET_MAX - ECHO_HEAD, 1400);
    bench.card = netfront_open((unsigned)number_option("net", 255, 0), err,
                               sizeof(err));
    if (!bench.card) {
        print("netbench: %s\n", err);
        return -1;
    }
    memcpy(bench.me.mac, netfront_mac(bench.card), 6);
    netfront_counts(bench.card, &counts);
    print("netbench: %02x:%02x:%02x:%02x:%02x:%02x, receives by %s\n",
          bench.me.mac[0], bench.me.mac[1], bench.me.mac[2], bench.me.mac[3],
          bench.me.mac[4], bench.me.mac[5], counts.flips ? "flip" : "copy");
    return 0;
}

void app_netbench(void)
{
    struct netfront_counts c;

    if (open_card())
        return;
    if (resolve())
        flood(number_option("count", 1000000, 1000));
    if (!bench.failed)
        serve(number_option("serve", 86400, 0));
    netfront_counts(bench.card, &c);
    print("netbench: %lu sent, %lu received, %lu+%lu errors; %lu served, "
          "%lu other%s\n", c.sent, c.received, c.send_errors, c.receive_errors,
          bench.served, bench.other, bench.failed ? "; FAILED" : "");
    netfront_close(bench.card);
    print("netbench: closed\n");
}
