/*
 * Takes all pages. With hold=1 it stays, lets the balloon have what that
 * lacks, and takes what comes back.
 */
#include <apps.h>
#include <balloon.h>

static void *held; /* each page begins with the next */
static u64 count;

static void take_all(void)
{
    void **page;

    while ((page = alloc_page()) != NULL) {
        *page = held;
        held = page;
        count++;
    }
}

static void let_go(u64 pages)
{
    void *page;

    while (pages-- && held) {
        page = held;
        held = *(void **)page;
        free_page(page);
        count--;
    }
}

static void hold(void)
{
    u64 told = count, lacks;

    for (;;) {
        sleep_ms(50);
        lacks = balloon_lacks();
        if (lacks > free_pages())
            let_go(lacks - free_pages());
        else if (!lacks)
            take_all();
        if (count != told)
            print("memhog: holds %lu pages\n", count);
        told = count;
    }
}

void app_memhog(void)
{
    take_all();
    print("memhog: took %lu pages, %lu left\n", count, free_pages());
    if (number_option("hold", 1, 0))
        hold();
}
