/*
 * System time: nanoseconds since boot, from the TSC.
 *
 * The TSC's rate is measured once against a counter of known frequency. All
 * CPUs use the same line from TSC to time (tsc_scale.c); a CPU whose TSC
 * started at another moment has an offset (timesync.c) that is added to each
 * of its readings. Domain 0 may bend the line (slew.c), which happens while
 * only one CPU runs: so time can neither jump nor run backwards, whoever
 * looks. There are two lines, so that an NMI meets a whole one even then.
 *
 * Where the TSC's rate may change, or `tsc=unstable` says so, the counter stays
 * a guide: several times a second the line is bent towards it, and has a new
 * slope if the TSC counts at another rate than before (slew.c calls).
 */
#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/timer.h"
#include "arch/x86/tsc_scale.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"

#define NS_PER_SECOND 1000000000UL
#define CALIBRATION_HZ 100 /* measured for 1/100 s */
#define MIN_KHZ 100000UL
#define MAX_KHZ 20000000UL
#define GUIDE_REACH ((int64_t)MILLISECS(50)) /* off by so much: 5 % faster */

static char clocksource[8] __initdata;
PARAM_STR("clocksource", clocksource);
static char tsc_option[12] __initdata;
PARAM_STR("tsc", tsc_option);
/* The rate of the TSC, where the measurement is not to be believed. */
static unsigned tsc_khz __initdata;
PARAM_UINT("tsc_khz", tsc_khz);

uint64_t cpu_khz;
static struct tsc_scale nominal; /* as measured; TSCs are the boot CPU's */
static struct tsc_scale scales[2];
static const struct tsc_scale *scale = &scales[0]; /* the one in use */
static DEFINE_PER_CPU(uint64_t, tsc_offset);
static bool offsets_differ; /* some CPU's TSC is not the boot CPU's */

struct sample {
    uint64_t value, tsc;
};

static const struct clock_source *guide; /* NULL: the TSC is relied on */
static struct sample guide_last;
static s_time_t guide_time; /* at guide_last, by the guide */

/* ---- reading ---- */

/* Not before what stands before it in the program. */
static uint64_t rdtsc_ordered(void)
{
    __asm__ volatile("lfence" ::: "memory");
    return rdtsc();
}

s_time_t tsc_to_stime(uint64_t tsc)
{
    return tsc_scale_to_ns(READ_ONCE(scale), tsc + this_cpu(tsc_offset));
}

s_time_t now(void)
{
    return tsc_to_stime(rdtsc_ordered());
}

uint64_t stime_to_tsc(s_time_t t)
{
    return tsc_scale_to_tsc(scale, t) - this_cpu(tsc_offset);
}

void tsc_scale_get(unsigned cpu, struct tsc_scale *s)
{
    *s = *scale;
    s->tsc_base -= per_cpu(tsc_offset, cpu);
}

void time_bend(int64_t ppb)
{
    struct tsc_scale *s = &scales[scale == &scales[0]];

    *s = *scale;
    tsc_scale_bend(s, &nominal, rdtsc_ordered() + this_cpu(tsc_offset), ppb);
    WRITE_ONCE(scale, s);
    timers_bent();
}

void time_set_tsc_offset(int64_t ticks)
{
    this_cpu(tsc_offset) = (uint64_t)ticks;
    if (ticks)
        offsets_differ = true;
}

uint64_t time_tsc_offset(void)
{
    return this_cpu(tsc_offset);
}

bool time_is_guided(void)
{
    return guide != NULL;
}

bool tsc_is_stable(void)
{
    return cpu_features.constant_tsc && !offsets_differ && !guide;
}

void udelay(unsigned us)
{
    uint64_t end = rdtsc() + us * cpu_khz / 1000;

    while ((int64_t)(rdtsc() - end) < 0)
        cpu_relax();
}

/* ---- calibration ---- */

/*
 * A counter and the TSC at the same moment: of a few tries the one that took
 * the least time, as an SMI or another load of the host may come in between.
 */
