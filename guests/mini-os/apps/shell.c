/* A tiny monitor on the console. */
#include <apps.h>

static void show_memory(void)
{
    print("pages %lu free, heap %lu bytes free\n", free_pages(), heap_free());
}

static void show_time(void)
{
    print("%lu ms, %lu s since 1970, %lu ticks, %lu switches\n",
          time_ns() / 1000000, ops.wall_seconds(), tick_count(),
          switch_count());
}

static void reboot(void) { stop(STOP_REBOOT); }
static void off(void) { stop(STOP_OFF); }

static const struct command commands[] = {
    {"mem", show_memory}, {"threads", list_threads}, {"time", show_time},
    {"hello", app_hello}, {"reboot", reboot},        {"off", off},
};

/* The first word is the command, what follows it the argument. */
static void run_line(const char *line)
{
    const char *rest = strchr(line, ' ');
    size_t len = rest ? (size_t)(rest - line) : strlen(line);

    while (rest && *rest == ' ')
        rest++;
    set_argument(rest ? rest : "", rest ? strlen(rest) : 0);
    run_command(commands, ARRAY_SIZE(commands), line, len, "commands:");
}

void app_shell(void)
{
    char line[160];

    for (;;) {
        print("mini-os> ");
        read_line(line, sizeof(line));
        if (*line)
            run_line(line);
    }
}
