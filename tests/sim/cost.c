/*
 * What a decision costs: instructions of the policy's own code, counted one by
 * one in a child process, among 10 and among 1000 runnable vCPUs.
 */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine.h"

#define DECISIONS 60

/* 9 ms in each round of 10 ms turns: 90 % of the CPU in all. */
static void promise(struct machine *m, unsigned i, unsigned vcpus)
{
    const int64_t round = (int64_t)MILLISECS(10) * vcpus;
    const int64_t value[XENO_SCHED_PARAMS] = {round, MILLISECS(9), round, 1};

    sim_set(m, i, value);
}

/* All that a switch asks of a policy, between two stops. */
static void decide_often(const struct scheduler *policy, unsigned vcpus)
{
    struct machine *m = machine_new(policy, 1, vcpus);
    s_time_t t;

    for (unsigned i = 0; i < vcpus; i++) {
        if (policy == &atropos_scheduler)
            promise(m, i, vcpus);
        sim_start(m, i, 0, 0, 0);
    }
    sim_run(m, SECONDS(30));
    t = m->t;
    raise(SIGSTOP);
    for (unsigned i = 0; i < DECISIONS; i++) {
        t += MILLISECS(5) + MICROSECS(100);
        (void)policy->pick_next(0, t);
    }
    raise(SIGSTOP);
    _exit(0);
}

static bool stopped_by(pid_t pid, int sig)
{
    int status;

    return waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
           WSTOPSIG(status) == sig;
}

/* Instructions of a decision, or 0: the machine does not let us count. */
static unsigned long cost(const struct scheduler *policy, unsigned vcpus)
{
    pid_t pid = fork();
    unsigned long steps = 0;

    if (!pid) {
        if (ptrace(PTRACE_TRACEME, 0, 0, 0))
            _exit(1);
        decide_often(policy, vcpus);
    }
    if (pid < 0 || !stopped_by(pid, SIGSTOP))
        return 0;
    do {
        if (ptrace(PTRACE_SINGLESTEP, pid, 0, 0))
            return 0;
        steps++;
    } while (stopped_by(pid, SIGTRAP));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    return steps / DECISIONS;
}

static void compare(const struct scheduler *policy)
{
    unsigned long few = cost(policy, 10), many = cost(policy, 1000);

    if (!few || !many) {
        remark("instructions cannot be counted here");
        return;
    }
    remark("%lu instructions among 10, %lu among 1000", few, many);
    REQUIRE(many <= 2 * few, "that is more than twice as many");
}

static void bvt_cost(void)
{
    compare(&bvt_scheduler);
}

static void atropos_cost(void)
{
    compare(&atropos_scheduler);
}

const struct scenario cost_scenarios[] = {
    {"bvt: a decision among 1000 costs at most twice that among 10", bvt_cost},
    {"atropos: a decision among 1000, at most twice that among 10",
     atropos_cost},
    {NULL, NULL},
};
