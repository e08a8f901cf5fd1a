/* Pins. */
#include "world.h"

static void pin_once(void **state)
{
    (void)state;
    for (unsigned level = 1; level <= 4; level++) {
        mfn_t m = new_frame(&A);

        assert_int_equal(page_pin(m, level, &A), 0);
        assert_int_equal(page_type(F(m)), PGT_LEVEL(level));
        assert_int_equal(page_pin(m, level, &A), -EINVAL);
        assert_int_equal(page_type_count(F(m)), 1);
        assert_int_equal(frame_ref_count(F(m)), 2);
        audit_ok();
        assert_int_equal(page_unpin(m, &A), 0);
        assert_int_equal(page_unpin(m, &A), -EINVAL);
        assert_int_equal(frame_ref_count(F(m)), 1);
        audit_ok();
    }
}

static void bad_arguments(void **state)
{
    mfn_t m = new_frame(&A), b = new_frame(&B);

    (void)state;
    assert_int_equal(page_pin(m, 0, &A), -EINVAL);
    assert_int_equal(page_pin(m, 5, &A), -EINVAL);
    assert_int_equal(page_pin(b, 1, &A), -EINVAL);
    assert_int_equal(page_pin(mfn(FRAMES), 1, &A), -EINVAL);
    assert_int_equal(page_pin(INVALID_MFN, 1, &A), -EINVAL);
    assert_int_equal(page_pin(mfn(FRAMES - 1), 1, &A), -EINVAL);
    assert_int_equal(page_unpin(m, &A), -EINVAL);
    assert_int_equal(page_unpin(INVALID_MFN, &A), -EINVAL);
    assert_int_equal(page_unpin(mfn(FRAMES - 1), &A), -EINVAL);
    assert_int_equal(page_pin(b, 1, &B), 0);
    assert_int_equal(page_unpin(b, &A), -EINVAL);
    audit_ok();
}

static void pin_of_a_table_in_use(void **state)
{
    mfn_t l2 = new_frame(&A), l1 = new_frame(&A);

    (void)state;
    entries(l2)[0] = E(l1, 0);
    assert_int_equal(page_pin(l2, 2, &A), 0);
    assert_int_equal(page_pin(l1, 2, &A), -EBUSY);
    assert_int_equal(page_unpin(l1, &A), -EINVAL);
    assert_int_equal(page_pin(l1, 1, &A), 0);
    assert_int_equal(page_type_count(F(l1)), 2);
    assert_int_equal(page_unpin(l2, &A), 0);
    assert_int_equal(page_type_count(F(l1)), 1);
    audit_ok();
    /* Only the pin keeps it now; the owner gives it up. */
    assert_true(frame_release(F(l1)));
    assert_false(is_free(l1));
    assert_int_equal(page_unpin(l1, &A), 0);
    assert_true(is_free(l1));
}

static void unpinned_frame_can_be_written(void **state)
{
    mfn_t l1 = new_frame(&A), m = new_frame(&A);

    (void)state;
    assert_int_equal(page_pin(l1, 1, &A), 0);
    assert_int_equal(page_pin(m, 1, &A), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), &A, &A, 0, NULL),
                     -EBUSY);
    assert_int_equal(page_unpin(m, &A), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(m, PTE_RW), &A, &A, 0, NULL), 0);
    audit_ok();
}

const struct CMUnitTest pin_tests[] = {
    TEST(pin_once),
    TEST(bad_arguments),
    TEST(pin_of_a_table_in_use),
    TEST(unpinned_frame_can_be_written),
    TESTS_END,
};
