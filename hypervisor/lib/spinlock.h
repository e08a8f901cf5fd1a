/*
 * Ticket spinlocks: fair, one word, no owner needed by callers. A lock names
 * its place in the machine-wide order (docs/locking.md); debug builds check on
 * each CPU that locks are taken in rising order.
 *
 * Interrupts: a lock that is also taken in interrupt context must always be
 * taken with the _irqsave forms. The hypervisor itself runs hypercalls with
 * interrupts enabled.
 */
#ifndef LIB_SPINLOCK_H
#define LIB_SPINLOCK_H

#include "lib/compiler.h"
#include "lib/types.h"

/*
 * Lock order, outermost first. A CPU holding a lock may take only locks with
 * a larger number (equal numbers only through the documented pair helpers).
 */
enum lock_order {
    LOCK_ANY = 0, /* not checked: leaf locks that take nothing inside */
    LOCK_DOMCTL = 10,
    LOCK_DOMAIN_LIST = 20,
    LOCK_DOMAIN = 30,     /* domain->lock: life cycle, vCPU table */
    LOCK_PAGE_TABLES = 40, /* domain->pt_lock: one validator at a time */
    LOCK_GRANT = 50,
    LOCK_EVENT = 60,
    LOCK_PAGE_LIST = 70, /* domain->page_lock: list of owned frames */
    LOCK_HEAP = 80,
    LOCK_IRQ = 90,
    LOCK_SCHED = 100,
    LOCK_TIMER = 110,
    LOCK_CONSOLE = 120,
};

typedef struct spinlock {
    uint16_t head, tail;
    uint16_t order;
#ifdef DEBUG
    uint16_t owner; /* CPU + 1 that holds it */
#else
    uint16_t unused;
#endif
} spinlock_t;

#define SPINLOCK_INIT(ord)                                                     \
    {                                                                          \
        .head = 0, .tail = 0, .order = (ord)                                   \
    }

static inline void spin_lock_init(spinlock_t *l, enum lock_order order)
{
    *l = (spinlock_t)SPINLOCK_INIT(order);
}

/* Provided by arch/x86 (debug builds): order and owner checks. */
void lock_check_acquire(spinlock_t *l);
void lock_check_release(spinlock_t *l);

static inline void spin_lock(spinlock_t *l)
{
#ifdef DEBUG
    lock_check_acquire(l);
#endif
    uint16_t me = __atomic_fetch_add(&l->tail, 1, __ATOMIC_RELAXED);
    while (unlikely(__atomic_load_n(&l->head, __ATOMIC_ACQUIRE) != me))
        __builtin_ia32_pause();
}

/* Only the holder writes the head, so its next value needs no locked add. */
#if __STDC_HOSTED__
static inline void spin_next(spinlock_t *l)
{
    __atomic_store_n(&l->head, (uint16_t)(l->head + 1), __ATOMIC_RELEASE);
}
#else
static inline void spin_next(spinlock_t *l)
{
    __asm__ volatile("incw %0" : "+m"(l->head)::"memory");
}
#endif

static inline void spin_unlock(spinlock_t *l)
{
#ifdef DEBUG
    lock_check_release(l);
#endif
    spin_next(l);
}

static inline bool spin_is_locked(const spinlock_t *l)
{
    return __atomic_load_n(&l->head, __ATOMIC_RELAXED) !=
           __atomic_load_n(&l->tail, __ATOMIC_RELAXED);
}

#define IRQ_FLAG 0x200UL /* in the flags: interrupts are on */
#if __STDC_HOSTED__
static inline void irq_off(void)
{
}
static inline unsigned long irq_save(void)
{
    return IRQ_FLAG;
}
static inline void irq_restore(unsigned long flags)
{
    (void)flags;
}
#else
static inline void irq_off(void)
{
    __asm__ volatile("cli" ::: "memory");
}
/* Disables interrupts; gives back the flags for irq_restore. */
static inline unsigned long irq_save(void)
{
    unsigned long f;
    __asm__ volatile("pushfq; popq %0; cli" : "=r"(f)::"memory");
    return f;
}
static inline void irq_restore(unsigned long flags)
{
    if (flags & IRQ_FLAG)
        __asm__ volatile("sti" ::: "memory");
}
#endif
static inline unsigned long __must_check spin_lock_irqsave(spinlock_t *l)
{
    unsigned long f = irq_save();
    spin_lock(l);
    return f;
}
static inline void spin_unlock_irqrestore(spinlock_t *l, unsigned long f)
{
    spin_unlock(l);
    irq_restore(f);
}
/* The same where interrupts are known to be on: in hypercalls. */
static inline void spin_lock_irq(spinlock_t *l)
{
#ifdef DEBUG
    BUG_ON(!(irq_save() & IRQ_FLAG));
#endif
    irq_off();
    spin_lock(l);
}
static inline void spin_unlock_irq(spinlock_t *l)
{
    spin_unlock(l);
    irq_restore(IRQ_FLAG);
}

#endif
