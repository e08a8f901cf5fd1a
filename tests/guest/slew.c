/*
 * The rate of system time follows xeno_time_op: exactly, without a step; a
 * clock that is wrong is brought right by it; bad values change nothing.
 */
#include "guest.h"
#include <limits.h>
#include <xeno/xeno.h>
const char test_title[] = "time slewing";

#define BILLION 1000000000L

static struct vcpu_time_info nominal; /* as it was before the first call */

static long time_op(unsigned cmd, struct xeno_time_op *op)
{
    op->version = XENO_TIME_VERSION;
    op->cmd = cmd;
    return hypercall1(__HYPERVISOR_xeno_time_op, op);
}

static void set_rate(long rate, long slew, uint64_t slew_ns)
{
    struct xeno_time_op op = {.rate = rate, .slew = slew, .slew_ns = slew_ns};

    expect_eq(time_op(XENO_TIME_set, &op), 0);
}

static struct xeno_time_op get(void)
{
    struct xeno_time_op op;

    expect_eq(time_op(XENO_TIME_get, &op), 0);
    return op;
}

/* This vCPU's record now; nobody else writes it while the vCPU runs. */
static struct vcpu_time_info record(void)
{
    volatile struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    struct vcpu_time_info r;

    do {
        r.version = t->version;
        r.tsc_timestamp = t->tsc_timestamp;
        r.system_time = t->system_time;
        r.tsc_to_system_mul = t->tsc_to_system_mul;
        r.tsc_shift = t->tsc_shift;
    } while ((r.version & 1) || r.version != t->version);
    return r;
}

static uint64_t at(const struct vcpu_time_info *r, uint64_t tsc)
{
    uint64_t d = tsc - r->tsc_timestamp;

    d = r->tsc_shift < 0 ? d >> -r->tsc_shift : d << r->tsc_shift;
    return r->system_time +
           (uint64_t)((unsigned __int128)d * r->tsc_to_system_mul >> 32);
}

/*
 * How far system time is ahead of `rate` parts in 10^9 more than the time that
 * was, in ns. Exact: both are lines over the same TSC.
 */
static long ahead(long rate)
{
    struct vcpu_time_info r = record();
    uint64_t tsc = r.tsc_timestamp + 1000;
    uint64_t plain = at(&nominal, tsc) - nominal.system_time;
    long more = (long)(plain / 1000) * rate / (BILLION / 1000);

    return (long)(at(&r, tsc) - nominal.system_time) - (long)plain - more;
}

/* From now on `ahead` counts anew. */
static void start_anew(void)
{
    set_rate(0, 0, 0);
    nominal = record();
}

static void test_refused(void)
{
    static const struct {
        long rate, slew;
        uint64_t slew_ns;
    } bad[] = {
        {BILLION / 10 + 1, 0, 0},
        {-BILLION / 10 - 1, 0, 0},
        {0, BILLION / 10 + 1, 1},
        {0, -BILLION, 1},
        {BILLION / 10, 1, 1},
        {-1, -BILLION / 10, 1},
        {LONG_MAX, LONG_MAX, 1},
        {LONG_MIN, LONG_MIN, 1},
        {LONG_MIN, LONG_MAX, 1},
        {0, 1000, 24 * 3600 * 1000 * MS + 1},
        {0, 1000, ~0UL},
    };
    struct xeno_time_op op = {.version = XENO_TIME_VERSION + 1,
                              .cmd = XENO_TIME_get};
    struct vcpu_time_info before;

    set_rate(1234, 0, 0);
    before = record();
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct xeno_time_op b = {.rate = bad[i].rate, .slew = bad[i].slew,
                                 .slew_ns = bad[i].slew_ns};
        expect_eq(time_op(XENO_TIME_set, &b), -EINVAL);
    }
    expect_eq(hypercall1(__HYPERVISOR_xeno_time_op, &op), -EACCES);
    expect_eq(time_op(0, &op), -ENOSYS);
    expect_eq(time_op(3, &op), -ENOSYS);
    expect_eq(hypercall1(__HYPERVISOR_xeno_time_op, 0x10), -EFAULT);
    expect_eq(get().rate, 1234);
    expect_eq(get().slew, 0);
    expect_eq(record().version, before.version);
}

