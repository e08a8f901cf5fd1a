/* Handles: each rule; random use and all short sequences against a model. */
#include "grant/t.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct maptrack m;

static void setup(unsigned limit)
{
    heap_left = -1;
    maptrack_init(&m, limit);
}

static void finish(void)
{
    maptrack_free(&m);
    assert_int_equal(heap_blocks, 0);
}

void test_handles(void **state)
{
    uint32_t h, h2;

    (void)state;
    setup(2);
    assert_null(maptrack_claim(&m, 0));
    h = maptrack_alloc(&m);
    h2 = maptrack_alloc(&m);
    assert_true(h != MAPTRACK_NONE && h2 != MAPTRACK_NONE && h != h2);
    assert_null(maptrack_claim(&m, h)); /* not published */
    maptrack_at(&m, h)->frame = 77;
    assert_false(maptrack_has_frame(&m, 77));
    maptrack_publish(maptrack_at(&m, h));
    assert_true(maptrack_has_frame(&m, 77));
    assert_ptr_equal(maptrack_claim(&m, h), maptrack_at(&m, h));
    assert_null(maptrack_claim(&m, h)); /* twice */
    maptrack_publish(maptrack_at(&m, h));
    assert_non_null(maptrack_claim(&m, h));
    maptrack_retire(&m, h);
    assert_null(maptrack_claim(&m, h)); /* after its end */
    assert_null(maptrack_claim(&m, MAPTRACK_PER_PAGE));
    assert_null(maptrack_claim(&m, MAPTRACK_NONE));
    maptrack_retire(&m, h2);
    finish();
}

void test_handle_limits(void **state)
{
    unsigned n = 2 * (unsigned)MAPTRACK_PER_PAGE;

    (void)state;
    setup(2);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(maptrack_alloc(&m), i);
    assert_int_equal(maptrack_alloc(&m), MAPTRACK_NONE);
    maptrack_retire(&m, 5);
    assert_int_equal(maptrack_alloc(&m), 5);
    for (unsigned i = 0; i < n; i++)
        maptrack_retire(&m, i);
    assert_int_equal(maptrack_size(&m), n);
    finish();
    /* No memory: for the table of pages, for the first page. */
    maptrack_init(&m, 2);
    heap_left = 0;
    assert_int_equal(maptrack_alloc(&m), MAPTRACK_NONE);
    heap_left = 1;
    assert_int_equal(maptrack_alloc(&m), MAPTRACK_NONE);
    heap_left = -1;
    assert_int_equal(maptrack_alloc(&m), 0);
    maptrack_retire(&m, 0);
    finish();
}

void test_claim_next(void **state)
{
    uint32_t at = 0;

    (void)state;
    setup(2);
    assert_null(maptrack_claim_next(&m, &at, 10));
    assert_int_equal(at, 0);
    for (unsigned i = 0; i < 200; i++)
        assert_int_equal(maptrack_alloc(&m), i);
    maptrack_publish(maptrack_at(&m, 3));
    maptrack_publish(maptrack_at(&m, 150));
    assert_ptr_equal(maptrack_claim_next(&m, &at, 10), maptrack_at(&m, 3));
    assert_int_equal(at, 3);
    assert_null(maptrack_claim_next(&m, &at, 10));
    assert_int_equal(at, 13);
    assert_ptr_equal(maptrack_claim_next(&m, &at, 999), maptrack_at(&m, 150));
    assert_null(maptrack_claim_next(&m, &at, 999));
    assert_int_equal(at, maptrack_size(&m));
    for (unsigned i = 0; i < 200; i++)
        maptrack_retire(&m, i);
    finish();
}

#define HANDLES (3u * MAPTRACK_PER_PAGE)

static uint8_t model[HANDLES];
static unsigned in_use;

static void check_free_list(void)
{
    unsigned n = 0;
    uint32_t h;

    for (h = m.free; h != MAPTRACK_NONE; h = maptrack_at(&m, h)->next) {
        assert_int_equal(model[h], MAPTRACK_FREE);
        assert_true(++n <= maptrack_size(&m));
    }
    assert_int_equal(n + in_use, maptrack_size(&m));
}

/* One operation on handle h; kind 0 takes a new one. */
static void operate(unsigned kind, uint32_t h)
{
    if (kind == 0) {
        h = maptrack_alloc(&m);
        assert_int_equal(h == MAPTRACK_NONE, in_use == HANDLES);
        if (h == MAPTRACK_NONE)
            return;
        assert_int_equal(model[h], MAPTRACK_FREE);
        model[h] = MAPTRACK_BUSY;
        in_use++;
    } else if (kind == 1) {
        bool ok = maptrack_claim(&m, h) != NULL;
        assert_int_equal(ok, model[h] == MAPTRACK_LIVE);
        if (ok)
            model[h] = MAPTRACK_BUSY;
    } else if (model[h] == MAPTRACK_BUSY && kind == 2) {
        maptrack_publish(maptrack_at(&m, h));
        model[h] = MAPTRACK_LIVE;
    } else if (model[h] == MAPTRACK_BUSY) {
        maptrack_retire(&m, h);
        model[h] = MAPTRACK_FREE;
        in_use--;
    }
}

static void release_all(void)
{
    for (uint32_t h = 0; h < maptrack_size(&m); h++) {
        operate(1, h);
        operate(3, h);
    }
    assert_int_equal(in_use, 0);
    check_free_list();
}

void test_handles_random(void **state)
{
    const char *s = getenv("GRANT_SEED");
    uint64_t seed = s ? strtoull(s, NULL, 0) : 1;

    (void)state;
    setup(3);
    memset(model, 0, sizeof(model));
    for (unsigned i = 0; i < 400000; i++) {
        operate(next_random(&seed) % (i / 50000 % 2 ? 4 : 6) % 4,
                next_random(&seed) % (uint32_t)HANDLES);
        if (i % 1000 == 0)
            check_free_list();
    }
    release_all();
    finish();
}

#define FEW   3u
#define DEPTH 6u

/* All sequences of operations on three handles. */
static unsigned long explore(unsigned left)
{
    struct maptrack_entry saved[FEW];
    uint8_t saved_model[FEW];
    uint32_t saved_free = m.free;
    unsigned saved_use = in_use;
    unsigned long n = 1;

    if (!left)
        return n;
    memcpy(saved, m.pages[0], sizeof(saved));
    memcpy(saved_model, model, sizeof(saved_model));
    for (unsigned kind = 0; kind < 4; kind++) {
        for (unsigned h = 0; h < (kind ? FEW : 1); h++) {
            if (!kind && in_use == FEW)
                continue;
            operate(kind, h);
            check_free_list();
            n += explore(left - 1);
            memcpy(m.pages[0], saved, sizeof(saved));
            memcpy(model, saved_model, sizeof(saved_model));
            m.free = saved_free;
            in_use = saved_use;
        }
    }
    return n;
}

/* A table of three entries: the rest of the page is left out. */
void test_handles_explore(void **state)
{
    (void)state;
    setup(1);
    memset(model, 0, sizeof(model));
    assert_int_equal(maptrack_alloc(&m), 0);
    maptrack_retire(&m, 0);
    maptrack_at(&m, FEW - 1)->next = MAPTRACK_NONE;
    m.nr = FEW;
    print_message("%lu steps\n", explore(DEPTH));
    m.nr = MAPTRACK_PER_PAGE;
    finish();
}
