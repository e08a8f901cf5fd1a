/*
 * HYPERVISOR_mmuext_op: pins, base pointers, TLB and cache flushes, LDT.
 *
 * Each operation takes the pt_lock it needs by itself. Those that concern the
 * calling vCPU (base pointers, flushes, LDT) are refused with -EPERM for a
 * foreigndom other than the caller.
 */
#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/softirq.h"
#include "arch/x86/tlb.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "lib/errno.h"
#include "mm/mmu.h"
#include "mm/page_type.h"

#define LDT_MAX_ENTRIES 8192

/* -EINVAL: not the domain's, or of a wrong type. -EBUSY is -EINVAL here. */
static int pin_table(struct domain *d, uint64_t m, unsigned level)
{
    int rc = -EINVAL;

    spin_lock(&d->pt_lock);
    /* A dying domain's pins have been counted off already. */
    if (m < max_mfn && d->dying == DOM_ALIVE)
        rc = page_pin(mfn(m), level, d);
    spin_unlock(&d->pt_lock);
    return rc == -EBUSY ? -EINVAL : rc;
}

static int unpin_table(struct domain *d, uint64_t m)
{
    int rc = -EINVAL;

    spin_lock(&d->pt_lock);
    if (m < max_mfn)
        rc = page_unpin(mfn(m), d);
    spin_unlock(&d->pt_lock);
    return rc;
}

/* MULTI and ALL flushes of the current domain. */
static int flush_tlbs(struct domain *d, const struct mmuext_op *op)
{
    vaddr_t va = op->arg1.linear_addr;
    cpumask_t cpus = domain_dirty_cpus(d);
    int rc;

    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_INVLPG_MULTI) {
        rc = mmu_vcpu_mask(d, (vaddr_t)op->arg2.vcpumask.p, &cpus);
        if (rc)
            return rc;
    }
    if (op->cmd == MMUEXT_TLB_FLUSH_MULTI || op->cmd == MMUEXT_TLB_FLUSH_ALL)
        tlb_flush_cpus(cpus);
    else if (guest_range_ok(va, 1))
        tlb_flush_page_cpus(cpus, va);
    return 0;
}

static void write_back_caches(void *unused)
{
    (void)unused;
    __asm__ volatile("wbinvd" ::: "memory");
}

/* -EACCES: the domain drives no hardware that would care. */
static int flush_cache(struct domain *d, bool all_cpus)
{
    if (!domain_has_hardware(d))
        return -EACCES;
    if (all_cpus)
        smp_call(cpu_online_map, write_back_caches, NULL);
    else
        write_back_caches(NULL);
    return 0;
}

/* -EINVAL: base not page-aligned or ours, or more than 8192 entries. */
static int set_ldt(struct vcpu *v, vaddr_t base, unsigned entries)
{
    unsigned long flags;

    if (entries > LDT_MAX_ENTRIES)
        return -EINVAL;
    if (!entries)
        base = 0;
    if (PAGE_OFFSET(base) || !guest_range_ok(base, entries * 8UL))
        return -EINVAL;
    spin_lock(&v->domain->pt_lock);
    pv_drop_ldt(v);
    v->pv.ldt_base = base;
    v->pv.ldt_entries = entries;
    spin_unlock(&v->domain->pt_lock);
    flags = irq_save();
    pv_load_ldt(v);
    irq_restore(flags);
    return 0;
}

/* A frame of d as the destination of a write; undo with put_writable. */
static struct frame *get_writable(struct domain *d, uint64_t m)
{
    struct frame *f;

    if (!d || m >= max_mfn || !mfn_valid(mfn(m)))
        return NULL;
    f = frame_of(mfn(m));
    if (!frame_get(f, d->domain_id))
        return NULL;
    if (page_get_type(f, PGT_WRITABLE, d)) {
        frame_put(f);
        return NULL;
    }
    return f;
}

static void put_writable(struct frame *f)
{
    page_put_writable(f);
    frame_put(f);
}

static int clear_page(struct domain *d, uint64_t m)
{
    struct frame *f = get_writable(d, m);

    if (!f)
        return -EINVAL;
    clear_frame(mfn(m));
    put_writable(f);
    return 0;
}

static int copy_page(struct domain *d, uint64_t dst, uint64_t src)
{
    struct frame *to, *from;

    if (!d || src >= max_mfn || !mfn_valid(mfn(src)))
        return -EINVAL;
    from = frame_of(mfn(src));
    if (!frame_get(from, d->domain_id))
        return -EINVAL;
    to = get_writable(d, dst);
    if (to) {
        copy_frame(mfn(dst), mfn(src));
        put_writable(to);
    }
    frame_put(from);
    return to ? 0 : -EINVAL;
}

