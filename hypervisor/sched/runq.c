/*
 * The leftist heap: each node comes before its children, and its right child's
 * rank is never above its left child's. So the way right from a node of n
 * descendants has at most log2(n + 1) + 1 nodes, and merging walks only there.
 */
#include "sched/runq.h"

#include "lib/compiler.h"

static unsigned rank(const struct runq_node *n)
{
    return n ? n->rank : 0;
}

static bool before(const struct runq_node *a, const struct runq_node *b)
{
    return a->key < b->key || (a->key == b->key && a->turn < b->turn);
}

/* Puts n's children in order; false: its rank stays as it was. */
static bool settle(struct runq_node *n)
{
    struct runq_node *l = n->left;
    unsigned old = n->rank;

    if (rank(l) < rank(n->right)) {
        n->left = n->right;
        n->right = l;
    }
    n->rank = rank(n->right) + 1;
    return n->rank != old;
}

/* Down along both right edges, then up again to put the ranks right. */
static struct runq_node *merge(struct runq_node *a, struct runq_node *b)
{
    struct runq_node *top = NULL, *last = NULL, **link = &top;

    while (a && b) {
        struct runq_node *n = before(a, b) ? a : b;

        if (n == a)
            a = a->right;
        else
            b = b->right;
        n->parent = last;
        *link = last = n;
        link = &n->right;
    }
    *link = a ? a : b;
    if (*link)
        (*link)->parent = last;
    for (; last; last = last->parent)
        (void)settle(last);
    return top;
}

static void insert(struct runq *q, struct runq_node *n, runq_key_t key,
                   int64_t turn)
{
    n->key = key;
    n->turn = turn;
    n->parent = n->left = n->right = NULL;
    n->rank = 1;
    q->first = q->first ? merge(q->first, n) : n;
}

void runq_insert(struct runq *q, struct runq_node *n, runq_key_t key)
{
    insert(q, n, key, ++q->last_turn);
}

void runq_insert_before(struct runq *q, struct runq_node *n, runq_key_t key)
{
    insert(q, n, key, --q->first_turn);
}

void runq_remove(struct runq *q, struct runq_node *n)
{
    struct runq_node *p = n->parent, *rest = merge(n->left, n->right);

    n->rank = 0;
    if (rest)
        rest->parent = p;
    if (!p)
        q->first = rest;
    else if (p->left == n)
        p->left = rest;
    else
        p->right = rest;
    while (p && settle(p))
        p = p->parent;
}

void runq_change(struct runq *q, struct runq_node *n, runq_key_t key)
{
    if (q->first == n && !n->left) { /* alone */
        n->key = key;
        return;
    }
    runq_remove(q, n);
    runq_insert(q, n, key);
}

struct runq_node *runq_second(const struct runq *q)
{
    struct runq_node *l, *r;

    if (!q->first)
        return NULL;
    l = q->first->left;
    r = q->first->right;
    return r && before(r, l) ? r : l;
}
