/*
 * Virtual interrupts. Which port a VIRQ goes to is in the vCPU: global ones in
 * vCPU 0. The array is written under the event lock and read without; the
 * port itself, under its lock, has the last word.
 */
#include "event/channel.h"

#include "arch/x86/console.h"
#include "domain/domctl.h"
#include "lib/errno.h"

void evtchn_send_virq(struct vcpu *v, unsigned virq)
{
    evtchn_port_t n = READ_ONCE(v->virq_port[virq]);

    if (n)
        evtchn_deliver_bound(v->domain, n, PORT_VIRQ, virq);
}

/* Whom a global one goes to if not to domain 0; with a reference. */
static struct domain *handler[NR_VIRQS];
static spinlock_t handler_lock = SPINLOCK_INIT(LOCK_ANY);

static struct domain *handler_get(unsigned virq)
{
    unsigned long flags = spin_lock_irqsave(&handler_lock);
    struct domain *d = handler[virq];

    if (d && !domain_get_known(d))
        d = NULL;
    spin_unlock_irqrestore(&handler_lock, flags);
    return d;
}

static void send_to_first(struct domain *d, unsigned virq)
{
    struct vcpu *v = d ? domain_vcpu(d, 0) : NULL;

    if (v)
        evtchn_send_virq(v, virq);
}

void evtchn_send_global_virq(struct domain *d, unsigned virq)
{
    struct domain *other = READ_ONCE(handler[virq]) ? handler_get(virq) : NULL;

    send_to_first(other ? other : d, virq);
    if (other)
        domain_put(other);
}

/* By d or NULL; if `only` is given, only where that was the handler. */
static void replace_handler(unsigned virq, const struct domain *only,
                            struct domain *d)
{
    unsigned long flags = spin_lock_irqsave(&handler_lock);
    struct domain *old = handler[virq];

    if (only && old != only)
        old = NULL;
    else
        WRITE_ONCE(handler[virq], d);
    spin_unlock_irqrestore(&handler_lock, flags);
    if (old)
        domain_put(old);
}

int virq_set_handler(struct domain *d, unsigned virq)
{
    if (virq >= NR_VIRQS || !virq_is_global(virq) || d->dying != DOM_ALIVE)
        return -EINVAL;
    if (d == dom0)
        d = NULL;
    else if (!domain_get_known(d))
        return -EINVAL;
    replace_handler(virq, NULL, d);
    return 0;
}

void evtchn_forget_handler(struct domain *d)
{
    for (unsigned virq = 0; virq < NR_VIRQS; virq++)
        replace_handler(virq, d, NULL);
}

static void console_input(void)
{
    evtchn_send_global_virq(dom0, VIRQ_CONSOLE);
}

void evtchn_virq_bound(struct domain *d, unsigned virq)
{
    if (virq == VIRQ_CONSOLE && d == dom0)
        console_rx_notify = console_input;
}
