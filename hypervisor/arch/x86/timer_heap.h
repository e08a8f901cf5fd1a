/*
 * The timers of one CPU, soonest first: a pairing heap linked through the
 * timers themselves, so that setting one needs no memory and cannot fail.
 * Adding is O(1), removing O(log n) amortised. Pure.
 */
#ifndef ARCH_X86_TIMER_HEAP_H
#define ARCH_X86_TIMER_HEAP_H

#include "arch/x86/timer.h"

struct timer_heap {
    struct timer *root; /* the soonest, NULL if empty */
};

void timer_heap_add(struct timer_heap *h, struct timer *t);
/* t is in the heap. */
void timer_heap_remove(struct timer_heap *h, struct timer *t);

#endif
