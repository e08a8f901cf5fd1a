/*
 * The client of xenstore, over the ring that the builder set up. A node is
 * named by a directory and a name in it (null: the directory itself); a
 * directory without a leading slash lies in the domain's own part. tx is a
 * transaction from xenbus_begin, or 0.
 *
 * All are called by threads with interrupts on, and sleep until the answer
 * is there, a minute at most. Errors are negative XEN_E... numbers: those of
 * xenstore, -XEN_ENODEV (there is none here), -XEN_ETIMEDOUT, -XEN_EIO (its
 * side of the ring is broken, for good).
 */
#ifndef XENBUS_H
#define XENBUS_H

#include <xen-guest.h>

#define XENBUS_PATH 128       /* what fits anywhere here, with the final 0 */
#define SECOND_NS 1000000000UL

/* Connects, if that is not done. 0 or -errno. */
int xenbus_init(void);
/*
 * The value with a 0 behind it. Its length, or -errno; -XEN_E2BIG: it would
 * not fit, -XEN_EINVAL: there is a 0 in it.
 */
long xenbus_read(u32 tx, const char *dir, const char *name, char *buf,
                 size_t size);
/* A decimal number up to max; -XEN_EINVAL: anything else. */
int xenbus_read_number(u32 tx, const char *dir, const char *name, u64 max,
                       u64 *value);
/* The names in a directory, each with a 0 behind it. Bytes or -errno. */
long xenbus_list(u32 tx, const char *dir, const char *name, char *buf,
                 size_t size);
/* At most 127 characters of value. */
int xenbus_write(u32 tx, const char *dir, const char *name, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));
int xenbus_mkdir(u32 tx, const char *dir, const char *name);
int xenbus_remove(u32 tx, const char *dir, const char *name);
int xenbus_begin(u32 *tx);
/* -XEN_EAGAIN: somebody else changed what was looked at; once more. */
int xenbus_end(u32 tx, int commit);

/*
 * Anything at or below a node changes: fired counts, and queue is woken. It
 * fires once at the start. The structure and the strings are the caller's,
 * until unwatched.
 */
struct xenbus_watch {
    struct xenbus_watch *next;
    struct wait_queue *queue;
    const char *dir, *name;
    unsigned token;
    volatile unsigned fired;
};
int xenbus_watch(struct xenbus_watch *w, const char *dir, const char *name,
                 struct wait_queue *queue);
void xenbus_unwatch(struct xenbus_watch *w);

/*
 * Around a suspension: no request is under way between the two. Elsewhere
 * there is another xenstore, which is told of all watches; each fires.
 */
void xenbus_suspend(void);
void xenbus_resume(int elsewhere);

/*
 * For the tests of what a broken xenstore does: requests that have been
 * answered, and messages that nobody waited for.
 */
struct xenbus_counts {
    u64 answers, strays, events;
};
void xenbus_counts(struct xenbus_counts *c);

#endif
