/*
 * Timers of each CPU, and its hardware timer.
 *
 * The lock of a CPU's timers guards its heap and all timers that belong to the
 * CPU, `cpu` included: who wants a timer takes the lock of the CPU it names
 * and looks again. The hardware timer is set for the heap's first; it may come
 * early or for nothing, the softirq looks at the heap and the clock only.
 */
#include "arch/x86/timer.h"

#include "arch/x86/apic.h"
#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/softirq.h"
#include "arch/x86/timer_heap.h"
#include "lib/spinlock.h"

struct cpu_timers {
    spinlock_t lock;
    struct timer_heap heap;
    struct timer *running;  /* its handler is at work on this CPU */
    s_time_t programmed;    /* the hardware timer is set for; 0 = not */
};
static DEFINE_PER_CPU(struct cpu_timers, cpu_timers);

static struct cpu_timers *lock_timer(struct timer *t, unsigned long *flags)
{
    for (;;) {
        unsigned cpu = READ_ONCE(t->cpu);
        struct cpu_timers *c = &per_cpu(cpu_timers, cpu);
        *flags = spin_lock_irqsave(&c->lock);
        if (t->cpu == cpu)
            return c;
        spin_unlock_irqrestore(&c->lock, *flags);
    }
}

/* This CPU's hardware timer, for the first of its heap. Lock held. */
static void program(struct cpu_timers *c)
{
    s_time_t want = c->heap.root ? c->heap.root->expires : 0;

    if (want == c->programmed)
        return;
    c->programmed = want;
    apic_timer_set(want ? stime_to_tsc(want) : 0);
}

/* After a change of the first one of CPU `cpu`. Lock held. */
static void first_changed(struct cpu_timers *c, unsigned cpu)
{
    if (cpu == smp_cpu_id())
        program(c);
    else
        softirq_raise_cpu(cpu, SOFTIRQ_TIMER);
}

static void enqueue(struct cpu_timers *c, struct timer *t)
{
    timer_heap_add(&c->heap, t);
    if (c->heap.root == t)
        first_changed(c, t->cpu);
}

void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu)
{
    *t = (struct timer){.fn = fn, .data = data, .cpu = cpu};
}

void timer_set(struct timer *t, s_time_t expires)
{
    unsigned long f;
    struct cpu_timers *c = lock_timer(t, &f);

    if (t->queued)
        timer_heap_remove(&c->heap, t);
    t->expires = expires ? expires : 1;
    enqueue(c, t);
    spin_unlock_irqrestore(&c->lock, f);
}

/* The hardware timer stays: at worst it comes for nothing. */
void timer_stop(struct timer *t)
{
    unsigned long f;
    struct cpu_timers *c;

    if (!t->fn)
        return;
    c = lock_timer(t, &f);
    if (t->queued)
        timer_heap_remove(&c->heap, t);
    spin_unlock_irqrestore(&c->lock, f);
}

static bool running_anywhere(const struct timer *t)
{
    unsigned cpu;

    for_each_online_cpu(cpu)
        if (READ_ONCE(per_cpu(cpu_timers, cpu).running) == t)
            return true;
    return false;
}

/*
 * With the lock held, not queued and not running means: nobody is left who
 * could set it again. (The handler may run on a CPU that the timer has left
 * since, so all are looked at.)
 */
void timer_kill(struct timer *t)
{
    unsigned long f;
    struct cpu_timers *c;
    bool busy = t->fn != NULL;

    while (busy) {
        c = lock_timer(t, &f);
        if (t->queued)
            timer_heap_remove(&c->heap, t);
        busy = running_anywhere(t);
        spin_unlock_irqrestore(&c->lock, f);
        cpu_relax();
    }
}

void timer_migrate(struct timer *t, unsigned new_cpu)
{
    unsigned long f;
    struct cpu_timers *c;
    bool was_queued;

    if (!t->fn || READ_ONCE(t->cpu) == new_cpu)
        return;
    c = lock_timer(t, &f);
    was_queued = t->queued;
    if (was_queued)
        timer_heap_remove(&c->heap, t);
    /* From here on the timer is the other CPU's. */
    WRITE_ONCE(t->cpu, new_cpu);
    spin_unlock_irqrestore(&c->lock, f);
    if (!was_queued)
        return;
    c = lock_timer(t, &f);
    if (!t->queued) /* else someone has set it in between: newer than ours */
        enqueue(c, t);
    spin_unlock_irqrestore(&c->lock, f);
}

static void timer_softirq(void)
{
    struct cpu_timers *c = &this_cpu(cpu_timers);
    unsigned long f = spin_lock_irqsave(&c->lock);
    struct timer *t;

    while ((t = c->heap.root) != NULL && t->expires <= now()) {
        timer_heap_remove(&c->heap, t);
        WRITE_ONCE(c->running, t);
        spin_unlock_irqrestore(&c->lock, f);
        t->fn(t->data);
        f = spin_lock_irqsave(&c->lock);
        WRITE_ONCE(c->running, NULL);
    }
    c->programmed = 0; /* what was set may have fired */
    program(c);
    spin_unlock_irqrestore(&c->lock, f);
}

void timers_bent(void)
{
    unsigned cpu;

    for_each_online_cpu(cpu)
        softirq_raise_cpu(cpu, SOFTIRQ_TIMER);
}

void timer_init_cpu(void)
{
    struct cpu_timers *c = &this_cpu(cpu_timers);

    spin_lock_init(&c->lock, LOCK_TIMER);
    softirq_open(SOFTIRQ_TIMER, timer_softirq);
    softirq_raise(SOFTIRQ_TIMER); /* timers that were set before */
}
