/* Takes all pages. */
#include <apps.h>

void app_memhog(void)
{
    u64 pages = 0;

    while (alloc_page())
        pages++;
    print("memhog: took %lu pages, %lu left\n", pages, free_pages());
}
