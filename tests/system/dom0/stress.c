/*
 * Storms of mmap, mprotect, mremap, munmap, fork and exec on all processors.
 *
 * What must hold is simple: a page holds what was last written to it, and no
 * other process's data ever; a page that was made read-only takes no write,
 * on no processor; a fresh page is zero; and when all is over as much memory
 * is free as before. Each page that a worker maps is filled with numbers made
 * from a seed of its own, so that a page which strays from one process to
 * another is seen.
 *
 * Each worker is a process with its own seed. Its actions are drawn from that
 * seed, so a failing worker's sequence can be repeated.
 */
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MAX_PAGES 192

static uint64_t word_of(uint32_t seed, unsigned long page, unsigned int i)
{
    return (((uint64_t)seed << 32) ^ (page << 12) ^ i) * 0x9e3779b97f4a7c15ull;
}

/* Eight words are written to a page, spread over it. */
static void fill_page(volatile void *base, unsigned long page, uint32_t seed)
{
    volatile uint64_t *p = (volatile void *)((char *)base + page * PAGE);
    unsigned int i;

    for (i = 0; i < 8; i++)
        p[i * 64 + i] = word_of(seed, page, i);
}

static bool page_holds(volatile void *base, unsigned long page, uint32_t seed)
{
    volatile uint64_t *p = (volatile void *)((char *)base + page * PAGE);
    unsigned int i;

    for (i = 0; i < 8; i++) {
        if (p[i * 64 + i] != word_of(seed, page, i))
            return false;
    }
    return true;
}

static bool page_zero(volatile void *base, unsigned long page)
{
    volatile uint64_t *p = (volatile void *)((char *)base + page * PAGE);
    unsigned int i;

    for (i = 0; i < PAGE / 8; i++) {
        if (p[i])
            return false;
    }
    return true;
}

static char *map_filled(unsigned long pages, uint32_t seed, int flags)
{
    char *area = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
                      flags | MAP_ANONYMOUS, -1, 0);
    unsigned long i;

    if (area == MAP_FAILED)
        return NULL;
    for (i = 0; i < pages; i++) {
        if (!(i & 7))
            t_must(page_zero(area, i), "a fresh page is not zero");
        fill_page(area, i, seed);
    }
    return area;
}

static void check_range(void *base, unsigned long from, unsigned long to,
                        uint32_t seed, const char *when)
{
    unsigned long i;

    for (i = from; i < to; i++) {
        if (!t_must(page_holds(base, i, seed), "page %lu changed %s", i, when))
            return;
    }
}

/* Map, fill, protect parts, probe, move, cut holes, unmap. */
static void storm_map(uint32_t *rnd)
{
    unsigned long pages = t_random(rnd) % MAX_PAGES + 4;
    unsigned long from = t_random(rnd) % (pages - 2);
    unsigned long to = from + 1 + t_random(rnd) % (pages - from - 1);
    uint32_t seed = t_random(rnd);
    char *area = map_filled(pages, seed, MAP_PRIVATE), *moved;

    if (!area)
        return;
    mprotect(area + from * PAGE, (to - from) * PAGE, PROT_READ);
    t_must(t_probe(area + from * PAGE, true, NULL) == SIGSEGV,
           "a write to a read-only page worked");
    check_range(area, 0, pages, seed, "under mprotect");
    mprotect(area + from * PAGE, (to - from) * PAGE, PROT_NONE);
    t_must(t_probe(area + (to - 1) * PAGE, false, NULL) == SIGSEGV,
           "a read of a page without access worked");
    mprotect(area, pages * PAGE, PROT_READ | PROT_WRITE);

    moved = mremap(area, pages * PAGE, 2 * pages * PAGE, MREMAP_MAYMOVE);
    if (moved != MAP_FAILED) {
        area = moved;
        check_range(area, 0, pages, seed, "by mremap");
        t_must(page_zero(area, 2 * pages - 1), "mremap: new page not zero");
        munmap(area + pages * PAGE, pages * PAGE);
    }
    munmap(area + from * PAGE, (to - from) * PAGE);
    t_must(t_probe(area + from * PAGE, false, NULL) == SIGSEGV,
           "a read of an unmapped page worked");
    check_range(area, 0, from, seed, "below a hole");
    check_range(area, to, pages, seed, "above a hole");
    munmap(area, pages * PAGE);
}

/* Pages given back by madvise come again as zeroes. */
static void storm_discard(uint32_t *rnd)
{
    unsigned long pages = t_random(rnd) % MAX_PAGES + 4;
    unsigned long cut = t_random(rnd) % pages, i;
    uint32_t seed = t_random(rnd);
    char *area = map_filled(pages, seed, MAP_PRIVATE);

    if (!area)
        return;
    madvise(area, cut * PAGE, MADV_DONTNEED);
    for (i = 0; i < cut; i += 3)
        t_must(page_zero(area, i), "a discarded page is not zero");
    check_range(area, cut, pages, seed, "beside discarded pages");
    munmap(area, pages * PAGE);
}

