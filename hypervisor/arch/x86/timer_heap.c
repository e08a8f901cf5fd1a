/*
 * Pairing heap. Each timer expires no later than its children. Siblings form
 * a list; `prev` is the elder sibling, or the parent for the first child, and
 * NULL for the root.
 */
#include "arch/x86/timer_heap.h"

/* Joins two heaps (either may be NULL); the later root becomes a child. */
static struct timer *meld(struct timer *a, struct timer *b)
{
    struct timer *t;

    if (!a || !b)
        return a ? a : b;
    if (b->expires < a->expires) {
        t = a;
        a = b;
        b = t;
    }
    b->next = a->child;
    if (b->next)
        b->next->prev = b;
    b->prev = a;
    a->child = b;
    a->next = a->prev = NULL;
    return a;
}

/* Takes the first one off a list of siblings. */
static struct timer *detach(struct timer **list)
{
    struct timer *t = *list;

    if (t) {
        *list = t->next;
        t->next = t->prev = NULL;
    }
    return t;
}

/*
 * One heap out of a list of siblings: neighbours are paired from left to
 * right, then the pairs melded from the last to the first.
 */
static struct timer *meld_siblings(struct timer *list)
{
    struct timer *pairs = NULL, *root = NULL;

    while (list) {
        struct timer *a = detach(&list);
        struct timer *pair = meld(a, detach(&list));
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs)
        root = meld(root, detach(&pairs));
    return root;
}

void timer_heap_add(struct timer_heap *h, struct timer *t)
{
    t->child = t->next = t->prev = NULL;
    t->queued = true;
    h->root = meld(h->root, t);
}

void timer_heap_remove(struct timer_heap *h, struct timer *t)
{
    struct timer *below = meld_siblings(t->child);

    if (t == h->root) {
        h->root = below;
    } else {
        if (t->prev->child == t)
            t->prev->child = t->next;
        else
            t->prev->next = t->next;
        if (t->next)
            t->next->prev = t->prev;
        h->root = meld(h->root, below);
    }
    t->child = t->next = t->prev = NULL;
    t->queued = false;
}
