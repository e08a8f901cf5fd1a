/*
 * TLBs of four CPUs, as pessimistic as can be: a CPU that may run a domain has
 * loaded every translation there ever was in the domain's tables, and keeps it
 * until it flushes. What it may hold of a frame is a set of uses.
 */
#include "arch/x86/tlb.h"

#include <string.h>

#include "world.h"

#define USE_WRITE       1u
#define USE_WALK(level) (1u << (level))

static uint32_t now, cpu_stamp[CPUS];
static uint8_t held[CPUS][FRAMES];
unsigned flushes, clock_stuck;
void (*after_clock)(void);
cpumask_t flushed;

void tlb_reset(void)
{
    now = 1;
    memset(cpu_stamp, 0, sizeof(cpu_stamp));
    memset(held, 0, sizeof(held));
    flushes = clock_stuck = 0;
    flushed = 0;
}

uint32_t tlb_clock(void)
{
    void (*other)(void) = after_clock;
    uint32_t t = now;

    after_clock = NULL;
    if (other)
        other();
    return t;
}

cpumask_t tlb_filter(cpumask_t cpus, uint32_t stamp)
{
    cpumask_t need = 0;

    for (unsigned c = 0; c < CPUS; c++)
        if ((cpus & CPUMASK(c)) && cpu_stamp[c] <= stamp)
            need |= CPUMASK(c);
    return need;
}

static void flush(cpumask_t cpus)
{
    if (clock_stuck)
        clock_stuck--;
    else
        now++;
    for (unsigned c = 0; c < CPUS; c++)
        if (cpus & CPUMASK(c)) {
            cpu_stamp[c] = now;
            memset(held[c], 0, sizeof(held[c]));
        }
}

void tlb_flush_cpus(cpumask_t cpus)
{
    flushes++;
    flushed = cpus;
    flush(cpus);
}

void tlb_move(struct domain *d, cpumask_t cpus)
{
    flush(d->cpus ^ cpus); /* left: other base pointer; joined: this one */
    d->cpus = cpus;
}

void tlb_touch(unsigned cpu, pte_t e, unsigned level)
{
    mfn_t m = pte_mfn(e);

    if (!(e & PTE_P) || !mfn_valid(m))
        return;
    if (level > 1)
        held[cpu][m.m] |= USE_WALK(level - 1);
    else if (e & PTE_RW)
        held[cpu][m.m] |= USE_WRITE;
}

/* By way of linear entries a table also serves as one of each lower level. */
static unsigned lower_uses(const struct domain *d, unsigned level)
{
    unsigned uses = 0;

    while (d->linear && --level)
        uses |= USE_WALK(level);
    return uses;
}

static void touch_table(const struct domain *d, mfn_t m, unsigned level)
{
    for (unsigned c = 0; c < CPUS; c++)
        if (d->cpus & CPUMASK(c))
            held[c][m.m] |= lower_uses(d, level);
    for (unsigned i = 0; i < PTES_PER_TABLE; i++) {
        pte_t e = entries(m)[i];

        if (!(e & PTE_P) ||
            (level == 4 && i >= HYP_L4_FIRST && i <= HYP_L4_LAST))
            continue;
        for (unsigned c = 0; c < CPUS; c++)
            if (d->cpus & CPUMASK(c))
                tlb_touch(c, e, level);
    }
}

static const struct domain *owner(unsigned i)
{
    return frame_owner_id(F(mfn(i))) == A.id ? &A : &B;
}

void tlb_fill(void)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        uint64_t x = F(mfn(i))->type;
        unsigned level = pgt_level(x);

        if (level && (x & PGT_VALIDATED) && (x & PGT_COUNT_MASK))
            touch_table(owner(i), mfn(i), level);
    }
}

void tlb_check(void)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        uint64_t x = F(mfn(i))->type;
        unsigned level = pgt_level(x), allowed = 0;

        if (!(x & PGT_COUNT_MASK) || (F(mfn(i))->ref & FRAME_XENHEAP))
            continue;
        if (level)
            allowed = USE_WALK(level) | lower_uses(owner(i), level);
        else if ((x & PGT_MASK) == PGT_WRITABLE)
            allowed = USE_WRITE;
        for (unsigned c = 0; c < CPUS; c++)
            if (held[c][i] & ~allowed)
                fail_msg("CPU %u may use frame %u as %x, its type is %lx", c, i,
                         held[c][i], x);
    }
}