/* After fork, each side's writes stay its own; shared pages are shared. */
static void storm_fork(uint32_t *rnd)
{
    unsigned long pages = t_random(rnd) % 64 + 2, i;
    uint32_t seed = t_random(rnd), theirs = t_random(rnd);
    char *area = map_filled(pages, seed, MAP_PRIVATE);
    char *shared = map_filled(pages, seed + 1, MAP_SHARED);
    int status = -1;
    pid_t pid;

    if (!area || !shared)
        return;
    pid = fork();
    if (pid == 0) {
        unsigned int before = t_failed();

        check_range(area, 0, pages, seed, "in the child");
        for (i = 0; i < pages; i += 2)
            fill_page(area, i, theirs);
        for (i = 0; i < pages; i++)
            fill_page(shared, i, theirs + 1);
        for (i = 0; i < pages; i++)
            t_must(page_holds(area, i, i & 1 ? seed : theirs),
                   "child's page %lu is wrong", i);
        _exit(t_failed() != before);
    }
    for (i = 1; i < pages; i += 2)
        fill_page(area, i, seed + 2);
    if (pid > 0) {
        t_must(waitpid(pid, &status, 0) == pid && status == 0,
               "child ended with status %#x", status);
        check_range(shared, 0, pages, theirs + 1, "though shared");
    }
    for (i = 0; i < pages; i++)
        t_must(page_holds(area, i, i & 1 ? seed + 2 : seed),
               "parent's page %lu is wrong", i);
    munmap(area, pages * PAGE);
    munmap(shared, pages * PAGE);
}

/* A new program gets its arguments whole, and a clean address space. */
static void storm_exec(uint32_t *rnd)
{
    char seed[16], count[16];
    int status = -1;
    pid_t pid = vfork();

    if (pid == 0) {
        snprintf(seed, sizeof seed, "%u", t_random(rnd));
        snprintf(count, sizeof count, "%u", t_random(rnd) % 40 + 1);
        execl("/proc/self/exe", "exec-child", seed, count, (char *)NULL);
        _exit(99);
    }
    if (pid > 0)
        t_must(waitpid(pid, &status, 0) == pid && status == 0,
               "exec'ed program ended with status %#x", status);
}

static char exec_bss[16 * PAGE];

int stress_exec_child(int argc, char **argv)
{
    uint32_t seed = argc > 2 ? strtoul(argv[1], NULL, 10) : 0;
    unsigned long pages = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, i;
    char *area;

    if (!pages)
        return 3;
    for (i = 0; i < 16; i++)
        t_must(page_zero((void *)(((uintptr_t)exec_bss + PAGE - 1) &
                                  ~(PAGE - 1)), i % 15),
               "a new program's page is not zero");
    area = map_filled(pages, seed, MAP_PRIVATE);
    if (area)
        check_range(area, 0, pages, seed, "in a new program");
    return 0;
}

/*
 * Stale translations: threads on other processors write to a page while one
 * thread makes it read-only. Once mprotect has returned, no write arrives.
 */
struct writers {
    volatile uint64_t *page;
    atomic_bool stop;
    atomic_ulong refused;
};

static void *write_on(void *arg)
{
    struct writers *w = arg;

    while (!atomic_load(&w->stop)) {
        if (t_count_up(w->page, 512, &w->stop) != 0) {
            atomic_fetch_add(&w->refused, 1);
            sched_yield();
        }
    }
    return NULL;
}

static void storm_threads(uint32_t *rnd)
{
    struct writers w;
    pthread_t a;
    unsigned int i;
    char *area = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (area == MAP_FAILED)
        return;
    memset(&w, 0, sizeof w);
    w.page = (volatile void *)area;
    if (pthread_create(&a, NULL, write_on, &w) != 0) {
        munmap(area, 2 * PAGE);
        return;
    }
    for (i = 0; i < 20; i++) {
        uint64_t sum = 0, again = 0;
        unsigned int j, spin = t_random(rnd) % 2000;

        mprotect(area, PAGE, PROT_READ);
        for (j = 0; j < 512; j++)
            sum += w.page[j];
        while (spin--)
            asm volatile("pause");
        for (j = 0; j < 512; j++)
            again += w.page[j];
        t_must(sum == again, "a write arrived on a read-only page");
        mprotect(area, PAGE, PROT_READ | PROT_WRITE);
        w.page[t_random(rnd) % 512] = t_random(rnd);
        sched_yield();
    }
    atomic_store(&w.stop, true);
    pthread_join(a, NULL);
    munmap(area, 2 * PAGE);
}

