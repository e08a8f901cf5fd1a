/*
 * TLB flushes and the clock that saves most of them.
 *
 * The clock. Every full flush advances it and then stamps the CPU with the new
 * value: "all translations that existed before the clock showed this are
 * gone". A frame whose last mapping went notes the clock (tlb_clock()). So a
 * CPU can hold a stale translation of the frame only if its own stamp is not
 * larger than the frame's; tlb_filter() leaves all others out. In both
 * directions the order matters: advance, flush, stamp there; unmap, then read
 * the clock here.
 *
 * Wrapping. At its last value the clock stands still, and flushes stamp 0,
 * "filter nothing out", which is always safe. The next CPU that sends a flush
 * request then flushes every CPU and sets all stamps to 0 before the clock
 * starts again at 1: no CPU keeps a stamp from before that would look newer
 * than a frame's new one. Old stamps of frames are harmless: too large means a
 * flush too many.
 *
 * Requests. Each CPU has one slot, as in ipi.c; the waiter serves requests of
 * others, so CPUs with interrupts off may flush each other. A target that
 * spins with interrupts off for a lock the requester holds would block: as for
 * smp_call, hold no lock that is ever taken with interrupts off. (pt_lock and
 * other locks of hypercalls are taken with interrupts on.)
 */
#include "arch/x86/tlb.h"

#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/smp.h"
#include "lib/bitops.h"
#include "lib/spinlock.h"

#define CLOCK_LAST ((1u << 20) - 1)

enum flush_kind { FLUSH_GUEST, FLUSH_PAGE, FLUSH_GLOBAL, FLUSH_WRAP };

struct flush_slot {
    enum flush_kind kind;
    vaddr_t va;
    cpumask_t pending; /* CPUs that have not done it yet */
    cpumask_t from;    /* CPUs whose slots name this CPU */
};
static DEFINE_PER_CPU(struct flush_slot, flush_slot);

uint32_t tlb_clock_now = 1;

/* ---- the clock ---- */

uint32_t tlb_clock(void)
{
    smp_mb(); /* the unmapping before */
    return READ_ONCE(tlb_clock_now);
}

cpumask_t tlb_filter(cpumask_t cpus, uint32_t stamp)
{
    cpumask_t left = 0;
    unsigned cpu;

    cpus &= cpu_online_map;
    for_each_cpu(cpu, cpus)
        if (__atomic_load_n(&per_cpu(pcpu, cpu).tlb_stamp, __ATOMIC_ACQUIRE) <=
            stamp)
            left |= CPUMASK(cpu);
    return left;
}

