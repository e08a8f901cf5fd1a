/* mini-os's pages and heap, over memory of the host's. */
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <mini-os.h>

#define PAGES 64
#define SLOTS 40

static u8 *memory;

/* Page numbers count from VIRT_BASE, to which sums wrap around. */
static void give_memory(struct memory_layout *m)
{
    m->first_pfn = ((u64)memory - VIRT_BASE) / PAGE_SIZE;
    m->end_pfn = m->first_pfn + PAGES;
}

struct ops ops = {.memory = give_memory};
int irq_save(void) { return 0; }
void irq_restore(int state) { (void)state; }

void panic(const char *fmt, ...)
{
    fail_msg("panic: %s", fmt);
    abort();
}

static int setup(void **state)
{
    (void)state;
    memory = aligned_alloc(PAGE_SIZE, PAGES * PAGE_SIZE);
    if (!memory)
        return -1;
    mm_init();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static void test_pages(void **state)
{
    u8 *page[PAGES];
    u64 i, n = free_pages();

    (void)state;
    for (i = 0; i < n; i++) {
        page[i] = alloc_page();
        assert_non_null(page[i]);
        assert_int_equal((u64)page[i] % PAGE_SIZE, 0);
        assert_int_equal(page[i][0] | page[i][PAGE_SIZE - 1], 0);
        memset(page[i], 0xff, PAGE_SIZE);
    }
    assert_null(alloc_page());
    assert_int_equal(free_pages(), 0);
    while (i--)
        free_page(page[i]);
    assert_int_equal(free_pages(), n);
    page[0] = alloc_page();
    assert_int_equal(page[0][0] | page[0][8], 0);
    free_page(page[0]);
}

struct piece {
    u8 *at;
    size_t n;
    u8 mark;
};

static void check_marks(const struct piece *p)
{
    for (size_t i = 0; i < p->n; i++)
        assert_int_equal(p->at[i], p->mark);
}

static void replace(struct piece *p, u8 mark)
{
    u64 align = 16UL << rand() % 10;

    check_marks(p);
    release(p->at);
    p->n = (size_t)rand() % (rand() % 8 ? 300 : 20000);
    p->mark = mark;
    p->at = alloc_aligned(p->n, align);
    if (!p->at) {
        p->n = 0;
        return;
    }
    assert_int_equal((u64)p->at % align, 0);
    memset(p->at, mark, p->n);
}

/* Pieces come and go; none overlaps another, and all comes back. */
static void test_heap(void **state)
{
    struct piece pieces[SLOTS] = {{NULL, 0, 0}};
    u64 all = heap_free();

    (void)state;
    srand(1);
    for (unsigned i = 0; i < 20000; i++)
        replace(&pieces[rand() % SLOTS], (u8)i);
    for (unsigned i = 0; i < SLOTS; i++) {
        check_marks(&pieces[i]);
        release(pieces[i].at);
    }
    assert_int_equal(heap_free(), all);
    pieces[0].at = alloc(all - 16);
    assert_non_null(pieces[0].at);
    assert_null(alloc(1));
    release(pieces[0].at);
}

static void test_refused(void **state)
{
    (void)state;
    assert_null(alloc(~0UL));
    assert_null(alloc(1UL << 40));
    assert_null(alloc_cleared(1UL << 33, 1UL << 33));
    assert_null(alloc_cleared(3, ~0UL / 2));
    assert_null(alloc_aligned(16, PAGES * PAGE_SIZE * 1024));
    release(NULL);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_heap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
