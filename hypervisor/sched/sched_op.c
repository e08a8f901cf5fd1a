/*
 * sched_op: a guest gives its CPU up, waits, or ends itself.
 *
 * -EFAULT for an argument that cannot be read, -ENOSYS for an unknown command;
 * the rest stands with each command.
 */
#include "arch/x86/irq.h"
#include "arch/x86/timer.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "event/event.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/printk.h"
#include "sched/cpu.h"
#include <xen/sched.h>

#define POLL_PORTS_MAX 128u
#define NR_WATCHDOGS 2u

/* A domain's watchdogs; all under the domain's lock. */
struct watchdogs {
    struct timer timer[NR_WATCHDOGS];
    bool used[NR_WATCHDOGS];
};

static __cold __noinline long poll_several(const struct sched_poll *poll)
{
    evtchn_port_t ports[POLL_PORTS_MAX];

    if (poll->nr_ports > POLL_PORTS_MAX)
        return -EINVAL;
    if (copy_from_guest(ports, poll->ports, poll->nr_ports))
        return -EFAULT;
    return evtchn_poll(ports, poll->nr_ports, min(poll->timeout, STIME_MAX));
}

/* poll: -EINVAL for more than 128 ports, or one that does not exist. */
static long op_poll(uint64_t arg)
{
    struct sched_poll poll;
    evtchn_port_t port;

    if (copy_from_guest_va(&poll, arg, sizeof(poll)))
        return -EFAULT;
    if (unlikely(poll.nr_ports != 1)) /* one: a lock that is waited for */
        return poll_several(&poll);
    if (copy_from_guest(&port, poll.ports, 1))
        return -EFAULT;
    return evtchn_poll(&port, 1, min(poll.timeout, STIME_MAX));
}

static __cold long op_shutdown(uint64_t arg)
{
    struct sched_shutdown s;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    domain_shutdown(current->domain, (uint8_t)s.reason);
    return 0;
}

static __cold long op_shutdown_code(uint64_t arg)
{
    struct sched_shutdown s;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    domain_latch_shutdown_code(current->domain, (uint8_t)s.reason);
    return 0;
}

/* remote_shutdown: -ESRCH no such domain, -EPERM not privileged. */
static __cold long op_remote_shutdown(uint64_t arg)
{
    struct sched_remote_shutdown s;
    struct domain *d;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    d = domain_get(s.domain_id);
    if (!d)
        return -ESRCH;
    if (!current->domain->is_privileged) {
        domain_put(d);
        return -EPERM;
    }
    domain_shutdown(d, (uint8_t)s.reason);
    domain_put(d);
    return 0;
}

/* ---- watchdog ---- */

static __cold void watchdog_expired(void *data)
{
    struct domain *d = data;

    printk(XENLOG_WARNING "Domain %u: watchdog expired\n", d->domain_id);
    domain_shutdown(d, SHUTDOWN_watchdog);
}

/* Domain lock held. */
static __cold struct watchdogs *watchdogs_of(struct domain *d)
{
    if (!d->watchdogs) {
        d->watchdogs = xzalloc_type(struct watchdogs);
        for (unsigned i = 0; d->watchdogs && i < NR_WATCHDOGS; i++)
            timer_init(&d->watchdogs->timer[i], watchdog_expired, d, 0);
    }
    return d->watchdogs;
}

/* A new one; gives its id, 1.. */
static __cold long watchdog_start(struct watchdogs *w, uint32_t seconds)
{
    for (unsigned i = 0; i < NR_WATCHDOGS; i++)
        if (!w->used[i]) {
            w->used[i] = true;
            timer_set(&w->timer[i], now() + SECONDS(seconds));
            return i + 1;
        }
    return -ENOSPC;
}

static __cold long watchdog_change(struct watchdogs *w, uint32_t id,
                                   uint32_t seconds)
{
    unsigned i = (unsigned)nospec_index(id - 1, NR_WATCHDOGS);

    if (id > NR_WATCHDOGS || !w->used[i])
        return -EINVAL;
    if (seconds) {
        timer_set(&w->timer[i], now() + SECONDS(seconds));
    } else {
        timer_stop(&w->timer[i]);
        w->used[i] = false;
    }
    return 0;
}

/*
 * watchdog: -EINVAL for an id that is not in use, or nothing to do; -ENOSPC
 * both are in use; -ENOMEM.
 */
