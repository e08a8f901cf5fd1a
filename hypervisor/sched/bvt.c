/*
 * Borrowed virtual time (Duda and Cheriton, SOSP 1999).
 *
 * A vCPU's actual virtual time advances by mcuadv for each ns that it runs:
 * its weight is 1 / mcuadv. The one with the least effective virtual time runs:
 * that is the actual one, less `warp` while it is warped. The CPU's virtual
 * time (svt) is the least actual one of its runnable vCPUs and never goes
 * back; who wakes begins there at the earliest, so sleeping earns nothing.
 *
 * A vCPU runs until it has overtaken the next one by ctx_allow of its own
 * running time. One that wakes with no more than all others have is served at
 * once. Virtual times have 128 bits: they are sums of exact products, neither
 * rounded nor ever wrapping. Those of the runnable ones of a CPU are close
 * together, so that 64 bits are enough to order them.
 *
 * Warping begins with waking and ends with sleeping, or when it has run for
 * warpl; then it may not warp for warpu, or, if that is 0, until it has slept.
 *
 * The runnable ones, with the one that runs, are in two queues: `plain` by
 * actual and `warped` by effective virtual time. The heads of both tell who is
 * next, and svt.
 */
#include "arch/x86/percpu.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "sched/runq.h"
#include "sched/sched.h"

#define MCUADV_START 10
#define SLICE_MAX SECONDS(10)
#define NEVER (~(s_time_t)0)

typedef __int128 vtime_t;

enum { CTX_ALLOW, MCU };
static const struct sched_param global_params[] = {
    {"ctx_allow", XENO_SCHED_UNIT_NS, MICROSECS(100), SECONDS(1), 0, 0},
    {"mcu", XENO_SCHED_UNIT_NS, MICROSECS(10), MILLISECS(10), 0, 0},
    {0},
};
static int64_t globals[] = {
    [CTX_ALLOW] = MILLISECS(5), [MCU] = MICROSECS(100)};

enum { MCUADV, WARPBACK, WARP, WARPL, WARPU };
static const struct sched_param domain_params[] = {
    {"mcuadv", XENO_SCHED_UNIT_NUMBER, 1, 10000, MCUADV_START, MCUADV_START},
    {"warpback", XENO_SCHED_UNIT_FLAG, 0, 1, 0, 0},
    {"warp", XENO_SCHED_UNIT_NS, 0, SECONDS(10), 0, 0},
    {"warpl", XENO_SCHED_UNIT_NS, 0, SECONDS(3600), SECONDS(2), SECONDS(2)},
    {"warpu", XENO_SCHED_UNIT_NS, 0, SECONDS(3600), SECONDS(1), SECONDS(1)},
    {0},
};

struct bvt_vcpu {
    struct runq_node node;
    struct vcpu *v;
    vtime_t avt;
    vtime_t lead;          /* asleep: how far it was ahead of svt */
    unsigned cpu;          /* whose virtual time avt is in */
    uint32_t mcuadv;
    bool warpback;
    bool warped, yielded;
    uint64_t warp;         /* virtual time */
    s_time_t warpl, warpu; /* ns */
    s_time_t warp_ran;     /* while warped, since it woke */
    s_time_t unwarp_until;
};

struct bvt_cpu {
    struct runq plain, warped;
    vtime_t svt;
    vtime_t furthest;     /* that any of its vCPUs has come */
    bool alone;           /* nobody else was there at the last decision */
    runq_key_t limit;     /* else: a waker not above it is to be looked at */
    struct bvt_vcpu *runs; /* NULL: idle */
    s_time_t since;       /* up to then its running is in its avt */
};
static DEFINE_PER_CPU(struct bvt_cpu, bvt_cpu);

static struct bvt_vcpu *of(const struct vcpu *v)
{
    return v->sched_priv;
}

static struct bvt_vcpu *of_node(struct runq_node *n)
{
    return n ? container_of(n, struct bvt_vcpu, node) : NULL;
}

/* Effective virtual time, as the queues know it. */
static runq_key_t evt(const struct bvt_vcpu *b)
{
    return (runq_key_t)b->avt - (b->warped ? b->warp : 0);
}

