/*
 * A small network back end that hands over what it has for the front end by
 * flipping pages, which no back end of today offers. Threads only.
 */
#ifndef NETBACK_H
#define NETBACK_H

#include <mini-os.h>
#include <packets.h>

struct netback {
    unsigned peer;            /* the front end's domain */
    const char *front, *dir;  /* the front end's directory, and ours */
    const struct station *me; /* it answers as this one; null: as an echo */
    int lies;                 /* its answers are to what was not asked */
    u64 taken, flipped;       /* frames from the front end, and to it */
    struct netback_rings *rings;
};

/*
 * Offers itself and serves one front end until that leaves. 0; or -1 with a
 * message: none came within a minute, or it broke the protocol, or no memory.
 */
int netback_run(struct netback *nb);

#endif
