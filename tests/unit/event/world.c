#include "event/world.h"

#include <stdlib.h>
#include "event/channel.c"
#include "arch/x86/console.h"
#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/softirq.h"
#include "lib/rangeset.h"
#include "mm/page_type.h"

#define FIRST_PAGE 1
#define CONTROL_PAGE (FIRST_PAGE + 130)

struct vcpu *host_current;
struct domain dom[DOMAINS];
struct domain *dom0 = &dom[0];
struct vcpu vcpu[DOMAINS][VCPUS];
struct shared_info shared[DOMAINS];
static struct vcpu_info info[DOMAINS][VCPUS];

uint8_t *host_memory;
static struct frame frames[FRAMES];
struct frame *frame_table = frames;
uint64_t max_mfn = FRAMES;
void (*console_rx_notify)(void);
unsigned nr_gsis = GSIS;

unsigned kicks[DOMAINS][VCPUS], unblocks[DOMAINS][VCPUS];
int page_refs[FRAMES];
int preempt_in;
bool gave_way;
s_time_t poll_deadline;
struct fake_irq irqs[NR_IRQS_MAX];

/* ---- fakes ---- */

void *xzalloc(size_t bytes)
{
    return calloc(1, bytes);
}
void *xmalloc(size_t bytes)
{
    return malloc(bytes);
}
void xfree(void *p)
{
    free(p);
}
size_t copy_from_guest_va(void *dst, vaddr_t src, size_t n)
{
    if (!src)
        return n;
    memcpy(dst, (const void *)src, n);
    return 0;
}
size_t copy_to_guest_va(vaddr_t dst, const void *src, size_t n)
{
    if (!dst)
        return n;
    memcpy((void *)dst, src, n);
    return 0;
}
bool preempt_needed(void)
{
    return preempt_in && --preempt_in == 0;
}
void softirq_raise(enum softirq nr)
{
    (void)nr;
}
long hypercall_continue(unsigned number, unsigned nargs, ...)
{
    (void)nargs;
    gave_way = true;
    return number;
}
void vcpu_kick(struct vcpu *v)
{
    __atomic_fetch_add(&kicks[v->domain->domain_id][v->vcpu_id], 1,
                       __ATOMIC_RELAXED);
}
void vcpu_unblock(struct vcpu *v)
{
    unblocks[v->domain->domain_id][v->vcpu_id]++;
    clear_bit_atomic(VPF_BLOCKED, &v->pause_flags);
}
void timer_init(struct timer *t, void (*fn)(void *), void *data, unsigned cpu)
{
    t->fn = fn;
    t->data = data;
    t->cpu = cpu;
}
void timer_set(struct timer *t, s_time_t expires)
{
    (void)t;
    poll_deadline = expires;
}
void timer_kill(struct timer *t)
{
    (void)t;
}

bool domain_get_known(struct domain *d)
{
    d->refs++;
    return true;
}
void domain_put(struct domain *d)
{
    d->refs--;
}
struct domain *domain_get_any(domid_t id)
{
    struct domain *d = id == DOMID_SELF ? current->domain
                       : id < DOMAINS   ? &dom[id]
                                        : NULL;
    if (d)
        d->refs++;
    return d;
}
int domain_get_remote(domid_t id, struct domain **out)
{
    struct domain *d = domain_get_any(id);

    if (!d)
        return -ESRCH;
    if (d != current->domain && !current->domain->is_privileged) {
        domain_put(d);
        return -EPERM;
    }
    *out = d;
    return 0;
}

int page_get_and_type(struct frame *f, uint64_t type, struct domain *owner)
{
    assert_int_equal(type, PGT_WRITABLE);
    if (f - frames == FRAMES - 1 || owner != &dom[0])
        return -EINVAL;
    page_refs[f - frames] += 2;
    return 0;
}
void page_put_writable(struct frame *f)
{
    page_refs[f - frames]--;
}
void frame_put(struct frame *f)
{
    page_refs[f - frames]--;
}
void audit_count(struct audit_scratch *s, mfn_t m, uint32_t refs,
                 uint32_t types)
{
    (void)s;
    page_refs[m.m] -= (int)(refs + types);
}

/* ---- interrupts ---- */

