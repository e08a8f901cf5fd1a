/*
 * Atropos (Nemesis): guaranteed shares of a CPU by earliest deadline first.
 *
 * A vCPU is promised `slice` ns in each period. With some of it left it is
 * `ready`: the earliest end of a period runs first. When it is used up, the
 * vCPU waits for the period's end, which begins the next one; if it ran too
 * long, that is taken off the next slice. What nobody was promised, or does
 * not use, goes in turns of EXTRA_TURN to the waiting ones with xtratime.
 *
 * Who wakes within its period keeps what is left, if it may still use it
 * without taking from others: that is, at no more than its own share until the
 * end. Else a new period begins. So that it need not wait long for its first
 * run, this is shortened by halves until it is at most `latency`, and the slice
 * with it; the following ones double until they are whole again.
 *
 * All deadlines are met as long as the promised shares are not more than the
 * CPU (admit.h). A slice of 0 is no promise: such a vCPU has extra time only.
 */
#include "arch/x86/percpu.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/printk.h"
#include "sched/runq.h"
#include "sched/sched.h"

#define EXTRA_TURN MILLISECS(5)
#define RUN_MIN MICROSECS(20) /* no timer shorter than that */
#define MILLION 1000000

enum { PERIOD, SLICE, LATENCY, XTRATIME };
static const struct sched_param domain_params[] = {
    {"period", XENO_SCHED_UNIT_NS, MILLISECS(1), SECONDS(100), SECONDS(10),
     MILLISECS(20)},
    {"slice", XENO_SCHED_UNIT_NS, 0, SECONDS(100), MILLISECS(10),
     MILLISECS(15)},
    {"latency", XENO_SCHED_UNIT_NS, MICROSECS(100), SECONDS(100), SECONDS(10),
     MILLISECS(5)},
    {"xtratime", XENO_SCHED_UNIT_FLAG, 0, 1, 1, 1},
    {0},
};

struct atropos_vcpu {
    struct runq_node node;     /* in ready or waiting, by deadline */
    struct vcpu *v;            /* its run_list: in extra */
    struct runq *queue;        /* which of the two, NULL: neither */
    s_time_t period, slice;
    unsigned start_shift;      /* halvings that make the period <= latency */
    bool xtratime, yielded;
    unsigned shift;            /* of the current period */
    s_time_t deadline;         /* where it ends */
    int64_t left;              /* of its slice; < 0: ran too long */
    s_time_t turn;             /* used of its turn of extra time */
};

struct atropos_cpu {
    struct runq ready, waiting;
    struct list_head extra;
    struct atropos_vcpu *runs; /* NULL: idle */
    bool in_extra;             /* it runs in extra time */
    s_time_t since, until;     /* since then; decides then, 0: no timer */
};
static DEFINE_PER_CPU(struct atropos_cpu, atropos_cpu);

static struct atropos_vcpu *of(const struct vcpu *v)
{
    return v->sched_priv;
}

static struct atropos_vcpu *of_node(struct runq_node *n)
{
    return n ? container_of(n, struct atropos_vcpu, node) : NULL;
}

static int atropos_init_cpu(unsigned cpu)
{
    list_init(&per_cpu(atropos_cpu, cpu).extra);
    return 0;
}

static void atropos_init_vcpu(struct vcpu *v)
{
    of(v)->v = v;
}

/* ---- queues ---- */

static void leave(struct atropos_vcpu *a)
{
    if (a->queue)
        runq_remove(a->queue, &a->node);
    a->queue = NULL;
    if (!list_empty(&a->v->run_list))
        list_del(&a->v->run_list);
}

/* Where it belongs by what is left to it. */
static void enter(struct atropos_cpu *q, struct atropos_vcpu *a)
{
    if (a->slice) {
        a->queue = a->left > 0 ? &q->ready : &q->waiting;
        runq_insert(a->queue, &a->node, a->deadline);
    }
    if (a->xtratime && a->queue != &q->ready)
        list_add_tail(&a->v->run_list, &q->extra);
}

