/* Which application runs: app=NAME on the command line; hello without. */
#include <apps.h>

static const struct command applications[] = {
    {"hello", app_hello},
    {"shell", app_shell},
    {"spin", app_spin},
    {"memhog", app_memhog},
    {"faults", app_faults},
    {"user", app_user},
    {"blkbench", app_blkbench},
    {"netbench", app_netbench},
    {"netback", app_netback},
    {"pingpong", app_pingpong},
    {"self-test", self_test},
};

static char argument_text[128];

const char *argument(void) { return argument_text; }

void set_argument(const char *text, size_t len)
{
    if (len >= sizeof(argument_text))
        len = sizeof(argument_text) - 1;
    memcpy(argument_text, text, len);
    argument_text[len] = 0;
}

static const struct command *find(const struct command *list, size_t count,
                                  const char *name, size_t len)
{
    for (; count; count--, list++)
        if (len == strlen(list->name) && !strncmp(name, list->name, len))
            return list;
    return NULL;
}

static void print_names(const struct command *list, size_t count)
{
    for (; count; count--, list++)
        print(" %s", list->name);
}

int run_command(const struct command *list, size_t count, const char *name,
                size_t len, const char *intro)
{
    const struct command *c = find(list, count, name, len);

    if (c) {
        c->run();
        return 1;
    }
    if (intro) {
        print("%s", intro);
        print_names(list, count);
        print("\n");
    }
    return 0;
}

/* Those of the network are wherever an application is chosen. */
static void run_any(const struct command *list, size_t count, const char *name,
                    size_t len, const char *intro)
{
    if (run_command(list, count, name, len, NULL) ||
        run_command(net_commands, net_command_count, name, len, NULL))
        return;
    print("%s", intro);
    print_names(list, count);
    print_names(net_commands, net_command_count);
    print("\n");
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
    size_t len = 0;
    const char *arg = option("arg", &len), *name;

    set_argument(arg ? arg : "", len);
    len = 5;
    name = option("app", &len);
    run_any(applications, ARRAY_SIZE(applications), name ? name : "hello", len,
            "app= is one of:");
}

void run_shell_command(const char *name, size_t len)
{
    run_any(shell_commands, shell_command_count, name, len, "commands:");
}
