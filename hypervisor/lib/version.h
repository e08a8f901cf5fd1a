/* What Xeno calls itself, and the ABI that it speaks. */
#ifndef LIB_VERSION_H
#define LIB_VERSION_H

#define XENO_VERSION "0.1"
/* The ABI's version: that of the public headers (interface 0x00041100). */
#define XENO_ABI_MAJOR 4u
#define XENO_ABI_MINOR 17u
#define XENO_ABI_EXTRA "-xeno-" XENO_VERSION

#endif
