/*
 * Rules for level-1 entries. Each is tried in a table that is validated, and
 * as an update of a live table: both must agree.
 */
#include "world.h"

/* 0 or the error; leaves the counts as they were. */
static int by_validation(struct domain *d, pte_t e)
{
    mfn_t t = frame_with(d, e);
    struct snapshot s;
    int rc;

    snapshot(&s);
    rc = page_get_and_type(F(t), PGT_L1, d);
    external[t.m] = (struct external){!rc, !rc};
    audit_ok();
    external[t.m] = (struct external){0, 0};
    if (!rc)
        assert_int_equal(page_put_and_type(F(t), d), 0);
    assert_same(&s);
    assert_true(frame_release(F(t)));
    return rc;
}

static int update(mfn_t t, pte_t e, struct domain *d, struct domain *fg,
                  bool the_short_way)
{
    return the_short_way ? short_update(t, 3, e, d)
                         : pt_update_entry(t, 3, e, d, fg, 0, NULL);
}

static int by_update(struct domain *d, struct domain *fg, pte_t e,
                     bool the_short_way)
{
    mfn_t t = new_frame(d);
    struct snapshot s;
    int rc;

    assert_int_equal(page_pin(t, 1, d), 0);
    snapshot(&s);
    rc = update(t, e, d, fg, the_short_way);
    audit_ok();
    if (rc) {
        assert_int_equal(entries(t)[3], 0);
    } else {
        assert_int_equal(entries(t)[3], pt_adjust(e, 1));
        assert_int_equal(update(t, 0, d, fg, the_short_way), 0);
    }
    assert_same(&s);
    assert_int_equal(page_unpin(t, d), 0);
    assert_true(frame_release(F(t)));
    return rc;
}

static int both(struct domain *d, pte_t e)
{
    int rc = by_validation(d, e);

    assert_int_equal(by_update(d, d, e, false), rc);
    assert_int_equal(by_update(d, d, e, true), rc);
    return rc;
}

static void own_memory(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    assert_int_equal(both(&A, E(m, 0)), 0);
    assert_int_equal(both(&A, E(m, PTE_RW)), 0);
    assert_int_equal(both(&A, E(m, PTE_RW | PTE_US | PTE_A | PTE_D)), 0);
    assert_int_equal(both(&A, E(m, PTE_NX)), 0);
    assert_int_equal(both(&A, E(m, PTE_AVAIL0 | PTE_AVAIL1 | PTE_AVAIL2)), 0);
    for (unsigned bit = 52; bit < 63; bit++)
        assert_int_equal(both(&A, E(m, 1UL << bit)), 0);
}

static void counts(void **state)
{
    mfn_t m = new_frame(&A), t = new_frame(&A);

    (void)state;
    entries(t)[0] = E(m, 0);
    entries(t)[1] = E(m, PTE_RW);
    entries(t)[511] = E(m, PTE_RW);
    assert_int_equal(page_pin(t, 1, &A), 0);
    assert_int_equal(frame_ref_count(F(m)), 4);
    assert_int_equal(page_type(F(m)), PGT_WRITABLE);
    assert_int_equal(page_type_count(F(m)), 2);
    assert_int_equal(page_unpin(t, &A), 0);
    assert_int_equal(frame_ref_count(F(m)), 1);
    assert_int_equal(page_type_count(F(m)), 0);
}

static void cache_attributes(void **state)
{
    static const uint64_t bits[] = {PTE_PWT, PTE_PCD, PTE_PAT,
                                    PTE_PWT | PTE_PCD | PTE_PAT};
    mfn_t m = new_frame(&A);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        A.hardware = false;
        assert_int_equal(both(&A, E(m, bits[i])), -EINVAL);
        A.hardware = true;
        assert_int_equal(both(&A, E(m, bits[i])), 0);
    }
}

static void global_refused(void **state)
{
    mfn_t m = new_frame(&A);

    (void)state;
    A.hardware = true;
    assert_int_equal(both(&A, E(m, PTE_G)), -EINVAL);
    assert_int_equal(both(&A, E(m, PTE_G | PTE_RW | PTE_US)), -EINVAL);
}

static void user_bit(void **state)
{
    mfn_t m = new_frame(&A), t = new_frame(&A);

    (void)state;
    entries(t)[0] = E(m, PTE_RW);
    entries(t)[1] = E(m, PTE_US);
    entries(t)[2] = E(m, PTE_US | PTE_GUEST_KERNEL);
    entries(t)[3] = 0xff0UL & ~PTE_P;
    assert_int_equal(page_pin(t, 1, &A), 0);
    assert_int_equal(entries(t)[0], E(m, PTE_RW | PTE_US | PTE_GUEST_KERNEL));
    assert_int_equal(entries(t)[1], E(m, PTE_US));
    assert_int_equal(entries(t)[2], E(m, PTE_US | PTE_GUEST_KERNEL));
    assert_int_equal(entries(t)[3], 0xff0UL & ~PTE_P);
    for (unsigned level = 2; level <= 4; level++) {
        assert_int_equal(pt_adjust(E(m, 0), level), E(m, PTE_US));
        assert_int_equal(pt_adjust(2, level), 2);
    }
}

