#include "t.h"

#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned int failed;

static void t_print(const char *head, const char *fmt, va_list ap)
{
    char line[256];
    int n = snprintf(line, sizeof line, "%s", head);

    n += vsnprintf(line + n, sizeof line - n - 1, fmt, ap);
    if ((size_t)n > sizeof line - 2)
        n = sizeof line - 2;
    line[n++] = '\n';
    /* One write, so that lines of several processes stay whole. */
    if (write(STDOUT_FILENO, line, n) != n)
        failed++;
}

bool t_ok(bool good, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t_print(good ? "ok " : "not ok ", fmt, ap);
    va_end(ap);
    failed += !good;
    return good;
}

bool t_must(bool good, const char *fmt, ...)
{
    va_list ap;

    if (good)
        return true;
    va_start(ap, fmt);
    t_print("not ok ", fmt, ap);
    va_end(ap);
    failed++;
    return false;
}

void t_note(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    t_print("# ", fmt, ap);
    va_end(ap);
}

unsigned int t_failed(void)
{
    return failed;
}

double t_now(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return ts.tv_sec + ts.tv_nsec / 1e9;
}

unsigned int t_cpus(void)
{
    return sysconf(_SC_NPROCESSORS_ONLN);
}

bool t_pin(unsigned int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof set, &set) == 0;
}

uint32_t t_random(uint32_t *state)
{
    uint32_t x = *state;

    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

int t_child(int (*fn)(void *arg), void *arg)
{
    int status;
    pid_t pid;

    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGBUS, SIG_DFL);
        alarm(30);
        _exit(fn(arg) & 0xff);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFSIGNALED(status) ? WTERMSIG(status)
                               : 1000 + WEXITSTATUS(status);
}

/* Per thread: several threads probe at once in the stress test. */
static __thread sigjmp_buf probe_back;
static __thread void *volatile probe_addr;

static void probe_fault(int sig, siginfo_t *info, void *ctx)
{
    (void)ctx;
    probe_addr = info->si_addr;
    siglongjmp(probe_back, sig);
}

static void catch_faults(void)
{
    struct sigaction act;

    memset(&act, 0, sizeof act);
    act.sa_sigaction = probe_fault;
    act.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &act, NULL);
    sigaction(SIGBUS, &act, NULL);
}

int t_count_up(volatile uint64_t *words, unsigned int n,
               volatile _Atomic bool *stop)
{
    unsigned int i;
    int sig;

    catch_faults();
    sig = sigsetjmp(probe_back, 1);
    for (i = 0; sig == 0 && !*stop; i = (i + 1) % n)
        words[i]++;
    return sig;
}

int t_probe(volatile void *addr, bool write, void **where)
{
    volatile unsigned char *p = addr;
    int sig;

    catch_faults();
    sig = sigsetjmp(probe_back, 1);
    if (sig == 0) {
        unsigned char c = *p;

        if (write)
            *p = c;
    }
    if (where)
        *where = probe_addr;
    return sig;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} tests[] = {
    {"stress", test_stress, "[SECONDS [PROCESSES]]  memory and process storms"},
    {"fpu", test_fpu, "[SECONDS]  x87, SSE and AVX state"},
    {"clock", test_clock, "[SECONDS]  monotonic, everywhere the same"},
    {"priv", test_priv, "what user mode must not do"},
    {"faults", test_faults, "exceptions become the right signals"},
    {"cpus", test_cpus, "[COUNT]  all processors are there and work"},
    {"debugreg", test_debugreg, "breakpoints, watchpoints, single steps"},
    {"segments", test_segments, "LDT entries, FS and GS bases"},
    {"exec-child", stress_exec_child, NULL},
};

#define NTESTS (sizeof tests / sizeof tests[0])

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/');
    size_t i;

    name = name ? name + 1 : argv[0];
    if (strcmp(name, "dom0-tests") == 0 && argc > 1) {
        name = argv[1];
        argc--;
        argv++;
    }
    for (i = 0; i < NTESTS; i++) {
        if (strcmp(name, tests[i].name) == 0) {
            int value = tests[i].run(argc, argv);

            return value ? value : failed != 0;
        }
    }
    for (i = 0; i < NTESTS; i++) {
        if (tests[i].help)
            printf("dom0-tests %s %s\n", tests[i].name, tests[i].help);
    }
    return 2;
}
