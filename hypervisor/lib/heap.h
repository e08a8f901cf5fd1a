/*
 * Memory for the rooms below mm. Small objects: 16 bytes to 2 KiB from size
 * classes, larger ones in whole pages; aligned to 16 bytes. NULL if there is
 * none. Not before heap_init(); not from hard interrupts.
 */
#ifndef LIB_HEAP_H
#define LIB_HEAP_H

#include "lib/types.h"

/* ---- Provided by mm (alloc.c), or by the host test ---- */
void *xmalloc(size_t bytes);
void *xzalloc(size_t bytes); /* cleared */
void xfree(void *p);         /* NULL: nothing */
/* 2^order cleared frames, mapped; for page tables. */
void *xenheap_zalloc(unsigned order);

#define xzalloc_type(type) ((type *)xzalloc(sizeof(type)))
#define xzalloc_array(type, n) ((type *)xzalloc(sizeof(type) * (n)))

#endif
