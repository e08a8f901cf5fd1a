/*
 * The page-type engine: what a frame may be used for. docs/page-types.md is
 * the long form.
 *
 * Invariant. A frame has one type at a time. While the type count is not 0 the
 * type cannot change; a frame takes a new type only after (a) the count has
 * fallen to 0, (b) no CPU can still hold a translation of the old use, and
 * (c) - for tables and descriptor pages - every entry has been checked and
 * has taken references on what it names. So no frame is ever writable by a
 * guest and at the same time a page table or a descriptor page.
 *
 * type word
 *   63..61  type           PGT_*
 *   60      VALIDATED      entries checked, all hold their references
 *   59      PARTIAL        entries [0, progress) hold theirs, the others none
 *   58      PINNED         one of the counts is the guest's pin
 *   57      FOREIGN        WRITABLE: since the frame last changed its type, a
 *                          table of a domain not the owner has mapped it
 *   56      FAILED         with PARTIAL: validation found a bad entry and is
 *                          on its way back
 *   51..32  aux            count 0: TLB clock when it fell to 0
 *                          WRITABLE: TLB clock of the last put, or 0
 *                          PARTIAL: progress, 0..512
 *                          VALIDATED table: bit n is set if one of the
 *                          entries 32n..32n+31 was in use since validation
 *                          else 0
 *   31..0   type count
 *
 * VALIDATED and PARTIAL are of tables and descriptor pages only; with PARTIAL
 * the count is 1. With count 0 the type is the last one, kept so that a frame
 * which goes on in the same role needs no TLB flush.
 *
 * Locking. Validation, invalidation and every edit of a table of domain D run
 * under D->pt_lock, so there is one validator for a domain at a time. Type
 * references on writable frames are taken and dropped without it (foreign
 * mappings, grants): the word is changed by compare-and-swap alone.
 * References on table and descriptor types are only dropped under the owner's
 * pt_lock.
 *
 * Preemption. A long (in)validation stops between two entries when
 * preempt_needed() says so. The frame is then PARTIAL and keeps one anonymous
 * type count and one reference of its own. Nobody owns this state: whoever next
 * wants the type goes on upwards from `progress`; whoever next drops it goes on
 * downwards. A parent's entry whose child is PARTIAL does not count as done.
 * When validation completes, the anonymous count becomes that of the caller.
 * A PARTIAL frame that is FAILED only goes down: who wants the type finishes
 * that and gets -EINVAL. When a domain dies, page_unpin on each frame that is
 * PINNED or PARTIAL takes all of it apart.
 *
 * No table may name one of its own or a higher level, but for the linear entry:
 * an L4 may name itself, read-only, if domain_may_be_linear. Through it the CPU
 * takes each table for one of a lower level, and the guest reads its tables; no
 * walk of ours goes that way (guest_walk.c).
 */
#ifndef MM_PAGE_TYPE_H
#define MM_PAGE_TYPE_H

#include "arch/x86/pte.h"
#ifndef HOST_SHIM
#include "core/domain.h"
#endif
#include "lib/types.h"
#include "mm/frame.h"

#define PGT_SHIFT 61
#define PGT_MASK (7UL << PGT_SHIFT)
#define PGT_NONE (0UL << PGT_SHIFT)
#define PGT_WRITABLE (1UL << PGT_SHIFT)
#define PGT_L1 (2UL << PGT_SHIFT)
#define PGT_L2 (3UL << PGT_SHIFT)
#define PGT_L3 (4UL << PGT_SHIFT)
#define PGT_L4 (5UL << PGT_SHIFT)
#define PGT_SEGDESC (6UL << PGT_SHIFT)
#define PGT_SHARED_RO (7UL << PGT_SHIFT) /* room for the page cache */
#define PGT_VALIDATED (1UL << 60)
#define PGT_PARTIAL (1UL << 59)
#define PGT_PINNED (1UL << 58)
#define PGT_FOREIGN (1UL << 57)
#define PGT_FAILED (1UL << 56)
#define PGT_AUX_SHIFT 32
#define PGT_AUX_MASK (0xfffffUL << PGT_AUX_SHIFT)
#define PGT_COUNT_MASK 0xffffffffUL
#define PGT_COUNT_MAX 0xfffffff0UL

