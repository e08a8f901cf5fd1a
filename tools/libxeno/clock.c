/* The machine's clock: Xeno's own call for its rate. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <xen/platform.h>
#include <xeno/xeno.h>

static int run(struct xeno *x, uint32_t cmd, struct xeno_clock *c)
{
    struct xeno_time_op *op;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    *op = (struct xeno_time_op){.version = XENO_TIME_VERSION,
                                .cmd = cmd,
                                .rate = c->rate,
                                .slew = c->slew,
                                .slew_ns = c->slew_ns};
    if (xencall1(x->call, __HYPERVISOR_xeno_time_op, (uintptr_t)op) < 0)
        return xeno_fail(x, errno, "cannot %s the machine's clock: %s",
                         cmd == XENO_TIME_set ? "correct" : "read",
                         errno == ENOSYS ? "the hypervisor is not Xeno"
                                         : strerror(errno));
    *c = (struct xeno_clock){.rate = op->rate,
                             .slew = op->slew,
                             .slew_ns = op->slew_ns,
                             .system_time = op->system_time,
                             .wall_clock = op->wall_clock + op->system_time};
    return 0;
}

int xeno_clock_get(struct xeno *x, struct xeno_clock *c)
{
    memset(c, 0, sizeof(*c));
    return run(x, XENO_TIME_get, c);
}

int xeno_clock_set(struct xeno *x, struct xeno_clock *c)
{
    return run(x, XENO_TIME_set, c);
}

int xeno_clock_set_wall(struct xeno *x, uint64_t wall, uint64_t system_time)
{
    struct xen_platform_op *op;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    op->cmd = XENPF_settime64;
    op->interface_version = XENPF_INTERFACE_VERSION;
    op->u.settime64.secs = wall / 1000000000;
    op->u.settime64.nsecs = (uint32_t)(wall % 1000000000);
    op->u.settime64.system_time = system_time;
    if (xencall1(x->call, __HYPERVISOR_platform_op, (uintptr_t)op) < 0)
        return xeno_fail(x, errno, "cannot set the wall clock: %s",
                         strerror(errno));
    return 0;
}
