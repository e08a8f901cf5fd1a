/* domctl: a domain's clocks. */
#include "domain/domctl.h"

#include "lib/errno.h"

enum { TSC_DEFAULT, TSC_EMULATED, TSC_NATIVE };

/* settimeoffset: seconds between the machine's wall clock and the domain's. */
long domctl_time_offset(struct domain *d, struct xen_domctl *op)
{
    d->time_offset_seconds = op->u.settimeoffset.time_offset_seconds;
    domain_update_wallclock(d);
    return 0;
}

/*
 * settscinfo: the TSC is always the CPU's. -EINVAL the caller's own domain, or
 * an unknown mode; -EOPNOTSUPP emulation.
 */
long domctl_set_tsc(struct domain *d, struct xen_domctl *op)
{
    uint32_t mode = op->u.tsc_info.tsc_mode;

    if (d == current->domain || mode > TSC_NATIVE)
        return -EINVAL;
    return mode == TSC_EMULATED ? -EOPNOTSUPP : 0;
}

long domctl_get_tsc(struct domain *d, struct xen_domctl *op)
{
    (void)d;
    op->u.tsc_info = (struct xen_domctl_tsc_info){
        .tsc_mode = TSC_NATIVE,
        .gtsc_khz = (uint32_t)cpu_khz,
    };
    return 0;
}
