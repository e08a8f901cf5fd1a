/*
 * The scheduler's part of domctl and sysctl: parameters of the policy by
 * XENO_SCHEDOP_* (xeno/sched.h).
 *
 * A set of values is copied, compared with its limits, checked by the policy
 * for what belongs together, and, for a domain, admitted; only then anything
 * changes.
 */
#include "sched/control.h"

#include "arch/x86/irq.h"
#include "arch/x86/softirq.h"
#include "arch/x86/usercopy.h"
#include "domain/domctl.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "sched/admit.h"
#include "sched/cpu.h"

/* What tools of today know, and we cannot do: see docs/control.md. */
#define TOLD_COMMANDS XEN_DOMCTL_SCHEDOP_getvcpuinfo

static unsigned count_params(const struct sched_param *p)
{
    unsigned n = 0;

    while (p && p[n].name)
        n++;
    return n;
}

/* ---- a domain's values ---- */

static int init_values(struct domain *d, const struct domain_config *config)
{
    const struct sched_param *p = sched_policy->domain_params;

    d->sched_values = xzalloc_array(int64_t, XENO_SCHED_PARAMS);
    if (!d->sched_values)
        return -ENOMEM;
    for (unsigned i = 0; i < count_params(p); i++)
        d->sched_values[i] = config->privileged ? p[i].start_dom0 : p[i].start;
    return 0;
}

/* Its vCPUs never run again, though it may be there for long. */
static int take_promises(struct domain *d)
{
    struct vcpu *v;

    for_each_vcpu(d, v)
        (void)admit_vcpu(v, v->promised_cpu, 0);
    return 0;
}

static void free_values(struct domain *d)
{
    xfree(d->sched_values);
}

DOMAIN_HOOKS(sched_value_hooks) = {
    .name = "sched values",
    .init = init_values,
    .relinquish = take_promises,
    .destroy = free_values,
};

void sched_domain_values(struct domain *d, int64_t value[XENO_SCHED_PARAMS])
{
    spin_lock(&d->lock);
    memcpy(value, d->sched_values, XENO_SCHED_PARAMS * sizeof(*value));
    spin_unlock(&d->lock);
}

uint32_t sched_demand(const int64_t *value)
{
    return sched_policy->demand ? sched_policy->demand(value) : 0;
}

void sched_set_vcpu(struct vcpu *v, const int64_t *value)
{
    unsigned long flags;
    struct sched_cpu *sc;
    unsigned cpu;

    if (!sched_policy->set_vcpu)
        return;
    sc = sched_lock_vcpu(v, &flags);
    cpu = v->processor;
    sched_policy->set_vcpu(v, value, now());
    sched_unlock(sc, flags);
    softirq_raise_cpu(cpu, SOFTIRQ_SCHEDULE);
}

/* ---- copying and checking ---- */

/* -EFAULT, -EACCES another version. */
static long get_values(uint64_t address, struct xeno_sched_values *s)
{
    if (copy_from_guest_va(s, address, sizeof(*s)))
        return -EFAULT;
    return s->version == XENO_SCHED_VERSION ? 0 : -EACCES;
}

static long put_values(uint64_t address, const struct xeno_sched_values *s)
{
    return copy_to_guest_va(address, s, sizeof(*s)) ? -EFAULT : 0;
}

/* -EINVAL: not as many as there are, or one beyond its limits. */
static int check_values(const struct xeno_sched_values *s,
                        const struct sched_param *p,
                        int (*check)(const int64_t *))
{
    unsigned n = count_params(p);

    if (s->count != n || !n)
        return -EINVAL;
    for (unsigned i = 0; i < n; i++)
        if (s->value[i] < p[i].low || s->value[i] > p[i].high)
            return -EINVAL;
    return check ? check(s->value) : 0;
}

/* ---- domctl ---- */

static void tell_domain(struct domain *d, struct xeno_sched_values *s)
{
    struct vcpu *v;

    memset(s, 0, sizeof(*s));
    s->version = XENO_SCHED_VERSION;
    s->count = count_params(sched_policy->domain_params);
    sched_domain_values(d, s->value);
    for_each_vcpu(d, v)
        s->taken += v->promised;
    s->limit = ADMIT_LIMIT;
}

/* -ENOSPC, with the numbers in s and in the log. */
static int admit(struct domain *d, struct xeno_sched_values *s)
{
    struct vcpu *v;

    s->wanted = sched_demand(s->value);
    s->limit = ADMIT_LIMIT;
    if (!admit_domain(d, s->wanted, &v))
        return 0;
    s->cpu = v->promised_cpu;
    s->taken = admit_taken(v, s->cpu);
    printk(XENLOG_INFO "d%uv%u wants %u.%04u %% of CPU %u, of which %u.%04u %% "
           "are promised\n", d->domain_id, v->vcpu_id, s->wanted / 10000,
           s->wanted % 10000, s->cpu, s->taken / 10000, s->taken % 10000);
    return -ENOSPC;
}

