/*
 * Preemption at every point where it can happen: each operation is run once
 * for every k with the k-th question answered yes, and once with all of them
 * answered yes. At every stop the counts must be exact.
 */
#include "world.h"

/* L4 -> 2 L3 -> 4 L2 -> 8 L1, of which the last has an entry at the end. */
static mfn_t tree[15], data;

static void build_tree(void)
{
    static const unsigned slots[] = {1, 300};

    data = new_frame(&A);
    for (unsigned i = 0; i < 15; i++)
        tree[i] = new_frame(&A);
    for (unsigned i = 0; i < 7; i++)
        for (unsigned j = 0; j < 2; j++)
            entries(tree[i])[slots[j]] = E(tree[2 * i + 1 + j], PTE_RW);
    for (unsigned i = 7; i < 15; i++)
        for (unsigned j = 0; j < PTES_PER_TABLE; j += 25)
            entries(tree[i])[j] = E(data, j & 4 ? PTE_RW : 0);
    entries(tree[14])[511] = E(data, PTE_RW);
}

static unsigned level_of(unsigned i)
{
    return i == 0 ? 4 : i < 3 ? 3 : i < 7 ? 2 : 1;
}

/* Questions asked by an operation when the answer is always no. */
static unsigned questions_to_pin(void)
{
    preempt_at = 0;
    preempt_calls = 0;
    (void)pin_all(tree[0], 4, &A);
    return preempt_calls;
}

static unsigned questions_to_unpin(void)
{
    preempt_at = 0;
    preempt_calls = 0;
    assert_int_equal(unpin_all(tree[0], &A), 0);
    return preempt_calls;
}

static void pin_and_back(void **state)
{
    struct snapshot idle, pinned;
    unsigned up, down;

    (void)state;
    build_tree();
    snapshot(&idle);
    up = questions_to_pin();
    snapshot(&pinned);
    down = questions_to_unpin();
    assert_same(&idle);
    assert_true(up > 100 && down > 100);

    for (unsigned k = 1; k <= up; k++) {
        preempt_at = (int)k;
        assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
        assert_true(F(tree[0])->type & PGT_PARTIAL);
        audit_ok();
        assert_int_equal(page_pin(tree[0], 4, &A), 0);
        assert_same(&pinned);

        preempt_at = (int)min(k, down);
        assert_int_equal(page_unpin(tree[0], &A), -ERESTART_PREEMPT);
        audit_ok();
        assert_int_equal(page_unpin(tree[0], &A), 0);
        assert_same(&idle);
    }
    /* One question more than there are: no stop. */
    preempt_at = (int)up + 1;
    assert_int_equal(page_pin(tree[0], 4, &A), 0);
    preempt_at = (int)down + 1;
    assert_int_equal(page_unpin(tree[0], &A), 0);
}

/* Stopped on the way up, then taken apart; stopped on the way down, rebuilt. */
static void turning_back(void **state)
{
    struct snapshot idle, pinned;
    unsigned up, down;

    (void)state;
    build_tree();
    snapshot(&idle);
    up = questions_to_pin();
    snapshot(&pinned);
    down = questions_to_unpin();
    for (unsigned k = 1; k <= up; k++) {
        preempt_at = (int)k;
        assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
        assert_int_equal(page_unpin(tree[0], &A), 0);
        assert_same(&idle);
    }
    for (unsigned k = 1; k <= down; k++) {
        assert_int_equal(page_pin(tree[0], 4, &A), 0);
        preempt_at = (int)k;
        assert_int_equal(page_unpin(tree[0], &A), -ERESTART_PREEMPT);
        assert_int_equal(page_pin(tree[0], 4, &A), 0);
        assert_same(&pinned);
        assert_int_equal(page_unpin(tree[0], &A), 0);
        assert_same(&idle);
    }
}

