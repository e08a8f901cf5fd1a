/*
 * Long sequences of random operations of two domains that also map each
 * other's frames, with random preemption. After each operation every count is
 * recomputed and the TLB model is asked; in the end everything is given up and
 * no frame may be left. PAGE_TYPE_SEED and PAGE_TYPE_OPS change the run.
 */
#include "world.h"

#include <stdlib.h>

#define SEED       20260u
#define OPS        40000u
#define PER_DOMAIN 14

static uint64_t rng;
static mfn_t owned[2][PER_DOMAIN];
static struct domain *doms[2] = {&A, &B};
/* References that the test has taken, to be given back. */
static struct {
    mfn_t m;
    struct domain *d;
} held[32];
static unsigned nheld;
static unsigned granted, refused, preempted;

static unsigned rnd(unsigned n)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return (unsigned)((rng >> 20) % n);
}

static void note(int rc)
{
    if (!rc)
        granted++;
    else if (rc == -ERESTART_PREEMPT)
        preempted++;
    else
        refused++;
}

static mfn_t any_frame(unsigned who)
{
    return owned[who][rnd(PER_DOMAIN)];
}

/* Frames keep roles mostly, so that trees come about. */
static mfn_t frame_of_level(unsigned who, unsigned level)
{
    return rnd(8) ? owned[who][3 * level + rnd(2)] : any_frame(who);
}

static unsigned any_index(void)
{
    static const unsigned special[] = {0, 1, 2, 3, 255, 256, 271, 272, 511};

    return special[rnd(ARRAY_SIZE(special))];
}

static pte_t any_entry(unsigned who, unsigned level)
{
    static const uint64_t odd[] = {PTE_G, PTE_PSE,    PTE_PCD,   PTE_NX,
                                   PTE_A, PTE_AVAIL0, 1UL << 52, 1UL << 60};
    unsigned kind = rnd(16);
    pte_t e = E(frame_of_level(who, level ? level - 1 : 0), 0);

    if (kind == 0)
        return 0;
    if (kind == 1)
        e &= ~PTE_P;
    if (kind == 2)
        e = E(any_frame(!who), 0);
    if (kind == 3)
        e = E(mfn(FRAMES - 2 + rnd(4)), 0);
    if (kind == 4)
        e |= odd[rnd(ARRAY_SIZE(odd))];
    if (kind == 5)
        e = E(frame_of_level(who, 4), 0); /* in itself it is linear */
    return e | (rnd(3) ? 0 : PTE_RW) | (rnd(2) ? PTE_US : 0);
}

static void op_pin(unsigned who)
{
    unsigned level = 1 + rnd(4);

    note(page_pin(frame_of_level(who, level), level, doms[who]));
}

static void op_unpin(unsigned who)
{
    note(page_unpin(any_frame(who), doms[who]));
}

/* The hypervisor holds a frame for the guest: base pointer, LDT, grant. */
static void op_hold(unsigned who)
{
    static const uint64_t types[] = {PGT_WRITABLE, PGT_L4, PGT_SEGDESC};
    mfn_t m = any_frame(who);
    int rc;

    if (nheld == ARRAY_SIZE(held))
        return;
    rc = page_get_and_type(F(m), types[rnd(3)], doms[who]);
    note(rc);
    if (rc)
        return;
    held[nheld].m = m;
    held[nheld++].d = doms[who];
    external[m.m].refs++;
    external[m.m].types++;
}

static void drop_held(unsigned i)
{
    mfn_t m = held[i].m;
    struct domain *d = held[i].d;

    held[i] = held[--nheld];
    if (!external[m.m].types)
        return; /* given up when the LDT page was unmapped */
    external[m.m].refs--;
    external[m.m].types--;
    note(page_put_and_type(F(m), d));
}

static void op_drop(unsigned who)
{
    (void)who;
    if (nheld)
        drop_held(rnd(nheld));
}

/* The guest writes to a page that it could map writable. */
static void op_guest_write(unsigned who)
{
    mfn_t m = any_frame(who);

    if (page_get_and_type(F(m), PGT_WRITABLE, doms[who]))
        return;
    entries(m)[any_index()] = any_entry(who, 1 + rnd(4));
    page_put_writable(F(m));
    frame_put(F(m));
}

static void finish(mfn_t m, struct domain *d)
{
    external[m.m].refs++;
    while (page_finish_put(F(m), d))
        audit_ok();
    external[m.m].refs--;
    frame_put(F(m));
}