static long set_domain(struct domain *d, struct xeno_sched_values *s)
{
    struct vcpu *v;
    int rc = check_values(s, sched_policy->domain_params,
                          sched_policy->check_domain);

    if (d->dying != DOM_ALIVE)
        return -EINVAL;
    if (!rc)
        rc = admit(d, s);
    if (rc)
        return rc;
    spin_lock(&d->lock);
    memcpy(d->sched_values, s->value, sizeof(s->value));
    spin_unlock(&d->lock);
    for_each_vcpu(d, v)
        sched_set_vcpu(v, s->value);
    return 0;
}

/*
 * scheduler_op: the policy's id with XENO_SCHEDOP_get or _put. -EINVAL another
 * policy, an unknown command, bad values, or a dying domain; -ENOSPC more than
 * the CPU can promise; -EFAULT, -EACCES.
 */
long domctl_scheduler(struct domain *d, struct xen_domctl *op)
{
    const struct xen_domctl_scheduler_op *o = &op->u.scheduler_op;
    uint64_t address = (uint64_t)o->u.v.vcpus.p;
    struct xeno_sched_values s;
    long rc;

    if (o->sched_id == TOLD_SCHEDULER)
        return o->cmd <= TOLD_COMMANDS ? 0 : -EINVAL;
    if (o->sched_id != (uint32_t)sched_policy->sched_id)
        return -EINVAL;
    rc = get_values(address, &s);
    if (rc)
        return rc;
    if (o->cmd == XENO_SCHEDOP_get) {
        tell_domain(d, &s);
        return put_values(address, &s);
    }
    if (o->cmd != XENO_SCHEDOP_put)
        return -EINVAL;
    rc = set_domain(d, &s);
    return rc == -ENOSPC && put_values(address, &s) ? -EFAULT : rc;
}

/* ---- sysctl ---- */

static uint32_t describe_params(const struct sched_param *p,
                                struct xeno_sched_param_info *out)
{
    unsigned n = count_params(p);

    for (unsigned i = 0; i < n; i++) {
        str_copy(out[i].name, p[i].name, sizeof(out[i].name));
        out[i].unit = p[i].unit;
        out[i].low = p[i].low;
        out[i].high = p[i].high;
    }
    return n;
}

static __noinline long describe(uint64_t address)
{
    const struct scheduler *p = sched_policy;
    struct xeno_sched_info info;

    if (copy_from_guest_va(&info.version, address, sizeof(info.version)))
        return -EFAULT;
    if (info.version != XENO_SCHED_VERSION)
        return -EACCES;
    memset(&info, 0, sizeof(info));
    info.version = XENO_SCHED_VERSION;
    info.sched_id = p->sched_id;
    str_copy(info.name, p->name, sizeof(info.name));
    str_copy(info.opt_name, p->opt_name, sizeof(info.opt_name));
    info.nr_global = describe_params(p->global_params, info.global);
    info.nr_domain = describe_params(p->domain_params, info.domain);
    return copy_to_guest_va(address, &info, sizeof(info)) ? -EFAULT : 0;
}

static long get_globals(uint64_t address, struct xeno_sched_values *s)
{
    memset(s, 0, sizeof(*s));
    s->version = XENO_SCHED_VERSION;
    s->count = count_params(sched_policy->global_params);
    for (unsigned i = 0; i < s->count; i++)
        s->value[i] = READ_ONCE(sched_policy->globals[i]);
    return put_values(address, s);
}

static long set_globals(const struct xeno_sched_values *s)
{
    int rc = check_values(s, sched_policy->global_params,
                          sched_policy->check_globals);

    for (unsigned i = 0; !rc && i < s->count; i++)
        WRITE_ONCE(sched_policy->globals[i], s->value[i]);
    return rc;
}

/*
 * scheduler_op of the machine: XENO_SCHEDOP_describe, _get and _put. Errors as
 * of domctl; -ENOENT a pool that there is not.
 */
long sysctl_scheduler(struct xen_sysctl_scheduler_op *o)
{
    uint64_t address = (uint64_t)o->u.sched_arinc653.schedule.p;
    struct xeno_sched_values s;
    long rc;

    if (o->cpupool_id)
        return -ENOENT;
    if (o->cmd == XENO_SCHEDOP_describe)
        return describe(address);
    if (o->sched_id == TOLD_SCHEDULER)
        return 0;
    if (o->sched_id != (uint32_t)sched_policy->sched_id)
        return -EINVAL;
    rc = get_values(address, &s);
    if (rc)
        return rc;
    if (o->cmd == XENO_SCHEDOP_get)
        return get_globals(address, &s);
    return o->cmd == XENO_SCHEDOP_put ? set_globals(&s) : -EINVAL;
}
