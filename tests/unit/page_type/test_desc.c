/* Segment descriptors, alone and as whole pages. */
#include "world.h"

#define CODE64   0x00affa000000ffffUL /* DPL 3, not accessed */
#define ACCESSED (1UL << 40)
#define DPL_MASK (3UL << 45)

static uint64_t make(unsigned type, bool s, unsigned dpl, bool present)
{
    return (uint64_t)type << 40 | (uint64_t)s << 44 | (uint64_t)dpl << 45 |
           (uint64_t)present << 47 | 0x00cf00000000ffffUL;
}

static void not_present_is_left_alone(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 16; type++)
        for (unsigned s = 0; s < 2; s++)
            for (unsigned dpl = 0; dpl < 4; dpl++) {
                uint64_t d = make(type, s, dpl, false), was = d;

                assert_true(descriptor_check(&d, false));
                assert_int_equal(d, was);
            }
}

static void segments_are_repaired(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 16; type++)
        for (unsigned dpl = 0; dpl < 4; dpl++) {
            uint64_t d = make(type, true, dpl, true), was = d;

            assert_true(descriptor_check(&d, false));
            assert_int_equal(d, was | DPL_MASK | ACCESSED);
        }
}

static void system_descriptors_are_refused(void **state)
{
    (void)state;
    for (unsigned type = 0; type < 16; type++)
        for (unsigned dpl = 0; dpl < 4; dpl++) {
            uint64_t d = make(type, false, dpl, true), was = d;

            assert_int_equal(descriptor_check(&d, false), type == 0);
            assert_int_equal(d, was);
        }
}

static void compat_guests_stay_32_bit(void **state)
{
    uint64_t d = CODE64, data = CODE64 & ~(1UL << 43);

    (void)state;
    assert_true(descriptor_check(&d, false));
    assert_false(descriptor_check(&d, true));
    assert_true(descriptor_check(&data, true)); /* the bit is code's */
}

static void pages(void **state)
{
    mfn_t m = new_frame(&A);
    struct snapshot s;

    (void)state;
    for (unsigned i = 0; i < 512; i += 3)
        entries(m)[i] = CODE64 & ~DPL_MASK;
    assert_int_equal(page_get_and_type(F(m), PGT_SEGDESC, &A), 0);
    external[m.m] = (struct external){1, 1};
    audit_ok();
    for (unsigned i = 0; i < 512; i++)
        assert_int_equal(entries(m)[i], i % 3 ? 0 : CODE64 | ACCESSED);
    external[m.m] = (struct external){0, 0};
    assert_int_equal(page_put_and_type(F(m), &A), 0);
    audit_ok();
    snapshot(&s);
    for (unsigned i = 0; i < 512; i++) {
        uint64_t was = entries(m)[i];

        entries(m)[i] = make(12, false, 3, true); /* call gate */
        assert_int_equal(page_get_and_type(F(m), PGT_SEGDESC, &A), -EINVAL);
        assert_same(&s);
        entries(m)[i] = was;
    }
    audit_ok();
}

static void live_page_is_not_writable(void **state)
{
    mfn_t d = new_frame(&A), l1 = new_frame(&A);

    (void)state;
    assert_int_equal(page_pin(l1, 1, &A), 0);
    assert_int_equal(page_get_and_type(F(d), PGT_SEGDESC, &A), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(d, PTE_RW), &A, &A, 0, NULL),
                     -EBUSY);
    assert_int_equal(page_put_and_type(F(d), &A), 0);
    assert_int_equal(pt_update_entry(l1, 0, E(d, PTE_RW), &A, &A, 0, NULL), 0);
    assert_int_equal(page_get_and_type(F(d), PGT_SEGDESC, &A), -EBUSY);
    audit_ok();
}

const struct CMUnitTest desc_tests[] = {
    TEST(not_present_is_left_alone),
    TEST(segments_are_repaired),
    TEST(system_descriptors_are_refused),
    TEST(compat_guests_stay_32_bit),
    TEST(pages),
    TEST(live_page_is_not_writable),
    TESTS_END,
};
