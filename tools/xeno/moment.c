#include "moment.h"

#include <signal.h>
#include <time.h>

double moment_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
    (void)sig;
    ended = 1;
}

void moment_catch_end(void)
{
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
}

bool moment_ended(void)
{
    return ended;
}
