/*
 * The ABI's error numbers (public header xen/errno.h) under their plain names.
 * Functions return 0 or a negative one of these. On the host the C library's
 * <errno.h> is used: its values are the same.
 */
#ifndef LIB_ERRNO_H
#define LIB_ERRNO_H

#if __STDC_HOSTED__
#include <errno.h>
#else
#define XEN_ERRNO(name, value) name = value,
enum errno_values {
#include <xen/errno.h>
};
#undef XEN_ERRNO
#endif

/*
 * Internal result, never seen by a guest: the operation was cut short to let
 * others run and must be called again to go on.
 */
#define ERESTART_PREEMPT 2000

#endif
