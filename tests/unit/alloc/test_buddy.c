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
    uint64_t past;
    uint64_t n = 0;
    mfn_t m;

    (void)state;
    fresh(256, FRAMES);
    while (!mfn_is_invalid(m = buddy_alloc(&heap, 0, 0, &past))) {
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
    uint64_t past;
    mfn_t m;

    (void)state;
    fresh(256, FRAMES);
    m = buddy_alloc(&heap, 3, 0, &past);
    assert_in_range(m.m, 4096, FRAMES - 8);
    for (unsigned bits = 9; bits <= 13; bits++) {
        m = buddy_alloc(&heap, 4, bits, &past);
        assert_in_range(m.m, 1UL << (bits - 1), (1UL << bits) - 16);
    }
    /* Nothing lies below frame 256. */
    assert_true(mfn_is_invalid(buddy_alloc(&heap, 0, 8, &past)));
    assert_true(mfn_is_invalid(buddy_alloc(&heap, 13, 0, &past)));
    assert_true(mfn_is_invalid(buddy_alloc(&heap, 25, 0, &past)));
    while (!mfn_is_invalid(m = buddy_alloc(&heap, 0, 0, &past)) &&
           m.m >= 4096)
        ;
    assert_in_range(m.m, 2048, 4095);
}

/* A block's stamp is the youngest of its parts, whichever is freed last. */
static void test_stamps(void **state)
{
    static const uint32_t stamp[][2] = {{5, 9}, {9, 5}, {0, 7}, {7, 0}};
    uint64_t past = 99;
    mfn_t a, b;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(stamp); i++) {
        fresh(4096, 4098);
        a = buddy_alloc(&heap, 0, 0, &past);
        assert_int_equal(past, 0);
        b = buddy_alloc(&heap, 0, 0, &past);
        assert_int_equal(frame_of(a)->type, 0);
        buddy_free(&heap, a, 0, PAST(stamp[i][0], 0));
        buddy_free(&heap, b, 0, PAST(stamp[i][1], 0));
        a = buddy_alloc(&heap, 1, 0, &past);
        assert_int_equal(PAST_STAMP(past), max(stamp[i][0], stamp[i][1]));
        buddy_free(&heap, a, 1, PAST(11, 0));
        (void)buddy_alloc(&heap, 0, 0, &past);
        assert_int_equal(PAST_STAMP(past), 11);
        (void)buddy_alloc(&heap, 0, 0, &past);
        assert_int_equal(PAST_STAMP(past), 11);
    }
}

/* A block holds one domain's data only if all of its parts do. */
static void test_whose_data(void **state)
{
    static const struct {
        uint32_t a, b, both;
    } id[] = {{7, 7, 7}, {7, 8, 0}, {8, 7, 0}, {0, 7, 0}, {7, 0, 0}};
    uint64_t past;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(id); i++) {
        fresh(4096, 4098);
        (void)buddy_alloc(&heap, 1, 0, &past);
        assert_int_equal(PAST_ID(past), 0);
        buddy_free(&heap, mfn(4096), 0, PAST(1, id[i].a));
        buddy_free(&heap, mfn(4097), 0, PAST(2, id[i].b));
        (void)buddy_alloc(&heap, 0, 0, &past);
        assert_int_equal(PAST_ID(past), id[i].both);
        (void)buddy_alloc(&heap, 0, 0, &past);
        assert_int_equal(PAST_ID(past), id[i].both);
    }
}

/* A stock of frames is cut from small blocks first, and never from too much. */
static void test_some(void **state)
{
    uint64_t past;
    unsigned order = 4;
    mfn_t m;

    (void)state;
    fresh(4096, 4096 + 32 + 2);
    m = buddy_alloc_some(&heap, &order, &past);
    assert_int_equal(m.m, 4096 + 32);
    assert_int_equal(order, 1);
    mark(m, order, 1);
    check_heap(used);
    order = 3;
    m = buddy_alloc_some(&heap, &order, &past);
    assert_int_equal(m.m, 4096);
    assert_int_equal(order, 3);
    mark(m, order, 1);
    check_heap(used);
    for (order = 6; heap.free; order = 6) {
        m = buddy_alloc_some(&heap, &order, &past);
        mark(m, order, 1);
        check_heap(used);
    }
    assert_true(mfn_is_invalid(buddy_alloc_some(&heap, &order, &past)));
}

/* Data in frames that are out must not be taken for a free buddy. */
static void test_owned_frames_left_alone(void **state)
{
    uint64_t past;
    mfn_t a, b;

    (void)state;
    fresh(4096, 4098);
    a = buddy_alloc(&heap, 0, 0, &past);
    b = buddy_alloc(&heap, 0, 0, &past);
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
    uint64_t past;

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
            slot[i].m = buddy_alloc(&heap, slot[i].order, bits, &past);
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
        cmocka_unit_test(test_whose_data),
        cmocka_unit_test(test_some),
        cmocka_unit_test(test_owned_frames_left_alone),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
