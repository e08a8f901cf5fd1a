/* Each rule of pins, once granted and once refused. */
#include "grant/t.h"

#include <string.h>

#define MARKS (GTF_reading | GTF_writing)

static struct active_entry a;
static grant_entry_v1_t e;

static void entry(unsigned flags, unsigned domid, unsigned frame)
{
    memset(&a, 0, sizeof(a));
    e = (grant_entry_v1_t){.flags = (uint16_t)flags,
                           .domid = (domid_t)domid,
                           .frame = frame};
}

/* Refused, and nothing has changed. */
static void refused(domid_t who, bool readonly, int status)
{
    struct active_entry old = a;
    grant_entry_v1_t shared = e;

    assert_int_equal(active_pin(&a, &e, who, readonly), status);
    assert_memory_equal(&a, &old, sizeof(a));
    assert_memory_equal(&e, &shared, sizeof(e));
}

void test_grant_rules(void **state)
{
    static const unsigned types[] = {GTF_invalid, GTF_accept_transfer,
                                     GTF_transitive};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(types); i++) {
        entry(types[i], 7, 0x123);
        refused(7, READ, GNTST_general_error);
        refused(7, WRITE, GNTST_general_error);
    }
    entry(GTF_permit_access, 7, 0x123);
    refused(8, READ, GNTST_general_error);
    refused(0, READ, GNTST_general_error);
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    assert_int_equal(a.frame, 0x123);
    entry(GTF_permit_access | GTF_readonly, 7, 0x123);
    refused(7, WRITE, GNTST_general_error);
    assert_int_equal(active_pin(&a, &e, 7, READ), GNTST_okay);
    refused(7, WRITE, GNTST_general_error);
}

void test_second_pin(void **state)
{
    (void)state;
    entry(GTF_permit_access, 7, 5);
    assert_int_equal(active_pin(&a, &e, 7, READ), GNTST_okay);
    /* Given to somebody else while in use: nobody gets in. */
    e.domid = 8;
    refused(8, READ, GNTST_general_error);
    refused(7, WRITE, GNTST_general_error);
    /* But who is in may have more of the same. */
    assert_int_equal(active_pin(&a, &e, 7, READ), GNTST_okay);
    assert_int_equal(a.readers, 2);
    e.domid = 7;
    e.flags |= GTF_readonly;
    refused(7, WRITE, GNTST_general_error);
}

void test_marks(void **state)
{
    (void)state;
    entry(GTF_permit_access, 7, 5);
    assert_int_equal(active_pin(&a, &e, 7, READ), GNTST_okay);
    assert_int_equal(e.flags, GTF_permit_access | GTF_reading);
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    assert_int_equal(e.flags, GTF_permit_access | MARKS);
    active_unpin(&a, &e, WRITE);
    assert_int_equal(e.flags, GTF_permit_access | MARKS);
    active_unpin(&a, &e, READ);
    assert_int_equal(e.flags, GTF_permit_access | MARKS);
    active_unpin(&a, &e, WRITE);
    assert_int_equal(e.flags, GTF_permit_access);
    assert_false(active_in_use(&a));
    entry(GTF_permit_access, 7, 5);
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    assert_int_equal(active_pin(&a, &e, 7, READ), GNTST_okay);
    active_unpin(&a, &e, WRITE);
    assert_int_equal(e.flags, GTF_permit_access | GTF_reading);
    active_unpin(&a, &e, READ);
    assert_int_equal(e.flags, GTF_permit_access);
}

/* While pinned the guest's words count for nothing. */
void test_guest_changes_entry(void **state)
{
    (void)state;
    entry(GTF_permit_access, 7, 5);
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    e = (grant_entry_v1_t){.flags = 0, .domid = 9, .frame = 99};
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    assert_int_equal(a.frame, 5);
    active_unpin(&a, &e, WRITE);
    active_unpin(&a, &e, WRITE);
    assert_int_equal(e.flags, 0);
    assert_int_equal(e.frame, 99);
    /* Next time they do. */
    e = (grant_entry_v1_t){.flags = 1, .domid = 9, .frame = 99};
    assert_int_equal(active_pin(&a, &e, 9, READ), GNTST_okay);
    assert_int_equal(a.frame, 99);
}

void test_pin_limit(void **state)
{
    (void)state;
    entry(GTF_permit_access, 7, 5);
    assert_int_equal(active_pin(&a, &e, 7, READ), GNTST_okay);
    assert_int_equal(active_pin(&a, &e, 7, WRITE), GNTST_okay);
    a.readers = PIN_MAX;
    refused(7, READ, GNTST_no_space);
    a.writers = PIN_MAX;
    refused(7, WRITE, GNTST_no_space);
}

void test_swap(void **state)
{
    grant_entry_v1_t x = {.flags = 1, .domid = 2, .frame = 3};
    grant_entry_v1_t y = {.flags = 5, .domid = 6, .frame = 7};
    struct active_entry ax = {0}, ay = {0};

    (void)state;
    assert_int_equal(active_swap(&ax, &x, &ay, &y), GNTST_okay);
    assert_true(x.flags == 5 && x.domid == 6 && x.frame == 7);
    assert_true(y.flags == 1 && y.domid == 2 && y.frame == 3);
    assert_int_equal(active_swap(&ax, &x, &ax, &x), GNTST_okay);
    assert_true(x.flags == 5 && x.domid == 6 && x.frame == 7);
    assert_int_equal(active_pin(&ay, &y, 2, READ), GNTST_okay);
    assert_int_equal(active_swap(&ax, &x, &ay, &y), GNTST_eagain);
    assert_int_equal(active_swap(&ay, &y, &ax, &x), GNTST_eagain);
    assert_int_equal(y.frame, 3);
}

void test_transfer(void **state)
{
    (void)state;
    entry(GTF_accept_transfer, 7, 0x55);
    assert_true(active_accepts_transfer(&e, 7));
    assert_false(active_accepts_transfer(&e, 8));
    assert_false(active_commit_transfer(&e, 8));
    assert_int_equal(e.flags, GTF_accept_transfer);
    assert_true(active_commit_transfer(&e, 7));
    assert_int_equal(e.flags, GTF_accept_transfer | GTF_transfer_committed);
    assert_false(active_accepts_transfer(&e, 7));
    assert_false(active_commit_transfer(&e, 7));
    assert_int_equal(active_complete_transfer(&e, 0x1234), 0x55);
    assert_int_equal(e.frame, 0x1234);
    assert_int_equal(e.flags, GTF_accept_transfer | GTF_transfer_committed |
                                  GTF_transfer_completed);
    assert_false(active_commit_transfer(&e, 7));
    entry(GTF_permit_access, 7, 0x55);
    assert_false(active_commit_transfer(&e, 7));
}
