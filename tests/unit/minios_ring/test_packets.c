/* ARP and echo between two stations, and frames that lie. */
#include "minios_ring/t.h"

#include <packets.h>
#include <stdlib.h>

static const struct station a = {{2, 0, 0, 0, 0, 1}, 0x0a000001};
static const struct station b = {{2, 0, 0, 0, 0, 2}, 0x0a000002};
static uint8_t frame[PACKET_MAX], reply[PACKET_MAX];

void test_arp(void **state)
{
    struct station peer = {{0}, 0x0a000002};
    size_t n = packet_arp_request(frame, &a, b.ip);

    (void)state;
    assert_int_equal(n, 42);
    assert_int_equal(packet_answer(reply, frame, n, &a), 0);
    n = packet_answer(reply, frame, n, &b);
    assert_int_equal(n, 42);
    assert_memory_equal(reply, a.mac, 6);
    assert_true(packet_arp_reply(reply, n, &a, &peer));
    assert_memory_equal(peer.mac, b.mac, 6);
    assert_false(packet_arp_reply(reply, n - 1, &a, &peer));
    assert_false(packet_arp_reply(reply, n, &b, &peer));
    assert_false(packet_arp_reply(frame, n, &a, &peer));
    peer.ip++;
    assert_false(packet_arp_reply(reply, n, &a, &peer));
}

void test_echo(void **state)
{
    static const size_t sizes[] = {0, 1, 56, 1399, PACKET_MAX - ECHO_HEAD};
    uint16_t seq;
    size_t i, n, size;

    (void)state;
    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        size = sizes[i];
        n = packet_echo(frame, &a, &b, 0xbeef, size);
        assert_int_equal(n, size + 42);
        assert_int_equal(packet_answer(reply, frame, n, &a), 0);
        assert_int_equal(packet_answer(reply, frame, n, &b), n);
        assert_true(packet_echo_reply(reply, n, &a, size, &seq));
        assert_int_equal(seq, 0xbeef);
        assert_false(packet_echo_reply(reply, n, &a, size + 1, &seq));
        assert_false(packet_echo_reply(reply, n - 1, &a, size, &seq));
        assert_false(packet_echo_reply(frame, n, &a, size, &seq));
        reply[n - 1] ^= 1;
        assert_false(packet_echo_reply(reply, n, &a, size, &seq));
    }
}

/* A frame of exactly len bytes, so that ASan sees each one too many. */
static size_t answer_copy(const uint8_t *from, size_t len)
{
    uint8_t *copy = malloc(len + 1);
    size_t n;

    memcpy(copy + 1, from, len);
    n = packet_answer(reply, copy + 1, len, &b);
    assert_true(n <= PACKET_MAX);
    free(copy);
    return n;
}

void test_malformed_packets(void **state)
{
    uint8_t bad[PACKET_MAX];
    size_t n, len;
    unsigned i;

    (void)state;
    n = packet_echo(frame, &a, &b, 1, 100);
    for (len = 0; len < n; len++)
        assert_int_equal(answer_copy(frame, len), 0);
    for (len = 0; len < n * 8; len++) { /* each bit; the checksums see it */
        memcpy(bad, frame, n);
        bad[len / 8] ^= (uint8_t)(1 << len % 8);
        if (len / 8 >= 12)
            assert_int_equal(answer_copy(bad, n), 0);
    }
    srand(7);
    for (i = 0; i < 100000; i++) {
        memcpy(bad, frame, n);
        for (len = 0; len < 3; len++)
            bad[12 + (unsigned)rand() % 40] = (uint8_t)rand();
        answer_copy(bad, (unsigned)rand() % (n + 1));
    }
}

void test_addresses(void **state)
{
    static const char *const bad[] = {
        "", "1", "1.2.3", "1.2.3.", "1.2.3.4.5", "256.1.1.1", "1.2.3.999",
        "1..2.3", "a.b.c.d", "1.2.3.4x", "99999999999.1.1.1", ".1.2.3",
    };
    uint32_t ip;
    unsigned i;

    (void)state;
    assert_int_equal(parse_ip("192.168.77.20", &ip), 0);
    assert_int_equal(ip, 0xc0a84d14);
    assert_int_equal(parse_ip("0.0.0.255 count=1", &ip), 0);
    assert_int_equal(ip, 255);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse_ip(bad[i], &ip), -1);
}
