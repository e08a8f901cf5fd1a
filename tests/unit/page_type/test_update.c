/* Changes of entries of live tables. */
#include "mm/page_engine.h"
#include "world.h"

static mfn_t l1, m1, m2;

static void setup(void)
{
    l1 = new_frame(&A);
    m1 = new_frame(&A);
    m2 = new_frame(&A);
    assert_int_equal(page_pin(l1, 1, &A), 0);
}

static int put(pte_t e)
{
    int rc = pt_update_entry(l1, 0, e, &A, &A, 0, NULL);

    audit_ok();
    return rc;
}

static void assert_counts(mfn_t m, unsigned refs, unsigned types)
{
    assert_int_equal(frame_ref_count(F(m)), refs);
    assert_int_equal(page_type_count(F(m)), types);
}

static void replace(void **state)
{
    (void)state;
    setup();
    assert_int_equal(put(E(m1, PTE_RW)), 0);
    assert_counts(m1, 2, 1);
    assert_int_equal(put(E(m2, 0)), 0);
    assert_counts(m1, 1, 0);
    assert_counts(m2, 2, 0);
    assert_int_equal(put(E(m2, PTE_RW)), 0); /* up */
    assert_counts(m2, 2, 1);
    assert_int_equal(put(E(m2, PTE_RW | PTE_NX | PTE_D)), 0); /* flags */
    assert_counts(m2, 2, 1);
    assert_int_equal(entries(l1)[0],
                     pt_adjust(E(m2, PTE_RW | PTE_NX | PTE_D), 1));
    assert_int_equal(put(E(m2, PTE_US)), 0); /* down */
    assert_counts(m2, 2, 0);
    assert_int_equal(entries(l1)[0], E(m2, PTE_US));
    assert_int_equal(put(0x123450), 0);
    assert_counts(m2, 1, 0);
    assert_int_equal(entries(l1)[0], 0x123450);
}

/* Entries that came after validation, wherever they are, go with the table. */
static void far_apart(void **state)
{
    static const unsigned at[] = {0, 31, 32, 63, 300, 480, 511};

    (void)state;
    setup();
    for (unsigned i = 0; i < ARRAY_SIZE(at); i++)
        assert_int_equal(
            pt_update_entry(l1, at[i], E(m1, PTE_RW), &A, &A, 0, NULL), 0);
    audit_ok();
    assert_counts(m1, 1 + ARRAY_SIZE(at), ARRAY_SIZE(at));
    assert_int_equal(page_unpin(l1, &A), 0);
    assert_counts(m1, 1, 0);
    assert_int_equal(page_pin(l1, 1, &A), 0);
    assert_counts(m1, 1 + ARRAY_SIZE(at), ARRAY_SIZE(at));
    assert_int_equal(page_unpin(l1, &A), 0);
    audit_ok();
}

/* The shortest way: an empty entry gets a read-only page, nothing else. */
static void filling(void **state)
{
    uint64_t at;

    (void)state;
    setup();
    at = (l1.m << PAGE_SHIFT) + 40 * sizeof(pte_t);
    assert_false(pt_fill_own_l1(at, E(m1, 0), &A));               /* no user */
    assert_false(pt_fill_own_l1(at, E(m1, PTE_US | PTE_RW), &A)); /* writable */
    assert_false(pt_fill_own_l1(at, E(m1, PTE_US | PTE_G), &A));
    assert_false(pt_fill_own_l1(at, E(m1, PTE_US) & ~PTE_P, &A));
    assert_false(pt_fill_own_l1(at, E(m1, PTE_US), &B)); /* B has no such L1 */
    assert_false(pt_fill_own_l1(at, E(new_frame(&B), PTE_US), &A));
    assert_false(pt_fill_own_l1(at, E(mfn(FRAMES), PTE_US), &A));
    assert_false(pt_fill_own_l1((uint64_t)FRAMES << PAGE_SHIFT,
                                E(m1, PTE_US), &A));
    assert_false(pt_fill_own_l1(m2.m << PAGE_SHIFT, E(m1, PTE_US), &A));
    assert_int_equal(entries(l1)[40], 0);
    assert_counts(m1, 1, 0);
    assert_true(pt_fill_own_l1(at, E(m1, PTE_US | PTE_NX), &A));
    assert_int_equal(entries(l1)[40], E(m1, PTE_US | PTE_NX));
    assert_counts(m1, 2, 0);
    assert_false(pt_fill_own_l1(at, E(m2, PTE_US), &A)); /* not empty */
    audit_ok();
    assert_int_equal(page_unpin(l1, &A), 0); /* the part was noted */
    assert_counts(m1, 1, 0);
    audit_ok();
}

