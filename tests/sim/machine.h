/*
 * A machine in simulated time for the scheduling policies: their own files,
 * compiled for the host, see several CPUs and thousands of vCPUs.
 *
 * Each vCPU repeats a burst (CPU time that it needs) and a sleep (time that
 * passes then); with no sleep it always wants to run. The machine does what the
 * core promises to a policy (sched/sched.h), and checks each decision: a vCPU
 * that is picked is awake and of this CPU, and no CPU idles while one is, unless
 * `may_idle`. A failed check ends the program.
 */
#ifndef SIM_MACHINE_H
#define SIM_MACHINE_H

#include "sched/sched.h"

#define SIM_CPUS 16
#define FOREVER (~(s_time_t)0)

struct sim_vcpu {
    struct vcpu v;
    void *data;             /* the policy's */
    bool awake;
    s_time_t burst, sleep;  /* means; sleep 0: always awake */
    s_time_t need;          /* of its burst; FOREVER */
    s_time_t wakes_at;      /* asleep; FOREVER: not by itself */
    unsigned heap_at;       /* place among those that wake by themselves */
    s_time_t ran;
    s_time_t ready_since;   /* awake and waiting; FOREVER: not */
    s_time_t max_wait;
    s_time_t max_latency;   /* from waking until it runs */
    bool woke;
    uint64_t wakes;
};

struct sim_cpu {
    struct sim_vcpu *runs;
    s_time_t since, slice_end, busy;
    unsigned awake;
    uint64_t decisions, switches;
};

struct machine {
    const struct scheduler *policy;
    s_time_t t;
    unsigned cpus, vcpus;
    bool may_idle;
    struct sim_cpu cpu[SIM_CPUS];
    struct sim_vcpu *vcpu;
    struct sim_vcpu **heap;
    unsigned heap_size;
    uint64_t seed;
    /* Called, if set, when a vCPU begins to run after it woke. */
    void (*latency)(const struct sim_vcpu *w, s_time_t waited);
};

/* Policies as they begin, and no vCPU. */
struct machine *machine_new(const struct scheduler *policy, unsigned cpus,
                            unsigned vcpus);
void machine_free(struct machine *m);
/* Of the next values: the same in each run. */
uint64_t machine_random(struct machine *m, uint64_t below);

void sim_set(struct machine *m, unsigned i, const int64_t *value);
/* Begins to live on a CPU; it wakes at once, or after its first sleep. */
void sim_start(struct machine *m, unsigned i, unsigned cpu, s_time_t burst,
               s_time_t sleep);
void sim_wake(struct machine *m, struct sim_vcpu *w);
void sim_sleep(struct machine *m, struct sim_vcpu *w);
void sim_move(struct machine *m, struct sim_vcpu *w, unsigned cpu);
void sim_run(struct machine *m, s_time_t ns);
void sim_decide(struct machine *m, unsigned cpu);

/* ---- the checks ---- */
/* The one that runs says what went wrong; this ends it. */
void __noreturn sim_fail(const char *fmt, ...) __printf(1, 2);
#define REQUIRE(cond, ...)                                                     \
    do {                                                                       \
        if (!(cond))                                                           \
            sim_fail(__VA_ARGS__);                                             \
    } while (0)

extern const struct scheduler bvt_scheduler, atropos_scheduler, rr_scheduler;
struct scenario {
    const char *name;
    void (*run)(void);
};
extern const struct scenario bvt_scenarios[], atropos_scenarios[],
    rr_scenarios[], cost_scenarios[];
/* Remarks of a scenario: what it has found. */
void remark(const char *fmt, ...) __printf(1, 2);
/* Data for the plots, in files of this directory; NULL: none wanted. */
extern const char *plot_dir;

#endif
