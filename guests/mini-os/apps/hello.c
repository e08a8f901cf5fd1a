/* Says where it is. */
#include <apps.h>

void app_hello(void)
{
    print("Hello from mini-os on %s\n", ops.name);
}
