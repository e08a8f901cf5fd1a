/* xenstore's byte rings and messages, and the values that come in them. */
#include "minios_ring/t.h"

#include <ring.h>
#include <stdlib.h>

static struct wire w;

/* Feeds all in pieces of so many bytes; the result of the last. */
static int feed(const void *bytes, size_t n, size_t step)
{
    const char *p = bytes;
    size_t used;
    int ret = 0;

    for (; n && ret >= 0; n -= used, p += used) {
        ret = wire_feed(&w, p, n < step ? n : step, &used);
        if (ret >= 0)
            assert_true(used > 0 && used <= step);
    }
    return ret;
}

void test_wire_in_pieces(void **state)
{
    struct {
        uint32_t head[4];
        char body[8];
    } m = {{2, 7, 0, 5}, "value"};
    size_t step;

    (void)state;
    memset(&w, 0, sizeof(w));
    w.have = 0;
    for (step = 1; step < 30; step++) {
        m.head[WIRE_LENGTH] = 5;
        assert_int_equal(feed(&m, 20, step), 0);
        assert_int_equal(feed(m.body + 4, 1, step), 1);
        assert_string_equal(w.body, "value");
        assert_int_equal(w.head[WIRE_REQUEST], 7);
        m.head[WIRE_LENGTH] = 0;
        assert_int_equal(feed(&m, 16, step), 1);
        assert_string_equal(w.body, "");
    }
}

void test_wire_too_long(void **state)
{
    static const uint32_t lengths[] = {WIRE_BODY + 1, 0x7fffffff, 0xfffffff0,
                                       0xffffffff};
    static char body[WIRE_BODY];
    uint32_t head[4] = {1, 2, 3, 0};
    size_t i, used;

    (void)state;
    for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        w.have = 0;
        head[WIRE_LENGTH] = lengths[i];
        assert_int_equal(wire_feed(&w, (const char *)head, 16, &used), -1);
    }
    w.have = 0;
    head[WIRE_LENGTH] = WIRE_BODY;
    assert_int_equal(feed(head, 16, 16), 0);
    assert_int_equal(feed(body, sizeof(body), 100), 1);
}

/* Any bytes: no write outside, which ASan would see, and no standstill. */
void test_wire_random(void **state)
{
    char bytes[512];
    unsigned i, j;

    (void)state;
    srand(5);
    for (i = 0; i < 20000; i++) {
        w.have = 0;
        for (j = 0; j < sizeof(bytes); j++)
            bytes[j] = (char)(rand() % 3 ? 0 : rand());
        feed(bytes, sizeof(bytes), 1 + (unsigned)rand() % 64);
    }
}

static const char *second(const char *body, uint32_t n)
{
    memset(w.body, 'x', sizeof(w.body));
    memcpy(w.body, body, n);
    w.body[n] = 0;
    w.head[WIRE_LENGTH] = n;
    return wire_second(&w);
}

void test_wire_strings(void **state)
{
    (void)state;
    assert_string_equal(second("a\0b\0", 4), "b");
    assert_string_equal(second("\0b\0", 3), "b");
    assert_null(second("", 0));
    assert_null(second("a", 1));
    assert_null(second("a\0", 2));
    assert_null(second("a\0b", 3));
}

void test_byte_indices(void **state)
{
    (void)state;
    assert_int_equal(bytes_to_read(0, 0, 1024), 0);
    assert_int_equal(bytes_to_read(10, 3, 1024), 7);
    assert_int_equal(bytes_to_read(1024, 0, 1024), 1024);
    assert_int_equal(bytes_to_read(1030, 1020, 1024), 4); /* to the end */
    assert_int_equal(bytes_to_read(5, 0xfffffffb, 1024), 5);
    assert_int_equal(bytes_to_read(1025, 0, 1024), -1);
    assert_int_equal(bytes_to_read(0, 1, 1024), -1);
    assert_int_equal(bytes_to_write(0, 0, 1024), 1024);
    assert_int_equal(bytes_to_write(1000, 0, 1024), 24);
    assert_int_equal(bytes_to_write(1024, 0, 1024), 0);
    assert_int_equal(bytes_to_write(1030, 1020, 1024), 1014);
    assert_int_equal(bytes_to_write(1030, 1030, 1024), 1018); /* to the end */
    assert_int_equal(bytes_to_write(1025, 0, 1024), -1);
    assert_int_equal(bytes_to_write(0, 1, 1024), -1);
}

void test_numbers(void **state)
{
    uint64_t v = 1;

    (void)state;
    assert_int_equal(parse_number("0", 0, &v), 0);
    assert_int_equal(v, 0);
    assert_int_equal(parse_number("4095", 4095, &v), 0);
    assert_int_equal(v, 4095);
    assert_int_equal(parse_number("18446744073709551615", ~0UL, &v), 0);
    assert_true(v == ~0UL);
    v = 7;
    assert_int_equal(parse_number("18446744073709551616", ~0UL, &v), -1);
    assert_int_equal(parse_number("99999999999999999999999", ~0UL, &v), -1);
    assert_int_equal(parse_number("4096", 4095, &v), -1);
    assert_int_equal(parse_number("7", 6, &v), -1);
    assert_int_equal(parse_number("", 9, &v), -1);
    assert_int_equal(parse_number("-1", 9, &v), -1);
    assert_int_equal(parse_number(" 1", 9, &v), -1);
    assert_int_equal(parse_number("1 ", 9, &v), -1);
    assert_int_equal(parse_number("0x1", 9, &v), -1);
    assert_int_equal(parse_number("\xb1", 9, &v), -1);
    assert_int_equal(v, 7);
}

void test_macs(void **state)
{
    static const char *const bad[] = {
        "", "0", "00:16:3e", "00:16:3e:00:00:0", "00:16:3e:00:00:01:",
        "00:16:3e:00:00:01:02", "00-16-3e-00-00-01", "00:16:3g:00:00:01",
        "001:6:3e:00:00:01", "00:16:3e:00:00:",
    };
    uint8_t mac[6];
    unsigned i;

    (void)state;
    assert_int_equal(parse_mac("00:16:3E:0a:Bc:fF", mac), 0);
    assert_memory_equal(mac, "\x00\x16\x3e\x0a\xbc\xff", 6);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse_mac(bad[i], mac), -1);
}
