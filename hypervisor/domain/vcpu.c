/*
 * vCPUs: birth and end, reasons not to run, and the place of vcpu_info.
 *
 * v->vcpu_info always points at something that may be written: the legacy slot
 * in shared_info (ids 0 to 31), else a dummy, until the guest registers a
 * frame of its own. That frame is then held with a general and a writable
 * reference until the domain dies. Others (event senders) read the pointer
 * without a lock; an event that they still put into the old place is made good
 * by marking everything pending in the new one.
 */
#include "core/vcpu.h"

#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/softirq.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "mm/page_type.h"

extern const struct domain_hooks domain_hooks_start[], domain_hooks_end[];

/* Where vCPUs without a place of their own have theirs; nobody reads it. */
static struct vcpu_info dummy_info = {.evtchn_upcall_mask = 1};

bool vcpu_info_is_dummy(const struct vcpu *v)
{
    return v->vcpu_info == &dummy_info;
}

/* ---- birth and end ---- */

static struct vcpu *alloc_vcpu(struct domain *d, unsigned id, unsigned cpu)
{
    struct vcpu *v = xzalloc_type(struct vcpu);

    if (!v)
        return NULL;
    v->domain = d;
    v->vcpu_id = id;
    v->processor = cpu;
    v->hard_affinity = v->soft_affinity = ~0UL;
    v->vcpu_info_mfn = INVALID_MFN;
    v->vcpu_info = d->shared_info && id < XEN_LEGACY_MAX_VCPUS
                       ? &d->shared_info->vcpu_info[id]
                       : &dummy_info;
    v->runstate.state = RUNSTATE_offline;
    v->runstate.state_entry_time = now();
    list_init(&v->run_list);
    return v;
}

static int run_vcpu_hooks(struct vcpu *v)
{
    const struct domain_hooks *h;

    for (h = domain_hooks_start; h < domain_hooks_end; h++) {
        int rc = h->vcpu_init ? h->vcpu_init(v) : 0;
        if (rc) {
            while (h-- > domain_hooks_start)
                if (h->vcpu_destroy)
                    h->vcpu_destroy(v);
            return rc;
        }
    }
    return 0;
}

/* What a guest's vCPU has and an idle one has not. */
static int init_guest_vcpu(struct vcpu *v)
{
    int rc;

    v->pause_flags = 1u << VPF_DOWN;
    rc = sched_vcpu_init(v);
    if (rc)
        return rc;
    vcpu_time_init(v);
    rc = pv_vcpu_init(v);
    if (rc)
        goto undo_sched;
    rc = run_vcpu_hooks(v);
    if (rc)
        goto undo_pv;
    return 0;

undo_pv:
    pv_vcpu_destroy(v);
undo_sched:
    sched_vcpu_destroy(v);
    return rc;
}

struct vcpu *vcpu_create(struct domain *d, unsigned id, unsigned cpu)
{
    struct vcpu *v;

    if (id >= d->max_vcpus || d->vcpu[id])
        return NULL;
    v = alloc_vcpu(d, id, cpu);
    if (!v)
        return NULL;
    if (!d->is_idle && init_guest_vcpu(v)) {
        xfree(v);
        return NULL;
    }
    __atomic_store_n(&d->vcpu[id], v, __ATOMIC_RELEASE);
    return v;
}

void vcpu_destroy(struct vcpu *v)
{
    const struct domain_hooks *h;

    vcpu_stop_timers(v);
    for (h = domain_hooks_end; h-- > domain_hooks_start;)
        if (h->vcpu_destroy)
            h->vcpu_destroy(v);
    pv_vcpu_destroy(v);
    sched_vcpu_destroy(v);
    v->domain->vcpu[v->vcpu_id] = NULL;
    xfree(v);
}

void vcpu_stop_timers(struct vcpu *v)
{
    timer_kill(&v->periodic_timer);
    timer_kill(&v->singleshot_timer);
}

/* ---- running or not ---- */

