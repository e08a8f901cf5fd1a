/*
 * 128 domains that only run, 64 on each of two CPUs: together they get as much
 * done as one domain on each CPU, but for 2 %.
 *
 * qemu: -smp 2 -icount shift=3,sleep=off
 * options: dom0_max_vcpus=1 dom0_mem=64M
 * timeout: 200
 */
#include "sched.h"
const char test_title[] = "128 busy domains";

#define CROWD 128
#define CPUS 2
#define RUN_MS 4000

static volatile unsigned long done __attribute__((aligned(4096)));
static unsigned id[CROWD];
static unsigned long done_mfn[CROWD]; /* the frame that holds each one's */

static void work(void)
{
    for (;;)
        done++;
}

static void start(unsigned i)
{
    static struct child child;

    child_new(&child);
    child_populate(&child);
    child_tables(&child);
    child_context(&child, work);
    expect_eq(spinner_pin(&child, 1UL << i % CPUS), 0);
    id[i] = child.id;
    done_mfn[i] = child_mfn(&child, &done);
}

static unsigned long done_by(unsigned i)
{
    static unsigned long window[512] __attribute__((aligned(4096)));
    unsigned long n;

    if (foreign_map(window, id[i], done_mfn[i],
                    PTE_P | PTE_RW | PTE_US | PTE_AD))
        error("a child's page cannot be mapped");
    n = *(volatile unsigned long *)window;
    foreign_unmap(window);
    return n;
}

/* What the first n get done, for RUN_MS; we sleep, and then go first. */
static unsigned long all_done(unsigned n)
{
    uint64_t begun = system_time();
    unsigned long sum = 0, before;

    for (unsigned i = 0; i < n; i++)
        sum -= done_by(i);
    sleep_ms(RUN_MS);
    begun = system_time() - begun;
    for (unsigned i = 0; i < n; i++) {
        before = sum;
        sum += done_by(i);
        expect(sum != before, "domain %u did nothing", id[i]);
    }
    print("%u domains: %lu in %lu us", n, sum, begun / 1000);
    return sum / 1000 * (RUN_MS * MS / 1000) / (begun / 1000);
}

void test_main(void)
{
    const int64_t warped[] = {10, 1, 10000 * MS, 0, 0}; /* before others */
    unsigned long few, crowd;

    expect_eq(sched_set(0, ARRAY_SIZE(warped), warped), 0);
    for (unsigned i = 0; i < CROWD; i++)
        start(i);
    for (unsigned i = 0; i < CPUS; i++)
        expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, id[i]), 0);
    few = all_done(CPUS);
    for (unsigned i = CPUS; i < CROWD; i++)
        expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, id[i]), 0);
    crowd = all_done(CROWD);
    print("%lu hundredths of a percent of what one a CPU gets done",
          crowd * 10000 / few);
    expect(crowd * 100 >= few * 98, "%lu instead of %lu", crowd, few);
}
