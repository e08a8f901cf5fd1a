/* The scheduler: what it is, and its parameters. */
#include "internal.h"

#include <errno.h>
#include <string.h>

/*
 * Both operations' unions begin with an address: here it is that of a structure
 * in the arena, which follows the operation.
 */
static void *argument(struct xeno *x, void *place, size_t size)
{
    void *arg = arena_alloc(x, size);
    uint64_t address = (uintptr_t)arg;

    memcpy(place, &address, sizeof(address));
    return arg;
}

static int describe(struct xeno *x, struct xeno_sched_info *info)
{
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_scheduler_op);
    struct xeno_sched_info *arg =
        argument(x, &op->u.scheduler_op.u, sizeof(*arg));
    int rc;

    op->u.scheduler_op.cmd = XENO_SCHEDOP_describe;
    arg->version = XENO_SCHED_VERSION;
    rc = sysctl_run(x, op);
    if (!rc)
        *info = *arg;
    return rc;
}

int xeno_sched_info(struct xeno *x, struct xeno_sched_info *info)
{
    int rc = describe(x, info);

    if (!rc)
        return 0;
    return xeno_fail(x, -rc, "this hypervisor does not tell of its scheduler's "
                             "parameters: %s", strerror(-rc));
}

static int run_machine(struct xeno *x, int sched_id, uint32_t cmd,
                       struct xeno_sched_values *v)
{
    struct xen_sysctl *op = sysctl_start(x, XEN_SYSCTL_scheduler_op);
    struct xeno_sched_values *arg =
        argument(x, &op->u.scheduler_op.u, sizeof(*arg));
    int rc;

    op->u.scheduler_op.sched_id = (uint32_t)sched_id;
    op->u.scheduler_op.cmd = cmd;
    *arg = *v;
    rc = sysctl_run(x, op);
    *v = *arg;
    return rc;
}

static int run_domain(struct xeno *x, uint32_t id, int sched_id, uint32_t cmd,
                      struct xeno_sched_values *v)
{
    struct xen_domctl *op = domctl_start(x, XEN_DOMCTL_scheduler_op, id);
    struct xeno_sched_values *arg =
        argument(x, &op->u.scheduler_op.u, sizeof(*arg));
    int rc;

    op->u.scheduler_op.sched_id = (uint32_t)sched_id;
    op->u.scheduler_op.cmd = cmd;
    *arg = *v;
    rc = domctl_run(x, op);
    *v = *arg;
    return rc;
}

static int run(struct xeno *x, uint32_t id, uint32_t cmd,
               struct xeno_sched_values *v)
{
    struct xeno_sched_info info;
    int rc = describe(x, &info);

    v->version = XENO_SCHED_VERSION;
    if (rc)
        return rc;
    return id == XENO_SCHED_MACHINE
               ? run_machine(x, info.sched_id, cmd, v)
               : run_domain(x, id, info.sched_id, cmd, v);
}

int xeno_sched_get(struct xeno *x, uint32_t id, struct xeno_sched_values *v)
{
    int rc = run(x, id, XENO_SCHEDOP_get, v);

    if (!rc)
        return 0;
    return xeno_fail(x, -rc, "cannot read parameters of the scheduler: %s",
                     rc == -ESRCH ? "there is no such domain" : strerror(-rc));
}

int xeno_sched_set(struct xeno *x, uint32_t id,
                   const struct xeno_sched_values *values)
{
    struct xeno_sched_values v = *values;
    int rc = run(x, id, XENO_SCHEDOP_put, &v);

    if (!rc)
        return 0;
    if (rc == -ENOSPC)
        return xeno_fail(x, ENOSPC, "domain %u wants %.2f %% of CPU %u, but "
                         "%.2f %% of it are promised to others, and %.2f %% "
                         "can be", id, v.wanted / 1e4, v.cpu, v.taken / 1e4,
                         v.limit / 1e4);
    return xeno_fail(x, -rc, "cannot set parameters of the scheduler: %s",
                     rc == -EINVAL ? "they do not fit together or are beyond "
                                     "their limits"
                                   : strerror(-rc));
}
