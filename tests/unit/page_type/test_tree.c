/* Tables of level 2 to 4: what they may name, and what is undone if not. */
#include "world.h"

#include <string.h>

/* An empty table of the level. */
static mfn_t child_of(struct domain *d, unsigned level)
{
    mfn_t m = new_frame(d);

    assert_int_equal(page_pin(m, level, d), 0);
    return m;
}

static int try_entry(struct domain *d, unsigned level, pte_t e)
{
    mfn_t t = frame_with(d, e);
    struct snapshot s;
    mfn_t deferred;
    int rc, rc2;

    snapshot(&s);
    rc = page_pin(t, level, d);
    audit_ok();
    if (!rc)
        assert_int_equal(page_unpin(t, d), 0);
    assert_same(&s);

    entries(t)[0] = 0;
    assert_int_equal(page_pin(t, level, d), 0);
    rc2 = pt_update_entry(t, 0, e, d, d, 0, &deferred);
    assert_int_equal(rc, rc2);
    assert_true(mfn_is_invalid(deferred));
    assert_int_equal(entries(t)[0], rc ? 0 : pt_adjust(e, level));
    audit_ok();
    assert_int_equal(page_unpin(t, d), 0);
    assert_same(&s);
    assert_true(frame_release(F(t)));
    return rc;
}

static void next_level_only(void **state)
{
    mfn_t child[5];

    (void)state;
    for (unsigned c = 1; c <= 4; c++)
        child[c] = child_of(&A, c);
    for (unsigned level = 2; level <= 4; level++)
        for (unsigned c = 1; c <= 4; c++)
            assert_int_equal(try_entry(&A, level, E(child[c], PTE_RW)),
                             c == level - 1 ? 0 : -EBUSY);
}

static void untyped_child_gets_typed(void **state)
{
    (void)state;
    for (unsigned level = 2; level <= 4; level++)
        assert_int_equal(try_entry(&A, level, E(new_frame(&A), 0)), 0);
}

static void flags(void **state)
{
    static const uint64_t refused[] = {PTE_PWT, PTE_PCD, PTE_PSE, PTE_G};

    (void)state;
    A.hardware = true;
    for (unsigned level = 2; level <= 4; level++) {
        mfn_t c = child_of(&A, level - 1);

        for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
            assert_int_equal(try_entry(&A, level, E(c, refused[i])), -EINVAL);
        assert_int_equal(try_entry(&A, level, E(c, PTE_RW)), 0);
        assert_int_equal(try_entry(&A, level, E(c, PTE_NX | PTE_A)), 0);
        assert_int_equal(try_entry(&A, level, E(c, PTE_US | PTE_D)), 0);
        assert_int_equal(try_entry(&A, level, E(c, 0x7ffUL << 52)), 0);
    }
}

static void bad_targets(void **state)
{
    mfn_t foreign = child_of(&B, 1), io = mfn(FRAMES - 2);
    mfn_t data = new_frame(&A);

    (void)state;
    A.io_first = 0;
    A.io_end = 1UL << 40;
    F(io)->ref |= FRAME_IO;
    assert_int_equal(page_get_and_type(F(data), PGT_WRITABLE, &A), 0);
    external[data.m] = (struct external){1, 1};
    for (unsigned level = 2; level <= 4; level++) {
        assert_int_equal(try_entry(&A, level, E(foreign, 0)), -EINVAL);
        assert_int_equal(try_entry(&A, level, E(io, 0)), -EINVAL);
        assert_int_equal(try_entry(&A, level, E(mfn(FRAMES), 0)), -EINVAL);
        assert_int_equal(try_entry(&A, level, PTE_ADDR | PTE_P), -EINVAL);
        assert_int_equal(try_entry(&A, level, E(mfn(FRAMES - 1), 0)), -EINVAL);
        assert_int_equal(try_entry(&A, level, E(lent_frame(&A, true), 0)),
                         -EBUSY);
        assert_int_equal(try_entry(&A, level, E(data, 0)), -EBUSY);
    }
}

