/*
 * All processors are there: each runs the thread that is bound to it, and
 * two bound to different ones run at the same time (they hand a token back
 * and forth without ever giving up the processor).
 */
#include "t.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define TURNS 200

static atomic_uint token;

struct player {
    unsigned int cpu, me, others;
    bool in_time;
};

static void *play(void *arg)
{
    struct player *p = arg;
    double end = t_now() + 30;
    unsigned int turn;

    t_pin(p->cpu);
    p->in_time = true;
    for (turn = 0; turn < TURNS && p->in_time; turn++) {
        while (atomic_load(&token) != 2 * turn + p->me) {
            if (t_now() > end) {
                p->in_time = false;
                break;
            }
        }
        atomic_fetch_add(&token, 1);
    }
    return NULL;
}

static void ping_pong(unsigned int a, unsigned int b)
{
    struct player one = {.cpu = a, .me = 0}, two = {.cpu = b, .me = 1};
    pthread_t t1, t2;

    atomic_store(&token, 0);
    pthread_create(&t1, NULL, play, &one);
    pthread_create(&t2, NULL, play, &two);
    pthread_join(t1, NULL);
    pthread_join(t2, NULL);
    t_ok(one.in_time && two.in_time && atomic_load(&token) == 2 * TURNS,
         "CPUs %u and %u hand over a token %d times", a, b, TURNS);
}

int test_cpus(int argc, char **argv)
{
    unsigned int online = t_cpus(), cpu;

    if (argc > 1)
        t_ok(online == (unsigned int)atoi(argv[1]), "%u CPU(s) online, not %s",
             online, argv[1]);
    else
        t_ok(online > 0, "%u CPU(s) online", online);
    for (cpu = 0; cpu < online; cpu++)
        t_ok(t_pin(cpu) && sched_getcpu() == (int)cpu, "CPU %u runs us", cpu);
    for (cpu = 1; cpu < online; cpu++)
        ping_pong(0, cpu);
    return 0;
}
