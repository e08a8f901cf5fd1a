/* The applications: each in apps/NAME.c, with its line in apps.c's table. */
#ifndef APPS_H
#define APPS_H

#include <mini-os.h>

struct command {
    const char *name;
    void (*run)(void);
};

/*
 * Runs the command whose name is the len characters at name. 0: there is
 * none, and the names that there are have been printed after intro, if that is
 * not null.
 */
int run_command(const struct command *list, size_t count, const char *name,
                size_t len, const char *intro);
/* What follows the command in the shell, or arg= on the command line; or "". */
const char *argument(void);
void set_argument(const char *text, size_t len);
/* The shell's own commands, and any that may be typed there. */
extern const struct command shell_commands[];
extern const size_t shell_command_count;
void run_shell_command(const char *name, size_t len);
/* The applications that need the network: net/commands.c. */
extern const struct command net_commands[];
extern const size_t net_command_count;

/* The value of word=NUMBER on the command line, at most max; or fallback. */
u64 number_option(const char *word, u64 max, u64 fallback);

void app_hello(void);
void app_shell(void);
void app_spin(void);
void app_memhog(void);
void app_faults(void);
void app_user(void);
void app_blkbench(void);
void app_netbench(void);
void app_netback(void);
void app_pingpong(void);
void self_test(void);
/* The self-test's verdicts; one that is not good makes it fail. */
void expect(int good, const char *what);
void test_drivers(void);
/* Page-flipping receive; self is this domain's number. */
void test_flipping(unsigned self);
/* Two pages that begin with 1 and 2, to be shown in one another's place. */
struct test_pages {
    u8 *a, *b;
    u64 va, flags;  /* a's address, and an entry's bits */
    u64 own, other; /* a's and b's frames, as in an entry */
};
void test_pages_begin(struct test_pages *t);
void test_pages_end(const struct test_pages *t);
void test_operations(void);
void test_user(void);
void test_processors(void);
/* The verdict over all that was expected. */
void test_end(void);

#endif