static void no_linear_tables(void **state)
{
    (void)state;
    for (unsigned level = 2; level <= 4; level++) {
        mfn_t t = new_frame(&A), other = child_of(&A, level);
        struct snapshot s;

        snapshot(&s);
        /* One of its own level, or itself. An L4 is told so at once. */
        entries(t)[5] = E(t, 0);
        assert_int_equal(page_pin(t, level, &A), level < 4 ? -EBUSY : -EINVAL);
        entries(t)[5] = E(other, 0);
        assert_int_equal(page_pin(t, level, &A), -EBUSY);
        entries(t)[5] = 0;
        assert_same(&s);
        assert_int_equal(page_pin(t, level, &A), 0);
        assert_int_equal(pt_update_entry(t, 5, E(t, 0), &A, &A, 0, NULL),
                         level < 4 ? -EBUSY : -EINVAL);
        assert_int_equal(pt_update_entry(t, 5, E(other, 0), &A, &A, 0, NULL),
                         -EBUSY);
        audit_ok();
    }
}

/* The one exception: it holds nothing, and is never writable. */
static void linear_entry_of_an_l4(void **state)
{
    mfn_t t = new_frame(&A), l3 = child_of(&A, 3), deferred;
    struct snapshot s, valid;

    (void)state;
    A.linear = true;
    snapshot(&s);
    entries(t)[5] = E(t, PTE_RW);
    assert_int_equal(page_pin(t, 4, &A), -EINVAL);
    assert_same(&s);
    entries(t)[5] = E(t, PTE_PSE);
    assert_int_equal(page_pin(t, 4, &A), -EINVAL);
    entries(t)[5] = E(t, 0);
    entries(t)[6] = E(l3, PTE_RW);
    assert_int_equal(page_pin(t, 4, &A), 0);
    snapshot(&valid);
    audit_ok();
    /* Not made writable by a change of flags alone, nor by another slot. */
    assert_int_equal(pt_update_entry(t, 5, E(t, PTE_RW), &A, &A, 0, NULL),
                     -EINVAL);
    assert_int_equal(pt_update_entry(t, 7, E(t, PTE_RW), &A, &A, 0, NULL),
                     -EINVAL);
    assert_int_equal(entries(t)[5], pt_adjust(E(t, 0), 4));
    assert_int_equal(pt_update_entry(t, 7, E(t, 0), &A, &A, 0, NULL), 0);
    assert_same(&valid);
    audit_ok();
    /* Replaced by a child and back; what it gave up it never held. */
    assert_int_equal(pt_update_entry(t, 7, E(l3, 0), &A, &A, 0, &deferred), 0);
    assert_true(mfn_is_invalid(deferred));
    audit_ok();
    assert_int_equal(pt_update_entry(t, 7, E(t, 0), &A, &A, 0, &deferred), 0);
    assert_int_equal(pt_update_entry(t, 5, 0, &A, &A, 0, &deferred), 0);
    assert_same(&valid);
    audit_ok();
    entries(t)[7] |= PTE_A; /* the CPU's */
    assert_int_equal(page_unpin(t, &A), 0);
    assert_same(&s);
    /* Another of its level stays refused, and other levels' own. */
    entries(t)[7] = E(child_of(&A, 4), 0);
    assert_int_equal(page_pin(t, 4, &A), -EBUSY);
    for (unsigned level = 2; level < 4; level++) {
        mfn_t u = new_frame(&A);
        entries(u)[5] = E(u, 0);
        assert_int_equal(page_pin(u, level, &A), -EBUSY);
    }
}

/* A loop over several levels, none of them typed before. */
static void no_loops(void **state)
{
    mfn_t l4 = new_frame(&A), l3 = new_frame(&A), l2 = new_frame(&A),
          l1 = new_frame(&A);
    struct snapshot s;

    (void)state;
    entries(l4)[0] = E(l3, 0);
    entries(l3)[0] = E(l2, 0);
    entries(l2)[0] = E(l1, 0);
    snapshot(&s);
    entries(l2)[1] = E(l3, 0);
    assert_int_equal(page_pin(l4, 4, &A), -EBUSY);
    assert_same(&s);
    entries(l2)[1] = E(l4, 0);
    assert_int_equal(page_pin(l4, 4, &A), -EBUSY);
    assert_same(&s);
    entries(l2)[1] = 0;
    entries(l1)[0] = E(l4, PTE_RW); /* writable mapping of an upper table */
    assert_int_equal(page_pin(l4, 4, &A), -EBUSY);
    assert_same(&s);
    entries(l1)[0] = E(l4, 0);
    assert_int_equal(page_pin(l4, 4, &A), 0);
    audit_ok();
}