/* Up to k, down to j, up again: pairs of stops. */
static void zigzag(void **state)
{
    struct snapshot idle, pinned;
    unsigned up;

    (void)state;
    build_tree();
    snapshot(&idle);
    up = questions_to_pin();
    snapshot(&pinned);
    (void)questions_to_unpin();
    for (unsigned k = 1; k <= up; k += 3)
        for (unsigned j = 1; j < k; j += 5) {
            int rc;

            preempt_at = (int)k;
            assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
            preempt_at = (int)j;
            rc = page_unpin(tree[0], &A);
            assert_true(rc == 0 || rc == -ERESTART_PREEMPT);
            preempt_at = 0;
            audit_ok();
            if (j & 1) {
                assert_int_equal(page_pin(tree[0], 4, &A), 0);
                assert_same(&pinned);
            }
            if ((j & 1) || rc)
                assert_int_equal(page_unpin(tree[0], &A), 0);
            assert_same(&idle);
        }
}

/* If every question is answered yes, there is still progress each time. */
static void always(void **state)
{
    struct snapshot idle;
    unsigned stops = 0;
    int rc;

    (void)state;
    build_tree();
    snapshot(&idle);
    preempt_at = -1;
    while ((rc = page_pin(tree[0], 4, &A)) == -ERESTART_PREEMPT) {
        audit_ok();
        assert_true(++stops < 1000);
    }
    assert_int_equal(rc, 0);
    assert_true(stops > 100);
    audit_ok();
    stops = 0;
    while ((rc = page_unpin(tree[0], &A)) == -ERESTART_PREEMPT) {
        audit_ok();
        assert_true(++stops < 1000);
    }
    assert_int_equal(rc, 0);
    assert_same(&idle);
}

/* A bad entry in the last place; stops on the way there and on the way back. */
static void failing(void **state)
{
    struct snapshot idle;
    unsigned questions;
    bool was_failed = false;

    (void)state;
    build_tree();
    entries(tree[14])[511] = E(new_frame(&B), 0);
    snapshot(&idle);
    questions = questions_to_pin();
    assert_same(&idle);
    assert_true(questions > 200);
    for (unsigned k = 1; k <= questions; k++) {
        preempt_at = (int)k;
        assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
        audit_ok();
        for (unsigned i = 0; i < 15; i++)
            was_failed |= F(tree[i])->type & PGT_FAILED;
        assert_int_equal(page_pin(tree[0], 4, &A), -EINVAL);
        assert_same(&idle);

        preempt_at = (int)k;
        assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
        assert_int_equal(page_unpin(tree[0], &A), 0);
        assert_same(&idle);
    }
    assert_true(was_failed);
    preempt_at = -1;
    assert_int_equal(pin_all(tree[0], 4, &A), -EINVAL);
    assert_same(&idle);
}

/*
 * Half-done children that somebody else takes over: pinned, dropped or wanted
 * as something else while the parent waits.
 */
static void children_taken_over(void **state)
{
    struct snapshot idle;
    unsigned up;

    (void)state;
    build_tree();
    snapshot(&idle);
    up = questions_to_pin();
    (void)questions_to_unpin();
    for (unsigned k = 1; k <= up; k++)
        for (unsigned i = 1; i < 15; i++) {
            bool partial;

            preempt_at = (int)k;
            assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
            partial = F(tree[i])->type & PGT_PARTIAL;
            if (partial)
                assert_int_equal(
                    page_get_and_type(F(tree[i]), PGT_WRITABLE, &A), -EBUSY);
            if (k & 1) {
                assert_int_equal(page_pin(tree[i], level_of(i), &A), 0);
            } else if (partial) {
                assert_int_equal(page_unpin(tree[i], &A), 0);
            }
            audit_ok();
            assert_int_equal(page_unpin(tree[0], &A), 0);
            audit_ok();
            if (k & 1)
                assert_int_equal(page_unpin(tree[i], &A), 0);
            assert_same(&idle);
        }
}

