/* Takes all pages and all of the heap; each keeps what was written to it. */
#include <apps.h>

static u64 take_pages(void **list)
{
    u64 count = 0;
    void **page;

    while ((page = alloc_page()) != NULL) {
        *page = *list;
        *list = page;
        count++;
    }
    return count;
}

/* Large pieces first, then what is left between them. */
static u64 take_heap(void)
{
    u64 bytes = 0, piece;

    for (piece = 1UL << 30; piece >= 32; piece /= 2)
        while (alloc(piece))
            bytes += piece;
    return bytes;
}

static u64 give_back(void *list)
{
    u64 count = 0;
    void *next;

    for (; list; list = next, count++) {
        next = *(void **)list;
        free_page(list);
    }
    return count;
}

void app_memhog(void)
{
    void *list = NULL;
    u64 pages = take_pages(&list);

    print("memhog: took %lu pages, %lu left\n", pages, free_pages());
    print("memhog: took %lu bytes of the heap\n", take_heap());
    print("memhog: gave %lu pages back\n", give_back(list));
}
