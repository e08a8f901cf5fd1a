/*
 * driver TOOL COUNT [MIB]: in domain 0, makes COUNT guests with xeno or xl,
 * then one that says hello, then destroys the first ones in the reverse order.
 *
 * The functions at_... are empty: bench/create/count.c sees them executed.
 * The file is linked to addresses that no other program has.
 *
 * A guest that runs would disturb what is measured next by its clock, so each
 * is paused once it has come up. Waiting costs nothing: an idle machine
 * executes no instructions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SETTLE_US 400000

/* Kept apart: the same body would be made one function. */
#define PLACE(name, n)                                                        \
    void name(void);                                                          \
    __attribute__((noinline)) void name(void) { asm volatile("" : : "i"(n)); \
    asm volatile("nopl " #n "(%rax)"); }
PLACE(at_create, 1)
PLACE(at_created, 2)
PLACE(at_destroy, 3)
PLACE(at_destroyed, 4)
PLACE(at_idle, 5)

static const char *tool, *mib = "4";

static void run(const char *verb, const char *arg)
{
    char *argv[] = {(char *)tool, (char *)verb, (char *)arg, NULL};
    int status = -1;
    pid_t pid;

    pid = vfork();
    if (pid == 0) {
        execv(tool, argv);
        _exit(127);
    }
    if (waitpid(pid, &status, 0) != pid || status) {
        printf("BENCH failed %s %s %s\n", tool, verb, arg);
        fflush(stdout);
        exit(1);
    }
}

static void settle(void)
{
    usleep(SETTLE_US);
    at_idle();
}

static void make_config(const char *path, const char *name, const char *extra)
{
    FILE *f = fopen(path, "w");

    if (!f)
        exit(1);
    fprintf(f, "name = '%s'\nkernel = '/guests/mini-os'\nmemory = %s\n"
               "extra = 'app=%s'\n", name, mib, extra);
    fclose(f);
}

static void create(const char *name, const char *app)
{
    char path[64];

    snprintf(path, sizeof path, "/tmp/%s.cfg", name);
    make_config(path, name, app);
    at_create();
    run("create", path);
    at_created();
    settle();
}

static void destroy(const char *name)
{
    at_destroy();
    run("destroy", name);
    at_destroyed();
    settle();
}

int main(int argc, char **argv)
{
    char name[32];
    int count;

    if (argc < 3)
        return 2;
    tool = strcmp(argv[1], "xl") ? "/usr/bin/xeno" : "/usr/sbin/xl";
    count = atoi(argv[2]);
    if (argc > 3)
        mib = argv[3];
    for (int i = 1; i <= count; i++) {
        snprintf(name, sizeof name, "g%d", i);
        create(name, "shell");
        run("pause", name);
        settle();
    }
    create("hello", "hello");
    sleep(2);
    for (int i = count; i > 0; i--) {
        snprintf(name, sizeof name, "g%d", i);
        destroy(name);
    }
    printf("BENCH end\n");
    return 0;
}