static void foreign_frame(void **state)
{
    mfn_t m = new_frame(&B);

    (void)state;
    assert_int_equal(both(&A, E(m, 0)), -EINVAL);
    assert_int_equal(both(&A, E(m, PTE_RW)), -EINVAL);
    assert_int_equal(by_update(&A, &B, E(m, 0), false), 0);
    assert_int_equal(by_update(&A, &B, E(m, PTE_RW), false), 0);
    /* fg names whose frames: then A's own are not meant. */
    assert_int_equal(by_update(&A, &B, E(new_frame(&A), 0), false), -EINVAL);
}

static void free_frame(void **state)
{
    (void)state;
    assert_int_equal(both(&A, E(mfn(FRAMES - 1), 0)), -EINVAL);
    assert_int_equal(both(&A, E(mfn(0), PTE_RW)), -EINVAL);
}

static void device_memory(void **state)
{
    mfn_t io = mfn(FRAMES - 2), off = mfn(FRAMES - 3);

    (void)state;
    F(io)->ref = FRAME_IO | ((uint64_t)0x7ff1 << REF_OWNER_SHIFT) | 1;
    F(off)->ref |= FRAME_OFFLINE;
    for (unsigned i = 0; i < 3; i++) {
        mfn_t m = i == 0 ? mfn(FRAMES + 5) : i == 1 ? io : off;

        A.io_first = m.m;
        A.io_end = m.m + 1;
        assert_int_equal(both(&A, E(m, PTE_RW)), 0);
        assert_int_equal(both(&A, E(m, 0)), 0);
        assert_int_equal(by_update(&A, NULL, E(m, PTE_RW), false), 0);
        A.hardware = true;
        assert_int_equal(both(&A, E(m, PTE_RW | PTE_PCD | PTE_PWT)), 0);
        A.hardware = false;
        assert_int_equal(both(&A, E(m, PTE_PCD)), -EINVAL);
        /* Not given to it; or meant to be another domain's frame. */
        assert_int_equal(both(&B, E(m, 0)), -EINVAL);
        assert_int_equal(by_update(&A, &B, E(m, 0), false), -EINVAL);
        assert_int_equal(by_update(&B, NULL, E(m, 0), false), -EINVAL);
        A.io_end = m.m;
        assert_int_equal(both(&A, E(m, 0)), -EINVAL);
    }
    A.io_end = 1UL << 40;
    assert_int_equal(both(&A, PTE_ADDR | PTE_P), 0);
    /* DOMID_IO does not name memory. */
    assert_int_equal(by_update(&A, NULL, E(new_frame(&A), 0), false), -EINVAL);
}

static void lent_memory(void **state)
{
    mfn_t rw = lent_frame(&A, true), ro = lent_frame(&A, false);

    (void)state;
    assert_int_equal(both(&A, E(rw, PTE_RW)), 0);
    assert_int_equal(both(&A, E(rw, 0)), 0);
    assert_int_equal(both(&A, E(ro, PTE_RW)), -EBUSY);
    assert_int_equal(both(&A, E(ro, 0)), 0);
    assert_int_equal(both(&B, E(rw, 0)), -EINVAL);
}

static void hypervisor_memory(void **state)
{
    mfn_t shown = lent_frame(&X, false);

    (void)state;
    F(shown)->ref &= ~FRAME_XENHEAP;
    assert_int_equal(both(&A, E(shown, 0)), -EINVAL);
    assert_int_equal(by_update(&A, &X, E(shown, 0), false), 0);
    assert_int_equal(by_update(&A, &X, E(shown, PTE_RW), false), -EBUSY);
}

static void io_domain_is_no_owner(void **state)
{
    struct domain io = {.id = 0x7ff1};
    mfn_t m = mfn(FRAMES - 2);

    (void)state;
    F(m)->ref = FRAME_IO | ((uint64_t)io.id << REF_OWNER_SHIFT) | 1;
    assert_int_equal(by_update(&A, &io, E(m, 0), false), -EINVAL);
    assert_int_equal(frame_ref_count(F(m)), 1);
}

static void typed_frames_only_read_only(void **state)
{
    static const uint64_t types[] = {PGT_L1, PGT_L2,      PGT_L3,
                                     PGT_L4, PGT_SEGDESC, PGT_SHARED_RO};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        mfn_t m = new_frame(&A);

        assert_int_equal(page_get_and_type(F(m), types[i], &A), 0);
        external[m.m] = (struct external){1, 1};
        assert_int_equal(both(&A, E(m, PTE_RW)), -EBUSY);
        if (types[i] != PGT_SEGDESC)
            assert_int_equal(both(&A, E(m, 0)), 0);
    }
}

