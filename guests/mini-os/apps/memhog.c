/*
 * Takes all pages and all of the heap, and gives the pages back. With hold=1
 * it takes the pages and stays, lets the balloon have what that lacks, and
 * takes what comes again.
 */
#include <apps.h>
#include <balloon.h>

static void *held; /* each page begins with the next */
static u64 count;

static void take_pages(void)
{
    void **page;

    while ((page = alloc_page()) != NULL) {
        *page = held;
        held = page;
        count++;
    }
}

static u64 give_pages(u64 wanted)
{
    u64 given = 0;
    void *page;

    for (; given < wanted && held; given++) {
        page = held;
        held = *(void **)page;
        free_page(page);
    }
    count -= given;
    return given;
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

static void hold(void)
{
    u64 told = count, lacks;

    for (;;) {
        sleep_ms(50);
        lacks = balloon_lacks();
        if (lacks > free_pages())
            give_pages(lacks - free_pages());
        else if (!lacks)
            take_pages();
        if (count != told)
            print("memhog: holds %lu pages\n", count);
        told = count;
    }
}

void app_memhog(void)
{
    take_pages();
    print("memhog: took %lu pages, %lu left\n", count, free_pages());
    if (number_option("hold", 1, 0))
        hold();
    print("memhog: took %lu bytes of the heap\n", take_heap());
    print("memhog: gave %lu pages back\n", give_pages(~0UL));
}