/* One file, mapped by two processes and read through the file system. */
static void storm_file(uint32_t *rnd)
{
    unsigned long pages = t_random(rnd) % 32 + 1, i;
    uint32_t seed = t_random(rnd);
    char name[] = "/tmp/stressXXXXXX", buf[PAGE];
    int fd = mkstemp(name), status = -1;
    char *area;
    pid_t pid;

    if (fd < 0)
        return;
    unlink(name);
    if (ftruncate(fd, pages * PAGE) < 0) {
        close(fd);
        return;
    }
    area = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    pid = fork();
    if (pid == 0) {
        for (i = 0; i < pages; i++)
            fill_page(area, i, seed);
        _exit(0);
    }
    t_must(waitpid(pid, &status, 0) == pid && status == 0, "writer died");
    check_range(area, 0, pages, seed, "in a shared file");
    for (i = 0; i < pages; i++)
        t_must(pread(fd, buf, PAGE, i * PAGE) == (ssize_t)PAGE &&
                   memcmp(buf, area + i * PAGE, PAGE) == 0,
               "file page %lu differs from its mapping", i);
    munmap(area, pages * PAGE);
    close(fd);
}

static void (*const storms[])(uint32_t *rnd) = {
    storm_map,  storm_map,     storm_discard, storm_fork,
    storm_fork, storm_threads, storm_exec,    storm_file,
};

static int work(uint32_t seed, double end, atomic_ulong *rounds)
{
    uint32_t rnd = seed;

    while (t_now() < end && !t_failed()) {
        uint32_t pick = t_random(&rnd);

        if (pick % 16 == 0)
            t_pin((pick >> 8) % t_cpus());
        storms[(pick >> 4) % (sizeof storms / sizeof storms[0])](&rnd);
        atomic_fetch_add(rounds, 1);
    }
    if (t_failed())
        t_note("worker with seed %u failed", seed);
    return t_failed() != 0;
}

/* Free memory in KiB once the caches are dropped. */
static long free_memory(void)
{
    long value = -1;
    char line[128];
    FILE *f;
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

    if (fd >= 0) {
        sync();
        if (write(fd, "3", 1) != 1)
            t_note("cannot drop the caches");
        close(fd);
        usleep(500000);
    }
    f = fopen("/proc/meminfo", "r");
    while (f && fgets(line, sizeof line, f)) {
        if (sscanf(line, "MemFree: %ld kB", &value) == 1)
            break;
    }
    if (f)
        fclose(f);
    return value;
}

/* Complaints in the kernel's log since the start. */
static int kernel_log(void)
{
    int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

    if (fd >= 0)
        lseek(fd, 0, SEEK_END);
    return fd;
}

static void check_kernel_log(int fd)
{
    static const char *const bad[] = {"BUG:", "Bad page", "WARNING:",
                                      "Oops", "page allocation failure",
                                      "Bad rss", "general protection fault",
                                      "soft lockup", "rcu_sched"};
    unsigned int found = 0;
    char buf[8192];
    ssize_t n;
    size_t i;

    if (fd < 0) {
        t_note("no kernel log to look at");
        return;
    }
    while ((n = read(fd, buf, sizeof buf - 1)) > 0 || errno == EPIPE) {
        if (n <= 0)
            continue;
        buf[n] = '\0';
        for (i = 0; i < sizeof bad / sizeof bad[0]; i++) {
            if (strstr(buf, bad[i])) {
                t_note("kernel: %.200s", buf);
                found++;
            }
        }
    }
    close(fd);
    t_ok(found == 0, "%u complaints in the kernel's log", found);
}

int test_stress(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 30;
    int workers = argc > 2 ? atoi(argv[2]) : (int)(2 * t_cpus());
    unsigned int died = 0, i;
    atomic_ulong *rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int log = kernel_log(), status;
    long before, after, drift;
    double end;

    /* Once without counting, so that what the kernel keeps is there. */
    work(1, t_now() + 2, rounds);
    before = free_memory();
    t_note("%d workers on %u CPU(s) for %.0f s; %ld KiB free", workers,
           t_cpus(), seconds, before);
    end = t_now() + seconds;
    for (i = 0; i < (unsigned int)workers; i++) {
        pid_t pid = fork();

        if (pid == 0)
            _exit(work(0x1001 * (i + 1), end, rounds));
    }
    for (i = 0; i < (unsigned int)workers; i++)
        died += wait(&status) < 0 || status != 0;
    t_ok(died == 0, "%u of %d workers failed", died, workers);
    t_ok(*rounds > 10, "%lu rounds", *rounds);

    after = free_memory();
    drift = before - after;
    t_ok(drift < 8192 + before / 100,
         "free memory: %ld KiB before, %ld KiB after", before, after);
    check_kernel_log(log);
    return 0;
}
