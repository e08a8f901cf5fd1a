/*
 * The guest's notions of time: what a vCPU computes system time from, the wall
 * clock, the timers that raise VIRQ_TIMER, and how long it ran.
 *
 * System time. The guest computes it from its TSC and the values in
 * vcpu_info->time, which hold for the CPU that the vCPU runs on: so they are
 * written on switch-in. `version` is odd while they change. The structure is
 * the guest's to scribble on; what we read back from it (the version, and
 * whether it still is what we would write) decides nothing that matters to
 * anybody else.
 *
 * Registered areas (second copy of the time info, runstate) are guest virtual
 * addresses of the guest kernel. They are written in the vCPU's own context
 * when the kernel's tables are loaded; in user mode it is put off until the
 * guest kernel is entered (guest_areas_stale). A fault leaves the area as it
 * is: the guest asked for an address that it does not map.
 *
 * The ticker raises VIRQ_TIMER each period, but only while the vCPU runs, and
 * once on switch-in if one was missed. It starts at 10 ms with each vCPU. The
 * single-shot timer fires whether the vCPU runs or not.
 *
 * Timers are moved with the vCPU (sched). All handlers run on their CPU from a
 * softirq, so never while that CPU switches vCPUs.
 */
#include "arch/x86/timer.h"

#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/guest_walk.h"

#define TICKER_PERIOD MILLISECS(10)
/* A time-out that can't be meant: a guest's subtraction went below zero. */
#define TIMEOUT_ABSURD STIME_MAX
#define TIMEOUT_ABSURD_RETRY MILLISECS(100)

/* ---- system time ---- */

/* STABLE: a guest may read the time on any vCPU with any vCPU's values. */
static uint8_t time_flags(void)
{
    return tsc_is_stable() ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
}

static bool same_time(const struct vcpu_time_info *t, const struct tsc_scale *s)
{
    return t->tsc_timestamp == s->tsc_base && t->system_time == s->stime_base &&
           t->tsc_to_system_mul == s->mul && t->tsc_shift == s->shift &&
           t->flags == time_flags();
}

static void write_time(struct vcpu_time_info *t, const struct tsc_scale *s)
{
    uint32_t version = READ_ONCE(t->version) | 1;

    WRITE_ONCE(t->version, version);
    smp_wmb();
    t->tsc_timestamp = s->tsc_base;
    t->system_time = s->stime_base;
    t->tsc_to_system_mul = s->mul;
    t->tsc_shift = s->shift;
    t->flags = time_flags();
    smp_wmb();
    WRITE_ONCE(t->version, version + 1);
}

/* Interrupts off: time may be bent in one. */
static void refresh_time(struct vcpu *v)
{
    struct vcpu_time_info *t = &v->vcpu_info->time;
    struct tsc_scale s;

    tsc_scale_get(v->processor, &s);
    if (same_time(t, &s))
        return;
    write_time(t, &s);
    if (v->time_info_guest)
        v->guest_areas_stale |= AREA_TIME;
}

void vcpu_update_time(struct vcpu *v)
{
    unsigned long f = irq_save();

    refresh_time(v);
    irq_restore(f);
    if (v->guest_areas_stale && v == current && v->pv.in_kernel)
        vcpu_write_guest_areas(v);
}

/* ---- areas in guest memory ---- */

static bool put(vaddr_t va, const void *src, size_t n)
{
    bool ok = !copy_to_guest_va(va, src, n);

    smp_wmb();
    return ok;
}

/*
 * Version first, rest, version last: readers on other vCPUs may look on. In
 * the end it is the record's, whoever writes the copy.
 */
static void put_time(vaddr_t va, struct vcpu_time_info t)
{
    uint32_t version = t.version;

    t.version = version - 1;
    if (!put(va, &t.version, sizeof(t.version)) || !put(va, &t, sizeof(t)))
        return;
    put(va, &version, sizeof(version));
}

/* Again if time was bent in between. */
static void write_time_area(struct vcpu *v)
{
    const struct vcpu_time_info *t = &v->vcpu_info->time;
    uint32_t version;

    do {
        version = READ_ONCE(t->version);
        put_time(v->time_info_guest, *t);
    } while (READ_ONCE(t->version) != version);
}

static void write_runstate_area(struct vcpu *v)
{
    vaddr_t va = v->runstate_guest;
    vaddr_t entry = va + offsetof(struct vcpu_runstate_info, state_entry_time);
    struct vcpu_runstate_info r = v->runstate;
    uint64_t marked = r.state_entry_time | XEN_RUNSTATE_UPDATE;

    if (!(v->domain->vm_assist & (1UL << VMASST_TYPE_runstate_update_flag))) {
        put(va, &r, sizeof(r));
        return;
    }
    r.state_entry_time = marked;
    if (!put(entry, &marked, sizeof(marked)) || !put(va, &r, sizeof(r)))
        return;
    marked &= ~XEN_RUNSTATE_UPDATE;
    put(entry, &marked, sizeof(marked));
}

void vcpu_write_guest_areas(struct vcpu *v)
{
    unsigned stale = v->guest_areas_stale;

    v->guest_areas_stale = 0;
    if ((stale & AREA_TIME) && v->time_info_guest)
        write_time_area(v);
    if ((stale & AREA_RUNSTATE) && v->runstate_guest)
        write_runstate_area(v);
}

