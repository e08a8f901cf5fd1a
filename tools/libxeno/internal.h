/* What the files of libxeno share. */
#ifndef LIBXENO_INTERNAL_H
#define LIBXENO_INTERNAL_H

#include "xeno.h"

#include <xencall.h>
#include <xenforeignmemory.h>

/*
 * The arena is memory that the hypervisor can read and write (pages that the
 * kernel does not move): arguments of hypercalls are made in it. Each call of
 * arena_start begins anew; there is room for ARENA_SIZE bytes. It is small, as
 * every command pays for making it; longer lists go in several calls.
 */
#define ARENA_PAGES 2
#define ARENA_SIZE (ARENA_PAGES * XENO_PAGE_SIZE)

struct xeno {
    xencall_handle *call;
    xenforeignmemory_handle *foreign; /* opened on first use */
    struct wire *wire;                /* to xenstored, from first use */
    char *arena;
    size_t used;
    char error[256];
};

void arena_start(struct xeno *x);
/* Zeroed, aligned to 16. Never fails: what does not fit is a bug. */
void *arena_alloc(struct xeno *x, size_t size);

/* A zeroed operation at the start of a fresh arena. */
struct xen_domctl *domctl_start(struct xeno *x, uint32_t cmd, uint32_t id);
struct xen_sysctl *sysctl_start(struct xeno *x, uint32_t cmd);
/* Makes the call: 0 or -errno, no text. */
int domctl_run(struct xeno *x, struct xen_domctl *op);
int sysctl_run(struct xeno *x, struct xen_sysctl *op);
/* xencall2 with -errno; arg lies in the arena. */
int memory_op(struct xeno *x, unsigned cmd, void *arg);

void wire_close(struct xeno *x);

/* NULL with the text set. */
xenforeignmemory_handle *foreign_memory(struct xeno *x);

#endif
