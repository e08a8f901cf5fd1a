/*
 * The FIFO delivery ABI: up to 131072 ports, 16 priorities for each vCPU.
 *
 * Each port has a 32-bit word in the event array, a list of the guest's pages:
 * PENDING, MASKED, LINKED, BUSY and a LINK to the next port. Each vCPU has a
 * control block, also in a guest page: for every priority the head of a queue
 * of words, and a bit in `ready` if the queue has become non-empty. We append
 * at the tail, the guest takes from the head, without a common lock:
 *
 *   raise    set PENDING; unless MASKED or LINKED already: set LINKED, then
 *            tail still LINKED ? its LINK = port : head = port, set ready bit
 *            tail = port
 *   consume  clear LINKED and LINK of the head's word in one step; the old
 *            LINK is the next head, 0 = queue empty
 *
 * The append to a word and its consumption are both compare-and-swap, so either
 * the guest sees the new LINK or we see that LINKED has gone.
 *
 * The threat: the guest may write anything to these pages at any time. So
 * nothing in them steers us: the tail, the one value that is followed, is kept
 * here; a word is only ever found by our own port numbers; each decision reads
 * a word once; and the append gives up after a few lost races - a guest that
 * fights it loses its own events. BUSY asks an honest guest that is flipping
 * MASKED to wait for us.
 *
 * A port's word may outlive its binding in a queue. If the port is raised for
 * another queue while it is LINKED, it stays where it is and is delivered
 * there; if it is no longer LINKED but the old queue's tail, that queue is
 * empty, and its tail must be forgotten before the word goes elsewhere.
 * Therefore last_vcpu and last_priority survive a close.
 *
 * fifo->lock (leaf but for the scheduler's, irqs off) covers all tails of a
 * domain and the number of array pages. It is held for one append.
 */
#include "core/trace.h"
#include "event/channel.h"

#include "arch/x86/map.h"
#include "arch/x86/usercopy.h"
#include "event/guest_page.h"
#include "lib/errno.h"
#include "lib/heap.h"

#define WORDS_PER_PAGE (PAGE_SIZE / sizeof(event_word_t))
#define ARRAY_PAGES (EVTCHN_FIFO_NR_CHANNELS / WORDS_PER_PAGE)
#define WORD(bit) (1u << EVTCHN_FIFO_##bit)

/* Races lost before BUSY is set, and before an append is given up. */
#define TRIES_UNTIL_BUSY 4
#define TRIES 12

struct fifo_domain {
    spinlock_t lock;
    unsigned nr_pages; /* of the event array */
    mfn_t page[ARRAY_PAGES];
};

/* v->evtchn_fifo; exists from the vCPU's init_control on. */
struct fifo_vcpu {
    mfn_t page; /* with the control block ... */
    unsigned offset; /* ... at this byte */
    evtchn_port_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* 0: empty */
};

/* ---- guest pages ---- */

/* The word of a port, to be given back with word_put; NULL: no page yet. */
static event_word_t *word_get(const struct fifo_domain *f, evtchn_port_t n)
{
    unsigned page = n / WORDS_PER_PAGE;

    if (unlikely(page >= __atomic_load_n(&f->nr_pages, __ATOMIC_ACQUIRE)))
        return NULL;
    return (event_word_t *)map_frame(f->page[page]) + n % WORDS_PER_PAGE;
}

static void word_put(event_word_t *w)
{
    unmap_frame((void *)ROUND_DOWN((unsigned long)w, PAGE_SIZE));
}

/* ---- queues; fifo->lock held ---- */

/*
 * Appends `next` behind the queue's last word. False: that word has been
 * consumed (so the queue is empty), or the guest fights.
 */