static struct runq *queue_of(struct bvt_cpu *q, const struct bvt_vcpu *b)
{
    return b->warped ? &q->warped : &q->plain;
}

static void set_warped(struct bvt_cpu *q, struct bvt_vcpu *b, bool warped)
{
    bool queued = runq_queued(&b->node);

    if (b->warped == warped)
        return;
    if (queued)
        runq_remove(queue_of(q, b), &b->node);
    b->warped = warped;
    b->warp_ran = 0;
    if (queued)
        runq_insert(queue_of(q, b), &b->node, evt(b));
}

/* It has run for so long: has it warped enough, or may it again? */
static __cold void account_warp(struct bvt_cpu *q, struct bvt_vcpu *b,
                                s_time_t ran, s_time_t t)
{
    if (!b->warped) {
        set_warped(q, b, t >= b->unwarp_until);
        return;
    }
    b->warp_ran += ran;
    if (!b->warpl || b->warp_ran < b->warpl)
        return;
    b->unwarp_until = b->warpu ? t + b->warpu : NEVER;
    set_warped(q, b, false);
}

static void update_svt(struct bvt_cpu *q)
{
    const struct bvt_vcpu *p = of_node(q->plain.first);
    const struct bvt_vcpu *w = of_node(q->warped.first);
    vtime_t least = !p || (w && w->avt < p->avt) ? w->avt : p->avt;

    if (q->svt < least)
        q->svt = least;
}

/* Up to t. */
static void account(struct bvt_cpu *q, s_time_t t)
{
    struct bvt_vcpu *b = q->runs;
    s_time_t ran = t - q->since;

    if (!b || t <= q->since)
        return;
    q->since = t;
    b->avt += (vtime_t)ran * b->mcuadv;
    if (q->furthest < b->avt)
        q->furthest = b->avt;
    runq_change(queue_of(q, b), &b->node, evt(b));
    if (unlikely(b->warpback))
        account_warp(q, b, ran, t);
    update_svt(q);
}

static __cold void bvt_init_vcpu(struct vcpu *v)
{
    of(v)->v = v;
    of(v)->cpu = v->processor;
}

/* No credit for having slept, and none for coming from another CPU. */
static void begin_at(struct bvt_cpu *q, struct bvt_vcpu *b, unsigned cpu)
{
    if (b->cpu != cpu) {
        b->cpu = cpu;
        b->avt = q->svt + b->lead;
    } else if (b->avt < q->svt) {
        b->avt = q->svt;
    }
}

static bool bvt_wake(struct vcpu *v, s_time_t t)
{
    struct bvt_cpu *q = &per_cpu(bvt_cpu, v->processor);
    struct bvt_vcpu *b = of(v);

    account(q, t);
    begin_at(q, b, v->processor);
    b->warped = b->warpback && (!b->warpu || t >= b->unwarp_until);
    b->warp_ran = 0;
    runq_insert_before(queue_of(q, b), &b->node, evt(b));
    return !q->runs || q->alone || !runq_before(q->limit, evt(b));
}

static void bvt_sleep(struct vcpu *v, s_time_t t)
{
    struct bvt_cpu *q = &per_cpu(bvt_cpu, v->processor);
    struct bvt_vcpu *b = of(v);

    account(q, t);
    runq_remove(queue_of(q, b), &b->node);
    b->warped = b->yielded = false;
    b->lead = b->avt > q->svt ? b->avt - q->svt : 0;
    if (q->runs == b)
        q->runs = NULL;
}

/* The next decision passes it by: see pass. */
static void bvt_yield(struct vcpu *v)
{
    of(v)->yielded = true;
}

/* The two of least effective virtual time; *second may be NULL. */
static struct bvt_vcpu *first_two(struct bvt_cpu *q, struct bvt_vcpu **second)
{
    struct bvt_vcpu *p = of_node(q->plain.first);
    struct bvt_vcpu *w = of_node(q->warped.first), *next;
    bool warped = w && (!p || !runq_before(evt(p), evt(w)));

    next = of_node(runq_second(warped ? &q->warped : &q->plain));
    *second = warped ? p : w;
    if (!*second || (next && runq_before(evt(next), evt(*second))))
        *second = next;
    return warped ? w : p;
}