static __cold long op_watchdog(uint64_t arg)
{
    struct domain *d = current->domain;
    struct sched_watchdog s;
    struct watchdogs *w;
    long rc;

    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    if (!s.id && !s.timeout)
        return -EINVAL;
    spin_lock(&d->lock);
    w = watchdogs_of(d);
    if (!w)
        rc = -ENOMEM;
    else
        rc = s.id ? watchdog_change(w, s.id, s.timeout)
                  : watchdog_start(w, s.timeout);
    spin_unlock(&d->lock);
    return rc;
}

static __cold int stop_watchdogs(struct domain *d)
{
    for (unsigned i = 0; d->watchdogs && i < NR_WATCHDOGS; i++)
        timer_kill(&d->watchdogs->timer[i]);
    return 0;
}

static __cold void free_watchdogs(struct domain *d)
{
    stop_watchdogs(d);
    xfree(d->watchdogs);
    d->watchdogs = NULL;
}

DOMAIN_HOOKS(sched_hooks) = {
    .name = "sched",
    .relinquish = stop_watchdogs,
    .destroy = free_watchdogs,
};

/* ---- pin_override ---- */

static __cold int pin(struct vcpu *v, int32_t pcpu)
{
    cpumask_t before = v->hard_affinity;
    int rc;

    if ((uint32_t)pcpu >= MAX_CPUS)
        return -EINVAL;
    if (v->saved_affinity)
        return -EBUSY;
    rc = vcpu_set_affinity(v, CPUMASK(pcpu));
    if (rc == -ENOSPC) { /* it is but for a while */
        sched_renounce(v);
        rc = vcpu_set_affinity(v, CPUMASK(pcpu));
    }
    if (!rc)
        v->saved_affinity = before;
    return rc;
}

static __cold int unpin(struct vcpu *v)
{
    cpumask_t before = v->saved_affinity;
    int rc;

    if (!before)
        return -EINVAL;
    v->saved_affinity = 0;
    rc = vcpu_set_affinity(v, before);
    sched_reclaim(v);
    return rc;
}

/*
 * pin_override: ties the calling vCPU to one CPU for a while; it is there when
 * the call returns. -EPERM for all but the hardware's domain; -EINVAL no such
 * CPU, or not pinned; -EBUSY pinned already.
 */
static __cold long op_pin_override(uint64_t arg)
{
    struct sched_pin_override s;

    if (!current->domain->is_hardware)
        return -EPERM;
    if (copy_from_guest_va(&s, arg, sizeof(s)))
        return -EFAULT;
    return s.pcpu < 0 ? unpin(current) : pin(current, s.pcpu);
}

/* ---- entry ---- */

static long op_yield(uint64_t arg)
{
    (void)arg;
    vcpu_yield_current();
    return 0;
}

static long op_block(uint64_t arg)
{
    (void)arg;
    vcpu_block_current();
    return 0;
}

typedef long sched_op_fn(uint64_t arg);
static sched_op_fn *const ops[] = {
    [SCHEDOP_yield] = op_yield,
    [SCHEDOP_block] = op_block,
    [SCHEDOP_shutdown] = op_shutdown,
    [SCHEDOP_poll] = op_poll,
    [SCHEDOP_remote_shutdown] = op_remote_shutdown,
    [SCHEDOP_shutdown_code] = op_shutdown_code,
    [SCHEDOP_watchdog] = op_watchdog,
    [SCHEDOP_pin_override] = op_pin_override,
};

static long do_sched_op(uint64_t cmd, uint64_t arg, uint64_t a3, uint64_t a4,
                        uint64_t a5, uint64_t a6)
{
    uint32_t op = (uint32_t)cmd;

    (void)a3, (void)a4, (void)a5, (void)a6;
    if (unlikely(op >= ARRAY_SIZE(ops)))
        return -ENOSYS;
    return ops[nospec_index(op, ARRAY_SIZE(ops))](arg);
}
HYPERCALL(__HYPERVISOR_sched_op, 2, do_sched_op);

/* The older form: the argument of shutdown is the reason itself. */
static __cold long do_sched_op_compat(uint64_t cmd, uint64_t arg, uint64_t a3,
                                      uint64_t a4, uint64_t a5, uint64_t a6)
{
    (void)a3, (void)a4, (void)a5, (void)a6;
    switch ((int)cmd) {
    case SCHEDOP_yield:
        vcpu_yield_current();
        return 0;
    case SCHEDOP_block:
        vcpu_block_current();
        return 0;
    case SCHEDOP_shutdown:
        domain_shutdown(current->domain, (uint8_t)arg);
        return 0;
    default:
        return -ENOSYS;
    }
}
HYPERCALL(__HYPERVISOR_sched_op_compat, 2, do_sched_op_compat);
