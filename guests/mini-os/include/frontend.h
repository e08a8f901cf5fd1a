/*
 * What the front ends have in common: a device's place in xenstore, its back
 * end, and the states by which both sides come together and part.
 */
#ifndef FRONTEND_H
#define FRONTEND_H

#include <xenbus.h>
#include <xen/io/xenbus.h>

struct frontend {
    char dir[XENBUS_PATH], backend[XENBUS_PATH];
    unsigned peer;           /* the back end's domain */
    struct wait_queue queue; /* for its state, and for what the driver adds */
    struct xenbus_watch watch;
    int watched, lost;
    char *err; /* of err_size bytes, the opener's; null once it is open */
    size_t err_size;
    const struct frontend_driver *driver; /* null: not open */
    struct frontend *next;
    unsigned users; /* threads within the driver, but those that sleep there */
    int away;       /* suspended: nobody comes in */
};

/* How an open device leaves its back end before a suspension, and finds one. */
struct frontend_driver {
    void (*part)(struct frontend *f);
    int (*meet)(struct frontend *f); /* 0, or -1: it has failed */
};

#define STATE_BIT(s) (1U << XenbusState##s)

/*
 * Finds the index-th device of a class, a directory such as "device/vbd", and
 * waits until its back end awaits a front end. 0, or -1 and the reason in
 * err. frontend_leave undoes it, and may be called after a failure, too.
 */
int frontend_find(struct frontend *f, const char *class, unsigned index,
                  char *err, size_t size);
/* The same for a device that has left, which may have another back end now. */
int frontend_find_again(struct frontend *f);
/* Leaves a message about the device in err, if it has none; gives -1. */
int frontend_fail(struct frontend *f, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The back end's state; Closed if it is gone, Unknown if it makes no sense. */
unsigned frontend_state(struct frontend *f);
/*
 * Waits until the back end's state is one of a set of STATE_BITs, or gives up:
 * after a minute, or since it is closing. 0, or -1 with a message.
 */
int frontend_wait(struct frontend *f, unsigned states);
/* Tells our state. 0, or -1 with a message. */
int frontend_switch(struct frontend *f, enum xenbus_state state);
/* A number that the back end tells, up to max. 0, or -1 with a message. */
int frontend_number(struct frontend *f, const char *name, u64 max, u64 *value);
/* Whether the back end has set a feature. */
int frontend_feature(struct frontend *f, const char *name);
/*
 * Not 0: the back end has once left the connected state. Asks xenstore only
 * if something has changed there.
 */
int frontend_lost(struct frontend *f);
/* Closes: our side says Closing, then Closed, and waits for the other. */
void frontend_leave(struct frontend *f);

/*
 * Open devices live through a suspension: every one leaves its back end before
 * it and finds one after it. A driver opens and closes under devices_lock, and
 * its other functions are between enter and exit; what sleeps there does so by
 * frontend_sleep, interrupts off, which is wait_until on the device's queue and
 * may find the device connected anew.
 */
extern struct mutex devices_lock;
void frontend_opened(struct frontend *f, const struct frontend_driver *driver);
void frontend_closed(struct frontend *f);
void frontend_enter(struct frontend *f);
void frontend_exit(struct frontend *f);
int frontend_sleep(struct frontend *f, u64 deadline_ns);
/* All leave; all find theirs. Between the two nothing is opened or closed. */
void frontends_part(void);
void frontends_meet(void);

#endif