/* The slope is right to a part in 10^9, and nothing jumped. */
static void test_rate(long rate)
{
    struct vcpu_time_info old, new;
    uint64_t tsc;
    long got;

    start_anew();
    old = record();
    set_rate(rate, 0, 0);
    new = record();
    tsc = new.tsc_timestamp;
    expect_eq(new.system_time - at(&old, tsc), 0);
    got = (long)(at(&new, tsc + 100 * BILLION) - new.system_time) -
          (long)(at(&old, tsc + 100 * BILLION) - at(&old, tsc));
    got = got * BILLION /
          (long)(at(&old, tsc + 100 * BILLION) - at(&old, tsc));
    expect(got >= rate - 2 && got <= rate + 2, "rate %ld is %ld", rate, got);
    expect_eq(get().rate, rate);
    delay_ms(5);
}

/* It lasts as long as it was told to, at least; then the rate is plain. */
static void test_slew(long slew, unsigned ms)
{
    long least = slew / (BILLION / (long)MS) * ms, got;
    uint64_t began, end;

    start_anew();
    began = system_time();
    set_rate(0, slew, ms * MS);
    expect_eq(get().slew, slew);
    while (get().slew && system_time() < began + 20000 * MS)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    end = system_time();
    got = ahead(0);
    expect(end >= began + ms * MS, "it ended %lu ns early",
           began + ms * MS - end);
    expect_eq(get().slew_ns, 0);
    if (slew < 0)
        expect(got <= least / 10 * 9, "%ld of %ld ns", got, least);
    else
        expect(got >= least / 10 * 9, "%ld of %ld ns", got, least);
    expect_eq(record().tsc_to_system_mul, nominal.tsc_to_system_mul);
}

/*
 * Domain 0's NTP daemon in short: the machine's clock is 300 ppm slow and 2 ms
 * behind. Each round corrects the rate by what the offset grew by, and lets
 * what is left vanish at 0.5 %.
 */
static void test_converges(void)
{
    const long truth = 300000; /* ppb */
    long offset, last = 0, rate = 0, seen = 0;
    uint64_t t = system_time(), was = t;
    unsigned good = 0, rounds;

    start_anew();
    for (rounds = 0; good < 5 && rounds < 500; rounds++) {
        set_rate(rate, 0, 0);
        last = ahead(truth) - 2 * (long)MS;
        t = system_time();
        delay_ms(5);
        set_rate(rate, 0, 0);
        offset = ahead(truth) - 2 * (long)MS;
        rate -= (offset - last) * BILLION / (long)(system_time() - t);
        seen = offset < 0 ? -offset : offset;
        good = seen < 20000 ? good + 1 : 0;
        if (seen >= 200)
            set_rate(rate, offset < 0 ? 5000000 : -5000000,
                     (uint64_t)seen * 200);
        while (get().slew && system_time() < t + 10000 * MS)
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        expect(system_time() >= was, "time went back");
        was = system_time();
    }
    expect(good == 5, "after %u rounds %ld ns off", rounds, seen);
    expect(rate > truth - 20000 && rate < truth + 20000, "rate %ld", rate);
}

/* The wall clock goes with system time. */
static void test_wall_clock(void)
{
    struct xeno_time_op op = get();

    expect_eq(op.wall_clock / BILLION,
              (uint64_t)shared_info->wc_sec_hi << 32 | shared_info->wc_sec);
    expect_eq(op.wall_clock % BILLION, shared_info->wc_nsec);
}

void test_main(void)
{
    if (!on_xeno())
        skip("a call of Xeno's own");
    test_refused();
    test_rate(0);
    test_rate(1);
    test_rate(-500000);
    test_rate(BILLION / 10);
    test_rate(-BILLION / 10);
    test_slew(BILLION / 10, 30);
    test_slew(-BILLION / 10, 30);
    test_converges();
    test_wall_clock();
}