void vcpu_pause_nosync(struct vcpu *v)
{
    __atomic_fetch_add(&v->pause_count, 1, __ATOMIC_SEQ_CST);
    vcpu_sleep_nosync(v);
}

void vcpu_pause(struct vcpu *v)
{
    ASSERT(v != current);
    vcpu_pause_nosync(v);
    vcpu_sleep_sync(v);
}

void vcpu_unpause(struct vcpu *v)
{
    if (!__atomic_sub_fetch(&v->pause_count, 1, __ATOMIC_SEQ_CST))
        vcpu_wake(v);
}

void vcpu_unblock(struct vcpu *v)
{
    if (test_bit(VPF_BLOCKED, &v->pause_flags) &&
        test_and_clear_bit_atomic(VPF_BLOCKED, &v->pause_flags))
        vcpu_wake(v);
}

/*
 * The event is in v's vcpu_info already. If v runs, the CPU's way back into
 * the guest looks there: at once if this is its CPU, else after a kick. If it
 * is about to run, it will look as well.
 */
static __noinline void unblock_and_kick(struct vcpu *v)
{
    bool running = READ_ONCE(v->is_running);

    vcpu_unblock(v);
    if (running && v != current)
        smp_kick(CPUMASK(READ_ONCE(v->processor)));
}

void vcpu_kick(struct vcpu *v)
{
    smp_mb();
    if (v != current || test_bit(VPF_BLOCKED, &v->pause_flags))
        unblock_and_kick(v);
}

/*
 * The flag first, the look at pending events after: a sender does it the other
 * way round, so one of the two sees the other.
 */
void vcpu_block_current(void)
{
    struct vcpu *v = current;

    WRITE_ONCE(v->vcpu_info->evtchn_upcall_mask, 0);
    set_bit_atomic(VPF_BLOCKED, &v->pause_flags);
    if (vcpu_event_pending(v))
        clear_bit_atomic(VPF_BLOCKED, &v->pause_flags);
    else
        softirq_raise(SOFTIRQ_SCHEDULE);
}

/* ---- vcpu_info ---- */

static void move_info(struct vcpu *v, struct vcpu_info *new)
{
    if (vcpu_info_is_dummy(v)) {
        memset(new, 0, sizeof(*new));
        new->evtchn_upcall_mask = 1;
    } else {
        memcpy(new, v->vcpu_info, sizeof(*new));
    }
    __atomic_store_n(&v->vcpu_info, new, __ATOMIC_SEQ_CST);
    /* Nothing that a sender put into the old place may be lost. */
    __atomic_store_n(&new->evtchn_pending_sel, ~0UL, __ATOMIC_SEQ_CST);
    __atomic_store_n(&new->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
}

int vcpu_register_info(struct vcpu *v, uint64_t gmfn, unsigned offset)
{
    struct domain *d = v->domain;
    mfn_t m = mfn(gmfn);
    char *page;

    if (offset > PAGE_SIZE - sizeof(struct vcpu_info) ||
        offset % _Alignof(struct vcpu_info))
        return -ENXIO;
    if (!mfn_is_invalid(v->vcpu_info_mfn))
        return -EINVAL;
    if (v != current && !test_bit(VPF_DOWN, &v->pause_flags))
        return -EINVAL;
    if (!mfn_valid(m) || page_get_and_type(frame_of(m), PGT_WRITABLE, d))
        return -EINVAL;
    page = map_frame(m); /* until vcpu_release_info */
    move_info(v, (struct vcpu_info *)(page + offset));
    v->vcpu_info_mfn = m;
    if (v == current)
        vcpu_update_time(v);
    return 0;
}

void vcpu_release_info(struct vcpu *v)
{
    struct frame *f;

    if (mfn_is_invalid(v->vcpu_info_mfn))
        return;
    f = frame_of(v->vcpu_info_mfn);
    v->vcpu_info_mfn = INVALID_MFN;
    unmap_frame(v->vcpu_info);
    WRITE_ONCE(v->vcpu_info, &dummy_info);
    page_put_writable(f);
    frame_put(f);
}
