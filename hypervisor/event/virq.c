/*
 * Virtual interrupts. Which port a VIRQ goes to is in the vCPU: global ones in
 * vCPU 0. The array is written under the event lock and read without; the
 * port itself, under its lock, has the last word.
 */
#include "event/channel.h"

#include "arch/x86/console.h"

void evtchn_send_virq(struct vcpu *v, unsigned virq)
{
    evtchn_port_t n = READ_ONCE(v->virq_port[virq]);

    if (n)
        evtchn_deliver_bound(v->domain, n, PORT_VIRQ, virq);
}

void evtchn_send_global_virq(struct domain *d, unsigned virq)
{
    struct vcpu *v = d ? domain_vcpu(d, 0) : NULL;

    if (v)
        evtchn_send_virq(v, virq);
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
