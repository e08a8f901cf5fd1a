/*
 * A domain's event-channel ports and what each is bound to. Pure: no guest
 * memory, no hardware; tests/unit/port_table compiles this very file.
 *
 * A port is in one of these states:
 *
 *   FREE         not in use
 *   RESERVED     port 0, never handed out
 *   UNBOUND      waits for domain `remote` to connect
 *   INTERDOMAIN  connected to port `arg` of table `peer`; that port is then
 *                INTERDOMAIN too and names this one
 *   PIRQ         physical interrupt `arg` of the domain
 *   VIRQ         virtual interrupt `arg`
 *   IPI          the domain sends to itself
 *   XEN          its other end is the hypervisor: `fn` runs on a send
 *
 *                bind_interdomain          close of either end
 *     UNBOUND ---------------------> INTERDOMAIN
 *                                    the end that was not closed: UNBOUND,
 *                                    waiting for the same domain again
 *     FREE -> any of the others by its own bind operation;
 *     any but RESERVED -> FREE by close.
 *
 * Locks. Two kinds:
 *  - table->lock (LOCK_EVENT, "the event lock" of the domain) is held by the
 *    caller of every function below that changes a table; those that take two
 *    tables want both, taken in order of address.
 *  - port->lock (leaf, also taken in interrupts) is what senders hold. A
 *    change of a binding is made under the lock of the port, for a connected
 *    pair under both. So a sender that holds the lock of *one* end knows
 *    that both ends stay, and needs no other lock. The functions below take
 *    the port locks themselves.
 *
 * Memory. Ports live in buckets that are added as needed and never move or go
 * before port_table_free: port_lookup needs no lock.
 */
#ifndef EVENT_PORT_TABLE_H
#define EVENT_PORT_TABLE_H

#include "lib/bitops.h"
#include "lib/spinlock.h"
#include "lib/types.h"
#include <xen/xen.h>
#include <xen/event_channel.h>

enum port_state {
    PORT_FREE,
    PORT_RESERVED,
    PORT_UNBOUND,
    PORT_INTERDOMAIN,
    PORT_PIRQ,
    PORT_VIRQ,
    PORT_IPI,
    PORT_XEN,
};

struct vcpu;
struct port_table;

/* What runs when a guest sends on a port of state XEN; any context. */
typedef void port_xen_fn_t(struct vcpu *v, evtchn_port_t port);

struct port {
    spinlock_t lock;
    uint32_t number;
    uint8_t state;    /* enum port_state */
    bool lost;        /* FIFO: raised before its word's page was there */
    uint8_t priority; /* FIFO: queue it is to go to */
    /* FIFO: queue it was linked to last; survive a close (see fifo.c) */
    uint8_t last_priority;
    uint16_t last_vcpu;
    uint16_t vcpu;    /* to be notified */
    uint32_t arg;     /* peer's port, pirq or virq; XEN: remote's id */
    union {
        domid_t remote;          /* UNBOUND */
        struct port_table *peer; /* INTERDOMAIN */
        port_xen_fn_t *fn;       /* XEN */
    };
    struct port *other_end; /* INTERDOMAIN: port `arg` of `peer` */
};

/* A domain that uses few ports pays for one bucket of less than 2 KiB. */
#define PORTS_PER_BUCKET 32
#define BUCKETS_PER_GROUP 64
#define PORT_GROUPS 64
#define PORTS_2L 4096
#define PORTS_MAX (PORTS_PER_BUCKET * BUCKETS_PER_GROUP * PORT_GROUPS)

struct port_group {
    struct port *bucket[BUCKETS_PER_GROUP];
    uint8_t used[BUCKETS_PER_GROUP]; /* ports not FREE */
};

struct port_table {
    spinlock_t lock;
    domid_t owner;
    bool closing;      /* the domain dies: nothing is bound any more */
    uint32_t nr_ports; /* ports that have memory, [0, nr_ports) */
    uint32_t abi_limit; /* one past the highest port of the delivery ABI */
    uint32_t limit;    /* one past the highest port that the domain may have */
    uint32_t in_use;   /* ports neither FREE nor RESERVED */
    uint32_t hint;     /* no port below this one is FREE */
    struct port_group *group[PORT_GROUPS];
};

/* A table with port 0 alone, and room for the 2-level ABI's ports. -ENOMEM */
int port_table_init(struct port_table *t, domid_t owner);
/* All ports must be closed. */
void port_table_free(struct port_table *t);

/* NULL if there is no such port (yet). No lock needed. */
static inline struct port *port_lookup(const struct port_table *t,
                                       evtchn_port_t n)
{
    unsigned nr = __atomic_load_n(&t->nr_ports, __ATOMIC_ACQUIRE);

    if (n >= nr)
        return NULL;
    n = (evtchn_port_t)nospec_index(n, nr);
    return &t->group[n / (PORTS_PER_BUCKET * BUCKETS_PER_GROUP)]
                ->bucket[n / PORTS_PER_BUCKET % BUCKETS_PER_GROUP]
                        [n % PORTS_PER_BUCKET];
}

/* Is the interrupt one of the domain, or has each vCPU its own? (xen.h) */
bool virq_is_global(unsigned virq);

/*
 * The binds give the new port in *n, always the lowest free one; it notifies
 * vCPU `vcpu` (0 where there is no such argument). All may fail with
 *   -ENOSPC  no port below the limit is free
 *   -ENOMEM  no memory for another bucket
 *   -EINVAL  the table is closing
 */
int port_alloc_unbound(struct port_table *t, domid_t remote, evtchn_port_t *n);
/*
 * Connects a new port of lt with port rn of rt, which must be UNBOUND and wait
 * for lt's owner, else -EINVAL. lt may be rt.
 */
int port_bind_interdomain(struct port_table *lt, struct port_table *rt,
                          evtchn_port_t rn, evtchn_port_t *n);
/* -EINVAL bad number, or a global one not on vCPU 0. */
int port_bind_virq(struct port_table *t, unsigned virq, unsigned vcpu,
                   evtchn_port_t *n);
int port_bind_pirq(struct port_table *t, unsigned pirq, evtchn_port_t *n);
int port_bind_ipi(struct port_table *t, unsigned vcpu, evtchn_port_t *n);
int port_bind_xen(struct port_table *t, unsigned vcpu, domid_t remote,
                  port_xen_fn_t *fn, evtchn_port_t *n);

/* The table whose lock port_close of this port needs too, or NULL. */
static inline struct port_table *port_peer(const struct port_table *t,
                                           evtchn_port_t n)
{
    const struct port *p = port_lookup(t, n);

    return p && p->state == PORT_INTERDOMAIN ? p->peer : NULL;
}
/* -EINVAL: no such port, FREE or RESERVED. */
int port_close(struct port_table *t, evtchn_port_t n);
/*
 * Which vCPU is notified. -EINVAL: no such port, or of a kind that is tied to
 * its vCPU (IPI, per-vCPU VIRQ, XEN).
 */
int port_set_vcpu(struct port_table *t, evtchn_port_t n, unsigned vcpu);
/* -EINVAL: no such port, or no such priority. */
int port_set_priority(struct port_table *t, evtchn_port_t n, unsigned prio);
/* Fills status, vcpu and u. -EINVAL: no such port. */
int port_status(const struct port_table *t, evtchn_port_t n,
                struct evtchn_status *s);
/*
 * First port in use (neither FREE nor RESERVED) from n on; 0 if there is none.
 * Skips empty buckets, so a scan costs what is in use.
 */
evtchn_port_t port_next_used(const struct port_table *t, evtchn_port_t n);

#endif
