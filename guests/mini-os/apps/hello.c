/* Says where it is. */
#include <apps.h>

void app_hello(void)
{
    print("Hello from mini-os on %s\n", ops.name);
    print("%lu cycles since its entry\n", read_tsc() - entry_cycles());
}
