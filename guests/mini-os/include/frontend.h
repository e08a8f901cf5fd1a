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
};

#define STATE_BIT(s) (1U << XenbusState##s)

/*
 * Finds the index-th device of a class, a directory such as "device/vbd", and
 * waits until its back end awaits a front end. 0, or -1 and the reason in
 * err. frontend_leave undoes it, and may be called after a failure, too.
 */
int frontend_find(struct frontend *f, const char *class, unsigned index,
                  char *err, size_t size);
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

#endif
