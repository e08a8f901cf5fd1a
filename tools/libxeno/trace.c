/* Trace buffers of Xeno. */
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <xeno/xeno.h>

/* As many as the arena has room for beside the operation. */
#define AT_ONCE (ARENA_SIZE / sizeof(struct xeno_trace_record) - 8)

static struct xeno_trace_op *trace_op(struct xeno *x, uint32_t cmd)
{
    struct xeno_trace_op *op;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    op->version = XENO_TRACE_VERSION;
    op->cmd = cmd;
    return op;
}

static int run(struct xeno *x, struct xeno_trace_op *op)
{
    if (xencall1(x->call, __HYPERVISOR_xeno_trace_op, (uintptr_t)op) >= 0)
        return 0;
    return xeno_fail(x, errno, "cannot trace: %s",
                     errno == ENOSYS  ? "the hypervisor is not Xeno"
                     : errno == EBUSY ? "somebody else does"
                                      : strerror(errno));
}

int xeno_trace_start(struct xeno *x, uint32_t events, uint32_t records)
{
    struct xeno_trace_op *op = trace_op(x, XENO_TRACE_start);

    op->events = events;
    op->records = records;
    return run(x, op);
}

int xeno_trace_stop(struct xeno *x)
{
    return run(x, trace_op(x, XENO_TRACE_stop));
}

int xeno_trace_read(struct xeno *x, unsigned cpu,
                    const struct xeno_trace_record **records, unsigned *n,
                    unsigned *lost)
{
    struct xeno_trace_op *op = trace_op(x, XENO_TRACE_read);
    void *buffer = arena_alloc(x, AT_ONCE * sizeof(**records));
    int rc;

    op->cpu = cpu;
    op->records = AT_ONCE;
    op->buffer = (uintptr_t)buffer;
    rc = run(x, op);
    *records = buffer;
    *n = rc ? 0 : op->records;
    *lost = rc ? 0 : op->lost;
    return rc;
}
