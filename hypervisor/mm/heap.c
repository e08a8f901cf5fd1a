/*
 * Small objects: xmalloc.
 *
 * Sizes are rounded up to a power of two from 16 to 2048 bytes; each of these
 * classes cuts single frames ("slabs") into objects, so an object is aligned
 * to its size. What a slab needs to know of itself is kept in its frame-table
 * entry, which for a private frame nobody else reads (but the audit does):
 *   type   kind, class, objects in use, offset of the first free object
 *   next, prev  the class's list of slabs that have a free object
 * A free object's first two bytes hold the offset of the next free one.
 *
 * Larger requests get whole frames, with the order in the type word. An empty
 * slab goes back to the heap unless it is the class's only one with room, and
 * then as soon as it no longer is: how much memory is in use does not depend on
 * the order in which objects were freed.
 */
#include "lib/bitops.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/heap.h"

#define CLASSES (MAX_SHIFT - MIN_SHIFT + 1)

static spinlock_t lock = SPINLOCK_INIT(LOCK_ANY); /* a leaf */
static uint32_t with_room[CLASSES] = {[0 ... CLASSES - 1] = FRAME_NIL};

static unsigned class_of(size_t bytes)
{
    return bytes <= 1UL << MIN_SHIFT ? 0
                                     : highest_bit(bytes - 1) + 1 - MIN_SHIFT;
}

static void list_add_slab(struct frame *f, unsigned class)
{
    uint32_t m = (uint32_t)frame_mfn(f).m;

    f->prev = FRAME_NIL;
    f->next = with_room[class];
    if (f->next != FRAME_NIL)
        frame_of(mfn(f->next))->prev = m;
    with_room[class] = m;
}

static void list_remove_slab(struct frame *f, unsigned class)
{
    if (f->prev != FRAME_NIL)
        frame_of(mfn(f->prev))->next = f->next;
    else
        with_room[class] = f->next;
    if (f->next != FRAME_NIL)
        frame_of(mfn(f->next))->prev = f->prev;
}

/* A fresh slab, all objects free and chained, not yet in the list. */
static struct frame *new_slab(unsigned class)
{
    unsigned size = 1u << (class + MIN_SHIFT);
    char *page = xenheap_alloc(0);
    struct frame *f;

    if (!page)
        return NULL;
    for (unsigned at = 0; at < PAGE_SIZE; at += size)
        *(uint16_t *)(page + at) =
            (uint16_t)(at + size < PAGE_SIZE ? at + size : NO_FREE);
    f = frame_of(virt_to_mfn(page));
    f->type = KIND_SLAB | (uint64_t)class << ARG_SHIFT;
    return f;
}

/* An object of the class's first slab with room; lock held. */
static void *take_object(unsigned class)
{
    struct frame *f = frame_of(mfn(with_room[class]));
    char *obj = (char *)mfn_to_virt(frame_mfn(f)) + (f->type & FREE_MASK);

    f->type = ((f->type & ~FREE_MASK) | *(uint16_t *)obj) + USED_ONE;
    if ((f->type & FREE_MASK) == NO_FREE)
        list_remove_slab(f, class);
    return obj;
}

static void *small_alloc(unsigned class)
{
    void *obj = NULL;

    spin_lock(&lock);
    if (with_room[class] == FRAME_NIL) {
        struct frame *f;

        spin_unlock(&lock);
        f = new_slab(class);
        if (!f)
            return NULL;
        spin_lock(&lock);
        list_add_slab(f, class);
    }
    obj = take_object(class);
    spin_unlock(&lock);
    return obj;
}

/* The class's only slab with room if it is empty: taken out of the list. */
static struct frame *take_spare(unsigned class)
{
    struct frame *f;

    if (with_room[class] == FRAME_NIL)
        return NULL;
    f = frame_of(mfn(with_room[class]));
    if ((f->type & USED_MASK) || f->next != FRAME_NIL)
        return NULL;
    list_remove_slab(f, class);
    return f;
}

/*
 * Gives an empty slab that is no longer in the list, or NULL; lock held. A full
 * slab does not become empty by losing one object: there are two at least.
 */
static struct frame *put_object(struct frame *f, void *p)
{
    unsigned class = slab_arg(f);
    struct frame *spare = NULL;

    BUG_ON(!(f->type & USED_MASK));
    if ((f->type & FREE_MASK) == NO_FREE) {
        spare = take_spare(class);
        list_add_slab(f, class);
    }
    *(uint16_t *)p = (uint16_t)(f->type & FREE_MASK);
    f->type = ((f->type & ~FREE_MASK) | PAGE_OFFSET(p)) - USED_ONE;
    if ((f->type & USED_MASK) ||
        (f->prev == FRAME_NIL && f->next == FRAME_NIL))
        return spare;
    list_remove_slab(f, class);
    return f;
}

static void *large_alloc(size_t bytes)
{
    unsigned order = highest_bit((bytes - 1) >> PAGE_SHIFT | 1);
    void *p;

    while ((PAGE_SIZE << order) < bytes)
        order++;
    if (order > MAX_ORDER)
        return NULL;
    p = xenheap_alloc(order);
    if (p)
        frame_of(virt_to_mfn(p))->type =
            KIND_LARGE | (uint64_t)order << ARG_SHIFT;
    return p;
}

void *xmalloc(size_t bytes)
{
    if (bytes > 1UL << MAX_SHIFT)
        return large_alloc(bytes);
    return small_alloc(class_of(bytes));
}

void *xzalloc(size_t bytes)
{
    void *p = xmalloc(bytes);

    if (p)
        memset(p, 0, bytes);
    return p;
}

void xfree(void *p)
{
    struct frame *f;

    if (!p)
        return;
    f = frame_of(virt_to_mfn(p));
    if ((f->type & KIND_MASK) == KIND_LARGE) {
        BUG_ON(PAGE_OFFSET(p));
        f->type &= ~KIND_MASK;
        xenheap_free(p, slab_arg(f));
        return;
    }
    BUG_ON((f->type & KIND_MASK) != KIND_SLAB);
    BUG_ON(PAGE_OFFSET(p) & ((1UL << (slab_arg(f) + MIN_SHIFT)) - 1));
#ifdef DEBUG
    memset(p, 0x5a, 1UL << (slab_arg(f) + MIN_SHIFT));
#endif
    spin_lock(&lock);
    f = put_object(f, p);
    spin_unlock(&lock);
    if (f) {
        f->type = 0;
        xenheap_free(mfn_to_virt(frame_mfn(f)), 0);
    }
}
