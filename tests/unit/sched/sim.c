#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
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

    if (s->runs && !sim_vcpu(s->runs)->awake && s->policy->sleep &&
        sim_vcpu(s->runs)->v.sched_queued) {
        sim_vcpu(s->runs)->v.sched_queued = false;
        s->policy->sleep(s->runs, s->t);
    }
    d = s->policy->pick_next(SIM_CPU, s->t);
    s->decisions++;
    if (d.next) {
        assert_true(sim_vcpu(d.next)->awake);
        sim_vcpu(d.next)->waited = 0;
    } else {
        assert_true(s->may_idle || awake(s) == 0);
    }
    s->runs = d.next;
    s->slice_end = d.slice ? s->t + d.slice : 0;
}

static void set_to_start(struct sim *s, unsigned i)
{
    int64_t value[XENO_SCHED_PARAMS] = {0};
    const struct sched_param *p = s->policy->domain_params;

    for (unsigned n = 0; p[n].name; n++)
        value[n] = p[n].start;
    sim_set(s, i, value);
}

void sim_set(struct sim *s, unsigned i, const int64_t *value)
{
    s->policy->set_vcpu(&s->vcpu[i].v, value, s->t);
}

void sim_init(struct sim *s, const struct scheduler *policy)
{
    for (unsigned i = 0; s->policy && i < SIM_VCPUS; i++)
        sim_sleep(s, i); /* the policy's queues outlive a test */
    memset(s, 0, sizeof(*s));
    s->policy = policy;
    s->t = SECONDS(1);
    if (policy->init_cpu)
        assert_int_equal(policy->init_cpu(SIM_CPU), 0);
    for (unsigned i = 0; i < SIM_VCPUS; i++) {
        struct sim_vcpu *w = &s->vcpu[i];

        w->d.domain_id = (domid_t)i;
        w->v.domain = &w->d;
        w->v.processor = SIM_CPU;
        list_init(&w->v.run_list);
        if (policy->vcpu_size) {
            assert_true(policy->vcpu_size <= sizeof(w->data));
            w->v.sched_priv = w->data;
        }
        if (policy->init_vcpu)
            policy->init_vcpu(&w->v);
        if (policy->set_vcpu)
            set_to_start(s, i);
    }
}

void sim_wake(struct sim *s, unsigned i)
{
    struct sim_vcpu *w = &s->vcpu[i];
    bool preempt = false;

    w->awake = true;
    if (!w->v.sched_queued) {
        w->v.sched_queued = true;
        preempt = s->policy->wake(&w->v, s->t);
    }
    if (preempt)
        decide(s);
    /* no CPU idles with work to do */
    assert_true(s->may_idle || s->runs != NULL);
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
        s->policy->sleep(&w->v, s->t);
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

static void random_step(struct sim *s, s_time_t longest,
                        void (*change)(unsigned i))
{
    unsigned i = (unsigned)rand() % SIM_VCPUS;
    int choice = rand() % (change ? 5 : 4);

    if (choice == 0) {
        sim_wake(s, i);
    } else if (choice == 1) {
        sim_sleep(s, i);
    } else if (choice == 2) {
        if (s->runs)
            sim_yield(s);
    } else if (choice == 3 && change) {
        if (rand() % 10 == 0)
            change(i);
    } else {
        sim_run(s, rand() % longest);
    }
}

void sim_random_load(struct sim *s, unsigned steps, s_time_t longest,
                     void (*change)(unsigned i))
{
    srand(42);
    while (steps--)
        random_step(s, longest, change);
}
