/* From the TSC to system time. */
#include "arch/x86/tsc_scale.h"

#include "lib/compiler.h"

#define NS_PER_SECOND 1000000000UL
#define FAR_AWAY (1UL << 58) /* ns: nine years */

void tsc_scale_init(struct tsc_scale *s, uint64_t khz)
{
    uint64_t hz = khz * 1000;
    int shift = 0;

    while (hz > 2 * NS_PER_SECOND) {
        hz >>= 1;
        shift--;
    }
    while (hz <= NS_PER_SECOND) {
        hz <<= 1;
        shift++;
    }
    s->khz = khz;
    s->mul = (uint32_t)((NS_PER_SECOND << 32) / hz);
    s->shift = (int8_t)shift;
}

static uint64_t shifted(uint64_t ticks, int shift)
{
    return shift < 0 ? ticks >> -shift : ticks << shift;
}

static uint64_t ticks_to_ns(const struct tsc_scale *s, uint64_t ticks)
{
    return (uint64_t)(((unsigned __int128)shifted(ticks, s->shift) *
                       s->mul) >> 32);
}

s_time_t tsc_scale_to_ns(const struct tsc_scale *s, uint64_t tsc)
{
    int64_t ticks = (int64_t)(tsc - s->tsc_base);

    if (ticks < 0)
        return s->stime_base - ticks_to_ns(s, (uint64_t)-ticks);
    return s->stime_base + ticks_to_ns(s, (uint64_t)ticks);
}

uint64_t tsc_scale_to_tsc(const struct tsc_scale *s, s_time_t t)
{
    int64_t ns = (int64_t)(t - s->stime_base);
    uint64_t units;

    if (ns <= 0)
        return s->tsc_base;
    /* The least product with mul that reaches ns, of shifted ticks. */
    units = mul_div(min((uint64_t)ns, FAR_AWAY), 1UL << 32, s->mul) + 1;
    if (s->shift <= 0)
        return s->tsc_base + (units << -s->shift);
    return s->tsc_base + ((units + (1UL << s->shift) - 1) >> s->shift);
}

void tsc_scale_bend(struct tsc_scale *s, const struct tsc_scale *nominal,
                    uint64_t tsc, int64_t ppb)
{
    uint64_t mul = mul_div(nominal->mul, (uint64_t)(1000000000 + ppb),
                           1000000000);

    s->stime_base = tsc_scale_to_ns(s, tsc);
    s->tsc_base = tsc;
    s->shift = nominal->shift;
    if (mul >> 32) {
        mul >>= 1;
        s->shift++;
    }
    s->mul = (uint32_t)mul;
}
