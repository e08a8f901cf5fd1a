/* Rings of requests and responses, and the numbers of requests. */
#include "minios_ring/t.h"

#include <ring.h>

static uint8_t page[4096] __attribute__((aligned(4096)));
static struct ring r;
#define rsp_prod (r.page->rsp_prod)

static void begin(uint32_t entry_size)
{
    memset(page, 0, sizeof(page));
    ring_init(&r, page, entry_size);
}

/* The peer's answer to the request in the same entry. */
static void answer(uint32_t n)
{
    while (n--)
        rsp_prod++;
}

void test_ring_fills_and_empties(void **state)
{
    uint64_t rsp;
    char *first;
    unsigned i;

    (void)state;
    begin(112);
    assert_int_equal(r.entries, 32);
    first = ring_request(&r);
    assert_ptr_equal(first, page + 64);
    for (i = 1; i < 32; i++)
        assert_ptr_equal(ring_request(&r), first + i * 112);
    assert_null(ring_request(&r));
    assert_int_equal(ring_response(&r, &rsp, sizeof(rsp)), 0);
    ring_push(&r);
    memcpy(first, "response", 8);
    answer(1);
    assert_int_equal(ring_response(&r, &rsp, sizeof(rsp)), 1);
    assert_memory_equal(&rsp, "response", 8);
    assert_int_equal(ring_response(&r, &rsp, sizeof(rsp)), 0);
    assert_ptr_equal(ring_request(&r), first);
    assert_null(ring_request(&r));
}

void test_ring_wraps(void **state)
{
    uint32_t rsp, i;

    (void)state;
    begin(8);
    assert_int_equal(r.entries, 256);
    r.req_prod = r.rsp_cons = r.page->req_prod = rsp_prod = 0xffffff80U;
    for (i = 0; i < 1000; i++) {
        *(uint32_t *)ring_request(&r) = i;
        ring_push(&r);
        answer(1);
        assert_int_equal(ring_response(&r, &rsp, sizeof(rsp)), 1);
        assert_int_equal(rsp, i);
    }
}

void test_ring_peer_answers_too_much(void **state)
{
    static const uint32_t bad[] = {2, 3, 33, 34, 0x80000000, 0xffffffff};
    uint64_t rsp;
    unsigned i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        begin(112);
        ring_request(&r);
        ring_push(&r);
        rsp_prod = bad[i];
        assert_int_equal(ring_response(&r, &rsp, sizeof(rsp)), -1);
        rsp_prod = 1; /* repents too late */
        assert_int_equal(ring_response(&r, &rsp, sizeof(rsp)), -1);
        assert_int_equal(ring_rest(&r), 1);
        assert_null(ring_request(&r));
    }
}

void test_ring_notifies_when_asked(void **state)
{
    uint64_t rsp;

    (void)state;
    begin(16);
    ring_request(&r);
    assert_int_equal(ring_push(&r), 1); /* it asked for the first */
    ring_request(&r);
    assert_int_equal(ring_push(&r), 0);
    r.page->req_event = 3;
    ring_request(&r);
    assert_int_equal(ring_push(&r), 1);
    assert_int_equal(ring_rest(&r), 0);
    assert_int_equal(r.page->rsp_event, 1);
    answer(2);
    assert_int_equal(ring_rest(&r), 1);
    ring_response(&r, &rsp, sizeof(rsp));
    ring_response(&r, &rsp, sizeof(rsp));
    assert_int_equal(ring_rest(&r), 0);
    assert_int_equal(r.page->rsp_event, 3);
    assert_int_equal(ring_outstanding(&r), 1);
}

void test_ids(void **state)
{
    uint16_t links[5];
    struct id_table t;
    unsigned i, seen = 0;

    (void)state;
    id_init(&t, links, 5);
    for (i = 0; i < 5; i++)
        seen |= 1U << id_take(&t);
    assert_int_equal(seen, 0x1f);
    assert_int_equal(id_take(&t), ID_NONE);
    assert_int_equal(id_give(&t, 3), 0);
    assert_int_equal(id_take(&t), 3); /* the last that came back goes first */
    for (i = 0; i < 5; i++)
        assert_int_equal(id_give(&t, i), 0);
    assert_int_equal(t.used, 0);
}

void test_ids_that_are_not_in_use(void **state)
{
    static const uint64_t bad[] = {0, 1, 3, 4, 5, 31, 0xfffe, 0xffff, 0x10002,
                                   0x100000002, ~0UL};
    uint16_t links[5];
    struct id_table t;
    unsigned i;

    (void)state;
    id_init(&t, links, 5);
    for (i = 0; i < 5; i++)
        id_take(&t);
    for (i = 0; i < 5; i++)
        if (i != 2)
            id_give(&t, i);
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(id_valid(&t, bad[i]));
        assert_int_equal(id_give(&t, bad[i]), -1);
    }
    assert_int_equal(t.used, 1);
    assert_int_equal(id_give(&t, 2), 0);
    assert_int_equal(id_give(&t, 2), -1);
}
