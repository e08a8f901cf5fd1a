#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/printk.h"
#include "machine.h"

void printk(const char *fmt, ...)
{
    (void)fmt; /* the policies' dumps are not for here */
}

static struct sim_vcpu *of(struct vcpu *v)
{
    return v ? container_of(v, struct sim_vcpu, v) : NULL;
}

/* xorshift64* */
uint64_t machine_random(struct machine *m, uint64_t below)
{
    m->seed ^= m->seed >> 12;
    m->seed ^= m->seed << 25;
    m->seed ^= m->seed >> 27;
    return (m->seed * 0x2545f4914f6cdd1dUL >> 11) % below;
}

/* Something between half and one and a half of it. */
static s_time_t about(struct machine *m, s_time_t mean)
{
    return mean / 2 + machine_random(m, mean + 1);
}

/* ---- those that will wake: a heap by time ---- */

static void put(struct machine *m, unsigned at, struct sim_vcpu *w)
{
    m->heap[at] = w;
    w->heap_at = at;
}

static void heap_add(struct machine *m, struct sim_vcpu *w)
{
    unsigned at = m->heap_size++;

    for (; at; at = (at - 1) / 2) {
        struct sim_vcpu *up = m->heap[(at - 1) / 2];
        if (up->wakes_at <= w->wakes_at)
            break;
        put(m, at, up);
    }
    put(m, at, w);
}

static struct sim_vcpu *heap_take(struct machine *m)
{
    struct sim_vcpu *first = m->heap[0], *last = m->heap[--m->heap_size];
    unsigned at = 0, child;

    while ((child = 2 * at + 1) < m->heap_size) {
        if (child + 1 < m->heap_size &&
            m->heap[child + 1]->wakes_at < m->heap[child]->wakes_at)
            child++;
        if (m->heap[child]->wakes_at >= last->wakes_at)
            break;
        put(m, at, m->heap[child]);
        at = child;
    }
    if (m->heap_size)
        put(m, at, last);
    return first;
}

/* ---- what the core does ---- */

/* The running one's time up to now. */
static void pass(struct machine *m, struct sim_cpu *c)
{
    struct sim_vcpu *w = c->runs;
    s_time_t ran = m->t - c->since;

    c->since = m->t;
    if (!w)
        return;
    w->ran += ran;
    c->busy += ran;
    if (w->need != FOREVER)
        w->need -= ran;
}

static void begin_to_run(struct machine *m, struct sim_vcpu *w)
{
    s_time_t waited = m->t - w->ready_since;

    if (waited > w->max_wait)
        w->max_wait = waited;
    if (w->woke && waited > w->max_latency)
        w->max_latency = waited;
    if (w->woke && m->latency)
        m->latency(w, waited);
    w->woke = false;
    w->ready_since = FOREVER;
}

void sim_decide(struct machine *m, unsigned cpu)
{
    struct sim_cpu *c = &m->cpu[cpu];
    struct sim_vcpu *old = c->runs, *next;
    struct sched_decision d;

    pass(m, c);
    if (old && !old->awake && old->v.sched_queued) {
        old->v.sched_queued = false;
        m->policy->sleep(&old->v, m->t);
    }
    d = m->policy->pick_next(cpu, m->t);
    next = of(d.next);
    c->decisions++;
    c->slice_end = d.slice ? m->t + d.slice : FOREVER;
    REQUIRE(next || !c->awake || m->may_idle, "CPU %u idles beside %u", cpu,
            c->awake);
    REQUIRE(!next || (next->awake && next->v.processor == cpu),
            "picks one that may not run");
    c->runs = next;
    if (old == next)
        return;
    c->switches++;
    if (old && old->awake)
        old->ready_since = m->t;
    if (next)
        begin_to_run(m, next);
}

void sim_wake(struct machine *m, struct sim_vcpu *w)
{
    unsigned cpu = w->v.processor;
    bool decide = false;

    if (w->awake)
        return;
    w->awake = w->woke = true;
    w->ready_since = m->t;
    w->need = w->sleep ? about(m, w->burst) : FOREVER;
    w->wakes++;
    m->cpu[cpu].awake++;
    if (!w->v.sched_queued) {
        w->v.sched_queued = true;
        decide = m->policy->wake(&w->v, m->t);
    }
    if (decide)
        sim_decide(m, cpu);
}

void sim_sleep(struct machine *m, struct sim_vcpu *w)
{
    struct sim_cpu *c = &m->cpu[w->v.processor];

    if (!w->awake)
        return;
    w->awake = false;
    w->ready_since = FOREVER;
    c->awake--;
    if (w->sleep) {
        w->wakes_at = m->t + about(m, w->sleep);
        heap_add(m, w);
    }
    if (c->runs == w) {
        sim_decide(m, w->v.processor);
    } else {
        w->v.sched_queued = false;
        m->policy->sleep(&w->v, m->t);
    }
}

