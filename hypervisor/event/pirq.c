/*
 * Guests' physical interrupts.
 *
 *     irq  --bound to-->  guest_irq  --list-->  pirq of a domain  --> port
 *
 * A guest_irq stands for all guests of one irq: usually one, several only if
 * each of them said that it shares. An interrupt raises the event of each. If
 * the line is level-triggered it is now masked (irq.h), and stays so until
 * every guest that was told has sent its EOI: `in_flight` counts those who
 * owe one. A guest that never sends it blocks this line only.
 *
 * MSIs are bound from their mapping on, so that the device can be programmed,
 * but masked until there is a port; what comes before is kept by irq.c.
 *
 * Locks, outermost first:
 *   the domain's event lock  its table: what is mapped and bound
 *   bind_lock                guests joining and leaving an irq
 *   guest_irq->lock          list and in_flight; taken in interrupts
 *   the port's lock
 * guest_irqs are never freed, so the last two need no reference.
 */
#include "event/channel.h"

#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/softirq.h"
#include "event/guest_page.h"
#include "lib/bitops.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/rangeset.h"

#define GUESTS_PER_IRQ 7

struct pirq {
    struct domain *domain;
    int16_t irq;        /* -1: not mapped */
    uint16_t number;
    bool reserved;      /* pirq_get_free gave the number away */
    bool in_flight;     /* level: owes an EOI; guest_irq->lock */
    evtchn_port_t port; /* 0: not bound */
};

struct pirq_table {
    struct pirq pirq[NR_PIRQS];
    mfn_t eoi_map; /* guest's page, or INVALID_MFN */
    bool auto_unmask;
};

struct guest_irq {
    spinlock_t lock;
    bool shared;
    uint8_t nr, in_flight;
    struct pirq *guest[GUESTS_PER_IRQ];
};

static struct guest_irq *guest_irqs[NR_IRQS_MAX];
static spinlock_t bind_lock = SPINLOCK_INIT(LOCK_ANY);

_Static_assert(NR_PIRQS >= NR_IRQS_MAX, "a number for every irq");

/* ---- table ---- */

/* A pirq that is mapped, or NULL. */
static struct pirq *mapped_pirq(struct domain *d, int n)
{
    struct pirq_table *t = __atomic_load_n(&d->pirq, __ATOMIC_ACQUIRE);

    if (!t || n < 0 || n >= NR_PIRQS)
        return NULL;
    n = (int)nospec_index((unsigned)n, NR_PIRQS);
    return READ_ONCE(t->pirq[n].irq) < 0 ? NULL : &t->pirq[n];
}

/* The domain's table, made if need be. Event lock held. NULL: no memory. */
static struct pirq_table *get_table(struct domain *d)
{
    struct pirq_table *t = d->pirq;

    if (t)
        return t;
    t = xzalloc_type(struct pirq_table);
    if (!t)
        return NULL;
    t->eoi_map = INVALID_MFN;
    for (unsigned i = 0; i < NR_PIRQS; i++) {
        t->pirq[i].domain = d;
        t->pirq[i].irq = -1;
        t->pirq[i].number = (uint16_t)i;
    }
    __atomic_store_n(&d->pirq, t, __ATOMIC_RELEASE);
    return t;
}

static int find_free(const struct pirq_table *t)
{
    for (int n = (int)nr_gsis; n < NR_PIRQS; n++)
        if (t->pirq[n].irq < 0 && !t->pirq[n].reserved)
            return n;
    return -ENOSPC;
}

static int find_mapped(const struct pirq_table *t, int irq)
{
    for (int n = 0; n < NR_PIRQS; n++)
        if (t->pirq[n].irq == irq)
            return n;
    return -1;
}

/* Bit in the guest's page: this pirq wants an EOI. Event lock held. */
static void set_eoi_bit(struct pirq_table *t, unsigned n, bool needed)
{
    void *map;

    if (mfn_is_invalid(t->eoi_map))
        return;
    map = map_frame(t->eoi_map);
    if (needed)
        set_bit_atomic(n, map);
    else
        clear_bit_atomic(n, map);
    unmap_frame(map);
}

