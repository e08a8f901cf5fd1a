/*
 * Memory: the pages that ops.memory names. The lower half is the heap (first
 * fit, free neighbours joined), the rest is given out by pages.
 */
#include <mini-os.h>

struct block {
    u64 size; /* with this header; bit 0: in use */
    struct block *next;
};

static struct memory_layout layout;
static u64 first_pfn;
static void *page_list; /* freed pages, each begins with the next */
static u64 pages_left;
static struct block *heap;

void mm_init(void)
{
    u64 half;

    ops.memory(&layout);
    if (layout.end_pfn < layout.first_pfn + 16)
        panic("too little memory: %lu pages are free",
              layout.end_pfn > layout.first_pfn
                  ? layout.end_pfn - layout.first_pfn : 0);
    first_pfn = layout.first_pfn;
    half = (layout.end_pfn - layout.first_pfn) / 2;
    heap = (struct block *)(VIRT_BASE + layout.first_pfn * PAGE_SIZE);
    heap->size = half * PAGE_SIZE;
    heap->next = NULL;
    layout.first_pfn += half;
    pages_left = layout.end_pfn - layout.first_pfn;
}

u64 mm_first_pfn(void) { return first_pfn; }
u64 mm_end_pfn(void) { return layout.end_pfn; }

void *alloc_page(void)
{
    int state = irq_save();
    void *page = page_list;

    if (page)
        page_list = *(void **)page;
    else if (layout.first_pfn < layout.end_pfn)
        page = (void *)(VIRT_BASE + layout.first_pfn++ * PAGE_SIZE);
    if (page)
        pages_left--;
    irq_restore(state);
    return page ? memset(page, 0, PAGE_SIZE) : NULL;
}

void free_page(void *page)
{
    int state = irq_save();

    *(void **)page = page_list;
    page_list = page;
    pages_left++;
    irq_restore(state);
}

u64 free_pages(void) { return pages_left; }

static void *take(struct block *b, u64 need)
{
    struct block *rest;

    if (b->size >= need + 2 * sizeof(*b)) {
        rest = (struct block *)((u64)b + need);
        rest->size = b->size - need;
        rest->next = b->next;
        b->size = need;
        b->next = rest;
    }
    b->size |= 1;
    return b + 1;
}

/* What a free block must give up at its beginning, to be aligned behind it. */
static u64 lead_of(const struct block *b, u64 align)
{
    u64 at = (u64)(b + 1), aligned = (at + align - 1) & ~(align - 1);

    while (aligned != at && aligned - at < sizeof(*b))
        aligned += align;
    return aligned - at;
}

/* Cuts the lead off, which stays free; gives the rest. */
static struct block *cut_lead(struct block *b, u64 lead)
{
    struct block *rest = (struct block *)((u64)b + lead);

    if (!lead)
        return b;
    rest->size = b->size - lead;
    rest->next = b->next;
    b->size = lead;
    b->next = rest;
    return rest;
}

void *alloc_aligned(size_t n, u64 align)
{
    u64 need = ((n + 15) & ~15UL) + sizeof(struct block), lead;
    struct block *b;
    void *p = NULL;
    int state;

    if (n > 1UL << 40)
        return NULL;
    state = irq_save();
    for (b = heap; b && !p; b = b->next) {
        lead = lead_of(b, align);
        if (!(b->size & 1) && b->size >= lead + need)
            p = take(cut_lead(b, lead), need);
    }
    irq_restore(state);
    return p;
}

void *alloc(size_t n) { return alloc_aligned(n, 16); }

void *alloc_cleared(size_t n, size_t size)
{
    void *p = !size || n <= ~0UL / size ? alloc(n * size) : NULL;

    return p ? memset(p, 0, n * size) : NULL;
}

void release(void *p)
{
    int state = irq_save();
    struct block *b = heap;

    if (p)
        ((struct block *)p - 1)->size &= ~1UL;
    while (b->next) {
        if ((b->size | b->next->size) & 1) {
            b = b->next;
        } else {
            b->size += b->next->size;
            b->next = b->next->next;
        }
    }
    irq_restore(state);
}

u64 heap_free(void)
{
    int state = irq_save();
    const struct block *b;
    u64 sum = 0;

    for (b = heap; b; b = b->next)
        if (!(b->size & 1))
            sum += b->size;
    irq_restore(state);
    return sum;
}
