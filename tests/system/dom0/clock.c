/*
 * Time never runs backwards: not on one processor, not as seen from another,
 * not between the two ways of asking (the kernel's shared page and the system
 * call). And it runs: a sleep takes as long as it says, and no shorter.
 */
#include "t.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint64_t latest;
static atomic_bool stop;
static atomic_ulong readings, backwards;
static _Atomic uint64_t worst;

static uint64_t read_clock(bool by_syscall)
{
    struct timespec ts;

    if (by_syscall)
        syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts);
    else
        clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

static void *reader(void *arg)
{
    unsigned long n = 0;

    t_pin((uintptr_t)arg);
    while (!atomic_load(&stop)) {
        uint64_t before = atomic_load(&latest);
        uint64_t now = read_clock(n++ & 1);

        if (now < before) {
            atomic_fetch_add(&backwards, 1);
            if (before - now > atomic_load(&worst))
                atomic_store(&worst, before - now);
        }
        while (now > before &&
               !atomic_compare_exchange_weak(&latest, &before, now))
            ;
    }
    atomic_fetch_add(&readings, n);
    return NULL;
}

static void test_monotonic(double seconds)
{
    unsigned int cpus = t_cpus(), i;
    pthread_t *threads = calloc(cpus, sizeof *threads);

    for (i = 0; i < cpus; i++)
        pthread_create(&threads[i], NULL, reader, (void *)(uintptr_t)i);
    usleep(seconds * 1e6);
    atomic_store(&stop, true);
    for (i = 0; i < cpus; i++)
        pthread_join(threads[i], NULL);
    free(threads);
    t_ok(readings > 1000, "%lu readings on %u CPU(s)", readings, cpus);
    t_ok(backwards == 0, "%lu of them went backwards, by up to %llu ns",
         backwards, (unsigned long long)worst);
}

static void test_sleep(void)
{
    struct timespec ts = {0, 50000000};
    double shortest = 1e9, longest = 0;
    int i;

    for (i = 0; i < 10; i++) {
        double start = t_now(), took;

        clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL);
        took = t_now() - start;
        if (took < shortest)
            shortest = took;
        if (took > longest)
            longest = took;
    }
    t_ok(shortest >= 0.050 && longest < 1.0,
         "sleeping 50 ms took %.1f to %.1f ms", shortest * 1e3, longest * 1e3);
}

/*
 * Both clocks at one moment: of some readings the one that took least, as the
 * emulator itself may lose its processor between two instructions.
 */
static void read_both(double *tsc, double *seconds)
{
    uint64_t least = UINT64_MAX;

    for (unsigned int i = 0; i < 50; i++) {
        uint64_t before = __builtin_ia32_rdtsc();
        double clock = t_now();
        uint64_t took = __builtin_ia32_rdtsc() - before;

        if (took < least) {
            least = took;
            *tsc = before + took / 2.0;
            *seconds = clock;
        }
    }
}

/* The time stamp counter and the clock agree on how fast time runs. */
static void test_rate(void)
{
    double tsc[3], clock[3], early, late;

    for (unsigned int i = 0; i < 3; i++) {
        if (i)
            while (t_now() - clock[i - 1] < 0.4)
                ;
        read_both(&tsc[i], &clock[i]);
    }
    early = (tsc[1] - tsc[0]) / (clock[1] - clock[0]);
    late = (tsc[2] - tsc[1]) / (clock[2] - clock[1]);
    t_ok(early / late > 0.95 && early / late < 1.05,
         "TSC ticks per second: %.1f M, then %.1f M", early / 1e6, late / 1e6);
}

int test_clock(int argc, char **argv)
{
    time_t now = time(NULL);

    test_monotonic(argc > 1 ? atof(argv[1]) : 5);
    test_sleep();
    t_pin(0);
    test_rate();
    /* A date before this test was written means that nobody set the clock. */
    t_ok(now > 1735689600, "the date is %.24s", ctime(&now));
    return 0;
}
