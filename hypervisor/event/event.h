/*
 * Event channels: a domain's ports and what they are bound to; delivery into
 * the shared bitmaps (2-level ABI) or queues (FIFO ABI).
 *
 * Each domain's ports are under its own event lock (LOCK_EVENT); operations
 * on two domains take both locks in order of their addresses. Sending takes no
 * domain lock but the channel's own.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include "core/vcpu.h"
#include <xen/event_channel.h>

/* Raises an event on a port of d as if its other end had sent. */
int evtchn_notify_local(struct domain *d, evtchn_port_t port);

/*
 * A channel whose other end is the hypervisor: `fn` runs (any context, short)
 * when the guest sends. Gives the guest's port or -errno.
 */
typedef void evtchn_xen_fn_t(struct vcpu *v, evtchn_port_t port);
int evtchn_bind_xen(struct domain *d, unsigned vcpu, domid_t remote,
                    evtchn_xen_fn_t *fn);

/*
 * For poll, in a hypercall: 1 the event of this port is pending, 0 it is not,
 * -EINVAL the port is not in use.
 */
int evtchn_port_pending(struct domain *d, evtchn_port_t port);
/* sched_op poll: blocks the current vCPU until a port fires or timeout (ns). */
long evtchn_poll(const evtchn_port_t *ports, unsigned n, s_time_t timeout);

/*
 * Guests' physical interrupts (pirq.c). A PIRQ is a domain's own number for an
 * irq: for GSIs the same number, MSIs get one above. None of these needs a
 * lock; negative numbers and any other nonsense are refused.
 */
#define NR_PIRQS 512

/*
 * Maps a GSI / an allocated MSI irq (irq_alloc_msi) for d. *pirq: the wanted
 * number, or negative = choose; gives the number. The calling domain must have
 * the permission for a GSI (irq_caps). Mapping what is mapped that way already
 * is fine. An MSI irq is bound by this (irq_msi_message works then), and held
 * back until a port is bound. Errors: -EINVAL bad number, -EPERM, -EEXIST
 * pirq or irq mapped otherwise, -ENOSPC, -ENOMEM.
 */
int pirq_map_gsi(struct domain *d, int index, int *pirq);
int pirq_map_msi(struct domain *d, int irq, int *pirq);
/* Also frees an MSI irq, and cuts a bound port off. -EINVAL: not mapped. */
int pirq_unmap(struct domain *d, int pirq);
int pirq_to_irq(struct domain *d, int pirq); /* irq, or -1 */
/*
 * The guest has served the device: a level line is opened again when all
 * guests that share it have said so. -EINVAL: not mapped.
 */
int pirq_guest_eoi(struct domain *d, int pirq);
/* EOI for all pirqs whose ports are not masked (IRQ_UNMASK_NOTIFY). */
void pirq_eoi_unmasked(struct domain *d);
bool pirq_needs_eoi(struct domain *d, int pirq);
bool pirq_shared(struct domain *d, int pirq); /* may share its line */
/* Reserves a number for a later map; -ENOSPC, -ENOMEM. */
int pirq_get_free(struct domain *d);
/*
 * PHYSDEVOP_pirq_eoi_gmfn_v1/v2: page where bits say "needs eoi"; auto_unmask
 * (v1): an EOI also unmasks the port. -EBUSY is set, -EINVAL not a page of d's.
 */
int pirq_set_eoi_map(struct domain *d, uint64_t gmfn, bool auto_unmask);

/* ---- Provided by drivers (msi.c) ---- */
/* The irq goes: silences the device function that sends it. */
void msi_release(unsigned irq);

#endif
