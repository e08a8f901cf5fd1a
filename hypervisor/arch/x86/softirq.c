/* Deferred work: one bit per kind and CPU. */
#include "arch/x86/softirq.h"

#include "arch/x86/irq.h"
#include "lib/bitops.h"

static void (*handlers[NR_SOFTIRQS])(void);

void softirq_open(enum softirq nr, void (*handler)(void))
{
    handlers[nr] = handler;
}

/* True if it was not raised already. */
static bool raise_on(struct pcpu *p, enum softirq nr)
{
    uint64_t bit = 1UL << nr;

    return !(__atomic_fetch_or(&p->softirq_pending, bit, __ATOMIC_SEQ_CST) &
             bit);
}

void softirq_raise(enum softirq nr)
{
    (void)raise_on(this_pcpu(), nr);
}

void softirq_raise_cpu(unsigned cpu, enum softirq nr)
{
    if (raise_on(&per_cpu(pcpu, cpu), nr) && cpu != smp_cpu_id())
        smp_kick(CPUMASK(cpu));
}

/*
 * The bit goes before its handler runs: work that comes meanwhile raises it
 * again. A handler need not return (a switch to another vCPU): what is still
 * pending runs on the next way out.
 */
void softirq_run(void)
{
    struct pcpu *p = this_pcpu();
    uint64_t pending;

    while ((pending = READ_ONCE(p->softirq_pending)) != 0) {
        unsigned nr = lowest_bit(pending);
        __atomic_fetch_and(&p->softirq_pending, ~(1UL << nr),
                           __ATOMIC_SEQ_CST);
        if (handlers[nr])
            handlers[nr]();
    }
}

bool softirq_pending(void)
{
    return READ_ONCE(this_pcpu()->softirq_pending) != 0;
}
