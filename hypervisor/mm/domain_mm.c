/*
 * Memory's part in the life of a domain, and what the page-type engine asks
 * about domains.
 *
 * Death. First the vCPUs' base pointers go, then each frame on the page list
 * is taken off it: those that only the domain refers to at once, many at a
 * time; else a pin or a half-done table is finished and the owner's reference
 * dropped. A frame that something else still refers to - tables of the domain
 * that are yet to go, other domains' mappings - moves to the list of released
 * frames, where it waits for its last reference. So steps are bounded, and no
 * frame is looked at twice.
 */
#include "core/domain.h"

#include "arch/x86/cpu.h"
#include "arch/x86/softirq.h"
#include "arch/x86/xpti.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/rangeset.h"
#include "mm/heap.h"
#include "mm/memory_op.h"
#include "mm/mmu.h"

extern const struct domain_hooks domain_hooks_start[], domain_hooks_end[];

/* ---- asked by the page-type engine ---- */

bool domain_may_map_io(const struct domain *d, mfn_t m)
{
    return rangeset_contains(d->iomem_caps, m.m, m.m);
}

bool domain_has_hardware(const struct domain *d)
{
    return d->is_hardware ||
           (d->iomem_caps && !rangeset_empty(d->iomem_caps));
}

/*
 * The level-1 cache compares fewer address bits than an entry has: as many as
 * CPUID says or more, 44 at least on what is open to this. So an entry is taken
 * for what its lowest of these bits name.
 */
bool domain_l1tf_unsafe(const struct domain *d, mfn_t m)
{
    unsigned bits = min(cpu_features.phys_bits, 44u) - PAGE_SHIFT;

    return d->l1tf_strict && (m.m & ((1UL << bits) - 1)) < max_mfn;
}

bool domain_may_be_linear(const struct domain *d)
{
    return d->is_privileged || !d->xpti;
}

void l4_entry_replaced(const struct domain *d, mfn_t l4, unsigned index)
{
    if (d->xpti)
        xpti_drop(l4, index, domain_dirty_cpus(d));
}

cpumask_t domain_dirty_cpus(const struct domain *d)
{
    return __atomic_load_n(&d->dirty_cpus, __ATOMIC_SEQ_CST);
}

/* ---- death ---- */

#define RUN_MAX 64 /* frames freed at once */

/* Drops one base pointer; a preempted rest goes to old_table. */
static int drop_base(struct vcpu *v, uint64_t *base)
{
    struct frame *f = frame_of(paddr_to_mfn(*base));

    if (!*base)
        return 0;
    *base = 0;
    spin_lock(&v->domain->pt_lock);
    if (page_put_type(f, v->domain))
        mm_defer_table(v, frame_mfn(f));
    else
        frame_put(f);
    spin_unlock(&v->domain->pt_lock);
    return mm_finish_old_table(v);
}

static int drop_bases(struct vcpu *v)
{
    int rc = mm_finish_old_table(v);

    if (!rc)
        rc = drop_base(v, &v->pv.cr3_user);
    if (!rc)
        rc = drop_base(v, &v->pv.cr3_kernel);
    return rc;
}

/* Ends the guest's own hold on a table. 0 or -ERESTART_PREEMPT. */
static int drop_pin(struct domain *d, struct frame *f)
{
    int rc = 0;

    if (!(__atomic_load_n(&f->type, __ATOMIC_RELAXED) &
          (PGT_PINNED | PGT_PARTIAL)))
        return 0;
    spin_lock(&d->pt_lock);
    if (__atomic_load_n(&f->type, __ATOMIC_RELAXED) & PGT_PINNED)
        rc = page_unpin(frame_mfn(f), d);
    if (rc != -ERESTART_PREEMPT)
        rc = page_finish_put(f, d);
    spin_unlock(&d->pt_lock);
    return rc;
}

/* The first frame of the page list, with a reference; NULL: it is empty. */
static struct frame *first_frame(struct domain *d)
{
    struct frame *f = NULL;

    spin_lock(&d->page_lock);
    while (!f && d->page_list != FRAME_NIL) {
        f = frame_of(mfn(d->page_list));
        if (!frame_get(f, d->domain_id)) {
            domain_move_released(d, f); /* its last reference just went */
            f = NULL;
        }
    }
    spin_unlock(&d->page_lock);
    return f;
}

/* Takes the first frame off the list, together with what is left of its use. */
static int release_first(struct domain *d, struct frame *f)
{
    int rc = drop_pin(d, f);

    if (!rc) {
        spin_lock(&d->page_lock);
        domain_move_released(d, f);
        spin_unlock(&d->page_lock);
        (void)frame_release(f);
    }
    frame_put(f);
    return rc;
}

static int release_frames(struct domain *d)
{
    for (;;) {
        struct frame *f;

        while (domain_free_unused(d, RUN_MAX))
            if (preempt_needed())
                return -ERESTART_PREEMPT;
        f = first_frame(d);
        if (!f)
            return 0;
        if (release_first(d, f) || preempt_needed())
            return -ERESTART_PREEMPT;
    }
}

static int mm_relinquish(struct domain *d)
{
    struct vcpu *v;

    ASSERT(!domain_dirty_cpus(d));
    /* Whoever pinned before the domain was dying is done after this. */
    spin_lock(&d->pt_lock);
    spin_unlock(&d->pt_lock);
    for_each_vcpu(d, v) {
        int rc = drop_bases(v);
        if (rc)
            return rc;
    }
    (void)heap_claim(d, 0);
    return release_frames(d);
}

static void mm_vcpu_destroy(struct vcpu *v)
{
    while (mm_finish_old_table(v))
        ;
}

/* ---- audit ---- */

static void audit_base(struct audit_scratch *scratch, uint64_t base)
{
    if (base)
        audit_count(scratch, paddr_to_mfn(base), 1, 1);
}

static void audit_vcpu(const struct vcpu *v, struct audit_scratch *scratch)
{
    const struct pv_vcpu *pv = &v->pv;

    audit_base(scratch, pv->cr3_kernel);
    audit_base(scratch, pv->cr3_user);
    if (pv->old_table)
        audit_count(scratch, mfn(pv->old_table - 1), 1, 0);
    for (unsigned i = 0; i < DIV_ROUND_UP(pv->gdt_entries, 512); i++)
        audit_count(scratch, mfn(pv->gdt_frames[i]), 1, 1);
    for (unsigned i = 0; i < 16; i++)
        if ((pv->ldt_mapped >> i) & 1)
            audit_count(scratch, mfn(pv->ldt_frames[i]), 1, 1);
    if (!mfn_is_invalid(v->vcpu_info_mfn))
        audit_count(scratch, v->vcpu_info_mfn, 1, 1);
}

static void mm_audit(const struct domain *d, struct audit_scratch *scratch)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
        audit_vcpu(v, scratch);
}

/* What the other rooms hold they account for in their hooks. */
void audit_external_refs(const struct domain *only,
                         struct audit_scratch *scratch)
{
    const struct domain_hooks *h;
    const struct domain *d;

    for_each_domain(d) {
        if (only && d != only)
            continue;
        for (h = domain_hooks_start; h < domain_hooks_end; h++)
            if (h->audit)
                h->audit(d, scratch);
    }
}

DOMAIN_HOOKS(mm_hooks) = {
    .name = "mm",
    .relinquish = mm_relinquish,
    .destroy = memory_map_free,
    .vcpu_destroy = mm_vcpu_destroy,
    .audit = mm_audit,
};