/* The value that the flush now beginning may stamp. */
static uint32_t clock_advance(void)
{
    uint32_t old = READ_ONCE(tlb_clock_now);

    do {
        if (old == CLOCK_LAST)
            return 0;
    } while (!__atomic_compare_exchange_n(&tlb_clock_now, &old, old + 1, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return old + 1;
}

static void set_stamp(uint32_t stamp)
{
    __atomic_store_n(&this_pcpu()->tlb_stamp, stamp, __ATOMIC_RELEASE);
}

/* ---- here ---- */

void write_guest_cr3(uint64_t cr3)
{
    unsigned long f = irq_save();
    uint32_t stamp = clock_advance();

    write_cr3(cr3);
    set_stamp(stamp);
    irq_restore(f);
}

void tlb_flush_local(void)
{
    unsigned long f = irq_save();
    uint32_t stamp = clock_advance();

    write_cr3(read_cr3());
    set_stamp(stamp);
    irq_restore(f);
}

void tlb_flush_page_local(vaddr_t va)
{
    invlpg(va);
}

static void flush_global_local(void)
{
    unsigned long f = irq_save();
    uint64_t cr4 = read_cr4();
    uint32_t stamp = clock_advance();

    if (cr4 & CR4_PGE) {
        write_cr4(cr4 & ~CR4_PGE);
        write_cr4(cr4);
    } else {
        write_cr3(read_cr3()); /* there are no global ones */
    }
    set_stamp(stamp);
    irq_restore(f);
}

static void flush_here(enum flush_kind kind, vaddr_t va)
{
    switch (kind) {
    case FLUSH_GUEST:
        tlb_flush_local();
        break;
    case FLUSH_PAGE:
        invlpg(va);
        break;
    case FLUSH_GLOBAL:
        flush_global_local();
        break;
    case FLUSH_WRAP:
        write_cr3(read_cr3());
        set_stamp(0);
        break;
    }
}

/* ---- there ---- */

/* Interrupts off: by the interrupt, and by CPUs that wait. */
void tlb_serve_requests(void)
{
    cpumask_t self = CPUMASK(smp_cpu_id());
    cpumask_t from;
    unsigned cpu;

    if (!READ_ONCE(this_cpu(flush_slot).from))
        return;
    from = __atomic_exchange_n(&this_cpu(flush_slot).from, 0,
                               __ATOMIC_ACQ_REL);
    for_each_cpu(cpu, from) {
        struct flush_slot *s = &per_cpu(flush_slot, cpu);
        flush_here(s->kind, s->va);
        __atomic_fetch_and(&s->pending, ~self, __ATOMIC_ACQ_REL);
    }
}

/* Interrupts off, so the slot is not needed twice. */
static void flush_others(cpumask_t cpus, enum flush_kind kind, vaddr_t va)
{
    struct flush_slot *s = &this_cpu(flush_slot);
    cpumask_t self = CPUMASK(smp_cpu_id());
    unsigned cpu;

    s->kind = kind;
    s->va = va;
    __atomic_store_n(&s->pending, cpus, __ATOMIC_RELEASE);
    for_each_cpu(cpu, cpus)
        __atomic_fetch_or(&per_cpu(flush_slot, cpu).from, self,
                          __ATOMIC_ACQ_REL);
    ipi_send(cpus, VECTOR_TLB_FLUSH);
    while (__atomic_load_n(&s->pending, __ATOMIC_ACQUIRE)) {
        tlb_serve_requests();
        cpu_relax();
    }
}

/* Starts the clock again once it has stopped; see above. Interrupts off. */
static void clock_restart(void)
{
    static bool restarting;
    cpumask_t others = cpu_online_map & ~CPUMASK(smp_cpu_id());

    if (__atomic_test_and_set(&restarting, __ATOMIC_ACQUIRE))
        return; /* somebody is at it; meanwhile nothing is filtered out */
    if (READ_ONCE(tlb_clock_now) == CLOCK_LAST) {
        if (others)
            flush_others(others, FLUSH_WRAP, 0);
        flush_here(FLUSH_WRAP, 0);
        __atomic_store_n(&tlb_clock_now, 1, __ATOMIC_SEQ_CST);
    }
    __atomic_clear(&restarting, __ATOMIC_RELEASE);
}

static void flush_cpus(cpumask_t cpus, enum flush_kind kind, vaddr_t va)
{
    unsigned long f = irq_save();
    cpumask_t self = CPUMASK(smp_cpu_id());
    cpumask_t others = cpus & cpu_online_map & ~self;

    if (unlikely(READ_ONCE(tlb_clock_now) == CLOCK_LAST))
        clock_restart();
    if (others)
        flush_others(others, kind, va);
    if (cpus & self)
        flush_here(kind, va);
    irq_restore(f);
}

void tlb_flush_cpus(cpumask_t cpus)
{
    /* Mostly it is this CPU alone that a domain ran on. */
    if (cpus == CPUMASK(smp_cpu_id()) &&
        likely(READ_ONCE(tlb_clock_now) != CLOCK_LAST))
        tlb_flush_local();
    else
        flush_cpus(cpus, FLUSH_GUEST, 0);
}

void tlb_flush_page_cpus(cpumask_t cpus, vaddr_t va)
{
    flush_cpus(cpus, FLUSH_PAGE, va);
}

void tlb_flush_all_global(cpumask_t cpus)
{
    flush_cpus(cpus, FLUSH_GLOBAL, 0);
}