/* It leaves, and comes as a waker. */
void sim_move(struct machine *m, struct sim_vcpu *w, unsigned cpu)
{
    s_time_t sleep = w->sleep;
    bool awake = w->awake;

    w->sleep = 0; /* it is not a sleep */
    sim_sleep(m, w);
    w->v.processor = cpu;
    w->sleep = sleep;
    if (awake)
        sim_wake(m, w);
}

void sim_set(struct machine *m, unsigned i, const int64_t *value)
{
    struct vcpu *v = &m->vcpu[i].v;

    m->policy->set_vcpu(v, value, m->t);
    if (m->vcpu[i].awake)
        sim_decide(m, v->processor);
}

static void set_to_start(struct machine *m, unsigned i)
{
    int64_t value[XENO_SCHED_PARAMS] = {0};
    const struct sched_param *p = m->policy->domain_params;

    for (unsigned n = 0; p[n].name; n++)
        value[n] = p[n].start;
    sim_set(m, i, value);
}

void sim_start(struct machine *m, unsigned i, unsigned cpu, s_time_t burst,
               s_time_t sleep)
{
    struct sim_vcpu *w = &m->vcpu[i];

    REQUIRE(!w->awake, "vCPU %u has started already", i);
    w->v.processor = cpu;
    w->burst = burst;
    w->sleep = sleep;
    if (!sleep) {
        sim_wake(m, w);
        return;
    }
    w->wakes_at = m->t + machine_random(m, sleep);
    heap_add(m, w);
}

/* ---- time ---- */

/* When CPU c needs something: the slice or the burst ends. */
static s_time_t due(const struct sim_cpu *c)
{
    s_time_t done = c->runs && c->runs->need != FOREVER
                        ? c->since + c->runs->need
                        : FOREVER;

    return done < c->slice_end ? done : c->slice_end;
}

static unsigned first_cpu(const struct machine *m, s_time_t *at)
{
    unsigned first = 0;

    for (unsigned i = 1; i < m->cpus; i++)
        if (due(&m->cpu[i]) < due(&m->cpu[first]))
            first = i;
    *at = due(&m->cpu[first]);
    return first;
}

static void cpu_event(struct machine *m, unsigned cpu)
{
    struct sim_cpu *c = &m->cpu[cpu];

    pass(m, c);
    if (c->runs && !c->runs->need)
        sim_sleep(m, c->runs);
    else
        sim_decide(m, cpu);
}

void sim_run(struct machine *m, s_time_t ns)
{
    s_time_t end = m->t + ns, at;

    for (;;) {
        unsigned cpu = first_cpu(m, &at);
        bool waker = m->heap_size && m->heap[0]->wakes_at <= at;

        if (waker)
            at = m->heap[0]->wakes_at;
        if (at > end)
            break;
        m->t = at > m->t ? at : m->t;
        if (waker)
            sim_wake(m, heap_take(m));
        else
            cpu_event(m, cpu);
    }
    m->t = end;
    for (unsigned i = 0; i < m->cpus; i++)
        pass(m, &m->cpu[i]);
}

/* ---- birth and end ---- */

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

struct machine *machine_new(const struct scheduler *policy, unsigned cpus,
                            unsigned vcpus)
{
    static struct domain d;
    struct machine *m = must(calloc(1, sizeof(*m)));

    m->policy = policy;
    m->t = SECONDS(1);
    m->cpus = cpus;
    m->vcpus = vcpus;
    m->seed = 88172645463325252UL;
    m->vcpu = must(calloc(vcpus, sizeof(*m->vcpu)));
    m->heap = must(calloc(vcpus, sizeof(struct sim_vcpu *)));
    for (unsigned i = 0; i < cpus; i++) {
        m->cpu[i].since = m->t;
        m->cpu[i].slice_end = FOREVER;
        if (policy->init_cpu)
            policy->init_cpu(i);
    }
    for (unsigned i = 0; i < vcpus; i++) {
        struct sim_vcpu *w = &m->vcpu[i];

        w->v.domain = &d;
        w->v.vcpu_id = i;
        w->ready_since = FOREVER;
        list_init(&w->v.run_list);
        if (policy->vcpu_size)
            w->data = w->v.sched_priv = must(calloc(1, policy->vcpu_size));
        if (policy->init_vcpu)
            policy->init_vcpu(&w->v);
        if (policy->set_vcpu)
            set_to_start(m, i);
    }
    return m;
}

void machine_free(struct machine *m)
{
    for (unsigned i = 0; i < m->vcpus; i++) {
        m->vcpu[i].sleep = 0;
        sim_sleep(m, &m->vcpu[i]); /* the policy's queues stay */
    }
    for (unsigned i = 0; i < m->vcpus; i++)
        free(m->vcpu[i].data);
    free(m->vcpu);
    free(m->heap);
    free(m);
}
