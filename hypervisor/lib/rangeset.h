/*
 * Sets of disjoint inclusive ranges of numbers: I/O ports, device frames, irqs.
 * Pure. Adding merges neighbours. Locked inside. -ENOMEM if memory runs out.
 */
#ifndef LIB_RANGESET_H
#define LIB_RANGESET_H

#include "lib/types.h"

struct rangeset;
struct rangeset *rangeset_new(void); /* NULL: no memory */
void rangeset_free(struct rangeset *r);
int rangeset_add(struct rangeset *r, uint64_t first, uint64_t last);
int rangeset_remove(struct rangeset *r, uint64_t first, uint64_t last);
/* True if the set holds all of [first, last]. A NULL set holds nothing. */
bool rangeset_contains(const struct rangeset *r, uint64_t first, uint64_t last);
bool rangeset_empty(const struct rangeset *r);

#endif
