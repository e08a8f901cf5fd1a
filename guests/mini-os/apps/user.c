/* User mode: what the program compiled in does well, and what it does not. */
#include <apps.h>

void app_user(void)
{
    static const struct {
        enum user_act act;
        const char *what;
    } acts[] = {
        {USER_HELLO, "a greeting"},
        {USER_BAD_POINTER, "bad pointers"},
        {USER_PRIVILEGED, "a privileged instruction"},
        {USER_OPCODE, "an invalid opcode"},
        {USER_KERNEL, "a write to the kernel"},
    };
    unsigned i;
    long ret;

    for (i = 0; i < ARRAY_SIZE(acts); i++) {
        ret = run_user(acts[i].act);
        if (ret <= -1000)
            print("user: %s: ended by vector %ld\n", acts[i].what,
                  -1000 - ret);
        else
            print("user: %s: gave %ld\n", acts[i].what, ret);
    }
}
