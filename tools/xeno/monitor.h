/*
 * The monitor: one process for all guests that `xeno create` made. It acts
 * when they shut down (on_poweroff and the like), tidies up after those that
 * are gone, and ends a guest whose creator died half-way.
 *
 * A creator keeps the guest's configuration open and locked, in RUN_DIR/guests
 * under the UUID, from before there is a domain until it is complete. Then it
 * gives the file its final name. The monitor hears when a file is closed: if
 * its name is not the final one, the creator died.
 */
#ifndef XENO_MONITOR_H
#define XENO_MONITOR_H

#include "guest.h"
#include "xeno.h"

/*
 * Starts the monitor if none runs, and leaves the configuration's text for it.
 * A file for monitor_done, or -errno with the text set.
 */
int monitor_begin(struct xeno *x, const uint8_t uuid[16], const char *text);
/* The guest is complete. Starts a new monitor if ours died meanwhile. */
void monitor_done(int file, const uint8_t uuid[16]);
/* Gives up; nothing is left of the guest. */
void monitor_abandon(int file, const uint8_t uuid[16]);

/*
 * The configuration of a running guest of ours, for its next start: NULL, in
 * memory that the caller frees, or false if it cannot be had or kept.
 */
char *saved_config_read(const uint8_t uuid[16]);
bool saved_config_write(const uint8_t uuid[16], const char *text);

/* Ends a guest and everything that belongs to it. 0 or -errno, text set. */
int guest_destroy(struct xeno *x, const struct xeno_domain *d);

#endif