/* A frame that is no table is written as the guest could; a table is not. */
static void plain_memory(void **state)
{
    mfn_t foreign = new_frame(&B);
    uint64_t at;

    (void)state;
    setup();
    at = (m1.m << PAGE_SHIFT) + 8;
    assert_int_equal(pt_update_own_l1(at, 0x1234567, &A), 0);
    assert_int_equal(entries(m1)[1], 0x1234567);
    assert_counts(m1, 1, 0);
    at = (foreign.m << PAGE_SHIFT) + 8;
    assert_int_equal(pt_update_own_l1(at, 1, &A), -EINVAL);
    assert_int_equal(entries(foreign)[1], 0);
    at = l1.m << PAGE_SHIFT;
    assert_int_equal(pt_write_plain(at, E(m2, PTE_RW), &A), -EINVAL);
    assert_int_equal(entries(l1)[0], 0);
    assert_int_equal(pt_write_plain((uint64_t)FRAMES << PAGE_SHIFT, 1, &A),
                     -EINVAL);
    audit_ok();
}

static void refused_changes_nothing(void **state)
{
    mfn_t foreign = new_frame(&B);
    struct snapshot s;
    pte_t e;

    (void)state;
    setup();
    assert_int_equal(put(E(m1, PTE_RW)), 0);
    e = entries(l1)[0];
    snapshot(&s);
    assert_int_equal(put(E(foreign, 0)), -EINVAL);
    assert_int_equal(put(E(l1, PTE_RW)), -EBUSY);
    assert_int_equal(put(E(m1, PTE_RW | PTE_G)), -EINVAL); /* same frame */
    assert_int_equal(put(E(m1, PTE_PCD)), -EINVAL);
    A.strict = true;
    assert_int_equal(put(pte_make(m1, PTE_RW)), -EINVAL);
    assert_same(&s);
    assert_int_equal(entries(l1)[0], e);
}

