/*
 * Correcting the rate of system time, for the whole machine at once.
 *
 * The correction is what domain 0 makes of its NTP daemon's advice: a rate for
 * good, and a faster or slower stretch that makes an offset vanish. Time is
 * bent while one CPU runs alone, and before any other goes on all time records
 * that guests read say the same: so no guest, on whatever vCPUs, sees time go
 * back. A record is the vcpu_info's, or its copy in guest memory (which user
 * programs read, also that of a vCPU which does not run).
 */
#include "arch/x86/irq.h"
#include "arch/x86/timer.h"
#include "arch/x86/usercopy.h"
#include "core/hypercall.h"
#include "core/vcpu.h"
#include "lib/errno.h"
#include <xeno/xeno.h>

#define SLEW_MAX_NS 86400000000000UL /* a day */
#define GUIDE_PERIOD MILLISECS(250)

/* All below: domain_list_lock. */
static int64_t rate, slew;
static int64_t guidance; /* besides: what makes good for the TSC's own faults */
static s_time_t slew_end; /* while slew is not 0 */
static struct timer slew_timer;

static void bend(void *unused)
{
    struct domain *d;
    struct vcpu *v;

    (void)unused;
    time_bend(min(max(rate + slew + guidance, -TSC_RATE_MAX), TSC_RATE_MAX));
    for_each_domain(d)
        if (d->dying == DOM_ALIVE)
            for_each_vcpu(d, v)
                vcpu_time_bent(v);
}

static void slew_over(void *unused)
{
    (void)unused;
    spin_lock(&domain_list_lock);
    if (slew && now() >= slew_end) {
        guidance = time_guidance(rate + slew);
        slew = 0;
        smp_alone(bend, NULL);
    }
    spin_unlock(&domain_list_lock);
}

static struct timer guide_timer;

static void look_at_guide(void *unused)
{
    (void)unused;
    spin_lock(&domain_list_lock);
    guidance = time_guidance(rate + slew);
    smp_alone(bend, NULL);
    spin_unlock(&domain_list_lock);
    timer_set(&guide_timer, now() + GUIDE_PERIOD);
}

void __init time_follow_guide(void)
{
    if (!time_is_guided())
        return;
    timer_init(&guide_timer, look_at_guide, NULL, 0);
    timer_set(&guide_timer, now() + GUIDE_PERIOD);
}

static bool rate_ok(int64_t ppb)
{
    return ppb <= TSC_RATE_MAX && ppb >= -TSC_RATE_MAX;
}

static long set(const struct xeno_time_op *op)
{
    if (!rate_ok(op->rate) || !rate_ok(op->slew) ||
        !rate_ok(op->rate + op->slew) || op->slew_ns > SLEW_MAX_NS)
        return -EINVAL;
    spin_lock(&domain_list_lock);
    if (!slew_timer.fn)
        timer_init(&slew_timer, slew_over, NULL, 0);
    guidance = time_guidance(rate + slew);
    rate = op->rate;
    slew = op->slew_ns ? op->slew : 0;
    smp_alone(bend, NULL);
    slew_end = now() + op->slew_ns;
    if (slew)
        timer_set(&slew_timer, slew_end);
    spin_unlock(&domain_list_lock);
    return 0;
}

static void get(struct xeno_time_op *op)
{
    uint64_t sec;
    uint32_t nsec;

    spin_lock(&domain_list_lock);
    op->rate = rate;
    op->slew = slew;
    op->system_time = now();
    op->slew_ns = slew && slew_end > op->system_time
                      ? slew_end - op->system_time : 0;
    spin_unlock(&domain_list_lock);
    wallclock_get(&sec, &nsec);
    op->wall_clock = sec * 1000000000 + nsec;
}

/*
 * xeno_time_op(op *): domain 0 alone (-EPERM). -EACCES another version of the
 * structure, -ENOSYS no such command, -EINVAL a rate or slew of more than 10 %
 * or more than a day of slewing: then nothing has changed.
 */
static long do_xeno_time_op(uint64_t arg, uint64_t a2, uint64_t a3,
                            uint64_t a4, uint64_t a5, uint64_t a6)
{
    struct xeno_time_op op;
    long rc = 0;

    (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
    if (!current->domain->is_privileged)
        return -EPERM;
    if (copy_from_guest_va(&op, arg, sizeof(op)))
        return -EFAULT;
    if (op.version != XENO_TIME_VERSION)
        return -EACCES;
    if (op.cmd == XENO_TIME_set)
        rc = set(&op);
    else if (op.cmd != XENO_TIME_get)
        return -ENOSYS;
    if (rc)
        return rc;
    get(&op);
    return copy_to_guest_va(arg, &op, sizeof(op)) ? -EFAULT : 0;
}
HYPERCALL(__HYPERVISOR_xeno_time_op, 1, do_xeno_time_op);
