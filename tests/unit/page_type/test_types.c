/* The type word: one type at a time, counts, what can't be had. */
#include "world.h"

static const uint64_t all_types[] = {
    PGT_WRITABLE, PGT_L1, PGT_L2, PGT_L3, PGT_L4, PGT_SEGDESC, PGT_SHARED_RO,
};

static void one_type_at_a_time(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(all_types); i++) {
        assert_int_equal(page_get_and_type(F(m), all_types[i], &A), 0);
        for (unsigned j = 0; j < ARRAY_SIZE(all_types); j++) {
            uint64_t x = F(m)->type, r = F(m)->ref;
            int rc = page_get_and_type(F(m), all_types[j], &A);

            if (i == j) {
                assert_int_equal(rc, 0);
                assert_int_equal(page_type_count(F(m)), 2);
                assert_int_equal(page_put_and_type(F(m), &A), 0);
            } else {
                assert_int_equal(rc, -EBUSY);
            }
            assert_int_equal((F(m)->type ^ x) & ~PGT_AUX_MASK, 0);
            assert_int_equal(F(m)->ref, r);
        }
        assert_int_equal(page_put_and_type(F(m), &A), 0);
        assert_int_equal(page_type_count(F(m)), 0);
        assert_int_equal(frame_ref_count(F(m)), 1);
        audit_ok();
    }
}

static void no_such_type(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_int_equal(page_get_type(F(m), PGT_NONE, &A), -EINVAL);
    assert_int_equal(page_get_type(F(m), PGT_L1 | PGT_PINNED, &A), -EINVAL);
    assert_int_equal(page_get_type(F(m), PGT_WRITABLE + 1, &A), -EINVAL);
    assert_int_equal(F(m)->type, 0);
}

static void foreign_frame(void **state)
{
    mfn_t m = new_frame(&B);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(all_types); i++)
        assert_int_equal(page_get_and_type(F(m), all_types[i], &A), -EINVAL);
    assert_int_equal(F(m)->type, 0);
    audit_ok();
}

static void count_is_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(all_types); i++) {
        mfn_t m = new_frame(&A);
        uint64_t x;

        assert_int_equal(page_get_and_type(F(m), all_types[i], &A), 0);
        x = F(m)->type & ~PGT_COUNT_MASK;
        F(m)->type = x | (PGT_COUNT_MAX - 1);
        assert_int_equal(page_get_and_type(F(m), all_types[i], &A), 0);
        assert_int_equal(page_get_and_type(F(m), all_types[i], &A), -EBUSY);
        assert_int_equal(F(m)->type, x | PGT_COUNT_MAX);
        assert_int_equal(frame_ref_count(F(m)), 3);
    }
}

static void lent_memory(void **state)
{
    mfn_t rw = lent_frame(&A, true), ro = lent_frame(&A, false);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(all_types); i++) {
        int want = all_types[i] == PGT_WRITABLE ? 0 : -EBUSY;

        assert_int_equal(page_get_and_type(F(rw), all_types[i], &A), want);
        if (!want)
            assert_int_equal(page_put_and_type(F(rw), &A), 0);
        assert_int_equal(page_get_and_type(F(ro), all_types[i], &A), -EBUSY);
        audit_ok();
    }
    assert_int_equal(page_type_count(F(rw)), 1);
    /* Taken back, with the type count gone: still nothing to be had. */
    F(rw)->type = PGT_WRITABLE;
    for (unsigned i = 0; i < ARRAY_SIZE(all_types); i++)
        assert_int_equal(page_get_and_type(F(rw), all_types[i], &A), -EBUSY);
}

static void owner_not_known(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_int_equal(page_get_and_type(F(m), PGT_L1, &A), 0);
    assert_int_equal(page_put_and_type(F(m), &A), 0);
    assert_true(frame_get(F(m), A.id));
    assert_int_equal(page_get_type(F(m), PGT_WRITABLE, NULL), 0);
    assert_int_equal(flushed, ~0UL & 15);
    page_put_writable(F(m));
    frame_put(F(m));
    audit_ok();
}

static void writable_underflow_is_a_bug(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_int_equal(page_get_and_type(F(m), PGT_WRITABLE, &A), 0);
    page_put_writable(F(m));
    assert_bug(page_put_writable(F(m)));
}

static void table_underflow_is_a_bug(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_int_equal(page_get_and_type(F(m), PGT_L1, &A), 0);
    assert_int_equal(page_put_type(F(m), &A), 0);
    assert_bug(page_put_type(F(m), &A));
    frame_put(F(m));
}

const struct CMUnitTest types_tests[] = {
    TEST(one_type_at_a_time),
    TEST(no_such_type),
    TEST(foreign_frame),
    TEST(count_is_bounded),
    TEST(lent_memory),
    TEST(owner_not_known),
    TEST(writable_underflow_is_a_bug),
    TEST(table_underflow_is_a_bug),
    TESTS_END,
};
