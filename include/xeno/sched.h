/*
 * Scheduler parameters in the control interface: what the scheduler_op of
 * domctl and sysctl carry beside the public headers' own. docs/control.md.
 * Strict C89.
 *
 * The operations' sched_id is that of the policy that runs; their union begins
 * with the address of one of these structures, whose `version` the caller
 * fills in.
 */
#ifndef XENO_SCHED_H
#define XENO_SCHED_H

#include <xen/xen.h>

#define XENO_SCHED_VERSION 1
#define XENO_SCHED_PARAMS 8 /* at most, of each kind */

/* Commands, above those of the public headers. */
#define XENO_SCHEDOP_describe 0x100 /* sysctl: struct xeno_sched_info */
#define XENO_SCHEDOP_get 0x101      /* both: struct xeno_sched_values */
#define XENO_SCHEDOP_put 0x102

#define XENO_SCHED_UNIT_NUMBER 0
#define XENO_SCHED_UNIT_NS 1
#define XENO_SCHED_UNIT_FLAG 2 /* 0 or 1 */

struct xeno_sched_param_info {
    char name[16];
    uint32_t unit;
    uint32_t pad;
    int64_t low, high; /* the limits */
};

/* describe: sched_id is not looked at. */
struct xeno_sched_info {
    uint32_t version;
    int32_t sched_id;
    char name[32];
    char opt_name[16]; /* what sched= calls it */
    uint32_t nr_global, nr_domain;
    struct xeno_sched_param_info global[XENO_SCHED_PARAMS];
    struct xeno_sched_param_info domain[XENO_SCHED_PARAMS];
};

/*
 * All values of one kind, in the order in which describe has them. put with
 * -ENOSPC tells the rest: on `cpu`, `taken` millionths are promised to others,
 * `wanted` more would be, and `limit` can be.
 */
struct xeno_sched_values {
    uint32_t version;
    uint32_t count;
    int64_t value[XENO_SCHED_PARAMS];
    uint32_t cpu, wanted, taken, limit;
};

#endif
