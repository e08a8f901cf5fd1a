/* The fuzzing vCPUs. */
#include "fuzz.h"

const char test_title[] = "hypercall fuzzer";
struct fuzz fuzzers[RACERS];

static unsigned long seed = 1, seconds = 10, max_calls = ~0UL, nr_vcpus = 2;
static bool trace;
static volatile bool stop;
static volatile unsigned stopped;
static uint64_t end_time;

/* For each hypercall: how often, and how often without an error. */
static struct {
    unsigned long calls, good;
} statistics[64];

/* ---- the command line ---- */

static bool option(const char *line, const char *name, unsigned long *value)
{
    const char *p = strstr(line, name);

    if (!p)
        return false;
    for (p += strlen(name), *value = 0; *p >= '0' && *p <= '9'; p++)
        *value = *value * 10 + (unsigned long)(*p - '0');
    return true;
}

static void read_options(void)
{
    const char *line = (const char *)start_info->cmd_line;

    (void)option(line, "seed=", &seed);
    (void)option(line, "seconds=", &seconds);
    (void)option(line, "calls=", &max_calls);
    (void)option(line, "vcpus=", &nr_vcpus);
    trace = strstr(line, "trace") != NULL;
}

/* ---- one call ---- */

static void make_from(struct fuzz *z, const struct maker *m, struct call *c)
{
    unsigned total = 0, at;
    const struct maker *k;

    for (k = m; k->make; k++)
        total += k->weight;
    at = below(z, total);
    for (k = m; at >= k->weight; k++)
        at -= k->weight;
    memset(c, 0, sizeof(*c));
    k->make(z, c);
}

static void make(struct fuzz *z, struct call *c)
{
    make_from(z, below(z, 5) < 3 ? memory_makers : other_makers, c);
}

static void show(const struct fuzz *z, const struct call *c)
{
    print("v%u #%lu: %u(%#lx, %#lx, %#lx, %#lx, %#lx)", z->id, z->calls, c->op,
          c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
}

static void finished(struct fuzz *z, const struct call *c, long ret)
{
    bool good = ret >= 0 || ret < -4095;

    z->calls++;
    if (c->op < 64) {
        statistics[c->op].calls++;
        statistics[c->op].good += good;
    }
    if (trace)
        print("v%u = %ld", z->id, ret);
    if (good && c->then)
        c->then(c, ret);
}

static void one_call(struct fuzz *z, const struct call *c)
{
    long ret;

    if (trace)
        show(z, c);
    if (c->op == __HYPERVISOR_sched_op && c->a[0] == SCHEDOP_block)
        shared_info->vcpu_info[z->id].evtchn_upcall_pending = 1;
    ret = hypercall5(c->op, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
    if (c->restore)
        restore_traps();
    finished(z, c, ret);
}

/* ---- several ---- */

static void many_calls(struct fuzz *z)
{
    struct multicall_entry m[8];
    struct call c[8], all;
    unsigned n = 1 + below(z, 8);
    long ret;

    memset(m, 0, sizeof(m));
    z->arena_used = 0; /* no argument of an entry is overwritten by a later */
    for (unsigned i = 0; i < n; i++) {
        size_t used = z->arena_used;

        make(z, &c[i]);
        while (c[i].alone) {
            z->arena_used = used; /* its arguments are not needed */
            make(z, &c[i]);
        }
        if (chance(z, WEIRD)) {
            c[i].op = __HYPERVISOR_multicall;
            c[i].then = NULL;
            c[i].a[0] = bad_pointer(z);
        }
        m[i].op = c[i].op;
        if (chance(z, WEIRD) && c[i].op >= 64)
            m[i].op |= rnd(z) << 8;
        for (unsigned j = 0; j < 5; j++)
            m[i].args[j] = c[i].a[j];
        if (trace)
            show(z, &c[i]);
    }
    memset(&all, 0, sizeof(all));
    all.op = __HYPERVISOR_multicall;
    all.a[0] = chance(z, WEIRD) ? bad_pointer(z)
                                : put_safe(z, m, n * sizeof(m[0]));
    all.a[1] = chance(z, WEIRD) ? n | any_number(z) << 32 : n;
    if (trace)
        show(z, &all);
    ret = hypercall2(all.op, all.a[0], all.a[1]);
    restore_traps();
    finished(z, &all, ret);
    if (ret || !peek(m, all.a[0], n * sizeof(m[0])))
        return;
    for (unsigned i = 0; i < n; i++)
        finished(z, &c[i], (long)m[i].result);
}

static void step(struct fuzz *z)
{
    struct call c;

    if (chance(z, 4)) {
        poke_something(z);
    } else if (chance(z, 8)) {
        many_calls(z);
    } else {
        make(z, &c);
        one_call(z, &c);
    }
}

/* ---- vCPUs ---- */

static void fuzz_on(struct fuzz *z)
{
    uint64_t begin = time_now(), next = begin;

    z->state = seed * 1000003 + z->id;
    while (!stop && z->calls < max_calls) {
        for (unsigned i = 0; i < 16 && !stop; i++)
            step(z);
        stop |= !z->id && time_now() >= end_time;
        if (z->id || (time_now() < next && !stop))
            continue;
        print("%lu s, %lu calls", (time_now() - begin) / (1000 * MS),
              fuzzers[0].calls + fuzzers[1].calls);
        next += 5000 * MS;
    }
    __atomic_add_fetch(&stopped, 1, __ATOMIC_SEQ_CST);
}

static void second_vcpu(void)
{
    fuzz_on(&fuzzers[1]);
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

static void report(void)
{
    for (unsigned i = 0; i < ARRAY_SIZE(statistics); i++)
        if (statistics[i].calls)
            print("hypercall %u: %lu calls, %lu without error", i,
                  statistics[i].calls, statistics[i].good);
}

void test_main(void)
{
    uint64_t limit;

    read_options();
    print("seed=%lu seconds=%lu calls=%lu vcpus=%lu", seed, seconds, max_calls,
          nr_vcpus);
    trap_hook = fuzz_trap;
    for (unsigned i = 0; i < RACERS; i++) {
        fuzzers[i].id = i;
        shared_info->vcpu_info[i].evtchn_upcall_mask = 1;
    }
    values_init();
    end_time = time_now() + seconds * 1000 * MS;
    if (nr_vcpus > 1)
        vcpu_start(1, second_vcpu);
    fuzz_on(&fuzzers[0]);
    stop = true;
    limit = time_now() + 60000 * MS;
    while (nr_vcpus > 1 && stopped < 2)
        if (time_now() > limit) {
            failure("vCPU 1 does not come back");
            break;
        }
    report();
}
