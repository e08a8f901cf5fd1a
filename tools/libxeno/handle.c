/* The handle, its error text and the arena for hypercall arguments. */
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct xeno *xeno_open(void)
{
    struct xeno *x = calloc(1, sizeof(*x));

    if (!x)
        return NULL;
    x->call = xencall_open(NULL, XENCALL_OPENFLAG_NON_REENTRANT);
    if (x->call)
        x->arena = xencall_alloc_buffer_pages(x->call, ARENA_PAGES);
    if (!x->arena) {
        int e = errno;
        xeno_close(x);
        errno = e;
        return NULL;
    }
    return x;
}

void xeno_close(struct xeno *x)
{
    wire_close(x);
    if (x->foreign)
        xenforeignmemory_close(x->foreign);
    if (x->arena)
        xencall_free_buffer_pages(x->call, x->arena, ARENA_PAGES);
    if (x->call)
        xencall_close(x->call);
    free(x);
}

const char *xeno_error(const struct xeno *x)
{
    return x->error;
}

int xeno_fail(struct xeno *x, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(x->error, sizeof(x->error), fmt, ap);
    va_end(ap);
    return -code;
}

xenforeignmemory_handle *foreign_memory(struct xeno *x)
{
    if (!x->foreign)
        x->foreign = xenforeignmemory_open(NULL, 0);
    if (!x->foreign)
        xeno_fail(x, errno, "cannot open the device for foreign memory: %s",
                  strerror(errno));
    return x->foreign;
}

void arena_start(struct xeno *x)
{
    x->used = 0;
}

void *arena_alloc(struct xeno *x, size_t size)
{
    void *p = x->arena + x->used;

    if (size > ARENA_SIZE - x->used)
        abort();
    x->used += (size + 15) & ~(size_t)15;
    return memset(p, 0, size);
}

/* ---- the calls ---- */

struct xen_domctl *domctl_start(struct xeno *x, uint32_t cmd, uint32_t id)
{
    struct xen_domctl *op;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    op->cmd = cmd;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = (domid_t)id;
    return op;
}

struct xen_sysctl *sysctl_start(struct xeno *x, uint32_t cmd)
{
    struct xen_sysctl *op;

    arena_start(x);
    op = arena_alloc(x, sizeof(*op));
    op->cmd = cmd;
    op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return op;
}

int domctl_run(struct xeno *x, struct xen_domctl *op)
{
    int rc = xencall1(x->call, __HYPERVISOR_domctl, (uintptr_t)op);

    return rc < 0 ? -errno : rc;
}

int sysctl_run(struct xeno *x, struct xen_sysctl *op)
{
    int rc = xencall1(x->call, __HYPERVISOR_sysctl, (uintptr_t)op);

    return rc < 0 ? -errno : rc;
}

int memory_op(struct xeno *x, unsigned cmd, void *arg)
{
    long rc = xencall2L(x->call, __HYPERVISOR_memory_op, cmd, (uintptr_t)arg);

    return rc < 0 ? -errno : (int)rc;
}