static void writable_cannot_be_a_table(void **state)
{
    mfn_t m = new_frame(&A), t = frame_with(&A, E(m, PTE_RW));
    struct snapshot s;

    (void)state;
    assert_int_equal(page_pin(t, 1, &A), 0);
    snapshot(&s);
    for (unsigned level = 1; level <= 4; level++)
        assert_int_equal(page_pin(m, level, &A), -EBUSY);
    assert_int_equal(page_get_and_type(F(m), PGT_SEGDESC, &A), -EBUSY);
    assert_same(&s);
    /* A table that maps itself writable cannot exist. */
    t = new_frame(&A);
    entries(t)[7] = E(t, PTE_RW);
    assert_int_equal(page_pin(t, 1, &A), -EBUSY);
    /* Read-only it may. */
    entries(t)[7] = E(t, 0);
    assert_int_equal(page_pin(t, 1, &A), 0);
    audit_ok();
    assert_int_equal(page_unpin(t, &A), 0);
    assert_true(frame_release(F(t)));
    assert_true(is_free(t));
}

static void not_present(void **state)
{
    mfn_t m = new_frame(&B);

    (void)state;
    assert_int_equal(both(&A, 0), 0);
    assert_int_equal(both(&A, pte_make(m, PTE_RW | PTE_G)), 0);
    assert_int_equal(both(&A, ~PTE_P), 0);
    A.strict = true;
    assert_int_equal(both(&A, 0), 0);
    assert_int_equal(both(&A, PTE_RW), -EINVAL); /* frame 0 is RAM */
    assert_int_equal(both(&A, pte_make(m, 0)), -EINVAL);
    assert_int_equal(both(&A, pte_make(mfn(FRAMES - 1), PTE_NX)), -EINVAL);
    assert_int_equal(both(&A, pte_make(mfn(FRAMES), PTE_RW)), 0);
    assert_int_equal(both(&A, ~PTE_P), 0);
}

static void overflow(void **state)
{
    mfn_t m = new_frame(&A), t = new_frame(&A);
    uint64_t x, r;

    (void)state;
    assert_int_equal(page_pin(t, 1, &A), 0);
    assert_int_equal(page_get_and_type(F(m), PGT_WRITABLE, &A), 0);
    F(m)->type = x = PGT_WRITABLE | PGT_COUNT_MAX;
    r = F(m)->ref;
    assert_int_equal(pt_update_entry(t, 0, E(m, PTE_RW), &A, &A, 0, NULL),
                     -EBUSY);
    assert_int_equal(F(m)->type, x);
    assert_int_equal(F(m)->ref, r);
    assert_int_equal(entries(t)[0], 0);
    assert_int_equal(pt_update_entry(t, 0, E(m, 0), &A, &A, 0, NULL), 0);
    F(m)->ref = r = (r & ~REF_COUNT_MASK) | REF_COUNT_MAX;
    assert_int_equal(pt_update_entry(t, 1, E(m, 0), &A, &A, 0, NULL), -EINVAL);
    assert_int_equal(F(m)->ref, r);
}

/* The bad entry may be anywhere: what came before it is undone. */
static void unwinding(void **state)
{
    mfn_t m = new_frame(&A), t = new_frame(&A), bad = new_frame(&B);
    struct snapshot s;

    (void)state;
    for (unsigned i = 0; i < PTES_PER_TABLE; i++)
        entries(t)[i] = E(m, i & 1 ? PTE_RW : 0);
    snapshot(&s);
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        pte_t good = entries(t)[i];

        entries(t)[i] = E(bad, 0);
        assert_int_equal(page_pin(t, 1, &A), -EINVAL);
        assert_same(&s);
        entries(t)[i] = good;
    }
    audit_ok();
    assert_int_equal(page_pin(t, 1, &A), 0);
    assert_int_equal(frame_ref_count(F(m)), 513);
    assert_int_equal(page_type_count(F(m)), 256);
    audit_ok();
}

const struct CMUnitTest l1_tests[] = {
    TEST(own_memory),
    TEST(counts),
    TEST(cache_attributes),
    TEST(global_refused),
    TEST(user_bit),
    TEST(foreign_frame),
    TEST(free_frame),
    TEST(device_memory),
    TEST(lent_memory),
    TEST(hypervisor_memory),
    TEST(io_domain_is_no_owner),
    TEST(typed_frames_only_read_only),
    TEST(writable_cannot_be_a_table),
    TEST(not_present),
    TEST(overflow),
    TEST(unwinding),
    TESTS_END,
};