static inline uint64_t page_type(const struct frame *f)
{
    return __atomic_load_n(&f->type, __ATOMIC_RELAXED) & PGT_MASK;
}
static inline uint64_t page_type_count(const struct frame *f)
{
    return __atomic_load_n(&f->type, __ATOMIC_RELAXED) & PGT_COUNT_MASK;
}
/* Level 1..4 of a table type, 0 for the others. */
static inline unsigned pgt_level(uint64_t type)
{
    unsigned n = (unsigned)((type & PGT_MASK) >> PGT_SHIFT);
    return n >= 2 && n <= 5 ? n - 1 : 0;
}
#define PGT_LEVEL(n) ((uint64_t)((n) + 1) << PGT_SHIFT)

/*
 * Takes a type reference (the caller holds a general one). Table and
 * descriptor types: pt_lock of `owner` (the frame's domain) held. May flush
 * TLBs of other CPUs and wait for them: interrupts enabled.
 * Returns 0; -EINVAL the contents don't validate; -EBUSY the frame has another
 * type in use, is lent memory of the hypervisor, or the count is at its
 * maximum; -ERESTART_PREEMPT preempted, call again to go on. `owner` may be
 * NULL (not known) for PGT_WRITABLE: then more CPUs are flushed.
 */
int page_get_type(struct frame *f, uint64_t type, struct domain *owner);
/*
 * Drops a type reference. -ERESTART_PREEMPT: invalidation was preempted; the
 * reference is gone all the same, and the frame is PARTIAL. It keeps itself
 * alive; call page_finish_put until it gives 0, so that it does not linger.
 */
int page_put_type(struct frame *f, struct domain *owner);
/* For writable frames: never preempts, no lock. */
void page_put_writable(struct frame *f);
/*
 * Goes on with the invalidation of a PARTIAL table. 0 or -ERESTART_PREEMPT.
 * pt_lock held. Needs no reference: a frame that is no longer the owner's, or
 * not PARTIAL, is left alone (0).
 */
int page_finish_put(struct frame *f, struct domain *owner);

/*
 * Both references at once: frame_get + page_get_type, exact unwinding: on any
 * error the caller holds neither. -EINVAL also: not the owner's frame.
 */
int page_get_and_type(struct frame *f, uint64_t type, struct domain *owner);
/*
 * Drops both, always. -ERESTART_PREEMPT as page_put_type; the caller holds no
 * reference any more and goes on with page_finish_put.
 */
int page_put_and_type(struct frame *f, struct domain *owner);

/*
 * Pin and unpin a table (mmuext_op). pt_lock held; any MFN may be given. Pin:
 * general and type reference taken and kept; -EINVAL not the owner's frame,
 * already pinned or not valid, -EBUSY in use as something else. Unpin: -EINVAL
 * neither pinned nor PARTIAL. Both may give -ERESTART_PREEMPT: call again.
 */
int page_pin(mfn_t m, unsigned level, struct domain *owner);
int page_unpin(mfn_t m, struct domain *owner);

/*
 * Changes one entry of a validated table of `owner`, level 1..4, pt_lock held.
 *   slot     the frame holding the table and the index in it
 *   val      the new entry as the guest wrote it
 *   fg       domain whose frames L1 entries may name (`owner` itself, or a
 *            foreign one the caller is privileged for, or NULL for DOMID_IO
 *            device memory)
 *   flags    PT_UPDATE_PRESERVE_AD keeps accessed and dirty bits, if the old
 *            and the new entry are present
 * References for the new entry are taken before, those of the old dropped
 * after the change; nothing changes on error. An entry that only changes
 * flags that need no reference is rewritten at once. TLB flushes for the sake
 * of the guest's own view are up to the caller.
 * Returns 0, -EINVAL, -EBUSY, or -ERESTART_PREEMPT *before* any change; if the
 * drop of the old child table is preempted, 0 is returned and *deferred is set
 * to the child, on which the caller owes page_finish_put and frame_put (else
 * it is INVALID_MFN). deferred NULL: such a drop is done in one go.
 */
#define PT_UPDATE_PRESERVE_AD 1u
int pt_update_entry(mfn_t table, unsigned index, pte_t val,
                    struct domain *owner, struct domain *fg, unsigned flags,
                    mfn_t *deferred);
