/* Applications: app=NAME on the command line; hello without. */
#include <mini-os.h>

static void hello(void)
{
    print("Hello from mini-os on %s\n", ops.name);
}

/* A burner's share: how much of each second it had, as far as it can see. */
static void spin(void)
{
    u64 second, now, last, had;

    for (second = 1;; second++) {
        had = 0;
        last = time_ns();
        for (u64 end = last + 1000000000UL; last < end; last = now) {
            now = time_ns();
            if (now - last < 100000)
                had += now - last;
        }
        print("spin: second %lu, %lu%% of it ran\n", second, had / 10000000);
    }
}

static void memhog(void)
{
    u64 pages = 0;

    while (alloc_page())
        pages++;
    print("memhog: took %lu pages, %lu left\n", pages, free_pages());
}

/* Variables, so that the compiler does not know what is wrong. */
static volatile u64 null_page = 0x10, non_canonical = 1UL << 62;

static void wild_write(void) { *(volatile int *)null_page = 1; }
static void wild_jump(void) { ((void (*)(void))null_page)(); }
static void bad_opcode(void) { __asm__ __volatile__("ud2"); }
static void bad_address(void) { *(volatile int *)non_canonical = 1; }

static void divide(void)
{
    __asm__ __volatile__("divl %0" : : "r"(0), "a"(1), "d"(0));
}

struct command {
    const char *name;
    void (*run)(void);
};

static const struct command faults[] = {
    {"write", wild_write}, {"jump", wild_jump},      {"opcode", bad_opcode},
    {"divide", divide},    {"address", bad_address},
};

/* fault=NAME chooses; all end with a dump. */
static void run_fault(void)
{
    size_t len;
    const char *name = option("fault", &len);
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(faults); i++)
        if (name && len == strlen(faults[i].name) &&
            !strncmp(name, faults[i].name, len))
            faults[i].run();
    print("fault= is one of write, jump, opcode, divide, address\n");
}

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
    {"hello", hello},     {"reboot", reboot},        {"off", off},
};

static void shell(void)
{
    char line[80];
    unsigned i;

    for (;;) {
        print("mini-os> ");
        read_line(line, sizeof(line));
        for (i = 0; i < ARRAY_SIZE(commands); i++)
            if (!strcmp(line, commands[i].name))
                break;
        if (i < ARRAY_SIZE(commands))
            commands[i].run();
        else if (*line)
            print("mem threads time hello reboot off\n");
    }
}

static const struct command applications[] = {
    {"hello", hello},      {"shell", shell},    {"spin", spin},
    {"memhog", memhog},    {"faults", run_fault}, {"self-test", self_test},
};

void run_application(void)
{
    size_t len = 5;
    const char *name = option("app", &len);
    unsigned i;

    if (!name)
        name = "hello";
    for (i = 0; i < ARRAY_SIZE(applications); i++)
        if (len == strlen(applications[i].name) &&
            !strncmp(name, applications[i].name, len)) {
            applications[i].run();
            return;
        }
    print("app= is one of:");
    for (i = 0; i < ARRAY_SIZE(applications); i++)
        print(" %s", applications[i].name);
    print("\n");
}
