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
 * none, and the names that there are have been printed after intro.
 */
int run_command(const struct command *list, size_t count, const char *name,
                size_t len, const char *intro);

/* The value of word=NUMBER on the command line, at most max; or fallback. */
u64 number_option(const char *word, u64 max, u64 fallback);

void app_hello(void);
void app_shell(void);
void app_spin(void);
void app_memhog(void);
void app_faults(void);
void app_blkbench(void);
void app_netbench(void);
void app_pingpong(void);
void self_test(void);
/* The self-test's verdicts; one that is not good makes it fail. */
void expect(int good, const char *what);
void test_drivers(void);
/* Page-flipping receive; self is this domain's number. */
void test_flipping(unsigned self);

#endif