/* How long `b` may run before it has overtaken `next` by enough. */
static s_time_t slice(const struct bvt_vcpu *b, const struct bvt_vcpu *next)
{
    int64_t gap = (int64_t)(evt(next) - evt(b));
    s_time_t mcu = (s_time_t)READ_ONCE(globals[MCU]);
    s_time_t run = (s_time_t)READ_ONCE(globals[CTX_ALLOW]);

    if (gap > 0)
        run += min((s_time_t)gap / b->mcuadv, SLICE_MAX);
    if (b->warped && b->warpl)
        run = min(run, b->warpl - b->warp_ran);
    return DIV_ROUND_UP(run, mcu) * mcu;
}

/* Did the one that runs yield? Only the decision that follows heeds it. */
static bool passes(struct bvt_cpu *q)
{
    bool yielded = q->runs && q->runs->yielded;

    if (yielded)
        q->runs->yielded = false;
    return yielded;
}

/*
 * Gives up its turn to all that want one: else two that only yield would hand
 * the CPU to each other, and one that has work would wait until they have had
 * as much of it.
 */
static struct bvt_vcpu *pass(struct bvt_cpu *q, struct bvt_vcpu **second)
{
    struct bvt_vcpu *b = q->runs, *first;

    if (b->avt < q->furthest)
        b->avt = q->furthest;
    runq_change(queue_of(q, b), &b->node, evt(b));
    update_svt(q);
    first = first_two(q, second);
    if (first == b) {
        first = *second;
        *second = b;
    }
    return first;
}

static struct sched_decision bvt_pick_next(unsigned cpu, s_time_t t)
{
    struct bvt_cpu *q = &per_cpu(bvt_cpu, cpu);
    struct bvt_vcpu *b, *next;

    account(q, t);
    b = first_two(q, &next);
    if (unlikely(passes(q)) && next)
        b = pass(q, &next);
    q->runs = b;
    q->since = t;
    q->alone = !next;
    q->limit = next ? evt(next) : 0;
    return (struct sched_decision){b ? b->v : NULL,
                                   next ? slice(b, next) : 0};
}

/* ---- parameters ---- */

static __cold int bvt_check_globals(const int64_t *value)
{
    return value[MCU] <= value[CTX_ALLOW] ? 0 : -EINVAL;
}

static __cold void bvt_set_vcpu(struct vcpu *v, const int64_t *value,
                                s_time_t t)
{
    struct bvt_cpu *q = &per_cpu(bvt_cpu, v->processor);
    struct bvt_vcpu *b = of(v);

    account(q, t);
    b->mcuadv = (uint32_t)value[MCUADV];
    set_warped(q, b, false);
    b->warpback = value[WARPBACK];
    b->warp = (uint64_t)value[WARP] * MCUADV_START;
    b->warpl = (s_time_t)value[WARPL];
    b->warpu = (s_time_t)value[WARPU];
    b->unwarp_until = 0;
}

static __cold void bvt_dump_cpu(unsigned cpu)
{
    struct bvt_cpu *q = &per_cpu(bvt_cpu, cpu);
    struct bvt_vcpu *next, *b = first_two(q, &next);

    if (b)
        printk("    first d%uv%u%s, %ld ahead of virtual time\n",
               b->v->domain->domain_id, b->v->vcpu_id,
               b->warped ? " (warped)" : "", (long)(b->avt - q->svt));
}

SCHEDULER(bvt_scheduler) = {
    .name = "Borrowed virtual time",
    .opt_name = "bvt",
    .sched_id = SCHED_ID_BVT,
    .vcpu_size = sizeof(struct bvt_vcpu),
    .pick_next = bvt_pick_next,
    .init_vcpu = bvt_init_vcpu,
    .wake = bvt_wake,
    .sleep = bvt_sleep,
    .yield = bvt_yield,
    .dump_cpu = bvt_dump_cpu,
    .global_params = global_params,
    .globals = globals,
    .check_globals = bvt_check_globals,
    .domain_params = domain_params,
    .set_vcpu = bvt_set_vcpu,
};