/* Operations on the caller itself. */
static int do_own(struct vcpu *v, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_NEW_BASEPTR:
        return mmu_new_base(v, op->arg1.mfn, false);
    case MMUEXT_NEW_USER_BASEPTR:
        return mmu_new_base(v, op->arg1.mfn, true);
    case MMUEXT_TLB_FLUSH_LOCAL:
        tlb_flush_local();
        return 0;
    case MMUEXT_INVLPG_LOCAL:
        if (guest_range_ok(op->arg1.linear_addr, 1))
            tlb_flush_page_local(op->arg1.linear_addr);
        return 0;
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        return flush_tlbs(v->domain, op);
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return flush_cache(v->domain, op->cmd == MMUEXT_FLUSH_CACHE_GLOBAL);
    case MMUEXT_SET_LDT:
        return set_ldt(v, op->arg1.linear_addr, op->arg2.nr_ents);
    default:
        return -ENOSYS;
    }
}

static __noinline int do_op(struct vcpu *v, struct domain *fg,
                            const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        if (!fg || fg == &dom_xen)
            return -EINVAL;
        return pin_table(fg, op->arg1.mfn, op->cmd - MMUEXT_PIN_L1_TABLE + 1);
    case MMUEXT_UNPIN_TABLE:
        if (!fg || fg == &dom_xen)
            return -EINVAL;
        return unpin_table(fg, op->arg1.mfn);
    case MMUEXT_CLEAR_PAGE:
        return clear_page(fg, op->arg1.mfn);
    case MMUEXT_COPY_PAGE:
        return copy_page(fg, op->arg1.mfn, op->arg2.src_mfn);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
        return -EOPNOTSUPP; /* guests get no large pages */
    default:
        return fg == v->domain ? do_own(v, op) : -EPERM;
    }
}

static int do_list(struct vcpu *v, struct domain *fg, vaddr_t uops,
                   unsigned count, unsigned *done)
{
    struct mmuext_op op;
    int rc;

    while (*done < count) {
        if (copy_from_guest_va(&op, uops + *done * sizeof(op), sizeof(op)))
            return -EFAULT;
        rc = do_op(v, fg, &op);
        if (rc)
            return rc;
        if (++*done < count && (preempt_needed() || mm_old_table_pending(v)))
            return -ERESTART_PREEMPT;
    }
    return 0;
}

static __noinline long op_list(uint64_t uops, uint64_t count_arg,
                               uint64_t pdone, uint64_t foreigndom)
{
    uint32_t count = (uint32_t)count_arg & ~MMU_PREEMPTED;
    struct vcpu *v = current;
    uint32_t before = 0, done = 0;
    struct domain *fg;
    int rc;

    if (mm_old_table_pending(v) && mm_finish_old_table(v))
        return hypercall_continue(__HYPERVISOR_mmuext_op, 4, uops, count_arg,
                                  pdone, foreigndom);
    if (((uint32_t)count_arg & MMU_PREEMPTED) && pdone &&
        copy_from_guest_va(&before, pdone, sizeof(before)))
        return -EFAULT;
    rc = mmu_foreign_get((domid_t)foreigndom, &fg);
    if (rc)
        return mmu_put_done(pdone, before, rc);
    rc = do_list(v, fg, uops, count, &done);
    mmu_foreign_put(fg);
    rc = mmu_put_done(pdone, before + done, rc);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(
            __HYPERVISOR_mmuext_op, 4, uops + done * sizeof(struct mmuext_op),
            (uint64_t)((count - done) | MMU_PREEMPTED), pdone, foreigndom);
    return rc;
}

/*
 * mmuext_op(ops, count, pdone, foreigndom)
 *
 * Checks, in order: foreigndom (-ESRCH, -EPERM); each operation can be read
 * (-EFAULT); it is known (-ENOSYS) and, if it concerns the caller itself,
 * foreigndom is the caller (-EPERM); then what is said at the functions above.
 * The first error ends the list. *pdone gets the number of operations done.
 */
static long do_mmuext_op(uint64_t uops, uint64_t count, uint64_t pdone,
                         uint64_t foreigndom, uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;
    struct mmuext_op op;
    int rc;

    (void)a5;
    (void)a6;
    /* One operation on the caller itself needs no list. */
    if (count == 1 && foreigndom == DOMID_SELF && !mm_old_table_pending(v)) {
        rc = copy_from_guest_va(&op, uops, sizeof(op))
                 ? -EFAULT
                 : do_op(v, v->domain, &op);
        if (likely(rc != -ERESTART_PREEMPT))
            return mmu_put_done(pdone, !rc, rc);
    }
    return op_list(uops, count, pdone, foreigndom);
}
HYPERCALL(__HYPERVISOR_mmuext_op, 4, do_mmuext_op);
