/* Ports and their bindings; see port_table.h. */
#include "event/port_table.h"

#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/string.h"

bool virq_is_global(unsigned virq)
{
    switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU:
        return false;
    default:
        return true;
    }
}

/* ---- memory ---- */

static struct port_group *group_of(const struct port_table *t, evtchn_port_t n)
{
    return t->group[n / (PORTS_PER_BUCKET * BUCKETS_PER_GROUP)];
}

static uint8_t *used_in_bucket(const struct port_table *t, evtchn_port_t n)
{
    return &group_of(t, n)->used[n / PORTS_PER_BUCKET % BUCKETS_PER_GROUP];
}

/* Gives the ports from nr_ports on their memory. */
static int add_bucket(struct port_table *t)
{
    uint32_t first = t->nr_ports;
    struct port_group **g =
        &t->group[first / (PORTS_PER_BUCKET * BUCKETS_PER_GROUP)];
    struct port *b;

    if (!*g && !(*g = xzalloc_type(struct port_group)))
        return -ENOMEM;
    b = xzalloc_array(struct port, PORTS_PER_BUCKET);
    if (!b)
        return -ENOMEM;
    for (uint32_t i = 0; i < PORTS_PER_BUCKET; i++) {
        spin_lock_init(&b[i].lock, LOCK_ANY);
        b[i].number = first + i;
        b[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
        b[i].last_priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    }
    (*g)->bucket[first / PORTS_PER_BUCKET % BUCKETS_PER_GROUP] = b;
    __atomic_store_n(&t->nr_ports, first + PORTS_PER_BUCKET, __ATOMIC_RELEASE);
    return 0;
}

int port_table_init(struct port_table *t, domid_t owner)
{
    int rc;

    memset(t, 0, sizeof(*t));
    spin_lock_init(&t->lock, LOCK_EVENT);
    t->owner = owner;
    t->abi_limit = PORTS_2L;
    t->limit = PORTS_MAX;
    rc = add_bucket(t);
    if (rc) {
        port_table_free(t);
        return rc;
    }
    port_lookup(t, 0)->state = PORT_RESERVED;
    *used_in_bucket(t, 0) = 1;
    t->hint = 1;
    return 0;
}

void port_table_free(struct port_table *t)
{
    t->nr_ports = 0;
    for (unsigned i = 0; i < PORT_GROUPS; i++) {
        if (!t->group[i])
            continue;
        for (unsigned j = 0; j < BUCKETS_PER_GROUP; j++)
            xfree(t->group[i]->bucket[j]);
        xfree(t->group[i]);
        t->group[i] = NULL;
    }
}

/* ---- finding and giving back ---- */

static __noinline int search_free(struct port_table *t, uint32_t limit,
                                  struct port **p)
{
    uint32_t n = t->hint;
    int rc;

    for (;; n++) {
        while (n < t->nr_ports && n % PORTS_PER_BUCKET == 0 &&
               *used_in_bucket(t, n) == PORTS_PER_BUCKET)
            n += PORTS_PER_BUCKET;
        if (n >= limit)
            return -ENOSPC;
        if (n >= t->nr_ports && (rc = add_bucket(t)) != 0)
            return rc;
        *p = port_lookup(t, n);
        if ((*p)->state == PORT_FREE)
            return 0;
        t->hint = n + 1;
    }
}

/* The lowest FREE port; it is not marked yet. */
static inline int find_free(struct port_table *t, struct port **p)
{
    uint32_t limit = min(t->abi_limit, t->limit);

    if (unlikely(t->closing))
        return -EINVAL;
    *p = port_lookup(t, t->hint);
    if (likely(*p && (*p)->state == PORT_FREE && t->hint < limit))
        return 0;
    return search_free(t, limit, p);
}

static void count_used(struct port_table *t, evtchn_port_t n)
{
    ++*used_in_bucket(t, n);
    t->in_use++;
}

static void count_free(struct port_table *t, evtchn_port_t n)
{
    --*used_in_bucket(t, n);
    t->in_use--;
    if (n < t->hint)
        t->hint = n;
}

/* Two ports' locks are taken in order of address; a and b may be the same. */
static unsigned long lock_ports(struct port *a, struct port *b)
{
    struct port *first = a < b ? a : b, *second = a < b ? b : a;
    unsigned long f = spin_lock_irqsave(&first->lock);

    if (second != first)
        spin_lock(&second->lock);
    return f;
}

static void unlock_ports(struct port *a, struct port *b, unsigned long f)
{
    if (a != b)
        spin_unlock(&b->lock);
    spin_unlock_irqrestore(&a->lock, f);
}

/* Both with the port's lock held. */
static void become(struct port *p, enum port_state state, unsigned vcpu,
                   uint32_t arg)
{
    p->vcpu = (uint16_t)vcpu;
    p->arg = arg;
    p->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    p->lost = false;
    p->state = (uint8_t)state;
}

static void become_free(struct port *p)
{
    become(p, PORT_FREE, 0, 0);
    p->peer = NULL;
    p->other_end = NULL;
}

/* ---- binding ---- */

static int bind_simple(struct port_table *t, enum port_state state,
                       unsigned vcpu, uint32_t arg, port_xen_fn_t *fn,
                       evtchn_port_t *n)
{
    struct port *p;
    unsigned long f;
    int rc = find_free(t, &p);

    if (rc)
        return rc;
    f = spin_lock_irqsave(&p->lock);
    p->fn = fn;
    become(p, state, vcpu, arg);
    spin_unlock_irqrestore(&p->lock, f);
    count_used(t, p->number);
    *n = p->number;
    return 0;
}

int port_alloc_unbound(struct port_table *t, domid_t remote, evtchn_port_t *n)
{
    struct port *p;
    unsigned long f;
    int rc = find_free(t, &p);

    if (rc)
        return rc;
    f = spin_lock_irqsave(&p->lock);
    p->remote = remote;
    become(p, PORT_UNBOUND, 0, 0);
    spin_unlock_irqrestore(&p->lock, f);
    count_used(t, p->number);
    *n = p->number;
    return 0;
}

int port_bind_interdomain(struct port_table *lt, struct port_table *rt,
                          evtchn_port_t rn, evtchn_port_t *n)
{
    struct port *rp = port_lookup(rt, rn), *lp;
    unsigned long f;
    int rc;

    if (!rp || rp->state != PORT_UNBOUND || rp->remote != lt->owner ||
        rt->closing)
        return -EINVAL;
    rc = find_free(lt, &lp);
    if (rc)
        return rc;
    f = lock_ports(lp, rp);
    become(lp, PORT_INTERDOMAIN, 0, rn);
    lp->peer = rt;
    lp->other_end = rp;
    rp->arg = lp->number;
    rp->peer = lt;
    rp->other_end = lp;
    rp->state = PORT_INTERDOMAIN;
    unlock_ports(lp, rp, f);
    count_used(lt, lp->number);
    *n = lp->number;
    return 0;
}

int port_bind_virq(struct port_table *t, unsigned virq, unsigned vcpu,
                   evtchn_port_t *n)
{
    if (virq >= NR_VIRQS || (virq_is_global(virq) && vcpu))
        return -EINVAL;
    return bind_simple(t, PORT_VIRQ, vcpu, virq, NULL, n);
}

int port_bind_pirq(struct port_table *t, unsigned pirq, evtchn_port_t *n)
{
    return bind_simple(t, PORT_PIRQ, 0, pirq, NULL, n);
}

int port_bind_ipi(struct port_table *t, unsigned vcpu, evtchn_port_t *n)
{
    return bind_simple(t, PORT_IPI, vcpu, 0, NULL, n);
}

int port_bind_xen(struct port_table *t, unsigned vcpu, domid_t remote,
                  port_xen_fn_t *fn, evtchn_port_t *n)
{
    return bind_simple(t, PORT_XEN, vcpu, remote, fn, n);
}

/* ---- closing ---- */

int port_close(struct port_table *t, evtchn_port_t n)
{
    struct port *p = port_lookup(t, n), *rp = p;
    unsigned long f;

    if (!p || p->state == PORT_FREE || p->state == PORT_RESERVED)
        return -EINVAL;
    if (p->state == PORT_INTERDOMAIN)
        rp = p->other_end;
    f = lock_ports(p, rp);
    if (rp != p) {
        rp->state = PORT_UNBOUND;
        rp->peer = NULL;
        rp->other_end = NULL;
        rp->remote = t->owner;
        rp->arg = 0;
    }
    become_free(p);
    unlock_ports(p, rp, f);
    count_free(t, n);
    return 0;
}

/* ---- attributes ---- */

int port_set_vcpu(struct port_table *t, evtchn_port_t n, unsigned vcpu)
{
    struct port *p = port_lookup(t, n);

    if (!p)
        return -EINVAL;
    switch (p->state) {
    case PORT_VIRQ:
        if (!virq_is_global(p->arg))
            return -EINVAL;
        break;
    case PORT_UNBOUND:
    case PORT_INTERDOMAIN:
    case PORT_PIRQ:
        break;
    default:
        return -EINVAL;
    }
    WRITE_ONCE(p->vcpu, (uint16_t)vcpu);
    return 0;
}

int port_set_priority(struct port_table *t, evtchn_port_t n, unsigned prio)
{
    struct port *p = port_lookup(t, n);

    if (!p || prio > EVTCHN_FIFO_PRIORITY_MIN)
        return -EINVAL;
    WRITE_ONCE(p->priority, (uint8_t)prio);
    return 0;
}

int port_status(const struct port_table *t, evtchn_port_t n,
                struct evtchn_status *s)
{
    const struct port *p = port_lookup(t, n);

    if (!p)
        return -EINVAL;
    s->vcpu = p->vcpu;
    switch (p->state) {
    case PORT_UNBOUND:
        s->status = EVTCHNSTAT_unbound;
        s->u.unbound.dom = p->remote;
        break;
    case PORT_INTERDOMAIN:
        s->status = EVTCHNSTAT_interdomain;
        s->u.interdomain.dom = p->peer->owner;
        s->u.interdomain.port = p->arg;
        break;
    case PORT_XEN:
        s->status = EVTCHNSTAT_interdomain;
        s->u.interdomain.dom = (domid_t)p->arg;
        s->u.interdomain.port = 0;
        break;
    case PORT_PIRQ:
        s->status = EVTCHNSTAT_pirq;
        s->u.pirq = p->arg;
        break;
    case PORT_VIRQ:
        s->status = EVTCHNSTAT_virq;
        s->u.virq = p->arg;
        break;
    case PORT_IPI:
        s->status = EVTCHNSTAT_ipi;
        break;
    default:
        s->status = EVTCHNSTAT_closed;
        break;
    }
    return 0;
}

evtchn_port_t port_next_used(const struct port_table *t, evtchn_port_t n)
{
    const struct port *p;

    if (!t->in_use)
        return 0;
    while (n < t->nr_ports) {
        if (n % PORTS_PER_BUCKET == 0 && !*used_in_bucket(t, n)) {
            n += PORTS_PER_BUCKET;
            continue;
        }
        p = port_lookup(t, n);
        if (p->state != PORT_FREE && p->state != PORT_RESERVED)
            return n;
        n++;
    }
    return 0;
}
