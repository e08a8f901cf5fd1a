/*
 * A world for mini-os's front ends: xenstore, grants, events and pages of our
 * own, and time that passes only while the front end waits. Whenever it
 * waits or sends an event the back end, a function of the test, may act; if
 * it does nothing during a wait, the wait's time is over.
 */
#ifndef MINIOS_DRIVERS_WORLD_H
#define MINIOS_DRIVERS_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <xen-guest.h>
#include <xen/io/xenbus.h>

#define BACK "/back/0"

/* Empties the world and puts a device of the class with such a back end. */
void world_begin(const char *class, int (*back_end)(void));
/* Nothing that the front end had is left: pages, grants, ports, watches. */
void world_end(void);

/* xenstore: a null value removes. world_get is null if there is none. */
void world_set(const char *dir, const char *name, const char *value);
const char *world_get(const char *dir, const char *name);
/* The back end's state, with its watch. */
void world_back_state(unsigned state);
unsigned world_front_state(void);
/* It has closed, and the front end begins anew. */
int world_begins_anew(void);
/* The number in the front end's node, or 0. */
unsigned world_front_number(const char *name);

/* What a reference grants, or null. writable: it may be written to. */
void *world_granted(unsigned ref, int writable);
/* The front end's page to which a frame is to be given, or null. */
void *world_awaits(unsigned ref);
/* Gives a frame with such contents. */
void world_give(unsigned ref, const void *contents);
/* While n is not 0 grants cannot be ended: the back end has them mapped. */
void world_map_all(int n);
/* How many references there are. */
unsigned world_grants(void);
/* The front end's event handler. */
void world_event(void);

extern char world_output[4096]; /* all that was printed */
extern const char *world_option; /* rx= on the command line */
extern unsigned world_memory;    /* pages that alloc_page may still give */


#endif
