/* The audit finds what is wrong: every kind of damage, done on purpose. */
#include "world.h"

static struct audit_scratch scratch[FRAMES];
static mfn_t l2, l1, m;

static void setup(void)
{
    m = new_frame(&A);
    l1 = frame_with(&A, E(m, PTE_RW));
    l2 = frame_with(&A, E(l1, 0));
    assert_int_equal(page_pin(l2, 2, &A), 0);
    audit_ok();
}

/* Frames found wrong, without the printing. */
static unsigned bad(void)
{
    return (unsigned)page_audit_domain(&A, scratch);
}

static void one_count_off(void **state)
{
    (void)state;
    setup();
    for (unsigned i = 0; i < 3; i++) {
        struct frame *f = F(i == 0 ? m : i == 1 ? l1 : l2);

        f->ref++;
        assert_int_equal(bad(), 1);
        f->ref -= 2;
        assert_int_equal(bad(), 1);
        f->ref++;
        f->type++;
        assert_int_equal(bad(), 1);
        f->type -= 2;
        assert_int_equal(bad() != 0, 1);
        f->type++;
        audit_ok();
    }
}

static void entries_changed(void **state)
{
    pte_t e;

    (void)state;
    setup();
    e = entries(l1)[0];
    entries(l1)[0] = 0;
    assert_int_equal(bad(), 1);
    entries(l1)[0] = e & ~PTE_RW;
    assert_int_equal(bad(), 1);
    entries(l1)[0] = e & ~PTE_US;
    assert_int_equal(bad(), 1);
    entries(l1)[0] = e;
    entries(l1)[1] = E(l2, PTE_RW | PTE_US); /* a writable table */
    assert_int_equal(bad(), 2);
    entries(l1)[1] = 0;
    entries(l2)[1] = E(mfn(FRAMES), PTE_US);
    assert_int_equal(bad(), 1);
    entries(l2)[1] = 0;
    audit_ok();
}

/* An entry in a part that would not be looked at on the way down. */
static void part_not_noted(void **state)
{
    (void)state;
    setup();
    F(l1)->type ^= 1UL << PGT_AUX_SHIFT;
    assert_int_equal(bad(), 1);
    F(l1)->type ^= 3UL << PGT_AUX_SHIFT; /* one too many does no harm */
    audit_ok();
}

static void nonsense_words(void **state)
{
    static const uint64_t words[] = {
        PGT_VALIDATED,
        PGT_PARTIAL | 1,
        PGT_PINNED,
        PGT_L1 | 1,
        PGT_WRITABLE | PGT_VALIDATED | 1,
        PGT_L1 | PGT_PARTIAL | 2,
        PGT_L1 | PGT_VALIDATED | PGT_PARTIAL | 1,
        PGT_L1 | PGT_FAILED,
        PGT_SEGDESC | 1,
    };
    mfn_t f;

    (void)state;
    setup();
    f = new_frame(&A);
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        F(f)->type = words[i];
        external[f.m] = (struct external){0, words[i] & PGT_COUNT_MASK};
        assert_int_equal(bad(), 1);
    }
}

static void externals_count(void **state)
{
    (void)state;
    setup();
    assert_int_equal(page_get_and_type(F(m), PGT_WRITABLE, &A), 0);
    assert_int_equal(bad(), 1);
    external[m.m] = (struct external){1, 1};
    audit_ok();
    external[m.m].types = 0;
    assert_int_equal(bad(), 1);
}

static void domains_apart(void **state)
{
    mfn_t b;

    (void)state;
    setup();
    b = new_frame(&B);
    F(b)->ref++;
    assert_int_equal(page_audit_domain(&A, scratch), 0);
    assert_int_equal(page_audit_domain(&B, scratch), 1);
    assert_int_equal(page_audit_domain(NULL, scratch), 1);
}

const struct CMUnitTest audit_tests[] = {
    TEST(one_count_off),
    TEST(entries_changed),
    TEST(nonsense_words),
    TEST(externals_count),
    TEST(domains_apart),
    TEST(part_not_noted),
    TESTS_END,
};