int irq_bind(unsigned irq, irq_handler_t *fn, void *data, unsigned cpu)
{
    if (irqs[irq].fn)
        return -EBUSY;
    irqs[irq].fn = fn;
    irqs[irq].data = data;
    irqs[irq].cpu = cpu;
    return 0;
}
void irq_unbind(unsigned irq)
{
    irqs[irq].fn = NULL;
}
void irq_eoi(unsigned irq)
{
    irqs[irq].eois++;
}
void irq_mask(unsigned irq)
{
    irqs[irq].masked = true;
}
void irq_unmask(unsigned irq)
{
    irqs[irq].masked = false;
}
int irq_set_affinity(unsigned irq, unsigned cpu)
{
    irqs[irq].cpu = cpu;
    return 0;
}
bool irq_is_level(unsigned irq)
{
    return irqs[irq].level;
}
void irq_free_msi(unsigned irq, unsigned n)
{
    assert_int_equal(n, 1);
    irqs[irq].fn = NULL;
    irqs[irq].allocated = false;
}
void msi_release(unsigned irq)
{
    irqs[irq].released = true;
}
void fire(unsigned irq)
{
    assert_non_null(irqs[irq].fn);
    irqs[irq].fn(irq, irqs[irq].data);
}

/* ---- life ---- */

static void make_domain(unsigned id)
{
    const struct domain_config config = {.max_port = ~0u};
    struct domain *d = &dom[id];

    memset(d, 0, sizeof(*d));
    memset(&shared[id], 0, sizeof(shared[id]));
    d->domain_id = (domid_t)id;
    d->is_privileged = d->is_hardware = id == 0;
    d->refs = 1;
    d->max_vcpus = VCPUS;
    d->shared_info = &shared[id];
    d->irq_caps = rangeset_new();
    if (id == 0)
        assert_int_equal(rangeset_add(d->irq_caps, 0, GSIS - 1), 0);
    assert_int_equal(event_hooks.init(d, &config), 0);
    for (unsigned i = 0; i < VCPUS; i++) {
        struct vcpu *v = &vcpu[id][i];

        memset(v, 0, sizeof(*v));
        memset(&info[id][i], 0, sizeof(info[id][i]));
        v->domain = d;
        v->vcpu_id = i;
        v->processor = i;
        v->vcpu_info = &info[id][i];
        d->vcpu[i] = v;
        assert_int_equal(event_hooks.vcpu_init(v), 0);
    }
}

int world_setup(void **state)
{
    (void)state;
    host_memory = aligned_alloc(PAGE_SIZE, FRAMES * PAGE_SIZE);
    memset(host_memory, 0, FRAMES * PAGE_SIZE);
    memset(page_refs, 0, sizeof(page_refs));
    memset(kicks, 0, sizeof(kicks));
    memset(unblocks, 0, sizeof(unblocks));
    memset(irqs, 0, sizeof(irqs));
    preempt_in = 0;
    gave_way = false;
    console_rx_notify = NULL;
    for (unsigned i = 0; i < DOMAINS; i++)
        make_domain(i);
    run_as(0, 0);
    return 0;
}

int relinquish_step(unsigned d)
{
    return event_hooks.relinquish(&dom[d]);
}

void kill_domain(unsigned d)
{
    while (relinquish_step(d) == -ERESTART_PREEMPT)
        ;
}

/* Every reference must be back when the domains have died. */
int world_teardown(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOMAINS; i++)
        kill_domain(i);
    for (unsigned i = 0; i < DOMAINS; i++) {
        assert_int_equal(dom[i].event->table.in_use, 0);
        assert_int_equal(dom[i].refs, 1);
        event_hooks.destroy(&dom[i]);
        rangeset_free(dom[i].irq_caps);
    }
    for (unsigned i = 0; i < FRAMES; i++)
        assert_int_equal(page_refs[i], 0);
    for (unsigned i = 0; i < NR_IRQS_MAX; i++)
        assert_null(irqs[i].fn);
    free(host_memory);
    return 0;
}

void run_as(unsigned d, unsigned v)
{
    host_current = &vcpu[d][v];
}

uint8_t *page(unsigned n)
{
    return host_memory + n * PAGE_SIZE;
}

/* ---- operations ---- */

long op(unsigned cmd, void *arg)
{
    return do_event_channel_op(cmd, (vaddr_t)arg, 0, 0, 0, 0);
}

long op_compat(void *arg)
{
    return do_event_channel_op_compat((vaddr_t)arg, 0, 0, 0, 0, 0);
}

evtchn_port_t bind_ipi(unsigned v)
{
    struct evtchn_bind_ipi b = {.vcpu = v};

    assert_int_equal(op(EVTCHNOP_bind_ipi, &b), 0);
    return b.port;
}