int pirq_to_irq(struct domain *d, int n)
{
    const struct pirq *p = mapped_pirq(d, n);

    return p ? p->irq : -1;
}

/* ---- interrupts and their EOI ---- */

static void pirq_interrupt(unsigned irq, void *data)
{
    struct guest_irq *g = data;
    bool level = irq_is_level(irq);
    unsigned long flags = spin_lock_irqsave(&g->lock);

    for (unsigned i = 0; i < g->nr; i++) {
        struct pirq *p = g->guest[i];

        if (level && !p->in_flight) {
            p->in_flight = true;
            g->in_flight++;
        }
        evtchn_deliver_bound(p->domain, p->port, PORT_PIRQ, p->number);
    }
    spin_unlock_irqrestore(&g->lock, flags);
}

/* The guest owes no EOI any more. True: nobody does. Lock held. */
static bool settle(struct guest_irq *g, struct pirq *p)
{
    if (!p->in_flight)
        return false;
    p->in_flight = false;
    return --g->in_flight == 0;
}

int pirq_guest_eoi(struct domain *d, int n)
{
    struct pirq *p = mapped_pirq(d, n);
    int irq = p ? READ_ONCE(p->irq) : -1;
    struct guest_irq *g;
    unsigned long flags;
    bool open;

    if (irq < 0)
        return -EINVAL;
    if (d->pirq->auto_unmask)
        evtchn_unmask(d, READ_ONCE(p->port));
    g = __atomic_load_n(&guest_irqs[irq], __ATOMIC_ACQUIRE);
    if (!g)
        return 0;
    flags = spin_lock_irqsave(&g->lock);
    open = p->irq == irq && settle(g, p);
    spin_unlock_irqrestore(&g->lock, flags);
    if (open)
        irq_eoi((unsigned)irq);
    return 0;
}

static bool port_is_masked(struct domain *d, evtchn_port_t n)
{
    struct port *p = port_lookup(&d->event->table, n);
    unsigned long flags;
    bool masked;

    if (!p)
        return true;
    flags = spin_lock_irqsave(&p->lock);
    masked = p->state != PORT_PIRQ || d->event->ops->is_masked(d, p);
    spin_unlock_irqrestore(&p->lock, flags);
    return masked;
}

void pirq_eoi_unmasked(struct domain *d)
{
    for (int n = 0; n < NR_PIRQS; n++) {
        const struct pirq *p = mapped_pirq(d, n);

        if (p && READ_ONCE(p->in_flight) &&
            !port_is_masked(d, READ_ONCE(p->port)))
            pirq_guest_eoi(d, n);
    }
}

bool pirq_needs_eoi(struct domain *d, int n)
{
    int irq = pirq_to_irq(d, n);

    return irq >= 0 && irq_is_level((unsigned)irq);
}

bool pirq_shared(struct domain *d, int n)
{
    int irq = pirq_to_irq(d, n);
    const struct guest_irq *g =
        irq >= 0 ? __atomic_load_n(&guest_irqs[irq], __ATOMIC_ACQUIRE) : NULL;

    return g && g->shared;
}

/* ---- ports ---- */

/* bind_lock held. NULL: no memory. */
static struct guest_irq *get_guest_irq(int irq)
{
    struct guest_irq *g = guest_irqs[irq];

    if (g)
        return g;
    g = xzalloc_type(struct guest_irq);
    if (!g)
        return NULL;
    spin_lock_init(&g->lock, LOCK_ANY);
    __atomic_store_n(&guest_irqs[irq], g, __ATOMIC_RELEASE);
    return g;
}

static bool is_msi(int irq)
{
    return irq >= (int)nr_gsis;
}

/* Puts the pirq on the irq's list. bind_lock held. */
static int join(struct guest_irq *g, struct pirq *p, evtchn_port_t port,
                bool share)
{
    unsigned long flags = spin_lock_irqsave(&g->lock);
    int rc = 0;

    if (g->nr && (!g->shared || !share || g->nr == GUESTS_PER_IRQ)) {
        rc = -EBUSY;
    } else {
        p->port = port;
        g->guest[g->nr++] = p;
        g->shared = share;
    }
    spin_unlock_irqrestore(&g->lock, flags);
    return rc;
}

