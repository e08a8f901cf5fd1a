/* xmalloc on pages of the test's own memory; freed pages must be unused. */
#include "alloc/t.h"

#include <stdlib.h>

#include "lib/string.h"
#include "mm/alloc.h"

static char *memory; /* FRAMES pages */
static uint64_t pages_out;
static bool no_memory;

mfn_t virt_to_mfn(const void *p)
{
    return mfn((uint64_t)((const char *)p - memory) >> PAGE_SHIFT);
}

void *mfn_to_virt(mfn_t m)
{
    return memory + (m.m << PAGE_SHIFT);
}

void *xenheap_alloc(unsigned order)
{
    uint64_t past;
    mfn_t m;

    if (no_memory)
        return NULL;
    m = buddy_alloc(&heap, order, 0, &past);
    if (mfn_is_invalid(m))
        return NULL;
    pages_out += 1UL << order;
    memset(mfn_to_virt(m), 0xee, PAGE_SIZE << order);
    return mfn_to_virt(m);
}

void xenheap_free(void *p, unsigned order)
{
    pages_out -= 1UL << order;
    buddy_free(&heap, virt_to_mfn(p), order, 0);
}

static int set_up(void **state)
{
    (void)state;
    if (!memory)
        memory = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    assert_non_null(memory);
    world_reset();
    pages_out = 0;
    no_memory = false;
    buddy_free_range(&heap, mfn(16), mfn(FRAMES), 0);
    return 0;
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {0,    1,    16,   17,   100,  1024,
                                   2047, 2048, 2049, 4096, 4097, 70000};

    (void)state;
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *p = xzalloc(sizes[i]);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 16, 0);
        if (sizes[i] >= 64)
            assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t k = 0; k < sizes[i]; k++)
            assert_int_equal(p[k], 0);
        memset(p, 0x77, sizes[i]);
        xfree(p);
    }
    xfree(NULL);
}

static void test_no_memory(void **state)
{
    (void)state;
    no_memory = true;
    assert_null(xmalloc(100000));
    assert_null(xzalloc(4096));
    assert_null(xmalloc((size_t)-1 / 2));
}

#define SLOTS 3000

static void fill(uint8_t *p, size_t size, unsigned tag)
{
    memset(p, (int)(tag % 251), size);
}

static void check_fill(const uint8_t *p, size_t size, unsigned tag)
{
    for (size_t i = 0; i < size; i++)
        assert_int_equal(p[i], tag % 251);
}

/* No object overlaps another; all memory comes back in the end. */
static void test_random(void **state)
{
    static struct {
        uint8_t *p;
        size_t size;
    } slot[SLOTS];

    (void)state;
    for (unsigned n = 0; n < 60000; n++) {
        unsigned i = (unsigned)(rnd() % SLOTS);
        if (slot[i].p) {
            check_fill(slot[i].p, slot[i].size, i);
            xfree(slot[i].p);
            slot[i].p = NULL;
            continue;
        }
        slot[i].size = rnd() % 50 ? rnd() % 600 : rnd() % 20000;
        slot[i].p = xmalloc(slot[i].size);
        assert_non_null(slot[i].p);
        fill(slot[i].p, slot[i].size, i);
    }
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slot[i].p)
            check_fill(slot[i].p, slot[i].size, i);
        xfree(slot[i].p);
        slot[i].p = NULL;
    }
    /* At most one empty slab stays for each of the 8 classes. */
    assert_in_range(pages_out, 0, 8);
}

int run_xmalloc_tests(void)
{
    /* One set-up: the slab lists live as long as the program. */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
