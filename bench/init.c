/*
 * Domain 0's only program during a benchmark: says when userland was reached,
 * then times the paths that a hypervisor is on, and switches the machine off.
 *
 * The emulator runs with one tick of the time stamp counter per instruction,
 * so every figure is a number of instructions: of user code, kernel and
 * hypervisor together. Each loop runs once before it is timed.
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

static uint64_t tsc(void)
{
    return __builtin_ia32_rdtsc();
}

static void null_syscall(unsigned int n)
{
    while (n--)
        syscall(SYS_getppid);
}

static void touch_pages(unsigned int n)
{
    volatile char *area = mmap(NULL, n * 4096ul, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    while (n--)
        area[n * 4096ul] = 1;
}

static void map_unmap(unsigned int n)
{
    while (n--) {
        volatile char *area = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        unsigned int i;

        for (i = 0; i < 16; i++)
            area[i * 4096] = 1;
        munmap((void *)area, 65536);
    }
}

static void protect(unsigned int n)
{
    static char area[4096 * 2];
    void *page = (void *)(((uintptr_t)area + 4095) & ~4095ul);

    while (n--) {
        *(volatile char *)page = 1;
        mprotect(page, 4096, PROT_READ);
        mprotect(page, 4096, PROT_READ | PROT_WRITE);
    }
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

static void ping_pong(unsigned int n)
{
    int there[2], back[2];
    char c = 0;
    pid_t pid;

    if (pipe(there) < 0 || pipe(back) < 0)
        return;
    pid = fork();
    if (pid == 0) {
        close(there[1]);
        while (read(there[0], &c, 1) == 1 && write(back[1], &c, 1) == 1)
            ;
        _exit(0);
    }
    while (n--) {
        if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
            break;
    }
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    waitpid(pid, NULL, 0);
}

static void on_signal(int sig)
{
    (void)sig;
}

static void divide_fault(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)info;
    /* Over the two bytes of ud2. */
    ((ucontext_t *)ctx)->uc_mcontext.gregs[16] += 2;
}

static void exception(unsigned int n)
{
    struct sigaction act;

    memset(&act, 0, sizeof act);
    act.sa_sigaction = divide_fault;
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
    unsigned int n;
} benches[] = {
    {"null system call", null_syscall, 5000},
    {"exception to signal and back", exception, 1000},
    {"signal to oneself", send_signal, 1000},
    {"first touch of a page", touch_pages, 2000},
    {"map, touch, unmap 16 pages", map_unmap, 200},
    {"two mprotects and a store", protect, 1000},
    {"fork, exit, wait", fork_exit, 50},
    {"pipe round trip, 2 processes", ping_pong, 500},
};

int main(void)
{
    uint64_t start = tsc(), took;
    struct sysinfo si;
    unsigned int i;

    printf("BENCH userland %llu\n", (unsigned long long)start);
    fflush(stdout);
    sysinfo(&si);
    printf("BENCH memory %lu\n", si.totalram * si.mem_unit / 1024);
    for (i = 0; i < sizeof benches / sizeof benches[0]; i++) {
        benches[i].run(benches[i].n / 10 + 1);
        start = tsc();
        benches[i].run(benches[i].n);
        took = tsc() - start;
        printf("BENCH path %llu %s\n",
               (unsigned long long)(took / benches[i].n), benches[i].name);
        fflush(stdout);
    }
    printf("BENCH end\n");
    fflush(stdout);
    usleep(200000);
    reboot(RB_POWER_OFF);
    pause();
    return 0;
}
