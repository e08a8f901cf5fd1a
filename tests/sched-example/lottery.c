/*
 * An example of a scheduler: each decision draws a ticket, and its owner runs
 * for a turn. A domain's vCPUs have as many tickets as its parameter says.
 *
 * This is all that a policy needs: one file, linked into the hypervisor
 * (make EXTRA=tests/sched-example/lottery.c), chosen by sched=lottery.
 * docs/scheduling.md goes through it.
 */
#include "arch/x86/percpu.h"
#include "lib/list.h"
#include "sched/sched.h"

#define TURN MILLISECS(10)

/* What the tools may set for a domain. */
static const struct sched_param domain_params[] = {
    {"tickets", XENO_SCHED_UNIT_NUMBER, 1, 1000, 100, 100},
    {0},
};

/* Our data of a vCPU: the core allocates it. */
struct lottery_vcpu {
    unsigned tickets;
};

/* ... and of a CPU. */
struct lottery_cpu {
    struct list_head awake;
    unsigned tickets; /* of all these */
    uint64_t seed;
};
static DEFINE_PER_CPU(struct lottery_cpu, lottery_cpu);

static struct lottery_vcpu *of(const struct vcpu *v)
{
    return v->sched_priv;
}

static int lottery_init_cpu(unsigned cpu)
{
    list_init(&per_cpu(lottery_cpu, cpu).awake);
    per_cpu(lottery_cpu, cpu).seed = cpu + 1;
    return 0;
}

/* True: the CPU is to decide at once. It idles, or has no timer. */
static bool lottery_wake(struct vcpu *v, s_time_t t)
{
    struct lottery_cpu *q = &per_cpu(lottery_cpu, v->processor);
    bool alone = q->awake.next == q->awake.prev;

    (void)t;
    list_add_tail(&v->run_list, &q->awake);
    q->tickets += of(v)->tickets;
    return alone;
}

static void lottery_sleep(struct vcpu *v, s_time_t t)
{
    (void)t;
    list_del(&v->run_list);
    per_cpu(lottery_cpu, v->processor).tickets -= of(v)->tickets;
}

static uint64_t draw(struct lottery_cpu *q)
{
    q->seed = q->seed * 6364136223846793005UL + 1442695040888963407UL;
    return (q->seed >> 33) % q->tickets;
}

static struct sched_decision lottery_pick_next(unsigned cpu, s_time_t t)
{
    struct lottery_cpu *q = &per_cpu(lottery_cpu, cpu);
    uint64_t ticket;
    struct vcpu *v;

    (void)t;
    if (list_empty(&q->awake))
        return (struct sched_decision){NULL, 0};
    ticket = draw(q);
    list_for_each_entry(v, &q->awake, run_list) {
        if (ticket < of(v)->tickets)
            break;
        ticket -= of(v)->tickets;
    }
    return (struct sched_decision){v, q->awake.next == q->awake.prev ? 0
                                                                     : TURN};
}

/* Its domain's parameters, at first and whenever they change. */
static void lottery_set_vcpu(struct vcpu *v, const int64_t *value, s_time_t t)
{
    struct lottery_cpu *q = &per_cpu(lottery_cpu, v->processor);

    (void)t;
    if (v->sched_queued)
        q->tickets += (unsigned)value[0] - of(v)->tickets;
    of(v)->tickets = (unsigned)value[0];
}

SCHEDULER(lottery_scheduler) = {
    .name = "Lottery",
    .opt_name = "lottery",
    .sched_id = 40,
    .vcpu_size = sizeof(struct lottery_vcpu),
    .pick_next = lottery_pick_next,
    .init_cpu = lottery_init_cpu,
    .wake = lottery_wake,
    .sleep = lottery_sleep,
    .domain_params = domain_params,
    .set_vcpu = lottery_set_vcpu,
};
