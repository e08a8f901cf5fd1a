/* Stale translations: who is flushed, when, and who is spared. */
#include "arch/x86/tlb.h"
#include "world.h"

static mfn_t l1, m;

static void map_and_unmap(struct domain *d)
{
    l1 = new_frame(d);
    m = new_frame(d);
    assert_int_equal(page_pin(l1, 1, d), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), d, d, 0, NULL), 0);
    tlb_fill();
    assert_int_equal(pt_update_entry(l1, 0, 0, d, d, 0, NULL), 0);
}

static void other_cpu(void)
{
    tlb_flush_cpus(A.cpus);
    assert_int_equal(pt_update_entry(l1, 1, E(m, PTE_RW), &A, &A, 0, NULL), 0);
    tlb_fill();
    assert_int_equal(pt_update_entry(l1, 1, 0, &A, &A, 0, NULL), 0);
}

/* Another CPU uses the frame between the last put's clock and its swap. */
static void use_within_last_put(void **state)
{
    (void)state;
    l1 = new_frame(&A);
    m = new_frame(&A);
    assert_int_equal(page_pin(l1, 1, &A), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), &A, &A, 0, NULL), 0);
    after_clock = other_cpu;
    assert_int_equal(pt_update_entry(l1, 0, 0, &A, &A, 0, NULL), 0);
    assert_null(after_clock);
    assert_int_equal(page_pin(m, 1, &A), 0);
    tlb_check();
}

static void fresh_frames_need_none(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++)
        assert_int_equal(page_pin(new_frame(&A), level, &A), 0);
    assert_int_equal(flushes, 0);
}

static void writable_to_table(void **state)
{
    (void)state;
    A.cpus = 5;
    map_and_unmap(&A);
    assert_int_equal(flushes, 0);
    assert_int_equal(page_pin(m, 1, &A), 0);
    assert_int_equal(flushes, 1);
    assert_int_equal(flushed, 5);
    tlb_check();
}

static void flushed_cpus_are_spared(void **state)
{
    (void)state;
    A.cpus = 7;
    map_and_unmap(&A);
    tlb_flush_cpus(2);
    assert_int_equal(page_pin(m, 2, &A), 0);
    assert_int_equal(flushed, 5);
    tlb_check();
    map_and_unmap(&A);
    tlb_flush_cpus(7);
    flushes = 0;
    assert_int_equal(page_pin(m, 2, &A), 0);
    assert_int_equal(flushes, 0);
    tlb_check();
}

/* A stamp that could come again must not be in the word when it is swapped. */
static void standing_clock(void **state)
{
    (void)state;
    map_and_unmap(&A);
    clock_stuck = 2;
    assert_int_equal(page_pin(m, 1, &A), 0);
    assert_int_equal(flushes, 3);
    tlb_check();
}

static void same_type_needs_none(void **state)
{
    (void)state;
    map_and_unmap(&A);
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), &A, &A, 0, NULL), 0);
    assert_int_equal(flushes, 0);
}

static void table_to_writable(void **state)
{
    mfn_t l2;

    (void)state;
    l1 = new_frame(&A);
    m = new_frame(&A);
    l2 = frame_with(&A, E(m, 0));
    assert_int_equal(page_pin(l2, 2, &A), 0);
    assert_int_equal(page_pin(l1, 1, &A), 0);
    tlb_fill();
    assert_int_equal(page_unpin(l2, &A), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), &A, &A, 0, NULL), 0);
    assert_int_equal(flushes, 1);
    assert_int_equal(flushed, A.cpus);
    tlb_check();
}

/* B's CPUs hold a translation of A's frame where A has never run. */
static void foreign_mapping(void **state)
{
    mfn_t bl1 = new_frame(&B), a = new_frame(&A);

    (void)state;
    tlb_move(&A, 1);
    tlb_move(&B, 4);
    assert_int_equal(page_pin(bl1, 1, &B), 0);
    assert_int_equal(pt_update_entry(bl1, 0, E(a, PTE_RW), &B, &A, 0, NULL), 0);
    tlb_fill();
    assert_int_equal(pt_update_entry(bl1, 0, 0, &B, &A, 0, NULL), 0);
    /* An own mapping comes and goes in between: not forgotten. */
    assert_int_equal(page_get_and_type(F(a), PGT_WRITABLE, &A), 0);
    assert_int_equal(page_put_and_type(F(a), &A), 0);
    flushed = 0;
    assert_int_equal(page_pin(a, 1, &A), 0);
    assert_true(flushed & 4);
    tlb_check();
    assert_false(F(a)->type & PGT_FOREIGN);
}

/* Read-only foreign mappings leave nothing dangerous behind. */
static void foreign_read_only(void **state)
{
    mfn_t bl1 = new_frame(&B), a = new_frame(&A);

    (void)state;
    assert_int_equal(page_pin(bl1, 1, &B), 0);
    assert_int_equal(pt_update_entry(bl1, 0, E(a, 0), &B, &A, 0, NULL), 0);
    tlb_fill();
    assert_int_equal(page_pin(a, 1, &A), 0);
    assert_int_equal(flushes, 0);
    tlb_check();
    audit_ok();
}

static void descriptor_page(void **state)
{
    (void)state;
    map_and_unmap(&A);
    assert_int_equal(page_get_and_type(F(m), PGT_SEGDESC, &A), 0);
    assert_int_equal(flushes, 1);
    tlb_check();
    assert_int_equal(page_put_and_type(F(m), &A), 0);
    assert_int_equal(page_get_and_type(F(m), PGT_WRITABLE, &A), 0);
    assert_int_equal(flushes, 2);
}

/* A table that fails, or is dropped half-way, was never walked, but is idle. */
static void failed_table(void **state)
{
    (void)state;
    map_and_unmap(&A);
    entries(m)[3] = E(new_frame(&B), 0);
    assert_int_equal(page_pin(m, 1, &A), -EINVAL);
    assert_int_equal(page_type_count(F(m)), 0);
    tlb_fill();
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), &A, &A, 0, NULL), 0);
    tlb_check();
    audit_ok();
}

const struct CMUnitTest tlb_tests[] = {
    TEST(fresh_frames_need_none),
    TEST(writable_to_table),
    TEST(flushed_cpus_are_spared),
    TEST(standing_clock),
    TEST(use_within_last_put),
    TEST(same_type_needs_none),
    TEST(table_to_writable),
    TEST(foreign_mapping),
    TEST(foreign_read_only),
    TEST(descriptor_page),
    TEST(failed_table),
    TESTS_END,
};
