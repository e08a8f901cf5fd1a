/*
 * Domain 0's only program during a benchmark: says when userland was reached,
 * then measures the loads that a hypervisor feels, and switches the machine
 * off.
 *
 * The emulator runs with one tick of the time stamp counter per instruction,
 * so every figure is a number of instructions: of user code, kernel and
 * hypervisor together. No load waits for anything but another process that
 * works, so no idle time is counted.
 *
 * Each load has a process of its own, freshly executed from this file: small,
 * statically linked, with nothing mapped that an earlier load left. It runs
 * once unmeasured and then ROUNDS times; the median is reported, so that
 * a timer interrupt in one round does not matter.
 *
 * As "init NUMBER" the program is the process of load NUMBER, as "init x" one
 * that ends at once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 11
#define KIB 1024ul
#define PAGE 4096ul

static uint64_t tsc(void)
{
    return __builtin_ia32_rdtsc();
}

static volatile char *map(size_t size)
{
    void *area = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        exit(1);
    return area;
}

static void touch(volatile char *area, size_t size)
{
    size_t at;

    for (at = 0; at < size; at += PAGE)
        area[at] = 1;
}

static void null_syscall(unsigned int n)
{
    while (n--)
        syscall(SYS_getppid);
}

static void touch_pages(unsigned int n)
{
    touch(map(n * PAGE), n * PAGE);
}

static void map_unmap(unsigned int n)
{
    while (n--) {
        volatile char *area = map(64 * KIB);

        touch(area, 64 * KIB);
        munmap((void *)area, 64 * KIB);
    }
}

static void map_protect_unmap(unsigned int n)
{
    while (n--) {
        volatile char *area = map(1024 * KIB);

        touch(area, 1024 * KIB);
        mprotect((void *)area, 1024 * KIB, PROT_READ);
        munmap((void *)area, 1024 * KIB);
    }
}

static void protect(unsigned int n)
{
    volatile char *page = map(PAGE);

    while (n--) {
        *page = 1;
        mprotect((void *)page, PAGE, PROT_READ);
        mprotect((void *)page, PAGE, PROT_READ | PROT_WRITE);
    }
    munmap((void *)page, PAGE);
}

static void fork_exit(unsigned int n)
{
    while (n--) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(0);
        waitpid(pid, NULL, 0);
    }
}

static void fork_exec(unsigned int n)
{
    while (n--) {
        pid_t pid = fork();

        if (pid == 0) {
            execl("/init", "init", "x", NULL);
            _exit(1);
        }
        waitpid(pid, NULL, 0);
    }
}

/* What a page in use adds to a fork. */
static void fork_large(unsigned int n)
{
    static volatile char *area;

    if (!area)
        touch(area = map(8192 * KIB), 8192 * KIB);
    fork_exit(n);
}

static void echo(int from, int to)
{
    char c;

    while (read(from, &c, 1) == 1 && write(to, &c, 1) == 1)
        ;
}

static void ping_pong(unsigned int n)
{
    static int there[2], back[2];
    char c = 0;

    if (!there[1]) {
        if (pipe(there) < 0 || pipe(back) < 0)
            exit(1);
        if (fork() == 0) {
            close(there[1]);
            echo(there[0], back[1]);
            _exit(0);
        }
    }
    while (n--) {
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
            exit(1);
    }
}

static void on_signal(int sig)
{
    (void)sig;
}

static void invalid_opcode(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    /* Over the two bytes of ud2. */
    ((ucontext_t *)ctx)->uc_mcontext.gregs[REG_RIP] += 2;
}

static void exception(unsigned int n)
{
    struct sigaction act;

    memset(&act, 0, sizeof act);
    act.sa_sigaction = invalid_opcode;
    act.sa_flags = SA_SIGINFO;
    sigaction(SIGILL, &act, NULL);
    while (n--)
        asm volatile("ud2");
}

static void send_signal(unsigned int n)
{
    signal(SIGUSR1, on_signal);
    while (n--)
        raise(SIGUSR1);
}

static const struct {
    const char *name;
    void (*run)(unsigned int n);
    unsigned int n; /* how often in a round */
} loads[] = {
    {"getppid", null_syscall, 500},
    {"exception to signal and back", exception, 100},
    {"signal to oneself", send_signal, 100},
    {"first touch of a page", touch_pages, 200},
    {"64 KiB: map, touch, unmap", map_unmap, 20},
    {"1 MiB: map, touch, protect, unmap", map_protect_unmap, 5},
    {"two mprotects and a store", protect, 100},
    {"pipe round trip", ping_pong, 100},
    {"fork, exit, wait", fork_exit, 20},
    {"fork, exec, exit, wait", fork_exec, 10},
    {"fork with 8 MiB, exit, wait", fork_large, 5},
};
#define LOADS (sizeof loads / sizeof loads[0])

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

static void measure(unsigned int which)
{
    uint64_t took[ROUNDS], start;
    unsigned int n = loads[which].n, i;

    loads[which].run(n);
    for (i = 0; i < ROUNDS; i++) {
        start = tsc();
        loads[which].run(n);
        took[i] = (tsc() - start) / n;
    }
    qsort(took, ROUNDS, sizeof took[0], by_size);
    printf("BENCH load %llu %s\n", (unsigned long long)took[ROUNDS / 2],
           loads[which].name);
}

/* True: measured. */
static int load_process(unsigned int which)
{
    char number[16];
    int status = 1;
    pid_t pid;

    snprintf(number, sizeof number, "%u", which);
    pid = fork();
    if (pid == 0) {
        execl("/init", "init", number, NULL);
        _exit(1);
    }
    return waitpid(pid, &status, 0) == pid && status == 0;
}

static int boot(void)
{
    struct sysinfo si;
    unsigned int i;

    printf("BENCH userland %llu\n", (unsigned long long)tsc());
    fflush(stdout);
    sysinfo(&si);
    printf("BENCH memory %lu\n", si.totalram * si.mem_unit / 1024);
    fflush(stdout);
    for (i = 0; i < LOADS && load_process(i); i++)
        ;
    if (i == LOADS)
        printf("BENCH end\n");
    fflush(stdout);
    usleep(200000);
    reboot(RB_POWER_OFF);
    pause();
    return 1;
}

int main(int argc, char **argv)
{
    if (getpid() == 1)
        return boot();
    if (argc > 1 && argv[1][0] == 'x')
        return 0;
    if (argc > 1 && (unsigned int)atoi(argv[1]) < LOADS)
        measure((unsigned int)atoi(argv[1]));
    return 0;
}
