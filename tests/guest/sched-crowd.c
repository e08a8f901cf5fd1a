/*
 * 128 domains that only run, on one CPU (with two, each would have half of
 * them): together they get as much done as one domain alone, but for 2 %.
 *
 * qemu: -icount shift=3,sleep=off
 * options: dom0_max_vcpus=1 dom0_mem=64M
 * timeout: 200
 */
#include "sched.h"
const char test_title[] = "128 busy domains";

#define CROWD 128
#define RUN_MS 1500

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
    expect_eq(spinner_pin(&child, 1UL), 0);
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

/* What the first n get done in RUN_MS. */
static unsigned long all_done(unsigned n)
{
    unsigned long sum = 0, before;

    for (unsigned i = 0; i < n; i++)
        sum -= done_by(i);
    sleep_ms(RUN_MS);
    for (unsigned i = 0; i < n; i++) {
        before = sum;
        sum += done_by(i);
        expect(sum != before, "domain %u did nothing", id[i]);
    }
    return sum;
}

void test_main(void)
{
    unsigned long one, crowd;

    for (unsigned i = 0; i < CROWD; i++)
        start(i);
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, id[0]), 0);
    one = all_done(1);
    for (unsigned i = 1; i < CROWD; i++)
        expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, id[i]), 0);
    crowd = all_done(CROWD);
    print("%lu hundredths of a percent of what one gets done",
          crowd * 10000 / one);
    expect(crowd * 100 >= one * 98, "%lu instead of %lu", crowd, one);
}
