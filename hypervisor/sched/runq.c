/*
 * The heap: a complete binary tree of nodes that point at each other. Place 1
 * is the root, and the children of place n are the places 2n and 2n + 1: so the
 * bits of a place's number, from the second one on, are the way to it, 0 for
 * left.
 */
#include "sched/runq.h"

#include "lib/bitops.h"
#include "lib/compiler.h"

static bool before(const struct runq_node *a, const struct runq_node *b)
{
    return runq_before(a->key, b->key) ||
           (a->key == b->key && a->turn < b->turn);
}

/* What points at a place: there is one up to place count + 1. */
static struct runq_node **link_to(struct runq *q, unsigned place,
                                  struct runq_node **parent)
{
    struct runq_node **link = &q->first;

    *parent = NULL;
    for (unsigned bit = highest_bit(place); bit-- > 0;) {
        *parent = *link;
        link = place >> bit & 1 ? &(*link)->right : &(*link)->left;
    }
    return link;
}

static struct runq_node **link_of(struct runq *q, const struct runq_node *n)
{
    if (!n->parent)
        return &q->first;
    return n->parent->left == n ? &n->parent->left : &n->parent->right;
}

static void set_parent(struct runq_node *n, struct runq_node *parent)
{
    if (n)
        n->parent = parent;
}

/* Puts n at a place with these children. */
static void put(struct runq_node *n, struct runq_node **link,
                struct runq_node *parent, struct runq_node *left,
                struct runq_node *right)
{
    *link = n;
    n->parent = parent;
    n->left = left;
    n->right = right;
    set_parent(left, n);
    set_parent(right, n);
}

/* n and the one above it change places. */
static void swap_up(struct runq *q, struct runq_node *n)
{
    struct runq_node *p = n->parent, *left = n->left, *right = n->right;
    struct runq_node *top = p->parent, **link = link_of(q, p);

    if (p->left == n)
        put(n, link, top, p, p->right);
    else
        put(n, link, top, p->left, p);
    put(p, p == n->left ? &n->left : &n->right, n, left, right);
}

static void sift_up(struct runq *q, struct runq_node *n)
{
    while (n->parent && before(n, n->parent))
        swap_up(q, n);
}

static struct runq_node *first_child(struct runq_node *l, struct runq_node *r)
{
    return r && before(r, l) ? r : l;
}

/* Those before n on the way down move up; n comes where they end. */
static void sift_down(struct runq *q, struct runq_node *n)
{
    struct runq_node **link = link_of(q, n), *parent = n->parent;
    struct runq_node *l = n->left, *r = n->right, *c;

    while ((c = first_child(l, r)) != NULL && before(c, n)) {
        struct runq_node *cl = c->left, *cr = c->right;

        *link = c;
        c->parent = parent;
        if (c == l) {
            c->right = r;
            set_parent(r, c);
            link = &c->left;
        } else {
            c->left = l;
            l->parent = c;
            link = &c->right;
        }
        parent = c;
        l = cl;
        r = cr;
    }
    put(n, link, parent, l, r);
}

static void insert(struct runq *q, struct runq_node *n, runq_key_t key,
                   int64_t turn)
{
    struct runq_node *parent, **link = link_to(q, ++q->count, &parent);

    n->key = key;
    n->turn = turn;
    n->queued = true;
    put(n, link, parent, NULL, NULL);
    sift_up(q, n);
}

void runq_insert(struct runq *q, struct runq_node *n, runq_key_t key)
{
    insert(q, n, key, ++q->last_turn);
}

void runq_insert_before(struct runq *q, struct runq_node *n, runq_key_t key)
{
    insert(q, n, key, --q->first_turn);
}

/* The last place becomes free; who was there takes n's. */
void runq_remove(struct runq *q, struct runq_node *n)
{
    struct runq_node *parent, **link = link_to(q, q->count--, &parent);
    struct runq_node *last = *link;

    *link = NULL;
    n->queued = false;
    if (last == n)
        return;
    put(last, link_of(q, n), n->parent, n->left, n->right);
    sift_up(q, last);
    sift_down(q, last);
}

void runq_change(struct runq *q, struct runq_node *n, runq_key_t key)
{
    n->key = key;
    n->turn = ++q->last_turn;
    sift_up(q, n);
    sift_down(q, n);
}

struct runq_node *runq_second(const struct runq *q)
{
    return q->first ? first_child(q->first->left, q->first->right) : NULL;
}
