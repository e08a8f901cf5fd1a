/* References: frame_get, frame_put, frame_release. */
#include "world.h"

static void get_and_put(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_true(frame_get(F(m), A.id));
    assert_int_equal(frame_ref_count(F(m)), 2);
    frame_get_known(F(m));
    assert_int_equal(frame_ref_count(F(m)), 3);
    frame_put(F(m));
    frame_put(F(m));
    assert_int_equal(frame_ref_count(F(m)), 1);
    assert_int_equal(frame_owner_id(F(m)), A.id);
}

static void get_refuses(void **state)
{
    mfn_t m = new_frame(&A), none = mfn(FRAMES - 1);
    uint64_t ref = F(m)->ref;

    (void)state;
    assert_false(frame_get(F(m), B.id));
    assert_int_equal(F(m)->ref, ref);
    /* A free frame has no owner; even under its own id it is refused. */
    assert_false(frame_get(F(none), A.id));
    assert_false(frame_get(F(none), frame_owner_id(F(none))));
}

static void count_is_bounded(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    F(m)->ref = (F(m)->ref & ~REF_COUNT_MASK) | (REF_COUNT_MAX - 1);
    assert_true(frame_get(F(m), A.id));
    assert_int_equal(frame_ref_count(F(m)), REF_COUNT_MAX);
    assert_false(frame_get(F(m), A.id));
    assert_int_equal(frame_ref_count(F(m)), REF_COUNT_MAX);
    /* The hypervisor's own few still fit, and the owner is not touched. */
    frame_get_known(F(m));
    assert_int_equal(frame_ref_count(F(m)), REF_COUNT_MAX + 1);
    assert_int_equal(frame_owner_id(F(m)), A.id);
}

static void release_once(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_true(frame_get(F(m), A.id));
    assert_true(frame_release(F(m)));
    assert_false(frame_release(F(m)));
    assert_false(is_free(m));
    /* Others that hold the frame can still take more of it. */
    assert_true(frame_get(F(m), A.id));
    frame_put(F(m));
    frame_put(F(m));
    assert_true(is_free(m));
}

static void release_frees_at_once(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_true(frame_release(F(m)));
    assert_true(is_free(m));
    assert_false(frame_release(F(m)));
}

static void underflow_is_a_bug(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_true(frame_release(F(m)));
    assert_bug(frame_put(F(m)));
}

static void known_on_free_is_a_bug(void **state)
{
    (void)state;
    assert_bug(frame_get_known(F(mfn(FRAMES - 1))));
}

const struct CMUnitTest refs_tests[] = {
    TEST(get_and_put),
    TEST(get_refuses),
    TEST(count_is_bounded),
    TEST(release_once),
    TEST(release_frees_at_once),
    TEST(underflow_is_a_bug),
    TEST(known_on_free_is_a_bug),
    TESTS_END,
};
