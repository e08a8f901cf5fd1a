/*
 * vcpu_op: a domain's own vCPUs. -ENOENT for a vCPU that the domain has not,
 * -EFAULT for an argument that cannot be read or written, -ENOSYS for an
 * unknown command; the rest stands with each command.
 */
#include "arch/x86/smp.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include <xen/sched.h>

/*
 * initialise: gives a vCPU that has none its context; it stays down. -EINVAL:
 * no place for its vcpu_info yet, or a context that pv refuses; -EEXIST.
 * Gives way during validation of the tables, and then starts anew.
 */
static long op_initialise(struct vcpu *v, uint64_t arg)
{
    struct vcpu_guest_context *c;
    int rc = -EFAULT;

    if (vcpu_info_is_dummy(v))
        return -EINVAL;
    c = xmalloc(sizeof(*c));
    if (!c)
        return -ENOMEM;
    if (!copy_from_guest_va(c, arg, sizeof(*c))) {
        spin_lock(&v->domain->lock);
        rc = v->is_initialised ? -EEXIST : pv_set_context(v, c);
        spin_unlock(&v->domain->lock);
    }
    xfree(c);
    if (rc == -ERESTART_PREEMPT)
        return hypercall_continue(__HYPERVISOR_vcpu_op, 3,
                                  (uint64_t)VCPUOP_initialise,
                                  (uint64_t)v->vcpu_id, arg);
    return rc;
}

/* up: -EINVAL if it has no context. */
static long op_up(struct vcpu *v, uint64_t arg)
{
    bool ready;

    (void)arg;
    spin_lock(&v->domain->lock);
    ready = v->is_initialised;
    spin_unlock(&v->domain->lock);
    if (!ready)
        return -EINVAL;
    if (test_and_clear_bit_atomic(VPF_DOWN, &v->pause_flags))
        vcpu_wake(v);
    return 0;
}

/* down: the last one that goes switches the domain off. */
static long op_down(struct vcpu *v, uint64_t arg)
{
    struct domain *d = v->domain;
    struct vcpu *other;
    unsigned up = 0;

    (void)arg;
    spin_lock(&d->lock);
    for_each_vcpu(d, other)
        up += other != v && !test_bit(VPF_DOWN, &other->pause_flags);
    if (up)
        set_bit_atomic(VPF_DOWN, &v->pause_flags);
    spin_unlock(&d->lock);
    if (up)
        vcpu_sleep_nosync(v);
    else
        domain_shutdown(d, SHUTDOWN_poweroff);
    return 0;
}

static long op_get_runstate(struct vcpu *v, uint64_t arg)
{
    struct vcpu_runstate_info r;

    vcpu_runstate_get(v, &r);
    return copy_to_guest_va(arg, &r, sizeof(r)) ? -EFAULT : 0;
}

/*
 * register_runstate_memory_area: an address, 0 = no more. The contents are
 * written at once, later ones by v itself; nothing mapped there (yet) is no
 * error. -EFAULT: no address that a guest may have.
 */
static long op_register_runstate(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_runstate_memory_area area;
    struct vcpu_runstate_info r;

    if (copy_from_guest_va(&area, arg, sizeof(area)))
        return -EFAULT;
    if (!guest_range_ok(area.addr.p, sizeof(r)))
        return -EFAULT;
    WRITE_ONCE(v->runstate_guest, area.addr.p);
    if (!area.addr.p)
        return 0;
    vcpu_runstate_get(v, &r);
    if (copy_to_guest_va(area.addr.p, &r, sizeof(r)) && v == current)
        v->guest_areas_stale |= AREA_RUNSTATE; /* try again later */
    return 0;
}

/* register_vcpu_time_memory_area: as above, for the time info. */
static long op_register_time(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_time_memory_area area;

    if (copy_from_guest_va(&area, arg, sizeof(area)))
        return -EFAULT;
    if (!guest_range_ok(area.addr.p, sizeof(struct vcpu_time_info)))
        return -EFAULT;
    WRITE_ONCE(v->time_info_guest, area.addr.p);
    if (v == current && area.addr.p) {
        v->guest_areas_stale |= AREA_TIME;
        vcpu_update_time(v);
    }
    return 0;
}

/* set_periodic_timer: -EINVAL for less than 1 ms or more than the clock has. */
static long op_set_periodic(struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_periodic_timer set;

    if (copy_from_guest_va(&set, arg, sizeof(set)))
        return -EFAULT;
    if (set.period_ns < MILLISECS(1) || set.period_ns > STIME_MAX / 2)
        return -EINVAL;
    vcpu_set_periodic(v, set.period_ns);
    return 0;
}

