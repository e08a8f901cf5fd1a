/* Making a guest. */
#ifndef XENO_CREATE_H
#define XENO_CREATE_H

#include "guest.h"
#include "xeno.h"

/* A random one. */
void make_uuid(uint8_t uuid[16]);
/*
 * Creates the guest, paused or running. On failure nothing of it is left, and
 * the text is set. *id is its number.
 */
int guest_create(struct xeno *x, struct guest *g, bool run, uint32_t *id);
/*
 * Reads a configuration's text: false with the text for the user in x, which
 * calls it `file`, but "command line" from line `extra` on (0: never).
 */
bool guest_from_text(struct xeno *x, const char *file, const char *text,
                     unsigned extra, struct guest *g);

#endif
