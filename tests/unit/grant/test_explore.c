/*
 * Every state that one grant can reach: two domains, both kinds of pin, up to
 * three each, and a guest that may write any word of a few bits at any moment.
 * After each step:
 *  - a pin was given only if the entry permitted it, or a pin at least as
 *    strong was held by the same domain;
 *  - frame and domain are those of the first pin;
 *  - the hypervisor has set no bit but marks, and cleared none but marks that
 *    no pin needs.
 */
#include "grant/t.h"

#include <string.h>

#define MAX_PINS 3u
#define WORDS    32u /* type, readonly, reading, writing */
#define DOMAINS  2u

/* A state: pins, whose they are, and the guest's word. */
struct node {
    unsigned readers, writers, holder, flags, domid;
};
static bool seen[4][4][DOMAINS][WORDS][DOMAINS];
static struct node stack[4096];
static unsigned depth, states;

static void visit(struct node n)
{
    bool *mark;

    if (!n.readers && !n.writers)
        n.holder = 0;
    mark = &seen[n.readers][n.writers][n.holder][n.flags][n.domid];
    if (*mark)
        return;
    *mark = true;
    states++;
    assert_true(depth < ARRAY_SIZE(stack));
    stack[depth++] = n;
}

static void build(const struct node *n, struct active_entry *a,
                  grant_entry_v1_t *e)
{
    memset(a, 0, sizeof(*a));
    a->readers = n->readers;
    a->writers = n->writers;
    a->domid = (domid_t)n->holder;
    a->frame = 100 + n->holder;
    /* The guest has written another number since, if it wanted. */
    *e = (grant_entry_v1_t){.flags = (uint16_t)n->flags,
                            .domid = (domid_t)n->domid,
                            .frame = 100 + n->domid};
}

static void try_pin(const struct node *n, unsigned who, bool readonly)
{
    bool idle = !n->readers && !n->writers, permitted;
    struct active_entry a;
    grant_entry_v1_t e;
    unsigned marks = GTF_reading | (readonly ? 0 : GTF_writing);

    build(n, &a, &e);
    permitted = (n->flags & GTF_type_mask) == GTF_permit_access &&
                n->domid == who && (readonly || !(n->flags & GTF_readonly));
    if (active_pin(&a, &e, (domid_t)who, readonly)) {
        assert_int_equal(e.flags, n->flags);
        assert_int_equal(a.readers + a.writers, n->readers + n->writers);
        return;
    }
    assert_true(permitted || (!idle && n->holder == who &&
                              (readonly || n->writers)));
    assert_int_equal(a.domid, who);
    assert_int_equal(a.frame, 100 + who);
    assert_int_equal(e.flags & ~marks, n->flags & ~marks);
    assert_int_equal(e.flags & n->flags, n->flags);
    visit((struct node){a.readers, a.writers, who, e.flags, n->domid});
}

static void try_unpin(const struct node *n, bool readonly)
{
    struct active_entry a;
    grant_entry_v1_t e;
    unsigned gone;

    build(n, &a, &e);
    active_unpin(&a, &e, readonly);
    gone = n->flags & ~(unsigned)e.flags;
    assert_int_equal(e.flags & ~n->flags, 0);
    assert_int_equal(gone & ~(GTF_reading | GTF_writing), 0);
    assert_true(!(gone & GTF_writing) || !a.writers);
    assert_true(!(gone & GTF_reading) || !active_in_use(&a));
    assert_true(a.writers || !(e.flags & GTF_writing) || readonly);
    assert_true(active_in_use(&a) || !(e.flags & GTF_reading));
    visit((struct node){a.readers, a.writers, n->holder, e.flags, n->domid});
}

static void step(struct node n)
{
    for (unsigned f = 0; f < WORDS; f++)
        for (unsigned d = 0; d < DOMAINS; d++)
            visit((struct node){n.readers, n.writers, n.holder, f, d});
    for (unsigned who = 0; who < DOMAINS; who++) {
        if (n.readers < MAX_PINS)
            try_pin(&n, who, READ);
        if (n.writers < MAX_PINS)
            try_pin(&n, who, WRITE);
    }
    if (n.readers)
        try_unpin(&n, READ);
    if (n.writers)
        try_unpin(&n, WRITE);
}

void test_active_explore(void **state)
{
    (void)state;
    visit((struct node){0, 0, 0, 0, 0});
    while (depth)
        step(stack[--depth]);
    print_message("%u states\n", states);
    /* All: 15 counts of two holders and the idle one, 32 words, 2 domains. */
    assert_int_equal(states, (15 * 2 + 1) * 32 * 2);
}
