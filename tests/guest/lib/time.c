/* Time, as the vCPU's record in shared_info tells. */
#include "guest.h"

static uint64_t read_tsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("lfence; rdtsc; lfence" : "=a"(lo), "=d"(hi)::"memory");
    return (uint64_t)hi << 32 | lo;
}

uint64_t time_by(volatile struct vcpu_time_info *t)
{
    uint64_t delta, ns;
    uint32_t version;

    do {
        version = t->version & ~1u;
        delta = read_tsc() - t->tsc_timestamp;
        if (t->tsc_shift < 0)
            delta >>= -t->tsc_shift;
        else
            delta <<= t->tsc_shift;
        ns = t->system_time +
             (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
        __asm__ volatile("" ::: "memory");
    } while (version != t->version);
    return ns;
}

uint64_t system_time(void)
{
    return time_by(&shared_info->vcpu_info[0].time);
}

void delay_ms(unsigned ms)
{
    uint64_t end = system_time() + ms * MS;

    while (system_time() < end)
        __asm__ volatile("pause");
}