static struct sample take_sample(uint64_t (*read)(void))
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

/* The source that it was measured by, or NULL. */
static const struct clock_source *__init calibrate(const char *wanted)
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
            return s;
        }
        printk(XENLOG_WARNING "clock source %s does not work\n", s->name);
    }
    return NULL;
}

/* ---- guidance ---- */

/* What the guide has counted while the TSC did; it may have wrapped. */
static uint64_t counted(struct sample from, struct sample to)
{
    uint64_t counts = (to.value - from.value) & guide->mask;
    uint64_t expected = mul_div(to.tsc - from.tsc, guide->hz,
                                nominal.khz * 1000);

    if (expected > counts)
        counts += (expected - counts + guide->mask / 2) / (guide->mask + 1) *
                  (guide->mask + 1);
    return counts;
}

/* The TSC's rate has changed by more than measuring blurs? Then it is this. */
static void adopt_rate(uint64_t khz)
{
    uint64_t change = khz > nominal.khz ? khz - nominal.khz
                                        : nominal.khz - khz;

    if (change > nominal.khz / 1000 && khz >= MIN_KHZ && khz <= MAX_KHZ)
        tsc_scale_init(&nominal, khz);
}

int64_t time_guidance(int64_t ppb)
{
    static int64_t advice;
    struct sample s;
    uint64_t counts, ns;
    int64_t ahead;

    if (!guide)
        return 0;
    s = take_sample(guide->read);
    s.tsc += this_cpu(tsc_offset);
    counts = counted(guide_last, s);
    if (counts < guide->hz / CALIBRATION_HZ)
        return advice;
    ns = mul_div(counts, NS_PER_SECOND, guide->hz);
    guide_time += mul_div(ns, NS_PER_SECOND + (uint64_t)ppb, NS_PER_SECOND);
    adopt_rate(mul_div(s.tsc - guide_last.tsc, guide->hz, counts) / 1000);
    guide_last = s;
    ahead = (int64_t)(guide_time - tsc_scale_to_ns(scale, s.tsc));
    ahead = min(max(ahead, -GUIDE_REACH), GUIDE_REACH);
    advice = ahead * (TSC_RATE_MAX / 2) / GUIDE_REACH;
    return advice;
}

/* PIT's channel wraps too soon. */
static void __init choose_guide(const struct clock_source *s)
{
    bool told_off = !strcmp(tsc_option, "unstable");

    if (tsc_option[0] && !told_off)
        printk(XENLOG_WARNING "WARNING: option tsc: \"%s\" is not known\n",
               tsc_option);
    if ((cpu_features.constant_tsc && !told_off) || s->mask <= 0xffff ||
        !strcmp(clocksource, "tsc"))
        return;
    guide = s;
    guide_last = take_sample(s->read);
    printk(XENLOG_INFO "The TSC is guided by %s\n", s->name);
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
    const struct clock_source *source;

    if (wanted && !strcmp(wanted, "tsc"))
        wanted = NULL; /* we always use it */
    source = calibrate(wanted);
    if (!source && wanted) {
        printk(XENLOG_WARNING "WARNING: option clocksource=%s: not usable\n",
               wanted);
        source = calibrate(NULL);
    }
    if (!source)
        boot_fatal("no clock to measure the TSC against");
    if (tsc_khz >= MIN_KHZ && tsc_khz <= MAX_KHZ)
        cpu_khz = tsc_khz;
    else if (tsc_khz)
        printk(XENLOG_WARNING "WARNING: option tsc_khz: %u is out of range\n",
               tsc_khz);
    tsc_scale_init(&nominal, cpu_khz);
    nominal.tsc_base = start;
    scales[0] = nominal;
    choose_guide(source);
    guide_time = tsc_to_stime(guide_last.tsc);
    wallclock_set(rtc_read(), 0, now());
}

void time_init_cpu(void)
{
    timer_init_cpu();
}
