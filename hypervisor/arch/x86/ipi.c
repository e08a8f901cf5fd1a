/*
 * Interrupts between CPUs, and running a function on other CPUs.
 *
 * Each CPU has one call slot. The caller fills its own, sets its bit in the
 * `from` mask of each target, sends VECTOR_CALL and waits until all targets
 * have taken their bits out of `pending`. It waits with interrupts off, and
 * serves what others ask of it (calls and TLB flushes) meanwhile: two CPUs
 * that call each other both get on.
 *
 * What can still block: a target that spins, interrupts off, for a lock that
 * the caller holds. So the rule is: across smp_call hold no lock that is
 * ever taken with interrupts off. A called function does not call smp_call
 * itself, takes only irqsave locks, and is short.
 */
#include "arch/x86/apic.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/smp.h"
#include "lib/bitops.h"
#include "lib/spinlock.h"

struct call_slot {
    void (*fn)(void *data);
    void *data;
    cpumask_t pending; /* targets that have not done it yet */
    cpumask_t from;    /* CPUs whose slots name this CPU */
    bool busy;         /* this CPU waits for its own call */
};
static DEFINE_PER_CPU(struct call_slot, call_slot);

cpumask_t cpu_online_map, cpu_present_map;

unsigned nr_cpus_online(void)
{
    return count_bits(cpu_online_map);
}

void ipi_send(cpumask_t cpus, uint8_t vector)
{
    unsigned cpu;

    for_each_cpu(cpu, cpus)
        apic_send(cpu_apic_id(cpu), APIC_DM_FIXED | vector);
}

void smp_kick(cpumask_t cpus)
{
    ipi_send(cpus & cpu_present_map & ~CPUMASK(smp_cpu_id()),
             VECTOR_EVENT_CHECK);
}

void smp_serve_calls(void)
{
    cpumask_t self = CPUMASK(smp_cpu_id());
    cpumask_t from = __atomic_exchange_n(&this_cpu(call_slot).from, 0,
                                         __ATOMIC_ACQ_REL);
    unsigned cpu;

    for_each_cpu(cpu, from) {
        struct call_slot *s = &per_cpu(call_slot, cpu);
        s->fn(s->data);
        __atomic_fetch_and(&s->pending, ~self, __ATOMIC_ACQ_REL);
    }
}

/* Asks them; wait_for_others must follow. Interrupts off. */
static void call_others(cpumask_t cpus, void (*fn)(void *), void *data)
{
    struct call_slot *s = &this_cpu(call_slot);
    cpumask_t self = CPUMASK(smp_cpu_id());
    unsigned cpu;

    BUG_ON(s->busy);
    s->busy = true;
    s->fn = fn;
    s->data = data;
    __atomic_store_n(&s->pending, cpus, __ATOMIC_RELEASE);
    for_each_cpu(cpu, cpus)
        __atomic_fetch_or(&per_cpu(call_slot, cpu).from, self,
                          __ATOMIC_ACQ_REL);
    ipi_send(cpus, VECTOR_CALL);
}

static void serve_others(void)
{
    smp_serve_calls();
    tlb_serve_requests();
    cpu_relax();
}

static void wait_for_others(void)
{
    struct call_slot *s = &this_cpu(call_slot);

    while (__atomic_load_n(&s->pending, __ATOMIC_ACQUIRE))
        serve_others();
    s->busy = false;
}

void smp_call(cpumask_t cpus, void (*fn)(void *), void *data)
{
    unsigned long f = irq_save();
    cpumask_t self = CPUMASK(smp_cpu_id());
    cpumask_t others = cpus & cpu_online_map & ~self;

    if (others) {
        call_others(others, fn, data);
        wait_for_others();
    }
    if (cpus & self)
        fn(data);
    irq_restore(f);
}

/* ---- one CPU alone ---- */

static spinlock_t alone_lock = SPINLOCK_INIT(LOCK_ANY);
static unsigned standing;  /* CPUs that wait */
static bool go_on;

/* It answers TLB requests: who made one may still be on its way here. */
static void stand_still(void *unused)
{
    (void)unused;
    __atomic_fetch_add(&standing, 1, __ATOMIC_ACQ_REL);
    while (!__atomic_load_n(&go_on, __ATOMIC_ACQUIRE)) {
        tlb_serve_requests();
        cpu_relax();
    }
}

void smp_alone(void (*fn)(void *), void *data)
{
    unsigned long f;
    cpumask_t others;

    spin_lock(&alone_lock);
    f = irq_save();
    others = cpu_online_map & ~CPUMASK(smp_cpu_id());
    standing = 0;
    go_on = false;
    call_others(others, stand_still, NULL);
    while (__atomic_load_n(&standing, __ATOMIC_ACQUIRE) < count_bits(others))
        serve_others();
    fn(data);
    __atomic_store_n(&go_on, true, __ATOMIC_RELEASE);
    wait_for_others();
    irq_restore(f);
    spin_unlock(&alone_lock);
}
