/*
 * A machine of one CPU for testing a scheduling policy: it keeps vCPUs' states
 * and calls the policy in the order that the core promises (sched/sched.h).
 * Every step checks what any policy must do: it picks only awake vCPUs, and,
 * unless the test says that it may, never idles while one is awake.
 */
#ifndef TESTS_SCHED_SIM_H
#define TESTS_SCHED_SIM_H

#include "sched/sched.h"

#define SIM_VCPUS 8
#define SIM_CPU 3

struct sim_vcpu {
    struct vcpu v;
    struct domain d;
    bool awake;
    char data[512] __aligned(16); /* the policy's */
    s_time_t ran, waited, longest_wait;
};

struct sim {
    const struct scheduler *policy;
    s_time_t t;          /* now */
    s_time_t slice_end;  /* 0: no timer */
    struct vcpu *runs;   /* NULL: idle */
    struct sim_vcpu vcpu[SIM_VCPUS];
    unsigned decisions;
    bool may_idle;
};

void sim_init(struct sim *s, const struct scheduler *policy);
/* Other parameters for one of them. */
void sim_set(struct sim *s, unsigned i, const int64_t *value);
void sim_wake(struct sim *s, unsigned i);
void sim_sleep(struct sim *s, unsigned i);
void sim_yield(struct sim *s);
/* Lets time pass, with the decisions that fall due. */
void sim_run(struct sim *s, s_time_t ns);
/*
 * Random steps, always the same: wakes, sleeps, yields, time of less than
 * `longest` ns, and, if there is `change`, now and then another one for one.
 */
void sim_random_load(struct sim *s, unsigned steps, s_time_t longest,
                     void (*change)(unsigned i));

int run_rr_tests(void);
int run_bvt_tests(void);
int run_atropos_tests(void);
int run_runq_tests(void);
int run_admit_tests(void);
int run_place_tests(void);

#endif
