/* Which application runs: app=NAME on the command line; hello without. */
#include <apps.h>

static const struct command applications[] = {
    {"hello", app_hello},
    {"shell", app_shell},
    {"spin", app_spin},
    {"memhog", app_memhog},
    {"faults", app_faults},
    {"blkbench", app_blkbench},
    {"netbench", app_netbench},
    {"pingpong", app_pingpong},
    {"self-test", self_test},
};

int run_command(const struct command *list, size_t count, const char *name,
                size_t len, const char *intro)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (len == strlen(list[i].name) && !strncmp(name, list[i].name, len)) {
            list[i].run();
            return 1;
        }
    print("%s", intro);
    for (i = 0; i < count; i++)
        print(" %s", list[i].name);
    print("\n");
    return 0;
}

u64 number_option(const char *word, u64 max, u64 fallback)
{
    size_t len;
    const char *value = option(word, &len);
    char *end;
    u64 n;

    if (!value)
        return fallback;
    n = strtoul(value, &end, 0);
    if (len && end == value + len && n <= max)
        return n;
    print("%s= is not a number up to %lu\n", word, max);
    return fallback;
}

void run_application(void)
{
    size_t len = 5;
    const char *name = option("app", &len);

    run_command(applications, ARRAY_SIZE(applications), name ? name : "hello",
                len, "app= is one of:");
}