static void no_table(void **state)
{
    mfn_t b1 = new_frame(&B);
    mfn_t desc = new_frame(&A), idle = new_frame(&A);

    (void)state;
    setup();
    assert_int_equal(page_pin(b1, 1, &B), 0);
    assert_int_equal(page_get_and_type(F(desc), PGT_SEGDESC, &A), 0);
    assert_int_equal(page_get_and_type(F(m2), PGT_WRITABLE, &A), 0);
    assert_int_equal(page_pin(idle, 1, &A), 0);
    assert_int_equal(page_unpin(idle, &A), 0);
    assert_int_equal(pt_update_entry(b1, 0, 0, &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(pt_update_entry(desc, 0, 0, &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(pt_update_entry(m1, 0, 0, &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(pt_update_entry(m2, 0, 0, &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(pt_update_entry(idle, 0, 0, &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(pt_update_entry(mfn(FRAMES), 0, 0, &A, &A, 0, NULL),
                     -EINVAL);
    assert_int_equal(pt_update_entry(INVALID_MFN, 0, 0, &A, &A, 0, NULL),
                     -EINVAL);
    assert_int_equal(pt_update_entry(l1, 512, 0, &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(pt_update_l1_if(m1, 0, 0, 0, &A, &A, 0), -EINVAL);
    assert_int_equal(pt_update_l1_if(l1, 512, 0, 0, &A, &A, 0), -EINVAL);
}

static void accessed_and_dirty(void **state)
{
    const uint64_t ad = PTE_A | PTE_D;

    (void)state;
    setup();
    assert_int_equal(put(E(m1, PTE_RW | PTE_US)), 0);
    entries(l1)[0] |= ad; /* by the CPU */
    assert_int_equal(pt_update_entry(l1, 0, E(m1, PTE_US), &A, &A,
                                     PT_UPDATE_PRESERVE_AD, NULL),
                     0);
    assert_int_equal(entries(l1)[0], E(m1, PTE_US | ad));
    assert_int_equal(pt_update_entry(l1, 0, E(m2, PTE_US), &A, &A,
                                     PT_UPDATE_PRESERVE_AD, NULL),
                     0);
    assert_int_equal(entries(l1)[0], E(m2, PTE_US | ad));
    /* What is not present has no such bits to keep. */
    assert_int_equal(
        pt_update_entry(l1, 0, 0x5000, &A, &A, PT_UPDATE_PRESERVE_AD, NULL), 0);
    assert_int_equal(entries(l1)[0], 0x5000);
    assert_int_equal(put(0x5000 | ad), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(m2, PTE_US), &A, &A,
                                     PT_UPDATE_PRESERVE_AD, NULL),
                     0);
    assert_int_equal(entries(l1)[0], E(m2, PTE_US));
    /* Without the flag they are the guest's to clear. */
    entries(l1)[0] |= ad;
    assert_int_equal(put(E(m2, PTE_US)), 0);
    assert_int_equal(entries(l1)[0], E(m2, PTE_US));
    audit_ok();
}

static void upper_flags(void **state)
{
    mfn_t l2 = new_frame(&A);

    (void)state;
    setup();
    entries(l2)[0] = E(l1, PTE_RW);
    assert_int_equal(page_pin(l2, 2, &A), 0);
    assert_int_equal(page_type_count(F(l1)), 2);
    entries(l2)[0] |= PTE_A;
    assert_int_equal(pt_update_entry(l2, 0, E(l1, PTE_NX), &A, &A,
                                     PT_UPDATE_PRESERVE_AD, NULL),
                     0);
    assert_int_equal(entries(l2)[0], E(l1, PTE_NX | PTE_A | PTE_US));
    assert_int_equal(page_type_count(F(l1)), 2);
    assert_int_equal(pt_update_entry(l2, 0, E(l1, PTE_PSE), &A, &A, 0, NULL),
                     -EINVAL);
    assert_int_equal(entries(l2)[0], E(l1, PTE_NX | PTE_A | PTE_US));
    /* fg is for L1 entries: a foreign table is never named. */
    m1 = new_frame(&B);
    assert_int_equal(page_pin(m1, 1, &B), 0);
    assert_int_equal(pt_update_entry(l2, 1, E(m1, 0), &A, &B, 0, NULL),
                     -EINVAL);
    audit_ok();
}

static void compare_and_exchange(void **state)
{
    pte_t e;
    struct snapshot s;

    (void)state;
    setup();
    assert_int_equal(pt_update_l1_if(l1, 4, 0, E(m1, PTE_RW), &A, &A, 0), 0);
    e = entries(l1)[4];
    assert_int_equal(e, pt_adjust(E(m1, PTE_RW), 1));
    snapshot(&s);
    assert_int_equal(pt_update_l1_if(l1, 4, 0, E(m2, 0), &A, &A, 0), -EAGAIN);
    assert_int_equal(pt_update_l1_if(l1, 4, e ^ PTE_D, 0, &A, &A, 0), -EAGAIN);
    assert_int_equal(pt_update_l1_if(l1, 4, e, E(l1, PTE_RW), &A, &A, 0),
                     -EBUSY);
    assert_int_equal(pt_update_l1_if(l1, 4, e, E(m1, PTE_G), &A, &A, 0),
                     -EINVAL);
    assert_int_equal(entries(l1)[4], e);
    assert_same(&s);
    assert_int_equal(pt_update_l1_if(l1, 4, e, E(m1, PTE_US), &A, &A, 0), 0);
    assert_counts(m1, 2, 0);
    e = entries(l1)[4] |= PTE_A;
    assert_int_equal(pt_update_l1_if(l1, 4, e, E(m2, PTE_RW | PTE_US), &A, &A,
                                     PT_UPDATE_PRESERVE_AD),
                     0);
    assert_int_equal(entries(l1)[4], E(m2, PTE_RW | PTE_US | PTE_A));
    assert_counts(m1, 1, 0);
    assert_counts(m2, 2, 1);
    assert_int_equal(pt_update_l1_if(l1, 4, entries(l1)[4], 0, &A, &A, 0), 0);
    assert_counts(m2, 1, 0);
    audit_ok();
}

static void cpu_sets_accessed(void)
{
    entries(l1)[4] |= PTE_A;
}

/* The CPU touches the entry between our look at it and our write. */
static void lost_race(void **state)
{
    struct snapshot s;
    pte_t e;

    (void)state;
    setup();
    A.hardware = true;
    assert_int_equal(pt_update_l1_if(l1, 4, 0, E(m1, PTE_RW), &A, &A, 0), 0);
    e = entries(l1)[4];
    snapshot(&s);
    hardware_hook = cpu_sets_accessed;
    assert_int_equal(
        pt_update_l1_if(l1, 4, e, E(m2, PTE_RW | PTE_PCD), &A, &A, 0), -EAGAIN);
    assert_int_equal(entries(l1)[4], e | PTE_A);
    assert_same(&s);
    entries(l1)[4] = e;
    assert_int_equal(pt_update_l1_if(l1, 4, e, E(m1, PTE_PCD), &A, &A, 0),
                     -EAGAIN);
    assert_same(&s);
    audit_ok();
}

static void only_level_one(void **state)
{
    mfn_t l2 = new_frame(&A);

    (void)state;
    setup();
    assert_int_equal(page_pin(l2, 2, &A), 0);
    assert_int_equal(pt_update_l1_if(l2, 0, 0, E(l1, 0), &A, &A, 0), -EINVAL);
}

/* The grant table vouches for B's frame. */
static void grant_mapping(void **state)
{
    mfn_t g = new_frame(&B);
    struct snapshot s;
    pte_t e;

    (void)state;
    setup();
    assert_true(frame_get(F(g), B.id));
    external[g.m].refs = 1;
    snapshot(&s);
    assert_int_equal(pt_update_l1_if(l1, 0, 0, E(g, PTE_RW), &A, &A, 0),
                     -EINVAL);
    assert_int_equal(
        pt_update_l1_if(l1, 0, 0, E(g, PTE_RW), &A, NULL, PT_UPDATE_GRANT), 0);
    audit_ok();
    assert_counts(g, 3, 1);
    assert_true(F(g)->type & PGT_FOREIGN);
    e = entries(l1)[0];
    assert_int_equal(pt_update_l1_if(l1, 0, e, 0, &A, &A, 0), 0);
    assert_counts(g, 2, 0);
    audit_ok();

    /* A read-only one cannot be made writable by the guest alone. */
    assert_int_equal(
        pt_update_l1_if(l1, 0, 0, E(g, 0), &A, &A, PT_UPDATE_GRANT), 0);
    assert_int_equal(put(E(g, PTE_RW)), -EINVAL);
    assert_int_equal(put(E(g, PTE_NX)), 0); /* other flags are its own */
    assert_counts(g, 3, 0);
    assert_int_equal(put(0), 0);
    F(g)->type = 0;
    assert_same(&s);

    /* Its own frame may be granted to itself, and tables never writable. */
    assert_int_equal(
        pt_update_l1_if(l1, 0, 0, E(m1, PTE_RW), &A, &B, PT_UPDATE_GRANT), 0);
    assert_false(F(m1)->type & PGT_FOREIGN);
    assert_int_equal(
        pt_update_l1_if(l1, 1, 0, E(l1, PTE_RW), &A, &A, PT_UPDATE_GRANT),
        -EBUSY);
    assert_int_equal(pt_update_l1_if(l1, 1, 0, E(mfn(FRAMES - 1), 0), &A, &A,
                                     PT_UPDATE_GRANT),
                     -EINVAL); /* free */
    audit_ok();
}

/* A foreign frame outlives its owner's interest, and goes with the mapping. */
static void last_mapping_frees(void **state)
{
    mfn_t g = new_frame(&B);

    (void)state;
    setup();
    assert_int_equal(pt_update_entry(l1, 0, E(g, PTE_RW), &A, &B, 0, NULL), 0);
    assert_true(frame_release(F(g)));
    assert_false(is_free(g));
    assert_int_equal(page_pin(g, 1, &B), -EBUSY);
    assert_int_equal(put(0), 0);
    assert_true(is_free(g));
}

static void descriptor_page_unmapped(void **state)
{
    mfn_t d = new_frame(&A), b = new_frame(&B);

    (void)state;
    setup();
    assert_int_equal(put(E(d, 0)), 0);
    assert_int_equal(page_get_and_type(F(d), PGT_SEGDESC, &A), 0);
    external[d.m] = (struct external){1, 1};
    assert_int_equal(put(E(d, PTE_RW)), -EBUSY); /* still in use */
    assert_int_equal(put(E(d, PTE_NX)), 0);      /* still mapped */
    assert_int_equal(A.releases, 0);
    assert_int_equal(put(0), 0);
    assert_int_equal(A.releases, 1);
    assert_true(mfn_eq(A.released, d));
    assert_int_equal(put(E(d, PTE_RW)), 0);
    /* Unmapping another domain's does not concern this one. */
    assert_int_equal(page_get_and_type(F(b), PGT_SEGDESC, &B), 0);
    external[b.m] = (struct external){1, 1};
    assert_int_equal(pt_update_entry(l1, 1, E(b, 0), &A, &B, 0, NULL), 0);
    assert_int_equal(pt_update_entry(l1, 1, 0, &A, &A, 0, NULL), 0);
    assert_int_equal(A.releases, 1);
    assert_int_equal(B.releases, 0);
    audit_ok();
}

static void device_entries(void **state)
{
    struct snapshot s;

    (void)state;
    setup();
    snapshot(&s);
    assert_int_equal(put(E(mfn(500), 0)), 0);
    assert_int_equal(put(E(mfn(500), PTE_RW)), 0);
    assert_int_equal(put(E(mfn(500), 0)), 0);
    assert_int_equal(put(E(mfn(501), PTE_RW)), 0);
    assert_int_equal(put(E(mfn(1000), 0)), -EINVAL);
    assert_int_equal(put(E(m1, PTE_RW)), 0);
    assert_int_equal(put(E(mfn(501), PTE_RW)), 0);
    assert_same(&s);
}

/* Copies of an L4's entry must go before what the entry held does. */
static void replaced_top_entries(void **state)
{
    mfn_t l4 = new_frame(&A), l3 = new_frame(&A);

    (void)state;
    assert_int_equal(page_pin(l4, 4, &A), 0);
    replaced = (struct replaced){.child = l3};
    assert_int_equal(pt_update_entry(l4, 7, E(l3, 0), &A, &A, 0, NULL), 0);
    assert_int_equal(replaced.calls, 0); /* there was none before */
    assert_int_equal(pt_update_entry(l4, 7, E(l3, PTE_RW), &A, &A, 0, NULL), 0);
    assert_int_equal(replaced.calls, 1);
    assert_int_equal(pt_update_entry(l4, 7, E(mfn(1000), 0), &A, &A, 0, NULL),
                     -EINVAL);
    assert_int_equal(replaced.calls, 1); /* refused: nothing has changed */
    assert_int_equal(pt_update_entry(l4, 7, 0, &A, &A, 0, NULL), 0);
    assert_int_equal(replaced.calls, 2);
    assert_int_equal(replaced.l4.m, l4.m);
    assert_int_equal(replaced.index, 7);
    assert_int_equal(replaced.types, 1);
    assert_int_equal(page_type_count(F(l3)), 0);
    /* An L3's entries are shown to the CPU as they are. */
    assert_int_equal(page_pin(l3, 3, &A), 0);
    assert_int_equal(pt_update_entry(l3, 0, E(new_frame(&A), 0), &A, &A, 0,
                                     NULL), 0);
    assert_int_equal(pt_update_entry(l3, 0, 0, &A, &A, 0, NULL), 0);
    assert_int_equal(replaced.calls, 2);
    audit_ok();
}

const struct CMUnitTest update_tests[] = {
    TEST(replace),
    TEST(far_apart),
    TEST(filling),
    TEST(plain_memory),
    TEST(refused_changes_nothing),
    TEST(no_table),
    TEST(accessed_and_dirty),
    TEST(upper_flags),
    TEST(replaced_top_entries),
    TEST(compare_and_exchange),
    TEST(lost_race),
    TEST(only_level_one),
    TEST(grant_mapping),
    TEST(last_mapping_frees),
    TEST(descriptor_page_unmapped),
    TEST(device_entries),
    TESTS_END,
};