/* A period that begins at `start`. */
static void begin_period(struct atropos_vcpu *a, s_time_t start)
{
    a->deadline = start + (a->period >> a->shift);
    a->left = min(a->left, (int64_t)0) + (int64_t)(a->slice >> a->shift);
}

static void next_period(struct atropos_vcpu *a, s_time_t t)
{
    if (a->shift)
        a->shift--;
    begin_period(a, a->deadline);
    if (a->deadline <= t) /* nothing ran for that long */
        a->deadline = t + (a->period >> a->shift);
}

static void end_turn(struct atropos_cpu *q, struct atropos_vcpu *a)
{
    a->turn = 0;
    if (list_empty(&a->v->run_list))
        return;
    list_del(&a->v->run_list);
    list_add_tail(&a->v->run_list, &q->extra);
}

/* The running one's time up to t; from ready it waits when it has no more. */
static void account(struct atropos_cpu *q, s_time_t t)
{
    struct atropos_vcpu *a = q->runs;
    s_time_t ran = t - q->since;

    if (!a || t < q->since)
        return;
    q->since = t;
    if (q->in_extra) {
        a->turn += ran;
        if (a->turn >= EXTRA_TURN)
            end_turn(q, a);
        return;
    }
    a->left -= (int64_t)ran;
    if (a->left <= 0 && a->queue == &q->ready) {
        leave(a);
        enter(q, a);
    }
}

/* Periods that are over by t. */
static void begin_periods(struct atropos_cpu *q, s_time_t t)
{
    struct atropos_vcpu *a;

    while ((a = of_node(q->waiting.first)) && a->deadline <= t) {
        leave(a);
        next_period(a, t);
        enter(q, a);
    }
}

/* ---- waking and sleeping ---- */

/* May it have what is left before the deadline, and take nothing from others?
 */
static bool keeps_period(const struct atropos_vcpu *a, s_time_t t)
{
    typedef unsigned __int128 wide;

    if (t >= a->deadline)
        return false;
    return a->left <= 0 || (wide)a->left * a->period <=
                               (wide)(a->deadline - t) * a->slice;
}

/* Is there anything to decide anew now that `a` is here? */
static bool concerns(const struct atropos_cpu *q, const struct atropos_vcpu *a)
{
    if (!q->runs || !q->until)
        return true;
    if (q->in_extra)
        return a->queue == &q->ready || a->xtratime || a->deadline < q->until;
    return a->queue && a->deadline < (a->queue == &q->ready
                                          ? q->runs->deadline
                                          : q->until);
}

static bool atropos_wake(struct vcpu *v, s_time_t t)
{
    struct atropos_cpu *q = &per_cpu(atropos_cpu, v->processor);
    struct atropos_vcpu *a = of(v);

    if (!keeps_period(a, t)) {
        a->shift = a->start_shift;
        begin_period(a, t);
    }
    a->turn = 0;
    enter(q, a);
    return concerns(q, a);
}

static void atropos_sleep(struct vcpu *v, s_time_t t)
{
    struct atropos_cpu *q = &per_cpu(atropos_cpu, v->processor);
    struct atropos_vcpu *a = of(v);

    if (q->runs == a) {
        account(q, t);
        q->runs = NULL;
    }
    a->yielded = false;
    leave(a);
}

/* In extra time its turn is over; else the next decision passes it by. */
static void atropos_yield(struct vcpu *v)
{
    struct atropos_cpu *q = &per_cpu(atropos_cpu, v->processor);

    if (q->in_extra)
        end_turn(q, of(v));
    else
        of(v)->yielded = true;
}

/* ---- the decision ---- */

static struct atropos_vcpu *next_extra(const struct atropos_cpu *q)
{
    return list_empty(&q->extra)
               ? NULL
               : of(list_first_entry(&q->extra, struct vcpu, run_list));
}

static struct atropos_vcpu *choose(struct atropos_cpu *q)
{
    struct atropos_vcpu *a = of_node(q->ready.first), *other;

    if (a && a == q->runs && a->yielded) {
        other = of_node(runq_second(&q->ready));
        if (!other)
            other = next_extra(q);
        a = other ? other : a;
    } else if (!a) {
        a = next_extra(q);
    }
    if (q->runs)
        q->runs->yielded = false;
    return a;
}