/* ---- bent time ---- */

/*
 * Writes through v's kernel tables, which nobody changes just now: an entry
 * that lets the guest write there holds a reference as such.
 */
static bool put_by_walk(const struct vcpu *v, vaddr_t va, const void *src,
                        size_t n)
{
    struct guest_l1 where;
    pte_t e;
    char *page;

    if (!v->pv.cr3_kernel || !guest_walk_kernel_l1(v, va, &where))
        return false;
    e = guest_l1_read(&where);
    if ((e & (PTE_P | PTE_RW)) != (PTE_P | PTE_RW))
        return false;
    page = map_frame(pte_mfn(e));
    memcpy(page + va % PAGE_SIZE, src, n);
    unmap_frame(page);
    return true;
}

static bool put_time_area(const struct vcpu *v)
{
    vaddr_t va = v->time_info_guest;
    const char *t = (const char *)&v->vcpu_info->time;
    size_t n = sizeof(v->vcpu_info->time);
    size_t first = min(n, PAGE_SIZE - va % PAGE_SIZE);

    return put_by_walk(v, va, t, first) &&
           (first == n || put_by_walk(v, va + first, t + first, n - first));
}

void vcpu_time_bent(struct vcpu *v)
{
    refresh_time(v);
    if ((v->guest_areas_stale & AREA_TIME) && put_time_area(v))
        v->guest_areas_stale &= (uint8_t)~AREA_TIME;
}

/* ---- the scheduler's calls ---- */

static void ticker_work(struct vcpu *v)
{
    s_time_t period = READ_ONCE(v->periodic_period);
    s_time_t t, late;

    if (!period)
        return;
    t = now();
    late = t - v->periodic_last;
    if (late >= period) {
        v->periodic_last = t - late % period;
        evtchn_send_virq(v, VIRQ_TIMER);
    }
    timer_set(&v->periodic_timer, v->periodic_last + period);
}

void vcpu_time_switch_in(struct vcpu *v)
{
    if (v->runstate_guest)
        v->guest_areas_stale |= AREA_RUNSTATE;
    vcpu_update_time(v);
    ticker_work(v);
}

void vcpu_time_switch_out(struct vcpu *v)
{
    if (v->periodic_period)
        timer_stop(&v->periodic_timer);
}

void vcpu_runstate_change(struct vcpu *v, int new_state, s_time_t at)
{
    struct vcpu_runstate_info *r = &v->runstate;

    if (at > r->state_entry_time) {
        r->time[r->state] += at - r->state_entry_time;
        r->state_entry_time = at;
    }
    r->state = new_state;
}

/* ---- timers ---- */

static void ticker_fired(void *data)
{
    struct vcpu *v = data;

    if (READ_ONCE(v->is_running))
        ticker_work(v);
}

static void singleshot_fired(void *data)
{
    evtchn_send_virq(data, VIRQ_TIMER);
}

void vcpu_time_init(struct vcpu *v)
{
    timer_init(&v->periodic_timer, ticker_fired, v, v->processor);
    timer_init(&v->singleshot_timer, singleshot_fired, v, v->processor);
    v->periodic_period = TICKER_PERIOD;
    v->periodic_last = now();
}

void vcpu_set_periodic(struct vcpu *v, s_time_t period)
{
    WRITE_ONCE(v->periodic_period, 0);
    timer_stop(&v->periodic_timer);
    v->periodic_last = now();
    WRITE_ONCE(v->periodic_period, period);
    if (period && READ_ONCE(v->is_running))
        timer_set(&v->periodic_timer, v->periodic_last + period);
}

/*
 * set_timer_op(timeout): VIRQ_TIMER once at this system time, for the calling
 * vCPU; in the past: now; 0: not any more. Always 0.
 */
static long do_set_timer_op(uint64_t timeout, uint64_t a2, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct vcpu *v = current;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!timeout)
        timer_stop(&v->singleshot_timer);
    else if (unlikely(timeout > TIMEOUT_ABSURD))
        timer_set(&v->singleshot_timer, now() + TIMEOUT_ABSURD_RETRY);
    else
        timer_set(&v->singleshot_timer, timeout);
    return 0;
}
HYPERCALL(__HYPERVISOR_set_timer_op, 1, do_set_timer_op);

/* ---- wall clock ---- */

void domain_update_wallclock(struct domain *d)
{
    struct shared_info *si = d->shared_info;
    uint32_t version, nsec;
    uint64_t sec;

    wallclock_get(&sec, &nsec);
    sec += (uint64_t)d->time_offset_seconds;
    spin_lock(&d->lock);
    version = READ_ONCE(si->wc_version) | 1;
    WRITE_ONCE(si->wc_version, version);
    smp_wmb();
    si->wc_sec = (uint32_t)sec;
    si->wc_sec_hi = (uint32_t)(sec >> 32);
    si->wc_nsec = nsec;
    smp_wmb();
    WRITE_ONCE(si->wc_version, version + 1);
    spin_unlock(&d->lock);
}

void settime(uint64_t sec, uint32_t nsec, s_time_t at)
{
    struct domain *d;

    wallclock_set(sec, nsec, at);
    spin_lock(&domain_list_lock);
    for_each_domain(d)
        domain_update_wallclock(d);
    spin_unlock(&domain_list_lock);
}
