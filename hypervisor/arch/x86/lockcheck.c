/*
 * Debug builds: are locks taken in the documented order?
 *
 * Each CPU remembers the locks that it holds. Taking one is an error if
 *   - the CPU holds it already;
 *   - it holds one of a higher number, or of the same number at a higher
 *     address (two locks of a kind are taken in the order of their addresses);
 *   - the lock has been taken in an interrupt and is now taken with interrupts
 *     on, or the other way round: one day the one interrupts the other.
 * LOCK_ANY locks are only checked for being taken twice. The first error
 * switches the checks off, as the report itself takes locks.
 */
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "lib/printk.h"
#include "lib/spinlock.h"

#ifdef DEBUG

#define MAX_HELD 24
/* Above the order number: where has this lock been seen? */
#define SEEN_IN_IRQ 0x4000u
#define SEEN_IRQS_ON 0x8000u
#define ORDER_MASK 0x3fffu

struct held_locks {
    unsigned n;
    spinlock_t *lock[MAX_HELD];
};
static DEFINE_PER_CPU(struct held_locks, held_locks);
static bool checks_off;

static void __noreturn fail(const spinlock_t *l, const spinlock_t *held,
                            const char *what)
{
    checks_off = true;
    panic("lock %p (order %u): %s%s%p (order %u)", (const void *)l,
          l->order & ORDER_MASK, what, held ? " " : "", (const void *)held,
          held ? held->order & ORDER_MASK : 0);
}

static unsigned order_of(const spinlock_t *l)
{
    return l->order & ORDER_MASK;
}

static void check_context(spinlock_t *l)
{
    uint16_t seen = 0;

    if (this_pcpu()->in_irq)
        seen |= SEEN_IN_IRQ;
    if (irq_enabled())
        seen |= SEEN_IRQS_ON;
    if (seen & ~l->order)
        seen |= __atomic_fetch_or(&l->order, seen, __ATOMIC_RELAXED);
    if ((l->order & SEEN_IN_IRQ) && (l->order & SEEN_IRQS_ON))
        fail(l, NULL, "taken in interrupts and with interrupts on");
}

void lock_check_acquire(spinlock_t *l)
{
    struct held_locks *h = &this_cpu(held_locks);
    unsigned order = order_of(l);
    unsigned long f;

    if (READ_ONCE(checks_off))
        return;
    check_context(l);
    f = irq_save();
    for (unsigned i = 0; i < h->n; i++) {
        spinlock_t *held = h->lock[i];
        if (held == l)
            fail(l, held, "taken twice");
        if (order == LOCK_ANY || order_of(held) == LOCK_ANY)
            continue;
        if (order_of(held) > order || (order_of(held) == order && held > l))
            fail(l, held, "taken after");
    }
    if (h->n == MAX_HELD)
        fail(l, NULL, "one lock too many");
    h->lock[h->n++] = l;
    irq_restore(f);
}

void lock_check_release(spinlock_t *l)
{
    struct held_locks *h = &this_cpu(held_locks);
    unsigned long f;
    unsigned i;

    if (READ_ONCE(checks_off))
        return;
    f = irq_save();
    for (i = h->n; i > 0 && h->lock[i - 1] != l; i--)
        ;
    if (i == 0)
        fail(l, NULL, "released, but not held here");
    for (; i < h->n; i++)
        h->lock[i - 1] = h->lock[i];
    h->n--;
    irq_restore(f);
}

#endif