/*
 * set_singleshot_timer: -EINVAL for another vCPU than the caller's; -ETIME if
 * the time has passed and the guest wants to know.
 */
static long op_set_singleshot(struct vcpu *v, uint64_t arg)
{
    struct vcpu_set_singleshot_timer set;

    if (v != current)
        return -EINVAL;
    if (copy_from_guest_va(&set, arg, sizeof(set)))
        return -EFAULT;
    if ((set.flags & VCPU_SSHOTTMR_future) && set.timeout_abs_ns < now())
        return -ETIME;
    timer_set(&v->singleshot_timer,
              set.timeout_abs_ns > STIME_MAX ? STIME_MAX : set.timeout_abs_ns);
    return 0;
}

static long op_stop_singleshot(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    if (v != current)
        return -EINVAL;
    timer_stop(&v->singleshot_timer);
    return 0;
}

static long op_register_info(struct vcpu *v, uint64_t arg)
{
    struct vcpu_register_vcpu_info info;
    int rc;

    if (copy_from_guest_va(&info, arg, sizeof(info)))
        return -EFAULT;
    spin_lock(&v->domain->lock);
    rc = vcpu_register_info(v, info.mfn, info.offset);
    spin_unlock(&v->domain->lock);
    return rc;
}

/* send_nmi: -EINVAL if an argument is given. */
static long op_send_nmi(struct vcpu *v, uint64_t arg)
{
    if (arg)
        return -EINVAL;
    WRITE_ONCE(v->pv.nmi_pending, true);
    vcpu_kick(v);
    return 0;
}

/* get_physid: -EINVAL unless a vCPU of the hardware's domain has one CPU. */
static long op_get_physid(struct vcpu *v, uint64_t arg)
{
    cpumask_t cpus = READ_ONCE(v->hard_affinity);
    struct vcpu_get_physid id;
    unsigned cpu;

    if (!v->domain->is_hardware || !cpus || (cpus & (cpus - 1)))
        return -EINVAL;
    cpu = lowest_bit(cpus);
    id.phys_id = cpu_apic_id(cpu) | ((uint64_t)cpu_acpi_id(cpu) << 32);
    return copy_to_guest_va(arg, &id, sizeof(id)) ? -EFAULT : 0;
}

static long op_is_up(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    return !test_bit(VPF_DOWN, &v->pause_flags);
}

static long op_stop_periodic(struct vcpu *v, uint64_t arg)
{
    (void)arg;
    vcpu_set_periodic(v, 0);
    return 0;
}

typedef long vcpu_op_fn(struct vcpu *v, uint64_t arg);
static vcpu_op_fn *const ops[] = {
    [VCPUOP_initialise] = op_initialise,
    [VCPUOP_up] = op_up,
    [VCPUOP_down] = op_down,
    [VCPUOP_is_up] = op_is_up,
    [VCPUOP_get_runstate_info] = op_get_runstate,
    [VCPUOP_register_runstate_memory_area] = op_register_runstate,
    [VCPUOP_set_periodic_timer] = op_set_periodic,
    [VCPUOP_stop_periodic_timer] = op_stop_periodic,
    [VCPUOP_set_singleshot_timer] = op_set_singleshot,
    [VCPUOP_stop_singleshot_timer] = op_stop_singleshot,
    [VCPUOP_register_vcpu_info] = op_register_info,
    [VCPUOP_send_nmi] = op_send_nmi,
    [VCPUOP_get_physid] = op_get_physid,
    [VCPUOP_register_vcpu_time_memory_area] = op_register_time,
};

static long do_vcpu_op(uint64_t cmd, uint64_t id, uint64_t arg, uint64_t a4,
                       uint64_t a5, uint64_t a6)
{
    struct domain *d = current->domain;
    uint32_t op = (uint32_t)cmd, n = (uint32_t)id;
    struct vcpu *v;

    (void)a4, (void)a5, (void)a6;
    if (n >= d->max_vcpus)
        return -ENOENT;
    v = d->vcpu[n & (MAX_VCPUS - 1)]; /* also when speculating */
    if (!v)
        return -ENOENT;
    if (op >= ARRAY_SIZE(ops))
        return -ENOSYS;
    return ops[op](v, arg);
}
HYPERCALL(__HYPERVISOR_vcpu_op, 3, do_vcpu_op);
