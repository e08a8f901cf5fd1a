/* A tiny monitor on the console: a command a line, with an argument. */
#include <apps.h>
#include <blkfront.h>
#include <xen-guest.h>

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

static void show_events(void)
{
    print("%lu ticks, %lu other events, %lu hypercalls\n", tick_count(),
          event_count(), hypercalls_made());
}

static void show_processors(void)
{
    unsigned cpu, count = ops.cpu_count();

    for (cpu = 0; cpu < count; cpu++)
        print("processor %u: %s\n", cpu,
              cpus_online() >> cpu & 1 ? "runs"
              : cpu_up(cpu)            ? "does not start"
                                       : "started");
}

static void show_bytes(const u8 *bytes, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++)
        print("%s%02x%s", i % 16 ? "" : "  ", bytes[i],
              i % 16 == 15 ? "\n" : " ");
}

static void read_sector(struct blkfront *disk, u64 sector, void *page)
{
    struct blk_io io = {0};
    int ret;

    io.sector = sector;
    io.sectors = blkfront_info(disk)->sector_size / 512;
    io.buf = page;
    ret = blkfront_start(disk, &io);
    if (!ret)
        ret = blkfront_finish(disk, &io);
    if (ret)
        print("block: sector %lu cannot be read (%d)\n", sector, ret);
    else
        show_bytes(page, 64);
    if (!io.stuck)
        free_page(page);
}

/* block N: the beginning of sector N of the first disk. */
static void show_block(void)
{
    char why[80], *end;
    u64 sector = strtoul(argument(), &end, 0);
    struct blkfront *disk;
    void *page;

    if (*end || end == argument()) {
        print("block: which one?\n");
        return;
    }
    disk = blkfront_open(0, why, sizeof(why));
    page = disk ? alloc_page() : NULL;
    if (page)
        read_sector(disk, sector, page);
    else
        print("block: %s\n", disk ? "no memory" : why);
    blkfront_close(disk);
}

static void reboot(void) { stop(STOP_REBOOT); }
static void off(void) { stop(STOP_OFF); }

const struct command shell_commands[] = {
    {"mem", show_memory},     {"threads", list_threads},
    {"time", show_time},      {"events", show_events},
    {"cpus", show_processors}, {"block", show_block},
    {"user", app_user},       {"spin", app_spin},
    {"hello", app_hello},     {"reboot", reboot},
    {"off", off},
};
const size_t shell_command_count = ARRAY_SIZE(shell_commands);

/* The first word is the command, what follows it the argument. */
static void run_line(const char *line)
{
    const char *rest = strchr(line, ' ');
    size_t len = rest ? (size_t)(rest - line) : strlen(line);

    while (rest && *rest == ' ')
        rest++;
    set_argument(rest ? rest : "", rest ? strlen(rest) : 0);
    run_shell_command(line, len);
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
