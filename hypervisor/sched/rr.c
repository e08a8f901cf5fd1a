/*
 * Round robin: each CPU's runnable vCPUs take turns of one quantum.
 *
 * A CPU's queue holds all its runnable vCPUs, the running one included and in
 * front. At the end of its quantum the front goes to the back. A vCPU that is
 * alone gets no quantum, so that no timer disturbs it; `since` remembers how
 * long it has had the CPU, and one that wakes meanwhile waits for what is left
 * of the quantum.
 */
#include "arch/x86/percpu.h"
#include "lib/errno.h"
#include "lib/list.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "sched/sched.h"

#define SLICE_DEFAULT 10000u /* us */
#define SLICE_MIN 100u
#define SLICE_MAX 1000000u

struct rr_queue {
    struct list_head vcpus;
    struct vcpu *front; /* whose turn it is; NULL: idle */
    s_time_t since;     /* when its turn began */
};
static DEFINE_PER_CPU(struct rr_queue, rr_queue);

/* sched_rr_slice=MICROSECONDS */
static unsigned slice_us = SLICE_DEFAULT;
PARAM_UINT("sched_rr_slice", slice_us);

static const struct sched_param global_params[] = {
    {"slice", XENO_SCHED_UNIT_NS, MICROSECS(SLICE_MIN), MICROSECS(SLICE_MAX), 0,
     0},
    {0},
};
static int64_t globals[1];

static s_time_t quantum(void)
{
    return (s_time_t)READ_ONCE(globals[0]);
}

static int rr_init_cpu(unsigned cpu)
{
    if (!globals[0])
        globals[0] = MICROSECS(min(max(slice_us, SLICE_MIN), SLICE_MAX));
    list_init(&per_cpu(rr_queue, cpu).vcpus);
    return 0;
}

static bool alone(const struct rr_queue *q)
{
    return q->vcpus.next->next == &q->vcpus;
}

/*
 * Preempts the idle vCPU; and one that is alone, because it has no timer: the
 * next decision gives it one, or ends its turn.
 */
static bool rr_wake(struct vcpu *v, s_time_t t)
{
    struct rr_queue *q = &per_cpu(rr_queue, v->processor);
    bool decide = list_empty(&q->vcpus) || alone(q);

    (void)t;
    list_add_tail(&v->run_list, &q->vcpus);
    return decide;
}

static void rr_sleep(struct vcpu *v, s_time_t t)
{
    struct rr_queue *q = &per_cpu(rr_queue, v->processor);

    (void)t;
    list_del(&v->run_list);
    if (q->front == v)
        q->front = NULL;
}

/* Its turn is over. */
static void rr_yield(struct vcpu *v)
{
    struct rr_queue *q = &per_cpu(rr_queue, v->processor);

    if (list_empty(&v->run_list))
        return;
    list_del(&v->run_list);
    list_add_tail(&v->run_list, &q->vcpus);
    if (q->front == v)
        q->front = NULL;
}

static struct sched_decision rr_pick_next(unsigned cpu, s_time_t t)
{
    struct rr_queue *q = &per_cpu(rr_queue, cpu);
    s_time_t used = t - q->since;
    struct vcpu *v;

    if (q->front && used >= quantum())
        rr_yield(q->front);
    if (list_empty(&q->vcpus))
        return (struct sched_decision){NULL, 0};
    v = list_first_entry(&q->vcpus, struct vcpu, run_list);
    if (v != q->front) {
        q->front = v;
        q->since = t;
        used = 0;
    }
    return (struct sched_decision){v, alone(q) ? 0 : quantum() - used};
}

static void rr_dump_cpu(unsigned cpu)
{
    struct rr_queue *q = &per_cpu(rr_queue, cpu);
    struct vcpu *v;

    list_for_each_entry(v, &q->vcpus, run_list)
        printk("    d%uv%u%s\n", v->domain->domain_id, v->vcpu_id,
               v == q->front ? " *" : "");
}

SCHEDULER(rr_scheduler) = {
    .name = "Round robin",
    .opt_name = "rr",
    .sched_id = SCHED_ID_RR,
    .pick_next = rr_pick_next,
    .init_cpu = rr_init_cpu,
    .wake = rr_wake,
    .sleep = rr_sleep,
    .yield = rr_yield,
    .dump_cpu = rr_dump_cpu,
    .global_params = global_params,
    .globals = globals,
};
