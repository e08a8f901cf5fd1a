/*
 * The floating-point state belongs to a thread: x87, SSE and AVX registers
 * and both control words survive being preempted, migrated, interrupted by
 * signals whose handlers use the same registers, and forks.
 *
 * Each thread fills the registers with values of its own, does something
 * that makes the kernel or the hypervisor switch away, and looks again, all
 * in assembly so that the compiler uses none of the registers between.
 */
#include "t.h"

#include <cpuid.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct state {
    uint8_t vec[16][32];
    double st[4];
    uint32_t mxcsr;
    uint16_t cw;
} __attribute__((aligned(64)));

static bool avx;
static atomic_bool stop;
static atomic_ulong rounds, wrong, signals;

#define LOAD_SSE(n) "movdqu " #n "*32(%0), %%xmm" #n "\n\t"
#define KEEP_SSE(n) "movdqu %%xmm" #n ", " #n "*32(%1)\n\t"
#define LOAD_AVX(n) "vmovdqu " #n "*32(%0), %%ymm" #n "\n\t"
#define KEEP_AVX(n) "vmovdqu %%ymm" #n ", " #n "*32(%1)\n\t"
#define ALL(m)                                                                \
    m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12)       \
        m(13) m(14) m(15)

/*
 * Load *in, wait (spin when 'spin', then make the system call number 'nr'
 * without arguments unless it is negative), store what is there to *out.
 */
#define ROUND(load, keep)                                                     \
    asm volatile(ALL(load)                                                    \
        "fninit\n\t"                                                          \
        "fldcw %c[cw](%0)\n\t"                                                \
        "ldmxcsr %c[mxcsr](%0)\n\t"                                           \
        "fldl %c[st]+0(%0)\n\t fldl %c[st]+8(%0)\n\t"                         \
        "fldl %c[st]+16(%0)\n\t fldl %c[st]+24(%0)\n\t"                       \
        "mov %2, %%rbx\n"                                                     \
        "1: pause\n\t dec %%rbx\n\t jnz 1b\n\t"                               \
        "mov %3, %%rax\n\t test %%rax, %%rax\n\t js 2f\n\t"                   \
        "syscall\n"                                                           \
        "2:\n\t" ALL(keep)                                                    \
        "fstpl %c[st]+24(%1)\n\t fstpl %c[st]+16(%1)\n\t"                     \
        "fstpl %c[st]+8(%1)\n\t fstpl %c[st]+0(%1)\n\t"                       \
        "stmxcsr %c[mxcsr](%1)\n\t"                                           \
        "fnstcw %c[cw](%1)\n\t"                                               \
        "fninit\n\t"                                                          \
        :                                                                     \
        : "r"(in), "r"(out), "r"(spin), "r"(nr),                              \
          [st] "i"(offsetof(struct state, st)),                               \
          [mxcsr] "i"(offsetof(struct state, mxcsr)),                         \
          [cw] "i"(offsetof(struct state, cw))                                \
        : "rax", "rbx", "rcx", "r11", "memory", "cc", "xmm0", "xmm1", "xmm2", \
          "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",    \
          "xmm11", "xmm12", "xmm13", "xmm14", "xmm15")

static void round_sse(const struct state *in, struct state *out, long spin,
                      long nr)
{
    ROUND(LOAD_SSE, KEEP_SSE);
}

static void round_avx(const struct state *in, struct state *out, long spin,
                      long nr)
{
    ROUND(LOAD_AVX, KEEP_AVX);
}

static void make_state(struct state *s, uint32_t *seed)
{
    static const uint32_t mxcsrs[] = {0x1f80, 0x3f80, 0x5f80, 0x9fc0};
    static const uint16_t cws[] = {0x037f, 0x077f, 0x0b7f, 0x027f};
    unsigned int i, j;

    memset(s, 0, sizeof *s);
    for (i = 0; i < 16; i++) {
        for (j = 0; j < (avx ? 32 : 16); j++)
            s->vec[i][j] = t_random(seed);
    }
    for (i = 0; i < 4; i++)
        s->st[i] = (int32_t)t_random(seed);
    s->mxcsr = mxcsrs[t_random(seed) % 4];
    s->cw = cws[t_random(seed) % 4];
}

static void on_alarm(int sig)
{
    struct state in, out;
    uint32_t seed = 77 + sig;

    make_state(&in, &seed);
    memset(&out, 0, sizeof out);
    if (avx)
        round_avx(&in, &out, 1, -1);
    else
        round_sse(&in, &out, 1, -1);
    atomic_fetch_add(&signals, 1);
}

static unsigned long try_rounds(uint32_t seed)
{
    unsigned int n = t_random(&seed) % 16 + 4;
    unsigned long bad = 0;

    while (n--) {
        struct state in, out;
        long spin = t_random(&seed) % 20000 + 1;
        long nr = t_random(&seed) % 3 ? SYS_sched_yield : -1;

        make_state(&in, &seed);
        memset(&out, 0, sizeof out);
        if (avx)
            round_avx(&in, &out, spin, nr);
        else
            round_sse(&in, &out, spin, nr);
        atomic_fetch_add(&rounds, 1);
        if (memcmp(&in, &out, sizeof in) != 0)
            bad++;
    }
    return bad;
}

static int forked(void *arg)
{
    return try_rounds((uintptr_t)arg) != 0;
}

static void *worker(void *arg)
{
    uint32_t seed = 1000003u * (uintptr_t)arg + 1;

    while (!atomic_load(&stop)) {
        t_pin(t_random(&seed) % t_cpus());
        atomic_fetch_add(&wrong, try_rounds(t_random(&seed)));
        if (t_random(&seed) % 16 == 0) {
            uintptr_t child = t_random(&seed);

            if (t_child(forked, (void *)child) != 1000)
                atomic_fetch_add(&wrong, 1);
        }
    }
    return NULL;
}

int test_fpu(int argc, char **argv)
{
    double end = t_now() + (argc > 1 ? atof(argv[1]) : 5);
    struct itimerval every = {{0, 4000}, {0, 4000}};
    struct sigaction act;
    unsigned int n = 2 * t_cpus() + 1, i;
    pthread_t *threads = calloc(n, sizeof *threads);

    avx = __builtin_cpu_supports("avx");
    t_note("vector registers: %s", avx ? "AVX" : "SSE");
    memset(&act, 0, sizeof act);
    act.sa_handler = on_alarm;
    act.sa_flags = SA_RESTART;
    sigaction(SIGALRM, &act, NULL);
    setitimer(ITIMER_REAL, &every, NULL);

    for (i = 0; i < n; i++)
        pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)(i + 1));
    while (t_now() < end)
        usleep(100000);
    atomic_store(&stop, true);
    for (i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    memset(&every, 0, sizeof every);
    setitimer(ITIMER_REAL, &every, NULL);
    free(threads);

    t_ok(rounds > 100, "%lu rounds on %u threads", rounds, n);
    t_ok(signals > 10, "%lu signals between", signals);
    t_ok(wrong == 0, "%lu rounds found registers changed", wrong);
    return 0;
}