/*
 * As pt_update_entry with no flags, for an L1 of d that names d's own frames;
 * the entry is at machine address `at`, a multiple of 8. In a frame that is
 * no table: pt_write_plain. -EAGAIN: another table, nothing was done.
 */
int pt_update_own_l1(uint64_t at, pte_t val, struct domain *d);
/*
 * The same for entry `index` of a table to which a walk of tables in use led
 * (guest_walk.h): it is an L1 of d, or the walk had not come to it.
 */
int pt_update_walked_l1(mfn_t table, unsigned index, pte_t val,
                        struct domain *d);
/*
 * A write to memory of d that is no table, at machine address `at`, a multiple
 * of 8, as the guest could do by itself: if the frame is writable or can
 * become so. 0 or -EINVAL.
 */
int pt_write_plain(uint64_t at, uint64_t val, struct domain *d);
/*
 * As pt_update_entry on an L1, but only if the entry still equals `expect`
 * (-EAGAIN if not; the CPU's setting of accessed and dirty counts as a
 * change): compare-and-exchange emulation, grant unmap. With PT_UPDATE_GRANT
 * the mapping of the new entry is allowed whoever owns the frame (the grant
 * table has checked, and holds a reference of its own meanwhile), with
 * references taken as usual.
 */
#define PT_UPDATE_GRANT 2u
int pt_update_l1_if(mfn_t table, unsigned index, pte_t expect, pte_t val,
                    struct domain *owner, struct domain *fg, unsigned flags);

/*
 * The value a guest's present entry gets in the real table: user bit set;
 * that an L1 entry came without it is remembered in PTE_GUEST_KERNEL. What a
 * guest reads back and writes again stays the same.
 */
pte_t pt_adjust(pte_t val, unsigned level);

/* Checks one 8-byte descriptor and repairs its DPL; false = refuse. */
bool descriptor_check(uint64_t *desc, bool compat);

/*
 * Audit: recomputes every reference and type count of the domain's frames (d
 * NULL: of all domains') from the tables and compares; also that every entry
 * names what it may. Exact only while nothing changes: domains that map
 * frames of d paused, pt_lock held. scratch: max_mfn elements, contents don't
 * matter. Gives the number of frames that differ, after printing the first
 * ten.
 */
struct audit_scratch {
    uint32_t refs, types; /* counted so far */
    bool broken;          /* names or is named by what it may not */
};
uint64_t page_audit_domain(const struct domain *d,
                           struct audit_scratch *scratch);
/* For audit_external_refs: accounts for references on m. */
void audit_count(struct audit_scratch *scratch, mfn_t m, uint32_t refs,
                 uint32_t types);

/* ---- Provided by the rest of mm, or by the host test shim ---- */

/* Was the domain given device frames [m, m]? (iomem permission) */
bool domain_may_map_io(const struct domain *d, mfn_t m);
/* Cache attributes are only for domains that drive hardware. */
bool domain_has_hardware(const struct domain *d);
/*
 * May its L4s have a linear entry? Not where split tables keep the hypervisor's
 * slots from a domain that is not trusted: it would lead to those of its L4.
 */
bool domain_may_be_linear(const struct domain *d);
/* Must a not-present entry with this frame number be refused (L1TF)? */
bool domain_l1tf_unsafe(const struct domain *d, mfn_t m);
#ifdef HOST_SHIM
uint16_t domain_id_of(const struct domain *d);
#else
static inline uint16_t domain_id_of(const struct domain *d)
{
    return d->domain_id;
}
#endif
/* CPUs that may hold translations of the domain; one that joins flushes. */
cpumask_t domain_dirty_cpus(const struct domain *d);
/*
 * A present entry of a validated L4 of d has been replaced: copies of it that
 * CPUs run on are gone when this returns. pt_lock of d held.
 */
void l4_entry_replaced(const struct domain *d, mfn_t l4, unsigned index);
/* l4_install_hypervisor: arch/x86/pte.h. */
/*
 * The guest unmapped a page that is in use as descriptor table: drop mappings
 * of it in LDT windows with their references. pt_lock of d held.
 */
void descriptor_page_released(struct domain *d, mfn_t m);
/*
 * Audit: calls audit_count for every reference that is in no table: base
 * pointers, descriptor tables, registered pages, grants, transfers in flight.
 */
void audit_external_refs(const struct domain *d, struct audit_scratch *scratch);

#endif