static void shared_children(void **state)
{
    mfn_t l1 = frame_with(&A, E(new_frame(&A), PTE_RW));
    mfn_t l2 = new_frame(&A), other = new_frame(&A);

    (void)state;
    entries(l2)[0] = entries(l2)[1] = entries(other)[9] = E(l1, 0);
    assert_int_equal(page_pin(l2, 2, &A), 0);
    assert_int_equal(page_pin(other, 2, &A), 0);
    assert_int_equal(page_type_count(F(l1)), 3);
    audit_ok();
    assert_int_equal(page_unpin(l2, &A), 0);
    assert_int_equal(page_type_count(F(l1)), 1);
    assert_int_equal(page_unpin(other, &A), 0);
    assert_int_equal(page_type_count(F(l1)), 0);
    audit_ok();
}

static void hypervisor_slots(void **state)
{
    mfn_t l4 = new_frame(&A), l3 = child_of(&A, 3);
    mfn_t deferred;

    (void)state;
    /* Whatever the guest left there is replaced, not looked at. */
    memset(&entries(l4)[HYP_L4_FIRST], 0xff, 16 * sizeof(pte_t));
    entries(l4)[HYP_L4_LAST] = E(l4, PTE_RW);
    entries(l4)[HYP_L4_FIRST - 1] = entries(l4)[HYP_L4_LAST + 1] = E(l3, 0);
    assert_int_equal(page_pin(l4, 4, &A), 0);
    for (unsigned i = HYP_L4_FIRST; i <= HYP_L4_LAST; i++) {
        assert_int_equal(entries(l4)[i], 0xabc000UL | PTE_P);
        assert_int_equal(pt_update_entry(l4, i, E(l3, 0), &A, &A, 0, &deferred),
                         -EINVAL);
        assert_int_equal(pt_update_entry(l4, i, 0, &A, &A, 0, &deferred),
                         -EINVAL);
        assert_int_equal(entries(l4)[i], 0xabc000UL | PTE_P);
    }
    assert_int_equal(page_type_count(F(l3)), 3);
    audit_ok();
    assert_int_equal(page_unpin(l4, &A), 0);
    assert_int_equal(page_type_count(F(l3)), 1);
    audit_ok();
    /* The same slots of lower tables are ordinary. */
    entries(l4)[HYP_L4_FIRST] = E(child_of(&A, 2), 0);
    for (unsigned i = HYP_L4_FIRST + 1; i < PTES_PER_TABLE; i++)
        entries(l4)[i] = 0;
    entries(l4)[HYP_L4_FIRST - 1] = 0;
    assert_int_equal(page_pin(l4, 3, &A), 0);
    audit_ok();
}

static void unwinding(void **state)
{
    (void)state;
    for (unsigned level = 2; level <= 4; level++) {
        mfn_t t = new_frame(&A), child = new_frame(&A), bad = new_frame(&B);
        struct snapshot s;

        for (unsigned i = 0; i < PTES_PER_TABLE; i++)
            entries(t)[i] = E(child, 0);
        snapshot(&s);
        for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
            if (level == 4 && i >= HYP_L4_FIRST && i <= HYP_L4_LAST)
                continue;
            entries(t)[i] = E(bad, 0);
            assert_int_equal(page_pin(t, level, &A), -EINVAL);
            assert_same(&s);
            entries(t)[i] = E(child, PTE_PSE);
            assert_int_equal(page_pin(t, level, &A), -EINVAL);
            assert_same(&s);
            entries(t)[i] = E(child, 0);
        }
        assert_int_equal(page_pin(t, level, &A), 0);
        audit_ok();
    }
}

static void not_present(void **state)
{
    (void)state;
    for (unsigned level = 2; level <= 4; level++) {
        A.strict = false;
        assert_int_equal(try_entry(&A, level, ~PTE_P), 0);
        assert_int_equal(try_entry(&A, level, pte_make(mfn(3), PTE_G)), 0);
        A.strict = true;
        assert_int_equal(try_entry(&A, level, ~PTE_P), 0);
        assert_int_equal(try_entry(&A, level, 0), 0);
        assert_int_equal(try_entry(&A, level, pte_make(mfn(3), PTE_G)),
                         -EINVAL);
    }
}

const struct CMUnitTest tree_tests[] = {
    TEST(next_level_only),
    TEST(untyped_child_gets_typed),
    TEST(flags),
    TEST(bad_targets),
    TEST(no_linear_tables),
    TEST(linear_entry_of_an_l4),
    TEST(no_loops),
    TEST(shared_children),
    TEST(hypervisor_slots),
    TEST(unwinding),
    TEST(not_present),
    TESTS_END,
};
