/*
 * Comparing the TSC of a new CPU with the boot CPU's.
 *
 * The new CPU asks; the boot CPU, or another one that runs by its clock,
 * answers with its TSC, a few times. The answer
 * belongs to some moment between question and arrival; the shortest round
 * tells most. If the difference could be zero within that round the two are
 * taken as equal, which they are on all current machines, and no blur of the
 * measurement gets into the time. Two rounds that agree on that are enough: on
 * a busy host a round between virtual CPUs takes milliseconds.
 */
#include "arch/x86/timesync.h"

#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "lib/printk.h"
#include "lib/spinlock.h"

#define MIN_ROUNDS 2
#define MAX_ROUNDS 8
#define NO_MORE ~0u /* in `asked`: the new CPU has heard enough */

/* Questions asked, questions answered, and the last answer. */
static unsigned asked, answered;
static uint64_t answer;

static uint64_t rdtsc_fenced(void)
{
    uint64_t t;

    __asm__ volatile("mfence; lfence" ::: "memory");
    t = rdtsc();
    __asm__ volatile("lfence" ::: "memory");
    return t;
}

void timesync_boot_cpu(void)
{
    unsigned long f = irq_save();
    unsigned served = 0, question;

    do {
        question = __atomic_load_n(&asked, __ATOMIC_ACQUIRE);
        if (question == NO_MORE || question == served) {
            cpu_relax();
            continue;
        }
        answer = rdtsc_fenced() + time_tsc_offset();
        served = question;
        __atomic_store_n(&answered, served, __ATOMIC_RELEASE);
    } while (question != NO_MORE);
    answered = asked = 0;
    irq_restore(f);
}

struct round {
    uint64_t took;      /* ticks */
    int64_t difference; /* boot CPU's TSC minus ours */
};

static struct round ask(unsigned n)
{
    uint64_t before = rdtsc_fenced();
    struct round r;

    __atomic_store_n(&asked, n, __ATOMIC_RELEASE);
    while (__atomic_load_n(&answered, __ATOMIC_ACQUIRE) != n)
        cpu_relax();
    r.took = rdtsc_fenced() - before;
    r.difference = (int64_t)(answer - (before + r.took / 2));
    return r;
}

static bool may_be_zero(struct round r)
{
    uint64_t size = (uint64_t)(r.difference < 0 ? -r.difference
                                                : r.difference);

    return size <= r.took / 2 + 1;
}

void timesync_secondary(void)
{
    struct round best = {~0UL, 0};
    unsigned n = 0;

    do {
        struct round r = ask(++n);
        if (r.took < best.took)
            best = r;
    } while (n < MIN_ROUNDS || (n < MAX_ROUNDS && !may_be_zero(best)));
    __atomic_store_n(&asked, NO_MORE, __ATOMIC_RELEASE);
    if (may_be_zero(best))
        best.difference = 0;
    time_set_tsc_offset(best.difference);
    if (!best.difference)
        return;
    printk(XENLOG_INFO "CPU %u: TSC differs by %ld ticks, corrected\n",
           smp_cpu_id(), (long)best.difference);
}
