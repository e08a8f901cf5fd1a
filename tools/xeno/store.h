/*
 * What a guest has in xenstore: the same nodes that xl makes, so that each
 * toolset sees the other's guests. Nodes are written one by one; a guest
 * cannot see them before it is introduced, and what is left of a create that
 * was cut short the monitor removes.
 */
#ifndef XENO_STORE_H
#define XENO_STORE_H

#include "guest.h"
#include "xeno.h"

/* Writes value to a path under base; 0 or -errno with the text set. */
int store_write(struct xeno *x, const char *base, const char *node,
                const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* The same for pairs of node and value, ended by NULL. */
int store_write_all(struct xeno *x, const char *base, const char *const *pairs);
/* Makes a directory; rights: 'r' the guest reads, 'w' reads and writes, 'o'
 * owns it, 0 none. */
int store_dir(struct xeno *x, uint32_t id, char rights, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Removes a node with all below; not being there is no error. */
void store_remove(struct xeno *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, collected for xeno_store_run. */
void store_put_away(struct xeno *x, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Waits up to ms for node to hold one of the values; the index, or -1.
 */
int store_await(struct xeno *x, const char *node, const char *const *values,
                unsigned ms);

/* The nodes that the guest sees, but for devices'; b has its rings and ports. */
int store_guest(struct xeno *x, uint32_t id, const struct guest *g,
                const struct xeno_build *b);
/* Tells xenstored that the guest is there, which has not run yet. */
int store_introduce(struct xeno *x, uint32_t id, const struct xeno_build *b);
/* The same of one that runs already, and may have asked for something. */
int store_introduce_running(struct xeno *x, uint32_t id,
                            const struct xeno_build *b);
/* The nodes that only domain 0 looks at. */
int store_outside(struct xeno *x, uint32_t id, const struct guest *g);
/* Removes everything of the guest but its back ends, and what was collected. */
void store_forget(struct xeno *x, uint32_t id, const uint8_t uuid[16]);

/*
 * The id of the nodes of that guest, whether or not its domain exists still;
 * false if there are none.
 */
bool store_find(struct xeno *x, const uint8_t uuid[16], uint32_t *id);

/* Where we keep what is not in xenstore. */
#define RUN_DIR "/run/xeno"

/*
 * The right to give that name to a domain, until the file that is returned is
 * closed. -EEXIST with the text set: somebody else has it.
 */
int store_lock_name(struct xeno *x, const char *name);
int store_rename(struct xeno *x, uint32_t id, const uint8_t uuid[16],
                 const char *name);

#endif
