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

#endif
