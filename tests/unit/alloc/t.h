/* Tests of the allocators on a small machine: one frame table, real memory. */
#ifndef ALLOC_T_H
#define ALLOC_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "mm/buddy.h"

#define FRAMES 8192u

extern struct buddy heap;

/* An empty frame table and heap. */
void world_reset(void);
uint64_t rnd(void);
/*
 * Walks all free lists: alignment, zones, bit masks, links, no overlap, count,
 * and that no two free buddies are left unmerged. used[m]: the frame is out.
 */
void check_heap(const uint8_t *used);

int run_buddy_tests(void);
int run_xmalloc_tests(void);

#endif
