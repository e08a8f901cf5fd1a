/*
 * Random pins and guests against a model: a list of who holds what. One guest
 * keeps to the protocol, and then the marks must tell exactly what is in use;
 * the other writes anything at any time.
 */
#include "grant/t.h"

#include <stdlib.h>
#include <string.h>

#define STEPS 200000u
#define HELD  12u

static struct active_entry a;
static grant_entry_v1_t e;
static struct {
    domid_t who;
    bool readonly;
} held[HELD];
static unsigned nr, frame;
static uint64_t seed;

static unsigned count(bool readonly)
{
    unsigned n = 0;

    for (unsigned i = 0; i < nr; i++)
        n += held[i].readonly == readonly;
    return n;
}

static void honest_guest(void)
{
    uint16_t flags = e.flags;

    switch (next_random(&seed) % 4) {
    case 0: /* withdraw */
        if (!(flags & (GTF_reading | GTF_writing)))
            e.flags = 0;
        break;
    case 1: /* publish */
        if (!flags) {
            e.domid = (domid_t)(next_random(&seed) % 3);
            e.frame = next_random(&seed) % 1000;
            e.flags = GTF_permit_access |
                      (next_random(&seed) % 2 ? GTF_readonly : 0);
        }
        break;
    case 2: /* to read-only */
        if ((flags & GTF_permit_access) && !(flags & GTF_writing))
            e.flags |= GTF_readonly;
        break;
    default: /* to writable */
        e.flags &= (uint16_t)~GTF_readonly;
        break;
    }
}

static void hostile_guest(void)
{
    e.flags = (uint16_t)(next_random(&seed) % 512);
    e.domid = (domid_t)(next_random(&seed) % 3);
    e.frame = next_random(&seed);
}

static void pin(void)
{
    domid_t who = (domid_t)(next_random(&seed) % 3);
    bool readonly = next_random(&seed) % 2;
    grant_entry_v1_t before = e;
    bool permitted = (before.flags & GTF_type_mask) == GTF_permit_access &&
                     before.domid == who &&
                     (readonly || !(before.flags & GTF_readonly));
    bool covered = nr && (readonly || count(WRITE));
    bool mine = !nr || held[0].who == who;
    int rc = active_pin(&a, &e, who, readonly);

    assert_int_equal(rc, mine && (covered || permitted) ? GNTST_okay
                                                        : GNTST_general_error);
    if (rc) {
        assert_memory_equal(&e, &before, sizeof(e));
        return;
    }
    if (!nr)
        frame = before.frame;
    held[nr].who = who;
    held[nr++].readonly = readonly;
}

static void unpin(void)
{
    unsigned i = next_random(&seed) % nr;
    grant_entry_v1_t before = e;

    active_unpin(&a, &e, held[i].readonly);
    held[i] = held[--nr];
    /* Only marks go. */
    assert_int_equal(e.flags | GTF_reading | GTF_writing,
                     before.flags | GTF_reading | GTF_writing);
    assert_int_equal(e.flags & ~before.flags, 0);
    assert_int_equal(e.frame, before.frame);
}

static void check(bool honest)
{
    assert_int_equal(a.readers, count(READ));
    assert_int_equal(a.writers, count(WRITE));
    assert_int_equal(active_in_use(&a), nr > 0);
    if (nr) {
        assert_int_equal(a.frame, frame);
        assert_int_equal(a.domid, held[0].who);
    }
    if (honest) {
        assert_int_equal(!!(e.flags & GTF_reading), nr > 0);
        assert_int_equal(!!(e.flags & GTF_writing), count(WRITE) > 0);
    }
}

static void run(bool honest)
{
    memset(&a, 0, sizeof(a));
    memset(&e, 0, sizeof(e));
    nr = 0;
    for (unsigned i = 0; i < STEPS; i++) {
        switch (next_random(&seed) % 3) {
        case 0:
            if (nr < HELD)
                pin();
            break;
        case 1:
            if (nr)
                unpin();
            break;
        default:
            if (honest)
                honest_guest();
            else
                hostile_guest();
            break;
        }
        check(honest);
    }
}

void test_active_random(void **state)
{
    const char *s = getenv("GRANT_SEED");

    (void)state;
    seed = s ? strtoull(s, NULL, 0) : 1;
    run(true);
    run(false);
}