static void op_update(unsigned who)
{
    struct domain *d = doms[who];
    unsigned level = 1 + rnd(4);
    mfn_t t = frame_of_level(who, level), deferred;
    pte_t e = any_entry(who, level);
    struct domain *fg = rnd(4) ? d : rnd(4) ? doms[!who] : NULL;
    int rc;

    if (fg == doms[!who] && rnd(2))
        e = E(any_frame(!who), rnd(2) ? PTE_RW : 0);
    if (level == 1 && fg == d && rnd(2)) {
        note(short_update(t, any_index(), e, d));
        return;
    }
    rc = pt_update_entry(t, any_index(), e, d, fg, rnd(2), &deferred);
    note(rc);
    if (rc || mfn_is_invalid(deferred))
        return;
    if (rnd(2)) {
        finish(deferred, d);
    } else {
        frame_put(F(deferred)); /* forgotten: it keeps itself */
    }
}

static void op_grant(unsigned who)
{
    struct domain *d = doms[who];
    mfn_t t = frame_of_level(who, 1), g = any_frame(!who);
    unsigned i = any_index();
    pte_t now = entries(t)[i], e = rnd(3) ? E(g, rnd(2) ? PTE_RW : 0) : 0;

    if (!frame_get(F(g), doms[!who]->id))
        return;
    note(pt_update_l1_if(t, i, now ^ (rnd(4) ? 0 : PTE_D), e, d, NULL,
                         PT_UPDATE_GRANT));
    frame_put(F(g));
}

/* Gives a frame up and takes another one in its place. */
static void op_exchange(unsigned who)
{
    unsigned i = rnd(PER_DOMAIN);
    mfn_t fresh;

    if (rnd(4))
        return;
    for (unsigned n = 0, f = 1; f < FRAMES; f++) {
        n += is_free(mfn(f));
        if (n > 4) /* some room must be left */
            break;
        if (f == FRAMES - 1)
            return;
    }
    assert_true(frame_release(F(owned[who][i])));
    fresh = new_frame(doms[who]);
    owned[who][i] = fresh;
}

static void op_move(unsigned who)
{
    tlb_move(doms[who], 1 + rnd(15));
}

static void (*const ops[])(unsigned) = {
    op_pin,         op_pin,    op_pin,    op_unpin,    op_hold,
    op_drop,        op_update, op_update, op_update,   op_guest_write,
    op_guest_write, op_grant,  op_move,   op_exchange,
};

static void random_run(unsigned count)
{
    for (unsigned n = 0; n < count; n++) {
        unsigned who = rnd(2);

        preempt_at = rnd(4) ? (rnd(4) ? -1 : 1 + (int)rnd(6)) : 0;
        ops[rnd(ARRAY_SIZE(ops))](who);
        preempt_at = 0;
        audit_ok();
        tlb_check();
        tlb_fill();
    }
}

/* Frames that others still hold when their owner is gone go in the end. */
static void give_everything_up(void)
{
    while (nheld)
        drop_held(0);
    for (unsigned m = 0; m < FRAMES; m++) {
        struct domain *d = frame_owner_id(F(mfn(m))) == A.id ? &A : &B;

        if (F(mfn(m))->type & (PGT_PINNED | PGT_PARTIAL))
            assert_int_equal(unpin_all(mfn(m), d), 0);
    }
    for (unsigned who = 0; who < 2; who++)
        for (unsigned i = 0; i < PER_DOMAIN; i++)
            assert_true(frame_release(F(owned[who][i])));
    for (unsigned m = 0; m < FRAMES; m++)
        assert_true(is_free(mfn(m)));
}

static void random_operations(void **state)
{
    const char *s = getenv("PAGE_TYPE_SEED"), *o = getenv("PAGE_TYPE_OPS");
    unsigned seed = s ? (unsigned)atoi(s) : SEED;
    unsigned total = o ? (unsigned)atoi(o) : OPS;

    (void)state;
    print_message("seed %u, %u operations\n", seed, total);
    rng = 0x9e3779b97f4a7c15UL * (seed + 1);
    granted = refused = preempted = 0;
    for (unsigned round = 0; round < 10; round++) {
        (void)world_setup(NULL);
        A.strict = round & 1;
        B.hardware = round & 2;
        A.linear = round & 4;
        B.linear = !A.linear;
        for (unsigned who = 0; who < 2; who++)
            for (unsigned i = 0; i < PER_DOMAIN; i++)
                owned[who][i] = new_frame(doms[who]);
        random_run(total / 10);
        give_everything_up();
    }
    print_message("granted %u, refused %u, preempted %u\n", granted, refused,
                  preempted);
    assert_true(granted > total / 10);
    assert_true(refused > total / 20);
    assert_true(preempted > total / 400);
}

const struct CMUnitTest random_tests[] = {
    cmocka_unit_test(random_operations),
    TESTS_END,
};
