/*
 * The audit of the page-type engine: counts again, from the tables themselves,
 * what the words of all frames claim.
 *
 * Everything that holds a reference is one of: an entry of a table (each
 * table's type word says how many of its entries hold theirs), the owner, a
 * pin, the state PARTIAL, a lent page, or something outside of the tables that
 * audit_external_refs reports.
 */
#include "mm/page_engine.h"

#include "arch/x86/map.h"
#include "lib/printk.h"
#include <xen/xen.h>

#define AUDIT_PRINTED 10

void audit_count(struct audit_scratch *scratch, mfn_t m, uint32_t refs,
                 uint32_t types)
{
    if (m.m >= max_mfn)
        return;
    scratch[m.m].refs += refs;
    scratch[m.m].types += types;
}

/* Frames of domains; in others the type word may hold other things. */
static bool auditable(uint64_t m)
{
    return mfn_valid(mfn(m)) &&
           frame_owner_id(frame_of(mfn(m))) < DOMID_FIRST_RESERVED;
}

/* One present entry of table f: what it names, and whether it may. */
static void audit_entry(struct audit_scratch *s, const struct frame *f,
                        unsigned level, pte_t e)
{
    struct audit_scratch *table = &s[frame_mfn(f).m];
    mfn_t m = pte_mfn(e);
    const struct frame *named;

    if (!(e & PTE_US))
        table->broken = true;
    if (!mfn_valid(m)) {
        table->broken |= level > 1;
        return;
    }
    named = frame_of(m);
    if (linear_entry(f, level, e)) {
        table->broken |= !!(e & PTE_RW);
        return;
    }
    if (level > 1) {
        audit_count(s, m, 1, 1);
        if (page_type(named) != PGT_LEVEL(level - 1) ||
            !(type_load(named) & PGT_VALIDATED) ||
            frame_owner_id(named) != frame_owner_id(f))
            table->broken = true;
        return;
    }
    audit_count(s, m, 1, !!(e & PTE_RW));
    if ((e & PTE_RW) && page_type(named) != PGT_WRITABLE)
        table->broken = true;
}

static unsigned audit_progress(uint64_t x)
{
    if (x & PGT_VALIDATED)
        return PTES_PER_TABLE;
    if (x & PGT_PARTIAL)
        return (unsigned)((x & PGT_AUX_MASK) >> PGT_AUX_SHIFT);
    return 0;
}

static void audit_table(struct audit_scratch *s, const struct frame *f)
{
    uint64_t x = type_load(f);
    unsigned level = pgt_level(x), n = level ? audit_progress(x) : 0;
    const pte_t *t;

    if (!n)
        return;
    t = map_frame(frame_mfn(f));
    for (unsigned i = 0; i < n; i++) {
        if (!(t[i] & PTE_P) || hyp_slot(level, i))
            continue;
        audit_entry(s, f, level, t[i]);
        if ((x & PGT_VALIDATED) && !((parts_of(x) >> (i / TABLE_PART)) & 1))
            s[frame_mfn(f).m].broken = true;
    }
    unmap_frame(t);
}

/* References that the frame's own words imply. */
static void audit_own(struct audit_scratch *s, const struct frame *f)
{
    uint64_t x = type_load(f), r = f->ref;

    if (r & FRAME_ALLOCATED)
        s->refs++;
    if ((r & FRAME_XENHEAP) && (r & FRAME_ALLOCATED))
        s->types++; /* the lender's */
    if (x & PGT_PINNED) {
        s->refs++;
        s->types++;
    }
    if (x & PGT_PARTIAL) {
        s->refs++;
        s->types++;
    }
}

/* Does the type word make sense at all, with no operation under way? */
static bool word_sane(const struct frame *f)
{
    uint64_t x = type_load(f);
    uint64_t count = x & PGT_COUNT_MASK;
    uint64_t state = x & (PGT_VALIDATED | PGT_PARTIAL);

    if (f->ref & FRAME_XENHEAP)
        return !pgt_level(x);
    if (!count)
        return !(state | (x & (PGT_PINNED | PGT_FAILED)));
    if ((x & PGT_PARTIAL) && count != 1)
        return false;
    if ((x & PGT_FAILED) && !(x & PGT_PARTIAL))
        return false;
    if ((x & PGT_PINNED) && !(x & PGT_VALIDATED))
        return false;
    if (!type_validates(x))
        return !state && (x & PGT_MASK) != PGT_NONE;
    if (!pgt_level(x))
        return state == PGT_VALIDATED && !(x & PGT_PINNED);
    return state == PGT_VALIDATED || state == PGT_PARTIAL;
}

static bool frame_agrees(const struct frame *f, const struct audit_scratch *s)
{
    uint64_t x = type_load(f);

    return !s->broken && word_sane(f) && s->refs == frame_ref_count(f) &&
           s->types == (x & PGT_COUNT_MASK);
}

uint64_t page_audit_domain(const struct domain *d,
                           struct audit_scratch *scratch)
{
    uint64_t bad = 0;

    for (uint64_t m = 0; m < max_mfn; m++)
        scratch[m] = (struct audit_scratch){0, 0, false};
    for (uint64_t m = 0; m < max_mfn; m++)
        if (auditable(m))
            audit_table(scratch, frame_of(mfn(m)));
    audit_external_refs(d, scratch);

    for (uint64_t m = 0; m < max_mfn; m++) {
        const struct frame *f = frame_of(mfn(m));

        if (!auditable(m) || (d && frame_owner_id(f) != domain_id_of(d)))
            continue;
        audit_own(&scratch[m], f);
        if (frame_agrees(f, &scratch[m]) || bad++ >= AUDIT_PRINTED)
            continue;
        printk(XENLOG_ERR "audit: frame %lx ref %lx type %lx, counted %u "
                          "references and %u types%s\n",
               m, f->ref, f->type, scratch[m].refs, scratch[m].types,
               scratch[m].broken ? ", bad entry" : "");
    }
    return bad;
}