/* True: the others have all sent their EOI. bind_lock held. */
static bool leave(struct guest_irq *g, struct pirq *p)
{
    unsigned long flags = spin_lock_irqsave(&g->lock);
    bool open;

    for (unsigned i = 0; i < g->nr; i++) {
        if (g->guest[i] == p) {
            g->guest[i] = g->guest[--g->nr];
            break;
        }
    }
    open = settle(g, p);
    p->port = 0;
    spin_unlock_irqrestore(&g->lock, flags);
    return open;
}

static unsigned target_cpu(const struct domain *d)
{
    return d->vcpu[0] ? d->vcpu[0]->processor : 0;
}

int pirq_may_bind(struct domain *d, unsigned n)
{
    const struct pirq *p;

    if (n >= NR_PIRQS)
        return -EINVAL;
    p = mapped_pirq(d, (int)n);
    if (!p)
        return -EPERM;
    return p->port ? -EEXIST : 0;
}

static int attach(struct pirq *p, evtchn_port_t port, bool share)
{
    struct guest_irq *g = get_guest_irq(p->irq);
    int rc = g ? join(g, p, port, share) : -ENOMEM;

    if (rc)
        return rc;
    if (is_msi(p->irq)) {
        irq_unmask((unsigned)p->irq);
    } else if (g->nr == 1) {
        rc = irq_bind((unsigned)p->irq, pirq_interrupt, g,
                      target_cpu(p->domain));
        if (rc)
            leave(g, p);
    }
    return rc;
}

int pirq_bind_port(struct domain *d, unsigned n, evtchn_port_t port,
                   bool will_share)
{
    struct pirq *p = mapped_pirq(d, (int)n);
    int rc;

    if (!p)
        return -EINVAL;
    spin_lock(&bind_lock);
    rc = attach(p, port, will_share);
    spin_unlock(&bind_lock);
    if (!rc)
        set_eoi_bit(d->pirq, n, irq_is_level((unsigned)p->irq));
    return rc;
}

void pirq_unbind_port(struct domain *d, unsigned n, evtchn_port_t port)
{
    struct pirq *p = mapped_pirq(d, (int)n);
    struct guest_irq *g;
    bool open;

    if (!p || p->port != port || !port)
        return;
    spin_lock(&bind_lock);
    g = guest_irqs[p->irq];
    open = leave(g, p);
    if (is_msi(p->irq))
        irq_mask((unsigned)p->irq);
    else if (g->nr == 0)
        irq_unbind((unsigned)p->irq);
    else if (open)
        irq_eoi((unsigned)p->irq);
    spin_unlock(&bind_lock);
    set_eoi_bit(d->pirq, n, false);
}

void pirq_set_vcpu(struct domain *d, unsigned n, struct vcpu *v)
{
    int irq = pirq_to_irq(d, (int)n);

    if (irq >= 0)
        irq_set_affinity((unsigned)irq, v->processor);
}

/* ---- mapping ---- */

/* Enters irq at *n (negative: `prefer`, else any). Event lock held. */
static int map_at(struct pirq_table *t, int irq, int prefer, int *n)
{
    int old = find_mapped(t, irq);

    if (old >= 0) {
        if (*n >= 0 && *n != old)
            return -EEXIST;
        *n = old;
        return 0;
    }
    if (*n < 0)
        *n = prefer >= 0 && t->pirq[prefer].irq < 0 ? prefer : find_free(t);
    if (*n < 0)
        return *n;
    if (*n >= NR_PIRQS)
        return -EINVAL;
    if (t->pirq[*n].irq >= 0)
        return -EEXIST;
    t->pirq[*n].reserved = false;
    WRITE_ONCE(t->pirq[*n].irq, (int16_t)irq);
    return 0;
}

static int map_irq(struct domain *d, int irq, int prefer, int *n)
{
    struct pirq_table *t;
    int rc;

    spin_lock(&d->event->table.lock);
    t = d->event->table.closing ? NULL : get_table(d);
    rc = t ? map_at(t, irq, prefer, n) : -ENOMEM;
    spin_unlock(&d->event->table.lock);
    return rc;
}

