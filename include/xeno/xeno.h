/*
 * Xeno's own calls: what it offers beyond the public ABI. Strict C89.
 *
 * Numbers are of the range that the ABI leaves to architectures and that x86
 * does not use. A call takes the address of its structure, which begins with
 * the version that the caller was built for; another one gives -EACCES.
 */
#ifndef XENO_XENO_H
#define XENO_XENO_H

#include <xen/xen.h>
#include "sched.h" /* parameters of schedulers, in domctl and sysctl */

/* ---- time: docs/time.md ---- */
#define __HYPERVISOR_xeno_time_op __HYPERVISOR_arch_4

#define XENO_TIME_VERSION 1
/* Reads all fields. */
#define XENO_TIME_get 1
/*
 * Sets rate, slew and slew_ns, then reads all fields. -EINVAL, and nothing has
 * changed: a rate, a slew or their sum beyond 10 %, over a day of slewing.
 */
#define XENO_TIME_set 2

/* Domain 0 only, else -EPERM. */
struct xeno_time_op {
    uint32_t version;   /* IN: XENO_TIME_VERSION */
    uint32_t cmd;       /* IN: XENO_TIME_... */
    /*
     * In parts of 10^9, how much faster than measured at boot the machine's
     * system time runs: for good, and in addition for the next slew_ns
     * nanoseconds of system time.
     */
    int64_t rate;
    int64_t slew;
    uint64_t slew_ns;
    uint64_t system_time; /* OUT: ns since boot */
    uint64_t wall_clock;  /* OUT: ns since 1970 (UTC) at system time 0 */
};

/* ---- trace: docs/tracing.md ---- */
#define __HYPERVISOR_xeno_trace_op __HYPERVISOR_arch_5

#define XENO_TRACE_VERSION 1
/*
 * Gives each CPU a buffer of `records` (a power of two, 64 .. 65536) and
 * begins to fill it with the events of `events`, a mask of 1 << XENO_TRACE_
 * numbers. -EBUSY: it has begun already, -ENOMEM.
 */
#define XENO_TRACE_start 1
/* Ends it and frees the buffers; 0 also if there are none. */
#define XENO_TRACE_stop 2
/*
 * Takes up to `records` records of `cpu`, oldest first, to `buffer`. Gives
 * their number in `records`, and in `lost` how many found the buffer full
 * since the last call. -EINVAL no such CPU, -ENXIO no trace is made, -EFAULT.
 */
#define XENO_TRACE_read 3

/* Domain 0 only, else -EPERM. */
struct xeno_trace_op {
    uint32_t version; /* IN: XENO_TRACE_VERSION */
    uint32_t cmd;     /* IN: XENO_TRACE_... */
    uint32_t events;
    uint32_t cpu;
    uint32_t records; /* IN, OUT */
    uint32_t lost;    /* OUT */
    uint64_t buffer;
};

/* A vCPU in a record: domain << 16 | number; idle: 0x7fff << 16 | CPU. */
#define XENO_TRACE_switch 0        /* a: who went, b: its runstate; vcpu comes */
#define XENO_TRACE_wake 1          /* vcpu wants to run */
#define XENO_TRACE_event 2         /* a: port pending for vcpu */
#define XENO_TRACE_hypercall 3     /* a: number, of the ABI; b: 1st argument */
#define XENO_TRACE_hypercall_end 4 /* a: number, b: result */

struct xeno_trace_record {
    uint64_t time; /* system time, ns */
    uint32_t event;
    uint32_t vcpu;
    uint64_t a, b;
};

#endif