evtchn_port_t bind_virq(unsigned virq, unsigned v)
{
    struct evtchn_bind_virq b = {.virq = virq, .vcpu = v};

    assert_int_equal(op(EVTCHNOP_bind_virq, &b), 0);
    return b.port;
}

evtchn_port_t alloc_unbound(unsigned remote)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF,
                                     .remote_dom = (domid_t)remote};

    assert_int_equal(op(EVTCHNOP_alloc_unbound, &a), 0);
    return a.port;
}

evtchn_port_t connect_to(unsigned remote, evtchn_port_t port)
{
    struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)remote,
                                        .remote_port = port};

    assert_int_equal(op(EVTCHNOP_bind_interdomain, &b), 0);
    return b.local_port;
}

long send_on(evtchn_port_t port)
{
    struct evtchn_send s = {.port = port};

    return op(EVTCHNOP_send, &s);
}

long close_port(evtchn_port_t port)
{
    struct evtchn_close c = {.port = port};

    return op(EVTCHNOP_close, &c);
}

long unmask(evtchn_port_t port)
{
    struct evtchn_unmask u = {.port = port};

    return op(EVTCHNOP_unmask, &u);
}

/* ---- guests ---- */

bool upcall_of(unsigned d, unsigned v)
{
    return __atomic_exchange_n(&info[d][v].evtchn_upcall_pending, 0,
                               __ATOMIC_SEQ_CST);
}

void mask_port(unsigned d, evtchn_port_t port, bool on)
{
    if (on)
        set_bit_atomic(port, shared[d].evtchn_mask);
    else
        clear_bit_atomic(port, shared[d].evtchn_mask);
}

void fifo_start(struct fifo_guest *g, unsigned pages)
{
    memset(g, 0, sizeof(*g));
    for (unsigned v = 0; v < VCPUS; v++) {
        struct evtchn_init_control c = {.control_gfn = CONTROL_PAGE + v,
                                        .offset = 8 * v, .vcpu = v};

        assert_int_equal(op(EVTCHNOP_init_control, &c), 0);
        assert_int_equal(c.link_bits, EVTCHN_FIFO_LINK_BITS);
        g->cb[v] = (void *)(page(CONTROL_PAGE + v) + 8 * v);
    }
    g->word = (event_word_t *)page(FIRST_PAGE);
    while (pages--)
        fifo_expand(g);
}

void fifo_expand(struct fifo_guest *g)
{
    struct evtchn_expand_array x = {.array_gfn = FIRST_PAGE + g->pages++};

    assert_int_equal(op(EVTCHNOP_expand_array, &x), 0);
}

/* Takes the word out of its queue: gives the link. */
static uint32_t consume(event_word_t *w)
{
    event_word_t old = __atomic_load_n(w, __ATOMIC_RELAXED), new;

    do {
        new = old & ~((1u << EVTCHN_FIFO_LINKED) | EVTCHN_FIFO_LINK_MASK);
    } while (!__atomic_compare_exchange_n(w, &old, new, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return old & EVTCHN_FIFO_LINK_MASK;
}

/* The event of the queue's first word, 0 if that was not to be delivered. */
static evtchn_port_t consume_one(struct fifo_guest *g, unsigned v, unsigned q)
{
    uint32_t head = g->head[v][q];
    event_word_t *w, old;

    if (!head)
        head = __atomic_load_n(&g->cb[v]->head[q], __ATOMIC_ACQUIRE);
    w = &g->word[head];
    g->head[v][q] = consume(w);
    if (!g->head[v][q])
        g->ready[v] &= ~(1u << q);
    old = __atomic_load_n(w, __ATOMIC_RELAXED);
    if (!(old & (1u << EVTCHN_FIFO_PENDING)) ||
        (old & (1u << EVTCHN_FIFO_MASKED)))
        return 0;
    __atomic_fetch_and(w, ~(1u << EVTCHN_FIFO_PENDING), __ATOMIC_SEQ_CST);
    return head;
}

evtchn_port_t fifo_next(struct fifo_guest *g, unsigned v)
{
    evtchn_port_t n;

    for (;;) {
        g->ready[v] |=
            __atomic_exchange_n(&g->cb[v]->ready, 0, __ATOMIC_SEQ_CST);
        if (!g->ready[v])
            return 0;
        n = consume_one(g, v, lowest_bit(g->ready[v]));
        if (n)
            return n;
    }
}