static bool append(event_word_t *w, evtchn_port_t next)
{
    event_word_t old = __atomic_load_n(w, __ATOMIC_RELAXED), new;

    for (unsigned i = 0; i < TRIES; i++) {
        if (!(old & WORD(LINKED)))
            break;
        new = (old & ~(EVTCHN_FIFO_LINK_MASK | WORD(BUSY))) | next;
        if (__atomic_compare_exchange_n(w, &old, new, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return true;
        if (i == TRIES_UNTIL_BUSY)
            old = __atomic_or_fetch(w, WORD(BUSY), __ATOMIC_SEQ_CST);
    }
    if (old & WORD(BUSY))
        __atomic_fetch_and(w, ~WORD(BUSY), __ATOMIC_SEQ_CST);
    return false;
}

/* The port starts a queue that is empty. True: the guest must be told. */
static bool start_queue(struct fifo_vcpu *q, unsigned prio, evtchn_port_t n)
{
    char *page = map_frame(q->page);
    struct evtchn_fifo_control_block *cb = (void *)(page + q->offset);
    bool was_ready;

    WRITE_ONCE(cb->head[prio], n);
    was_ready = test_and_set_bit_atomic(prio, &cb->ready);
    unmap_frame(page);
    return !was_ready;
}

/* Puts the port into the queue of its vCPU and priority. True: tell it. */
static bool enqueue(struct fifo_domain *f, struct vcpu *v, struct port *p)
{
    struct fifo_vcpu *q = v->evtchn_fifo, *old_q;
    struct vcpu *old_v = domain_vcpu(v->domain, p->last_vcpu);
    unsigned prio = READ_ONCE(p->priority);
    evtchn_port_t n = p->number, tail;
    event_word_t *w;
    bool linked = false;

    old_q = old_v ? old_v->evtchn_fifo : NULL;
    if (old_q && old_q->tail[p->last_priority] == n)
        old_q->tail[p->last_priority] = 0;
    p->last_vcpu = (uint16_t)v->vcpu_id;
    p->last_priority = (uint8_t)prio;

    tail = q->tail[prio];
    q->tail[prio] = n;
    if (tail && (w = word_get(f, tail)) != NULL) {
        linked = append(w, n);
        word_put(w);
    }
    return !linked && start_queue(q, prio, n);
}

/* The event is pending and not masked: makes sure that the guest finds it. */
static void link_word(struct fifo_domain *f, struct vcpu *v, struct port *p,
                      event_word_t *w)
{
    bool tell = false;
    unsigned long flags = spin_lock_irqsave(&f->lock);

    if (v->evtchn_fifo &&
        !(__atomic_fetch_or(w, WORD(LINKED), __ATOMIC_SEQ_CST) & WORD(LINKED)))
        tell = enqueue(f, v, p);
    spin_unlock_irqrestore(&f->lock, flags);
    if (tell)
        evtchn_mark_pending(v);
}

/* ---- ops ---- */

/* No page for the word yet: remembered until expand_array brings it. */
static event_word_t *word_or_lost(struct fifo_domain *f, struct port *p)
{
    unsigned long flags = spin_lock_irqsave(&f->lock);
    event_word_t *w = word_get(f, p->number);

    if (!w)
        p->lost = true;
    spin_unlock_irqrestore(&f->lock, flags);
    return w;
}

static void fifo_set_pending(struct vcpu *v, struct port *p)
{
    struct fifo_domain *f = v->domain->event->fifo;
    event_word_t *w = word_get(f, p->number), old;

    if (unlikely(!w) && !(w = word_or_lost(f, p)))
        return;
    old = __atomic_fetch_or(w, WORD(PENDING), __ATOMIC_SEQ_CST);
    if (!(old & (WORD(MASKED) | WORD(LINKED)))) {
        trace(XENO_TRACE_event, v, p->number, 0);
        link_word(f, v, p, w);
    }
    word_put(w);
    if (!(old & WORD(PENDING)))
        evtchn_check_pollers(v->domain, p->number);
}

static void fifo_clear_pending(struct domain *d, struct port *p)
{
    event_word_t *w = word_get(d->event->fifo, p->number);

    p->lost = false;
    if (!w)
        return;
    __atomic_fetch_and(w, ~WORD(PENDING), __ATOMIC_SEQ_CST);
    word_put(w);
}

static void fifo_unmask(struct vcpu *v, struct port *p)
{
    struct fifo_domain *f = v->domain->event->fifo;
    event_word_t *w = word_get(f, p->number), old;

    if (!w)
        return;
    old = __atomic_fetch_and(w, ~WORD(MASKED), __ATOMIC_SEQ_CST);
    if ((old & WORD(PENDING)) && !(old & WORD(LINKED)))
        link_word(f, v, p, w);
    word_put(w);
}

static event_word_t word_value(struct domain *d, const struct port *p,
                               event_word_t otherwise)
{
    event_word_t *w = word_get(d->event->fifo, p->number), v;

    if (!w)
        return otherwise;
    v = __atomic_load_n(w, __ATOMIC_RELAXED);
    word_put(w);
    return v;
}

static bool fifo_is_pending(struct domain *d, const struct port *p)
{
    return word_value(d, p, p->lost ? WORD(PENDING) : 0) & WORD(PENDING);
}

static bool fifo_is_masked(struct domain *d, const struct port *p)
{
    return word_value(d, p, WORD(MASKED)) & WORD(MASKED);
}

const struct evtchn_ops evtchn_fifo = {
    .set_pending = fifo_set_pending,
    .clear_pending = fifo_clear_pending,
    .unmask = fifo_unmask,
    .is_pending = fifo_is_pending,
    .is_masked = fifo_is_masked,
    .has_priorities = true,
};

/* ---- entering and leaving the ABI; event lock held ---- */

/* What is pending in the 2-level bitmap is raised again by expand_array. */
static void carry_over(struct evtchn_domain *e)
{
    evtchn_port_t n = 0;
    struct port *p;
    unsigned long flags;

    while ((n = port_next_used(&e->table, n + 1)) != 0) {
        p = port_lookup(&e->table, n);
        flags = spin_lock_irqsave(&p->lock);
        p->lost = evtchn_two_level.is_pending(e->domain, p);
        spin_unlock_irqrestore(&p->lock, flags);
    }
}

static int enter(struct evtchn_domain *e)
{
    struct fifo_domain *f = xzalloc_type(struct fifo_domain);

    if (!f)
        return -ENOMEM;
    spin_lock_init(&f->lock, LOCK_ANY);
    e->fifo = f;
    e->table.abi_limit = EVTCHN_FIFO_NR_CHANNELS;
    __atomic_store_n(&e->ops, &evtchn_fifo, __ATOMIC_RELEASE);
    carry_over(e);
    return 0;
}

static int add_control_block(struct evtchn_domain *e, struct vcpu *v,
                             const struct evtchn_init_control *c)
{
    struct fifo_vcpu *q;
    unsigned long flags;
    int rc;

    if (v->evtchn_fifo)
        return -EINVAL;
    q = xzalloc_type(struct fifo_vcpu);
    if (!q)
        return -ENOMEM;
    q->offset = c->offset;
    q->page = guest_page_take(e->domain, c->control_gfn);
    rc = mfn_is_invalid(q->page) ? -EINVAL : e->fifo ? 0 : enter(e);
    if (rc) {
        if (!mfn_is_invalid(q->page))
            guest_page_drop(q->page);
        xfree(q);
        return rc;
    }
    flags = spin_lock_irqsave(&e->fifo->lock);
    v->evtchn_fifo = q;
    spin_unlock_irqrestore(&e->fifo->lock, flags);
    return 0;
}

/*
 * EVTCHNOP_init_control(control_gfn, offset, vcpu -> link_bits): registers a
 * vCPU's control block; the first one switches the domain to the FIFO ABI.
 * -ENOENT no such vCPU; -EINVAL offset not 8-aligned or the block would leave
 * the page, not a writable page of the caller's, or the vCPU has one; -ENOMEM.
 */
long evtchn_op_init_control(struct domain *d, vaddr_t arg)
{
    struct evtchn_init_control c;
    struct evtchn_domain *e = d->event;
    struct vcpu *v;
    int rc;

    if (copy_from_guest_va(&c, arg, sizeof(c)))
        return -EFAULT;
    v = domain_vcpu(d, c.vcpu);
    if (!v)
        return -ENOENT;
    if (c.offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) ||
        c.offset % 8)
        return -EINVAL;
    spin_lock(&e->table.lock);
    rc = e->table.closing ? -EINVAL : add_control_block(e, v, &c);
    spin_unlock(&e->table.lock);
    if (rc)
        return rc;
    c.link_bits = EVTCHN_FIFO_LINK_BITS;
    return copy_to_guest_va(arg, &c, sizeof(c)) ? -EFAULT : 0;
}

/* Raises what was lost for want of the array page with ports [from, to). */
static void raise_lost(struct evtchn_domain *e, evtchn_port_t from,
                       evtchn_port_t to)
{
    evtchn_port_t n;
    struct port *p;
    unsigned long flags;

    for (n = port_next_used(&e->table, from); n && n < to;
         n = port_next_used(&e->table, n + 1)) {
        p = port_lookup(&e->table, n);
        flags = spin_lock_irqsave(&p->lock);
        if (p->lost) {
            p->lost = false;
            evtchn_deliver(e, p);
        }
        spin_unlock_irqrestore(&p->lock, flags);
    }
}

static int add_array_page(struct evtchn_domain *e, uint64_t gfn)
{
    struct fifo_domain *f = e->fifo;
    unsigned long flags;
    unsigned nr;
    mfn_t m;

    if (!f)
        return -EOPNOTSUPP;
    nr = f->nr_pages;
    if (nr == ARRAY_PAGES)
        return -ENOSPC;
    m = guest_page_take(e->domain, gfn);
    if (mfn_is_invalid(m))
        return -EINVAL;
    flags = spin_lock_irqsave(&f->lock);
    f->page[nr] = m;
    __atomic_store_n(&f->nr_pages, nr + 1, __ATOMIC_RELEASE);
    spin_unlock_irqrestore(&f->lock, flags);
    raise_lost(e, nr * WORDS_PER_PAGE, (nr + 1) * WORDS_PER_PAGE);
    return 0;
}

/*
 * EVTCHNOP_expand_array(array_gfn): adds a page of words. -EOPNOTSUPP not in
 * the FIFO ABI, -ENOSPC all 128 pages are there, -EINVAL not a writable page of
 * the caller's.
 */
long evtchn_op_expand_array(struct domain *d, vaddr_t arg)
{
    struct evtchn_expand_array x;
    int rc;

    if (copy_from_guest_va(&x, arg, sizeof(x)))
        return -EFAULT;
    spin_lock(&d->event->table.lock);
    rc = add_array_page(d->event, x.array_gfn);
    spin_unlock(&d->event->table.lock);
    return rc;
}

void evtchn_fifo_leave(struct evtchn_domain *e)
{
    struct fifo_domain *f = e->fifo;
    struct fifo_vcpu *q;
    struct vcpu *v;

    if (!f)
        return;
    e->ops = &evtchn_two_level;
    e->table.abi_limit = PORTS_2L;
    e->fifo = NULL;
    for_each_vcpu(e->domain, v) {
        q = v->evtchn_fifo;
        if (!q)
            continue;
        v->evtchn_fifo = NULL;
        guest_page_drop(q->page);
        xfree(q);
    }
    for (unsigned i = 0; i < f->nr_pages; i++)
        guest_page_drop(f->page[i]);
    xfree(f);
}

void evtchn_fifo_audit(const struct domain *d, struct audit_scratch *s)
{
    const struct fifo_domain *f = d->event->fifo;
    const struct vcpu *v;

    if (!f)
        return;
    for_each_vcpu(d, v)
        if (v->evtchn_fifo)
            audit_count(s, ((const struct fifo_vcpu *)v->evtchn_fifo)->page, 1,
                        1);
    for (unsigned i = 0; i < f->nr_pages; i++)
        audit_count(s, f->page[i], 1, 1);
}