int pirq_map_gsi(struct domain *d, int index, int *pirq)
{
    if (index < 0 || index >= (int)nr_gsis)
        return -EINVAL;
    if (!rangeset_contains(current->domain->irq_caps, (unsigned)index,
                           (unsigned)index))
        return -EPERM;
    return map_irq(d, index, index, pirq);
}

/* Gives an MSI irq its handler; it is masked until there is a port. */
static int bind_msi(struct domain *d, int irq)
{
    struct guest_irq *g;
    int rc;

    spin_lock(&bind_lock);
    g = get_guest_irq(irq);
    rc = g ? irq_bind((unsigned)irq, pirq_interrupt, g, target_cpu(d))
           : -ENOMEM;
    if (!rc)
        irq_mask((unsigned)irq);
    spin_unlock(&bind_lock);
    return rc;
}

int pirq_map_msi(struct domain *d, int irq, int *pirq)
{
    int rc;

    if (!is_msi(irq) || irq >= NR_IRQS_MAX)
        return -EINVAL;
    rc = bind_msi(d, irq);
    if (rc)
        return rc;
    rc = map_irq(d, irq, -1, pirq);
    if (rc)
        irq_unbind((unsigned)irq);
    return rc;
}

int pirq_unmap(struct domain *d, int n)
{
    struct pirq *p;
    int irq = -1;

    spin_lock(&d->event->table.lock);
    p = mapped_pirq(d, n);
    if (p) {
        irq = p->irq;
        pirq_unbind_port(d, (unsigned)n, p->port);
        WRITE_ONCE(p->irq, -1);
    }
    spin_unlock(&d->event->table.lock);
    if (irq < 0)
        return -EINVAL;
    if (is_msi(irq)) {
        msi_release((unsigned)irq);
        irq_free_msi((unsigned)irq, 1);
    }
    return 0;
}

int pirq_get_free(struct domain *d)
{
    struct pirq_table *t;
    int n = -ENOMEM;

    spin_lock(&d->event->table.lock);
    t = get_table(d);
    if (t)
        n = find_free(t);
    if (n >= 0)
        t->pirq[n].reserved = true;
    spin_unlock(&d->event->table.lock);
    return n;
}

/* Enters the page and the bits of what is bound. Event lock held. */
static int install_eoi_map(struct domain *d, uint64_t gmfn, bool auto_unmask)
{
    struct pirq_table *t = get_table(d);

    if (!t)
        return -ENOMEM;
    if (!mfn_is_invalid(t->eoi_map))
        return -EBUSY;
    t->eoi_map = guest_page_take(d, gmfn);
    if (mfn_is_invalid(t->eoi_map))
        return -EINVAL;
    t->auto_unmask = auto_unmask;
    for (unsigned n = 0; n < NR_PIRQS; n++)
        if (t->pirq[n].port)
            set_eoi_bit(t, n, pirq_needs_eoi(d, (int)n));
    return 0;
}

int pirq_set_eoi_map(struct domain *d, uint64_t gmfn, bool auto_unmask)
{
    int rc;

    spin_lock(&d->event->table.lock);
    rc = d->event->table.closing ? -EINVAL
                                 : install_eoi_map(d, gmfn, auto_unmask);
    spin_unlock(&d->event->table.lock);
    return rc;
}

/* ---- death of a domain ---- */

int pirq_unmap_all(struct domain *d)
{
    struct pirq_table *t = d->pirq;

    if (!t)
        return 0;
    for (int n = 0; n < NR_PIRQS; n++) {
        if (t->pirq[n].irq < 0)
            continue;
        pirq_unmap(d, n);
        if (preempt_needed())
            return -ERESTART_PREEMPT;
    }
    if (!mfn_is_invalid(t->eoi_map))
        guest_page_drop(t->eoi_map);
    t->eoi_map = INVALID_MFN;
    return 0;
}

void pirq_table_free(struct domain *d)
{
    xfree(d->pirq);
    d->pirq = NULL;
}

void pirq_audit(const struct domain *d, struct audit_scratch *s)
{
    if (d->pirq && !mfn_is_invalid(d->pirq->eoi_map))
        audit_count(s, d->pirq->eoi_map, 1, 1);
}
