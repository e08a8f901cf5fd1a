/*
 * An ordered queue: a heap whose nodes lie in what is queued, so that it never
 * allocates. Insert, remove and change are O(log n) at worst, the first two
 * elements are O(1). Equal keys keep the order of their arrival.
 * Pure; the caller's lock.
 */
#ifndef SCHED_RUNQ_H
#define SCHED_RUNQ_H

#include "lib/types.h"

/* Keys may wrap: those in one queue lie within 2^63 of each other. */
typedef uint64_t runq_key_t;

struct runq_node {
    runq_key_t key;
    int64_t turn;       /* among equal keys: the lower one is first */
    struct runq_node *parent, *left, *right;
    bool queued;
};

struct runq {
    struct runq_node *first; /* NULL: empty */
    unsigned count;
    int64_t first_turn, last_turn;
};

static inline bool runq_before(runq_key_t a, runq_key_t b)
{
    return (int64_t)(a - b) < 0;
}
static inline bool runq_queued(const struct runq_node *n)
{
    return n->queued;
}

/* n is not queued. */
void runq_insert(struct runq *q, struct runq_node *n, runq_key_t key);
/* The same, but before those of the same key, not behind them. */
void runq_insert_before(struct runq *q, struct runq_node *n, runq_key_t key);
/* n is in q. */
void runq_remove(struct runq *q, struct runq_node *n);
/* n is in q; it goes behind those of the same key. */
void runq_change(struct runq *q, struct runq_node *n, runq_key_t key);
/* The one after the first, or NULL. */
struct runq_node *runq_second(const struct runq *q);

#endif