/* The same while going down, and the parent's stop is not forgotten. */
static void down_and_pinned_meanwhile(void **state)
{
    struct snapshot idle;
    unsigned down;

    (void)state;
    build_tree();
    snapshot(&idle);
    (void)questions_to_pin();
    down = questions_to_unpin();
    for (unsigned k = 1; k <= down; k++)
        for (unsigned i = 1; i < 15; i += 3) {
            assert_int_equal(page_pin(tree[0], 4, &A), 0);
            preempt_at = (int)k;
            assert_int_equal(page_unpin(tree[0], &A), -ERESTART_PREEMPT);
            assert_int_equal(page_pin(tree[i], level_of(i), &A), 0);
            audit_ok();
            assert_int_equal(page_unpin(tree[0], &A), 0);
            audit_ok();
            assert_int_equal(page_unpin(tree[i], &A), 0);
            assert_same(&idle);
        }
}

/*
 * The frame at which the parent stopped is long finished and half-way to be
 * something else: not the parent's business.
 */
static void child_has_a_new_role(void **state)
{
    mfn_t x = new_frame(&A), y = new_frame(&A), child = new_frame(&A);
    mfn_t parent = frame_with(&A, E(child, 0));
    struct snapshot idle;

    (void)state;
    entries(child)[0] = E(x, 0); /* good as L1 and as L2 */
    entries(child)[40] = E(y, 0);
    snapshot(&idle);
    assert_int_equal(page_pin(parent, 2, &A), 0);
    preempt_at = -1;
    assert_int_equal(page_unpin(parent, &A), -ERESTART_PREEMPT);
    preempt_at = 0;
    assert_int_equal(page_unpin(child, &A), 0);
    preempt_at = -1;
    assert_int_equal(page_pin(child, 2, &A), -ERESTART_PREEMPT);
    preempt_at = 0;
    audit_ok();
    assert_int_equal(page_unpin(parent, &A), 0);
    assert_int_equal(page_type(F(child)), PGT_L2);
    assert_true(F(child)->type & PGT_PARTIAL);
    audit_ok();
    assert_int_equal(page_unpin(child, &A), 0); /* with x, half-done too */
    assert_same(&idle);
}

/* The entry that is refused names a table that another call has half-done. */
static void bad_entry_names_half_done(void **state)
{
    mfn_t x = new_frame(&A), y = new_frame(&A), child = new_frame(&A);
    mfn_t parent = frame_with(&A, E(child, PTE_PSE));
    struct snapshot idle;

    (void)state;
    entries(child)[0] = E(x, 0);
    entries(child)[40] = E(y, 0);
    snapshot(&idle);
    preempt_at = -1;
    assert_int_equal(page_pin(child, 2, &A), -ERESTART_PREEMPT);
    preempt_at = 0;
    assert_int_equal(page_pin(parent, 3, &A), -EINVAL);
    assert_true(F(child)->type & PGT_PARTIAL);
    audit_ok();
    assert_int_equal(page_unpin(child, &A), 0);
    assert_same(&idle);
}

/* The owner gives the frames up while they are half-done. */
static void freed_meanwhile(void **state)
{
    unsigned up;

    (void)state;
    build_tree();
    up = questions_to_pin();
    (void)questions_to_unpin();
    for (unsigned k = 1; k <= up; k += 7) {
        (void)world_setup(NULL);
        build_tree();
        preempt_at = (int)k;
        assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
        assert_true(frame_release(F(data)));
        for (unsigned i = 0; i < 15; i++)
            assert_true(frame_release(F(tree[i])));
        assert_false(is_free(tree[0]));
        audit_ok();
        /* What a dying domain does with each of its frames. */
        for (unsigned i = 15; i-- > 0;)
            if (F(tree[i])->type & (PGT_PINNED | PGT_PARTIAL))
                assert_int_equal(page_unpin(tree[i], &A), 0);
        for (unsigned i = 0; i < 15; i++)
            assert_true(is_free(tree[i]));
        assert_true(is_free(data));
    }
}

