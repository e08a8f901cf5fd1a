/*
 * System time: nanoseconds since boot, from the TSC.
 *
 * The TSC's rate is measured once against a counter of known frequency. All
 * CPUs use the same rate and base; a CPU whose TSC started at another moment
 * has an offset (timesync.c) that is added to each of its readings. Nothing is
 * adjusted later, so that the conversion is a pure function of the TSC and
 * time can neither jump nor run backwards; correcting its rate is the
 * business of dom0's NTP, through the wall clock.
 */
#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/timer.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define NS_PER_SECOND 1000000000UL
#define CALIBRATION_HZ 100 /* measured for 1/100 s */
#define MIN_KHZ 100000UL
#define MAX_KHZ 20000000UL

static char clocksource[8] __initdata;
PARAM_STR("clocksource", clocksource);

uint64_t cpu_khz;
static struct tsc_scale scale; /* of the boot CPU */
static DEFINE_PER_CPU(int64_t, tsc_offset);
static bool offsets_differ; /* some CPU's TSC is not the boot CPU's */

/* ---- reading ---- */

/* Not before what stands before it in the program. */
static uint64_t rdtsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}

static uint64_t shifted(uint64_t ticks, int shift)
{
    return shift < 0 ? ticks >> -shift : ticks << shift;
}

static uint64_t ticks_to_ns(uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)shifted(ticks, scale.shift) *
                       scale.mul) >> 32);
}

s_time_t tsc_to_stime(uint64_t tsc)
{
    int64_t ticks = (int64_t)(tsc + (uint64_t)this_cpu(tsc_offset) -
                              scale.tsc_base);

    if (ticks < 0)
        return scale.stime_base - ticks_to_ns((uint64_t)-ticks);
    return scale.stime_base + ticks_to_ns((uint64_t)ticks);
}

s_time_t now(void)
{
    return tsc_to_stime(rdtsc_ordered());
}

/* a * b / c by the CPU's 128-bit product; the result must fit 64 bits. */
static uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t high;

    __asm__("mulq %3; divq %4"
            : "=&a"(a), "=&d"(high)
            : "0"(a), "rm"(b), "rm"(c)
            : "cc");
    return a;
}

/* Rounded up: at that TSC value the time has come. */
uint64_t stime_to_tsc(s_time_t t)
{
    uint64_t ns = t - scale.stime_base;

    if ((int64_t)ns < 0)
        ns = 0;
    ns = min(ns, 1UL << 58); /* nine years */
    return mul_div(ns, cpu_khz, 1000000) + 1 + scale.tsc_base -
           (uint64_t)this_cpu(tsc_offset);
}

void tsc_scale_get(struct tsc_scale *s)
{
    *s = scale;
    s->tsc_base -= (uint64_t)this_cpu(tsc_offset);
}

void time_set_tsc_offset(int64_t ticks)
{
    this_cpu(tsc_offset) = ticks;
    if (ticks)
        offsets_differ = true;
}

bool tsc_is_stable(void)
{
    return cpu_features.constant_tsc && !offsets_differ;
}

void udelay(unsigned us)
{
    uint64_t end = rdtsc() + us * cpu_khz / 1000;

    while ((int64_t)(rdtsc() - end) < 0)
        cpu_relax();
}

/* ---- calibration ---- */

struct sample {
    uint64_t value, tsc;
};

/*
 * A counter and the TSC at the same moment: of a few tries the one that took
 * the least time, as an SMI or another load of the host may come in between.
 */
static struct sample __init take_sample(uint64_t (*read)(void))
{
    struct sample best = {0, 0};
    uint64_t shortest = ~0UL;

    for (unsigned i = 0; i < 6; i++) {
        uint64_t before = rdtsc_ordered();
        uint64_t value = read();
        uint64_t took = rdtsc_ordered() - before;
        if (took >= shortest)
            continue;
        shortest = took;
        best.value = value;
        best.tsc = before + took / 2;
    }
    return best;
}