/* How long it may run; 0: as long as nothing happens. */
static s_time_t run_length(const struct atropos_cpu *q,
                           const struct atropos_vcpu *a, s_time_t t)
{
    const struct atropos_vcpu *first = of_node(q->waiting.first);
    bool shared = q->extra.next != q->extra.prev || q->ready.first;
    s_time_t run = q->in_extra ? shared ? EXTRA_TURN - a->turn : 0
                               : (s_time_t)a->left;

    if (first && (!run || first->deadline - t < run))
        run = first->deadline - t;
    return run ? max(run, RUN_MIN) : 0;
}

static struct sched_decision atropos_pick_next(unsigned cpu, s_time_t t)
{
    struct atropos_cpu *q = &per_cpu(atropos_cpu, cpu);
    struct atropos_vcpu *a;
    s_time_t run = 0;

    account(q, t);
    begin_periods(q, t);
    a = choose(q);
    q->runs = a;
    q->since = t;
    q->in_extra = a && a->queue != &q->ready;
    if (a)
        run = run_length(q, a, t);
    else if (q->waiting.first)
        run = of_node(q->waiting.first)->deadline - t;
    q->until = run ? t + run : 0;
    return (struct sched_decision){a ? a->v : NULL, run};
}

/* ---- parameters ---- */

static int atropos_check_domain(const int64_t *value)
{
    if (value[SLICE] > value[PERIOD] || value[LATENCY] > value[PERIOD])
        return -EINVAL;
    /* It would never run. */
    return value[SLICE] || value[XTRATIME] ? 0 : -EINVAL;
}

static void atropos_set_vcpu(struct vcpu *v, const int64_t *value, s_time_t t)
{
    struct atropos_cpu *q = &per_cpu(atropos_cpu, v->processor);
    struct atropos_vcpu *a = of(v);
    bool awake = a->queue || !list_empty(&v->run_list);

    account(q, t);
    leave(a);
    a->period = (s_time_t)value[PERIOD];
    a->slice = (s_time_t)value[SLICE];
    a->xtratime = value[XTRATIME];
    for (a->start_shift = 0;
         a->period >> a->start_shift > (s_time_t)value[LATENCY];)
        a->start_shift++;
    a->shift = 0;
    a->left = 0;
    begin_period(a, t);
    if (awake)
        enter(q, a);
}

static uint32_t atropos_demand(const int64_t *value)
{
    return (uint32_t)DIV_ROUND_UP((uint64_t)value[SLICE] * MILLION,
                                  (uint64_t)value[PERIOD]);
}

static void atropos_renounce(int64_t *value)
{
    value[SLICE] = 0;
    value[XTRATIME] = 1;
}

static void atropos_dump_cpu(unsigned cpu)
{
    struct atropos_cpu *q = &per_cpu(atropos_cpu, cpu);
    struct atropos_vcpu *a = of_node(q->ready.first);
    struct vcpu *v;

    if (a)
        printk("    first d%uv%u, %ld us left\n", a->v->domain->domain_id,
               a->v->vcpu_id, (long)a->left / 1000);
    list_for_each_entry(v, &q->extra, run_list)
        printk("    extra d%uv%u\n", v->domain->domain_id, v->vcpu_id);
}

SCHEDULER(atropos_scheduler) = {
    .name = "Atropos",
    .opt_name = "atropos",
    .sched_id = SCHED_ID_ATROPOS,
    .vcpu_size = sizeof(struct atropos_vcpu),
    .pick_next = atropos_pick_next,
    .init_cpu = atropos_init_cpu,
    .init_vcpu = atropos_init_vcpu,
    .wake = atropos_wake,
    .sleep = atropos_sleep,
    .yield = atropos_yield,
    .dump_cpu = atropos_dump_cpu,
    .domain_params = domain_params,
    .check_domain = atropos_check_domain,
    .set_vcpu = atropos_set_vcpu,
    .demand = atropos_demand,
    .renounce = atropos_renounce,
};