/* Dropping a child from a live table: the drop is handed to the caller. */
static void deferred_drop(void **state)
{
    struct snapshot before, after;
    unsigned questions;
    mfn_t deferred;

    (void)state;
    build_tree();
    assert_int_equal(page_pin(tree[0], 4, &A), 0);
    snapshot(&before);
    preempt_calls = 0;
    assert_int_equal(pt_update_entry(tree[0], 1, 0, &A, &A, 0, &deferred), 0);
    questions = preempt_calls;
    assert_true(mfn_is_invalid(deferred));
    snapshot(&after);
    assert_true(questions > 30);
    for (unsigned k = 1; k <= questions; k++) {
        pte_t e = E(tree[1], 0);

        assert_int_equal(pt_update_entry(tree[0], 1, e, &A, &A, 0, &deferred),
                         0);
        assert_same(&before);
        preempt_at = (int)k;
        assert_int_equal(pt_update_entry(tree[0], 1, 0, &A, &A, 0, &deferred),
                         0);
        assert_true(mfn_eq(deferred, tree[1]));
        external[deferred.m].refs = 1; /* ours to drop */
        audit_ok();
        preempt_at = -1;
        while (page_finish_put(F(deferred), &A))
            audit_ok();
        preempt_at = 0;
        external[deferred.m].refs = 0;
        frame_put(F(deferred));
        assert_same(&after);

        /* Without a place for the leftover it is done at once. */
        assert_int_equal(pt_update_entry(tree[0], 1, e, &A, &A, 0, NULL), 0);
        preempt_at = -1;
        assert_int_equal(pt_update_entry(tree[0], 1, 0, &A, &A, 0, NULL), 0);
        preempt_at = 0;
        assert_same(&after);
    }
}

/* Naming a new child: preempted before anything has changed. */
static void preempted_update(void **state)
{
    mfn_t l4;
    struct snapshot done;
    unsigned questions;
    mfn_t deferred;

    (void)state;
    build_tree();
    l4 = new_frame(&A);
    assert_int_equal(page_pin(l4, 4, &A), 0);
    preempt_calls = 0;
    assert_int_equal(
        pt_update_entry(l4, 0, E(tree[1], 0), &A, &A, 0, &deferred), 0);
    questions = preempt_calls;
    snapshot(&done);
    assert_true(questions > 30);
    for (unsigned k = 1; k <= questions; k++) {
        assert_int_equal(pt_update_entry(l4, 0, 0, &A, &A, 0, &deferred), 0);
        preempt_at = (int)k;
        assert_int_equal(
            pt_update_entry(l4, 0, E(tree[1], 0), &A, &A, 0, &deferred),
            -ERESTART_PREEMPT);
        assert_int_equal(entries(l4)[0], 0);
        assert_true(mfn_is_invalid(deferred));
        audit_ok();
        assert_int_equal(
            pt_update_entry(l4, 0, E(tree[1], 0), &A, &A, 0, &deferred), 0);
        assert_same(&done);
    }
}

static void finish_leaves_others_alone(void **state)
{
    mfn_t m = new_frame(&A);
    struct snapshot s;

    (void)state;
    build_tree();
    assert_int_equal(page_pin(m, 1, &A), 0);
    preempt_at = 5;
    assert_int_equal(page_pin(tree[0], 4, &A), -ERESTART_PREEMPT);
    snapshot(&s);
    assert_int_equal(page_finish_put(F(m), &A), 0);       /* not PARTIAL */
    assert_int_equal(page_finish_put(F(tree[0]), &B), 0); /* not B's */
    assert_int_equal(page_unpin(tree[0], &B), -EINVAL);
    assert_same(&s);
    /* A table that is not ready cannot be edited. */
    assert_int_equal(pt_update_entry(tree[0], 7, 0, &A, &A, 0, NULL), -EINVAL);
    assert_same(&s);
}

const struct CMUnitTest preempt_tests[] = {
    TEST(pin_and_back),
    TEST(turning_back),
    TEST(zigzag),
    TEST(always),
    TEST(failing),
    TEST(children_taken_over),
    TEST(down_and_pinned_meanwhile),
    TEST(child_has_a_new_role),
    TEST(bad_entry_names_half_done),
    TEST(freed_meanwhile),
    TEST(deferred_drop),
    TEST(preempted_update),
    TEST(finish_leaves_others_alone),
    TESTS_END,
};
