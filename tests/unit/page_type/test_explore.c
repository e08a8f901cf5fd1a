/*
 * All states that a small machine can reach: four frames of A, one of B, one
 * entry that matters in each, every operation with and without preemption. A
 * search over states (counts, types and entries; not the TLB's clock) in
 * breadth; in each of them the counts must be exact and no CPU may hold what
 * the types forbid. PAGE_TYPE_STATES changes where the search stops.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define SMALL  5 /* frames 1..5; the last is B's */
#define SLOT   40
#define STATES 4000u

struct state {
    uint64_t type[SMALL], ref[SMALL];
    pte_t entry[SMALL];
    uint8_t held[SMALL]; /* base pointers and the like */
};

static struct state *states;
static uint32_t *hash_heads;
static unsigned nstates, max_states, hash_size;

static void world_from(const struct state *s)
{
    for (unsigned i = 0; i < SMALL; i++) {
        mfn_t m = mfn(i + 1);

        F(m)->type = s->type[i];
        F(m)->ref = s->ref[i];
        entries(m)[SLOT] = s->entry[i];
        /* What another branch of the search has left there. */
        memset(&entries(m)[HYP_L4_FIRST], 0, 16 * sizeof(pte_t));
        external[i + 1] = (struct external){s->held[i], s->held[i]};
    }
}

static void world_to(struct state *s)
{
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < SMALL; i++) {
        mfn_t m = mfn(i + 1);

        s->type[i] = F(m)->type;
        if (!(s->type[i] & PGT_COUNT_MASK) || page_type(F(m)) == PGT_WRITABLE)
            s->type[i] &= ~PGT_AUX_MASK;
        s->ref[i] = F(m)->ref;
        s->entry[i] = entries(m)[SLOT];
        s->held[i] = (uint8_t)external[i + 1].types;
    }
}

static uint32_t hash(const struct state *s)
{
    const uint8_t *p = (const uint8_t *)s;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < sizeof(*s); i++)
        h = (h ^ p[i]) * 16777619u;
    return h % hash_size;
}

/* Open addressing; true if the state is new. */
static bool remember(const struct state *s)
{
    uint32_t h = hash(s);

    while (hash_heads[h]) {
        if (!memcmp(&states[hash_heads[h] - 1], s, sizeof(*s)))
            return false;
        h = (h + 1) % hash_size;
    }
    if (nstates == max_states)
        return false;
    states[nstates++] = *s;
    hash_heads[h] = nstates;
    return true;
}

static struct domain *owner(mfn_t m)
{
    return frame_owner_id(F(m)) == B.id ? &B : &A;
}

static void guest_write(mfn_t m, pte_t e)
{
    if (page_get_and_type(F(m), PGT_WRITABLE, owner(m)))
        return;
    entries(m)[SLOT] = e;
    page_put_writable(F(m));
    frame_put(F(m));
}

static void hold(mfn_t m, uint64_t type)
{
    if (!external[m.m].types && !page_get_and_type(F(m), type, owner(m)))
        external[m.m] = (struct external){1, 1};
}

static void drop(mfn_t m)
{
    if (!external[m.m].types)
        return;
    external[m.m] = (struct external){0, 0};
    (void)page_put_and_type(F(m), owner(m));
}

static void update(mfn_t t, pte_t e)
{
    mfn_t deferred;
    mfn_t named = pte_mfn(e);

    if (pt_update_entry(t, SLOT, e, owner(t), e ? owner(named) : owner(t), 0,
                        &deferred) ||
        mfn_is_invalid(deferred))
        return;
    frame_put(F(deferred)); /* left to whoever wants it next */
}

/* Operation n on the present state; false: there are no more. */
static bool operate(unsigned n)
{
    mfn_t m = mfn(1 + n % SMALL), other;
    unsigned kind = n / SMALL;

    if (kind < 4)
        (void)page_pin(m, kind + 1, owner(m));
    else if (kind == 4)
        (void)page_unpin(m, owner(m));
    else if (kind == 5)
        hold(m, PGT_WRITABLE);
    else if (kind == 6)
        hold(m, PGT_L2);
    else if (kind == 7)
        drop(m);
    else if (kind == 8)
        guest_write(m, 0);
    else if (kind == 9)
        update(m, 0);
    else if (kind < 10 + 2 * SMALL) {
        other = mfn(1 + (kind - 10) / 2);
        guest_write(m, E(other, kind & 1 ? PTE_RW | PTE_US : PTE_US));
    } else if (kind < 10 + 4 * SMALL) {
        other = mfn(1 + (kind - 10 - 2 * SMALL) / 2);
        update(m, E(other, kind & 1 ? PTE_RW | PTE_US : PTE_US));
    } else {
        return false;
    }
    return true;
}

static unsigned expand(struct state from)
{
    struct state to;
    unsigned fresh = 0;

    for (int preempt = 0; preempt < 2; preempt++)
        for (unsigned n = 0;; n++) {
            bool more;

            world_from(&from);
            tlb_reset();
            tlb_fill();
            preempt_at = preempt; /* the first question */
            more = operate(n);
            preempt_at = 0;
            if (!more)
                break;
            audit_ok();
            tlb_check();
            world_to(&to);
            fresh += remember(&to);
        }
    return fresh;
}

static void explore(void)
{
    const char *bound = getenv("PAGE_TYPE_STATES");
    struct state start;

    max_states = bound ? (unsigned)atoi(bound) : STATES;
    hash_size = 2 * max_states + 1;
    states = calloc(max_states, sizeof(*states));
    hash_heads = calloc(hash_size, sizeof(*hash_heads));
    assert_non_null(states);
    assert_non_null(hash_heads);
    nstates = 0;
    for (unsigned i = 0; i < SMALL; i++)
        (void)new_frame(i == SMALL - 1 ? &B : &A);
    world_to(&start);
    (void)remember(&start);
    for (unsigned i = 0; i < nstates; i++)
        (void)expand(states[i]);
    print_message("%u states%s\n", nstates,
                  nstates == max_states ? " (bound reached)" : "");
    assert_int_equal(nstates, max_states); /* there are more than that */
    free(states);
    free(hash_heads);
}

static void reachable_states(void **state)
{
    (void)state;
    explore();
}

static void states_with_linear_tables(void **state)
{
    (void)state;
    A.linear = B.linear = true;
    explore();
}

const struct CMUnitTest explore_tests[] = {
    TEST(reachable_states),
    TEST(states_with_linear_tables),
    TESTS_END,
};
