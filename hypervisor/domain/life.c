/*
 * Pausing, shutting down and killing domains.
 *
 * A vCPU runs only if its pause flags, its pause count and its domain's pause
 * count are all 0; these functions change the counts and tell the scheduler.
 * The synchronous forms wait until the vCPUs have left their CPUs and their
 * registers are in memory. Two vCPUs that wait for each other that way would
 * wait for ever: callers of the synchronous forms are control operations,
 * and none of these waits for a vCPU of its own domain.
 *
 * Death. ALIVE -> DYING happens once, with all vCPUs stopped for good. DYING:
 * each room gives back what it holds, in bounded steps, in the order of link;
 * then the vCPUs' vcpu_info frames, which only event delivery and timers write
 * and both have ended. DEAD: nothing but references keeps the structure.
 */
#include "arch/x86/boot.h"
#include "core/domain.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include <xen/sched.h>

extern const struct domain_hooks domain_hooks_start[], domain_hooks_end[];

/* ---- pause ---- */

void domain_pause_nosync(struct domain *d)
{
    struct vcpu *v;

    __atomic_fetch_add(&d->pause_count, 1, __ATOMIC_SEQ_CST);
    for_each_vcpu(d, v)
        vcpu_sleep_nosync(v);
}

void domain_pause(struct domain *d)
{
    struct vcpu *v;

    ASSERT(d != current->domain);
    domain_pause_nosync(d);
    for_each_vcpu(d, v)
        vcpu_sleep_sync(v);
}

void domain_unpause(struct domain *d)
{
    struct vcpu *v;

    if (__atomic_sub_fetch(&d->pause_count, 1, __ATOMIC_SEQ_CST))
        return;
    for_each_vcpu(d, v)
        vcpu_wake(v);
}

int domain_controller_pause(struct domain *d)
{
    uint8_t n = READ_ONCE(d->controller_paused);

    do {
        if (n == UINT8_MAX)
            return -EOVERFLOW;
    } while (!__atomic_compare_exchange_n(&d->controller_paused, &n,
                                          (uint8_t)(n + 1), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    domain_pause(d);
    return 0;
}

int domain_controller_unpause(struct domain *d)
{
    uint8_t n = READ_ONCE(d->controller_paused);

    do {
        if (!n)
            return -EINVAL;
    } while (!__atomic_compare_exchange_n(&d->controller_paused, &n,
                                          (uint8_t)(n - 1), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    domain_unpause(d);
    return 0;
}

/* ---- shutdown ---- */

/* Domain lock held. */
static bool all_paused_for_shutdown(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
        if (!v->paused_for_shutdown)
            return false;
    return true;
}

void domain_latch_shutdown_code(struct domain *d, uint8_t reason)
{
    spin_lock(&d->lock);
    if (!d->is_shutting_down)
        d->shutdown_code = reason;
    spin_unlock(&d->lock);
}

/* It stands still: its controller waits for a suspended one by other means. */
static void tell_shutdown(struct domain *d, uint8_t reason)
{
    uint32_t port = READ_ONCE(d->suspend_port);

    if (reason != SHUTDOWN_suspend || !port || evtchn_send_as(d, port))
        evtchn_send_global_virq(dom0, VIRQ_DOM_EXC);
}

void domain_shutdown(struct domain *d, uint8_t reason)
{
    struct vcpu *v;

    spin_lock(&d->lock);
    if (d->is_shutting_down) {
        spin_unlock(&d->lock);
        return;
    }
    d->is_shutting_down = true;
    if (d->shutdown_code == SHUTDOWN_CODE_NONE)
        d->shutdown_code = reason;
    reason = d->shutdown_code;
    if (d == dom0) {
        spin_unlock(&d->lock);
        hardware_domain_shutdown(reason);
        return;
    }
    for_each_vcpu(d, v) {
        if (reason != SHUTDOWN_crash && v->defer_shutdown)
            continue;
        vcpu_pause_nosync(v);
        v->paused_for_shutdown = true;
    }
    d->is_shut_down = all_paused_for_shutdown(d);
    spin_unlock(&d->lock);
    if (d->is_shut_down)
        tell_shutdown(d, reason);
}

void domain_resume(struct domain *d)
{
    struct vcpu *v;

    spin_lock(&d->lock);
    d->is_shutting_down = d->is_shut_down = false;
    d->shutdown_code = SHUTDOWN_CODE_NONE;
    for_each_vcpu(d, v) {
        if (v->paused_for_shutdown)
            vcpu_unpause(v);
        v->paused_for_shutdown = false;
    }
    spin_unlock(&d->lock);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
    bool own = current->domain == d;
    char why[160];
    va_list ap;

    if (!d->is_shutting_down) {
        va_start(ap, fmt);
        vsnprintf(why, sizeof(why), fmt, ap);
        va_end(ap);
        if (own) {
            printk(XENLOG_ERR "d%uv%u crashed at %#lx: %s\n", d->domain_id,
                   current->vcpu_id, (unsigned long)guest_regs()->rip, why);
            domain_show_current();
        } else {
            printk(XENLOG_ERR "Domain %u crashed: %s\n", d->domain_id, why);
        }
    }
    domain_shutdown(d, SHUTDOWN_crash);
}

void hardware_domain_shutdown(uint8_t reason)
{
    if (DEBUG_BUILD)
        audit_run();
    switch (reason) {
    case SHUTDOWN_poweroff:
        printk(XENLOG_ERR "Domain 0 halted: the machine halts.\n");
        machine_halt();
    case SHUTDOWN_reboot:
        printk(XENLOG_ERR "Domain 0 asks for a reboot.\n");
        machine_reboot();
    case SHUTDOWN_watchdog:
        printk(XENLOG_ERR "Domain 0's watchdog expired.\n");
        machine_reboot();
    case SHUTDOWN_crash:
        boot_fatal("domain 0 crashed");
    default:
        boot_fatal("domain 0 shut down for an unknown reason (%u)", reason);
    }
}

/* ---- death ---- */

static void stop_for_good(struct domain *d)
{
    struct vcpu *v;

    domain_pause(d); /* for the rest of its life */
    spin_lock(&d->lock);
    d->is_shutting_down = true;
    spin_unlock(&d->lock);
    /* Who allocates under page_lock sees it or is seen by relinquish. */
    spin_lock(&d->page_lock);
    d->dying = DOM_DYING;
    spin_unlock(&d->page_lock);
    for_each_vcpu(d, v)
        vcpu_stop_timers(v);
}

static int relinquish(struct domain *d)
{
    const struct domain_hooks *h;
    struct vcpu *v;

    for (h = domain_hooks_start; h < domain_hooks_end; h++) {
        int rc = h->relinquish ? h->relinquish(d) : 0;
        if (rc)
            return rc;
    }
    for_each_vcpu(d, v)
        vcpu_release_info(v);
    return 0;
}

int domain_kill(struct domain *d)
{
    int rc;

    if (d == current->domain || d == dom0)
        return -EINVAL;
    switch (d->dying) {
    case DOM_ALIVE:
        stop_for_good(d);
        /* fall through */
    case DOM_DYING:
        rc = relinquish(d);
        if (rc)
            return rc;
        d->dying = DOM_DEAD;
        evtchn_send_global_virq(dom0, VIRQ_DOM_EXC);
        domain_put(d);
        return 0;
    case DOM_DEAD:
        return 0;
    }
    return -EINVAL;
}