/* kHz of the TSC, 0 if the source does not count. */
static uint64_t __init measure(const struct clock_source *s)
{
    struct sample a, b, timer_a, timer_b;
    uint64_t counts = s->hz / CALIBRATION_HZ, passed, khz;

    apic_timer_calibrate_start();
    timer_a = take_sample(apic_timer_counts);
    a = take_sample(s->read);
    while (((s->read() - a.value) & s->mask) < counts)
        if (rdtsc() - a.tsc > MAX_KHZ * 100)
            return 0; /* that would have been 100 ms of the fastest CPU */
    timer_b = take_sample(apic_timer_counts);
    b = take_sample(s->read);

    passed = (b.value - a.value) & s->mask;
    khz = mul_div(b.tsc - a.tsc, s->hz, passed) / 1000;
    if (khz < MIN_KHZ || khz > MAX_KHZ)
        return 0;
    apic_timer_calibrate_end(timer_b.value - timer_a.value,
                             timer_b.tsc - timer_a.tsc);
    return khz;
}

static void __init calibrate(const char *wanted)
{
    for (struct clock_source *s = clock_sources; s->name; s++) {
        if (wanted && strcmp(wanted, s->name))
            continue;
        if (!s->start())
            continue;
        cpu_khz = measure(s);
        if (cpu_khz) {
            printk(XENLOG_INFO "TSC: %lu.%03lu MHz by %s%s\n",
                   (unsigned long)cpu_khz / 1000,
                   (unsigned long)cpu_khz % 1000, s->name,
                   cpu_features.constant_tsc ? ""
                                             : "; its rate may change");
            return;
        }
        printk(XENLOG_WARNING "clock source %s does not work\n", s->name);
    }
}

/* mul and shift as the ABI defines them, mul with its top bit set. */
static void __init set_scale(void)
{
    uint64_t hz = cpu_khz * 1000;
    int shift = 0;

    while (hz > 2 * NS_PER_SECOND) {
        hz >>= 1;
        shift--;
    }
    while (hz <= NS_PER_SECOND) {
        hz <<= 1;
        shift++;
    }
    scale.khz = cpu_khz;
    scale.mul = (uint32_t)((NS_PER_SECOND << 32) / hz);
    scale.shift = (int8_t)shift;
}

/* ---- wall clock ---- */

static spinlock_t wallclock_lock = SPINLOCK_INIT(LOCK_ANY);
static uint64_t wallclock_base; /* ns since 1970 at system time 0 */

void wallclock_get(uint64_t *sec, uint32_t *nsec)
{
    unsigned long f = spin_lock_irqsave(&wallclock_lock);
    uint64_t base = wallclock_base;

    spin_unlock_irqrestore(&wallclock_lock, f);
    *sec = base / NS_PER_SECOND;
    *nsec = (uint32_t)(base % NS_PER_SECOND);
}

void wallclock_set(uint64_t sec, uint32_t nsec, s_time_t at)
{
    unsigned long f = spin_lock_irqsave(&wallclock_lock);

    wallclock_base = sec * NS_PER_SECOND + nsec - at;
    spin_unlock_irqrestore(&wallclock_lock, f);
}

/* ---- start ---- */

void __init time_init(void)
{
    uint64_t start = rdtsc();
    const char *wanted = clocksource[0] ? clocksource : NULL;

    if (wanted && !strcmp(wanted, "tsc"))
        wanted = NULL; /* we always use it */
    calibrate(wanted);
    if (!cpu_khz && wanted) {
        printk(XENLOG_WARNING "WARNING: option clocksource=%s: not usable\n",
               wanted);
        calibrate(NULL);
    }
    if (!cpu_khz)
        boot_fatal("no clock to measure the TSC against");
    set_scale();
    scale.tsc_base = start;
    scale.stime_base = 0;
    wallclock_set(rtc_read(), 0, now());
}

void time_init_cpu(void)
{
    timer_init_cpu();
}
