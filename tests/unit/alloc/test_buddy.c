#include "alloc/t.h"

#include "lib/compiler.h"
#include "lib/string.h"

static uint8_t used[FRAMES];

static void fresh(uint64_t start, uint64_t end)
{
    world_reset();
    memset(used, 1, sizeof(used));
    memset(used + start, 0, end - start);
    buddy_free_range(&heap, mfn(start), mfn(end), 0);
    check_heap(used);
    assert_int_equal(heap.free, end - start);
}

static void mark(mfn_t m, unsigned order, uint8_t value)
{
    for (uint64_t i = m.m; i < m.m + (1UL << order); i++) {
        assert_int_equal(used[i], !value);
        used[i] = value;
    }
}

static void test_range_shapes(void **state)
{
    static const uint64_t shape[][2] = {{1, 2},   {1, FRAMES}, {0, 16},
                                        {7, 4097}, {256, 8191}, {4096, 8192}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(shape); i++)
        fresh(shape[i][0], shape[i][1]);
    /* 4096..8191 is one aligned block. */
    assert_int_equal(heap.head[12][12], 4096);
}

static void test_all_and_back(void **state)
{
    uint32_t stamp;
    uint64_t n = 0;
    mfn_t m;

    (void)state;
    fresh(256, FRAMES);
    while (!mfn_is_invalid(m = buddy_alloc(&heap, 0, 0, &stamp))) {
        mark(m, 0, 1);
        n++;
    }
    assert_int_equal(n, FRAMES - 256);
    assert_int_equal(heap.free, 0);
    check_heap(used);
    for (uint64_t i = FRAMES; i-- > 256;)
        buddy_free(&heap, mfn(i), 0, 0);
    memset(used + 256, 0, FRAMES - 256);
    check_heap(used);
    assert_int_equal(heap.head[12][12], 4096); /* all merged again */
}

/* High memory first; address limits are kept; low memory is the last resort. */
static void test_zones(void **state)
{
    uint32_t stamp;
    mfn_t m;

    (void)state;
    fresh(256, FRAMES);
    m = buddy_alloc(&heap, 3, 0, &stamp);
    assert_in_range(m.m, 4096, FRAMES - 8);
    for (unsigned bits = 9; bits <= 13; bits++) {
        m = buddy_alloc(&heap, 4, bits, &stamp);
        assert_in_range(m.m, 1UL << (bits - 1), (1UL << bits) - 16);
    }
    /* Nothing lies below frame 256. */
    assert_true(mfn_is_invalid(buddy_alloc(&heap, 0, 8, &stamp)));
    assert_true(mfn_is_invalid(buddy_alloc(&heap, 13, 0, &stamp)));
    assert_true(mfn_is_invalid(buddy_alloc(&heap, 25, 0, &stamp)));
    while (!mfn_is_invalid(m = buddy_alloc(&heap, 0, 0, &stamp)) &&
           m.m >= 4096)
        ;
    assert_in_range(m.m, 2048, 4095);
}

/* A block's stamp is the youngest of its parts. */
static void test_stamps(void **state)
{
    uint32_t stamp = 99;
    mfn_t a, b;

    (void)state;
    fresh(4096, 4098);
    a = buddy_alloc(&heap, 0, 0, &stamp);
    assert_int_equal(stamp, 0);
    b = buddy_alloc(&heap, 0, 0, &stamp);
    assert_int_equal(frame_of(a)->type, 0);
    buddy_free(&heap, a, 0, 5);
    buddy_free(&heap, b, 0, 9);
    a = buddy_alloc(&heap, 1, 0, &stamp);
    assert_int_equal(stamp, 9);
    buddy_free(&heap, a, 1, 11);
    (void)buddy_alloc(&heap, 0, 0, &stamp);
    assert_int_equal(stamp, 11);
    (void)buddy_alloc(&heap, 0, 0, &stamp);
    assert_int_equal(stamp, 11);
}

/* Data in frames that are out must not be taken for a free buddy. */
static void test_owned_frames_left_alone(void **state)
{
    uint32_t stamp;
    mfn_t a, b;

    (void)state;
    fresh(4096, 4098);
    a = buddy_alloc(&heap, 0, 0, &stamp);
    b = buddy_alloc(&heap, 0, 0, &stamp);
    mark(a, 0, 1);
    mark(b, 0, 1);
    frame_of(b)->ref = FRAME_ALLOCATED | 1;
    buddy_free(&heap, a, 0, 0);
    mark(a, 0, 0);
    check_heap(used);
    assert_int_equal(frame_of(b)->ref, FRAME_ALLOCATED | 1);
}

#define SLOTS 400

static void test_random(void **state)
{
    struct {
        mfn_t m;
        unsigned order;
        bool out;
    } slot[SLOTS] = {0};
    uint32_t stamp;

    (void)state;
    fresh(300, 8000);
    for (unsigned n = 0; n < 40000; n++) {
        unsigned i = (unsigned)(rnd() % SLOTS);
        if (slot[i].out) {
            mark(slot[i].m, slot[i].order, 0);
            buddy_free(&heap, slot[i].m, slot[i].order, 0);
            slot[i].out = false;
        } else {
            unsigned bits = rnd() % 4 ? 0 : 9 + (unsigned)(rnd() % 5);
            slot[i].order = (unsigned)(rnd() % 8);
            slot[i].m = buddy_alloc(&heap, slot[i].order, bits, &stamp);
            slot[i].out = !mfn_is_invalid(slot[i].m);
            if (slot[i].out) {
                assert_int_equal(slot[i].m.m % (1UL << slot[i].order), 0);
                if (bits)
                    assert_in_range(slot[i].m.m, 0,
                                    (1UL << bits) - (1UL << slot[i].order));
                mark(slot[i].m, slot[i].order, 1);
            }
        }
        if (n % 64 == 0)
            check_heap(used);
    }
    for (unsigned i = 0; i < SLOTS; i++)
        if (slot[i].out) {
            mark(slot[i].m, slot[i].order, 0);
            buddy_free(&heap, slot[i].m, slot[i].order, 0);
        }
    check_heap(used);
    assert_int_equal(heap.free, 8000 - 300);
}

int run_buddy_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range_shapes),
        cmocka_unit_test(test_all_and_back),
        cmocka_unit_test(test_zones),
        cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_owned_frames_left_alone),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
