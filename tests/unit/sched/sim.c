#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "lib/printk.h"
#include "sched/sim.h"

void printk(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
}

static struct sim_vcpu *sim_vcpu(struct vcpu *v)
{
    return container_of(v, struct sim_vcpu, v);
}

static unsigned awake(const struct sim *s)
{
    unsigned n = 0;

    for (unsigned i = 0; i < SIM_VCPUS; i++)
        n += s->vcpu[i].awake;
    return n;
}

static void pass(struct sim *s, s_time_t ns)
{
    for (unsigned i = 0; i < SIM_VCPUS; i++) {
        struct sim_vcpu *w = &s->vcpu[i];

        if (&w->v == s->runs) {
            w->ran += ns;
        } else if (w->awake) {
            w->waited += ns;
            w->longest_wait = max(w->longest_wait, w->waited);
        }
    }
    s->t += ns;
}

static void decide(struct sim *s)
{
    struct sched_decision d;

    if (s->runs && s->policy->charge && s->t > s->since)
        s->policy->charge(s->runs, s->t - s->since);
    s->since = s->t;
    if (s->runs && !sim_vcpu(s->runs)->awake && s->policy->sleep &&
        sim_vcpu(s->runs)->v.sched_queued) {
        sim_vcpu(s->runs)->v.sched_queued = false;
        s->policy->sleep(s->runs);
    }
    d = s->policy->pick_next(SIM_CPU, s->t);
    s->decisions++;
    if (d.next) {
        assert_true(sim_vcpu(d.next)->awake);
        sim_vcpu(d.next)->waited = 0;
    } else {
        assert_int_equal(awake(s), 0);
    }
    s->runs = d.next;
    s->slice_end = d.next && d.slice ? s->t + d.slice : 0;
}

void sim_init(struct sim *s, const struct scheduler *policy)
{
    memset(s, 0, sizeof(*s));
    s->policy = policy;
    s->t = s->since = SECONDS(1);
    if (policy->init_cpu)
        assert_int_equal(policy->init_cpu(SIM_CPU), 0);
    for (unsigned i = 0; i < SIM_VCPUS; i++) {
        struct sim_vcpu *w = &s->vcpu[i];

        w->d.domain_id = (domid_t)i;
        w->v.domain = &w->d;
        w->v.processor = SIM_CPU;
        list_init(&w->v.run_list);
        if (policy->init_vcpu)
            assert_int_equal(policy->init_vcpu(&w->v), 0);
    }
}

void sim_wake(struct sim *s, unsigned i)
{
    struct sim_vcpu *w = &s->vcpu[i];
    bool preempt = false;

    w->awake = true;
    if (!w->v.sched_queued) {
        w->v.sched_queued = true;
        preempt = s->policy->wake(&w->v);
    }
    if (preempt)
        decide(s);
    assert_non_null(s->runs); /* no CPU idles with work to do */
}

void sim_sleep(struct sim *s, unsigned i)
{
    struct sim_vcpu *w = &s->vcpu[i];

    w->awake = false;
    w->waited = 0;
    if (s->runs == &w->v) {
        decide(s);
    } else if (w->v.sched_queued) {
        w->v.sched_queued = false;
        s->policy->sleep(&w->v);
    }
}

void sim_yield(struct sim *s)
{
    assert_non_null(s->runs);
    s->policy->yield(s->runs);
    decide(s);
}

void sim_run(struct sim *s, s_time_t ns)
{
    s_time_t end = s->t + ns;

    while (s->slice_end && s->slice_end <= end) {
        pass(s, s->slice_end - s->t);
        decide(s);
    }
    pass(s, end - s->t);
}
