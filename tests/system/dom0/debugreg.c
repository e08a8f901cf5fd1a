/*
 * Debug registers and the trap flag, through the debugger's interface: a
 * parent sets a watchpoint and a breakpoint in its child and single-steps it;
 * a second child with other watchpoints runs beside it.
 */
#include "t.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile uint64_t watched[2];
static volatile unsigned int calls;

static __attribute__((noinline)) void landmark(void)
{
    calls++;
    asm volatile("" ::: "memory");
}

static int victim(unsigned int which)
{
    unsigned int i;

    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    for (i = 0; i < 1000; i++) {
        asm volatile("pause");
        if (i == 500)
            watched[which] = 0x1234 + which;
        if (i == 700)
            landmark();
    }
    _exit(40 + which);
}

static bool set_dr(pid_t pid, int n, unsigned long value)
{
    return ptrace(PTRACE_POKEUSER, pid,
                  offsetof(struct user, u_debugreg) + n * sizeof(long),
                  value) == 0;
}

static unsigned long get_dr(pid_t pid, int n)
{
    return ptrace(PTRACE_PEEKUSER, pid,
                  offsetof(struct user, u_debugreg) + n * sizeof(long), 0);
}

static int wait_stop(pid_t pid)
{
    int status = 0;

    if (waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSTOPPED(status) ? WSTOPSIG(status) : 1000 + WEXITSTATUS(status);
}

static void steps(pid_t pid)
{
    struct user_regs_struct regs;
    unsigned long last = 0, moved = 0;
    int i, sig = SIGTRAP;

    for (i = 0; i < 200 && sig == SIGTRAP; i++) {
        ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
        sig = wait_stop(pid);
        ptrace(PTRACE_GETREGS, pid, 0, &regs);
        moved += regs.rip != last;
        last = regs.rip;
    }
    t_ok(sig == SIGTRAP && moved > 150, "%d single steps moved %lu times", i,
         moved);
}

int test_debugreg(int argc, char **argv)
{
    pid_t pid[2];
    unsigned int i;
    int sig;

    (void)argc;
    (void)argv;
    for (i = 0; i < 2; i++) {
        pid[i] = fork();
        if (pid[i] == 0)
            victim(i);
        t_must(wait_stop(pid[i]) == SIGSTOP, "child %u did not stop", i);
        /* DR0: 8 bytes, on writes; DR1: execution. */
        t_ok(set_dr(pid[i], 0, (unsigned long)&watched[i]) &&
                 set_dr(pid[i], 1, (unsigned long)landmark) &&
                 set_dr(pid[i], 7, 0x00090005),
             "set a watchpoint and a breakpoint in child %u", i);
        t_ok(set_dr(pid[i], 2, 0xffff82d040000000) == false,
             "a watchpoint outside user space is refused");
        steps(pid[i]);
    }
    for (i = 0; i < 2; i++)
        ptrace(PTRACE_CONT, pid[i], 0, 0);
    for (i = 0; i < 2; i++) {
        sig = wait_stop(pid[i]);
        t_ok(sig == SIGTRAP && (get_dr(pid[i], 6) & 15) == 1 &&
                 (unsigned long)ptrace(PTRACE_PEEKDATA, pid[i],
                                       &watched[i], 0) == 0x1234 + i,
             "watchpoint hit in child %u (signal %d, DR6 %#lx)", i, sig,
             get_dr(pid[i], 6));
        ptrace(PTRACE_CONT, pid[i], 0, 0);
        sig = wait_stop(pid[i]);
        t_ok(sig == SIGTRAP && (get_dr(pid[i], 6) & 15) == 2,
             "breakpoint hit in child %u (signal %d, DR6 %#lx)", i, sig,
             get_dr(pid[i], 6));
        set_dr(pid[i], 7, 0);
        ptrace(PTRACE_CONT, pid[i], 0, 0);
        sig = wait_stop(pid[i]);
        t_ok(sig == 1040 + (int)i, "child %u ends (%d)", i, sig);
    }
    return 0;
}
