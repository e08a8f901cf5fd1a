/*
 * Under any policy: what it tells of itself, and that each of its domain
 * parameters can be set to its limits or is refused, with nothing changed.
 *
 * qemu: -smp 2
 */
#include "sched.h"
const char test_title[] = "the scheduler tells of itself";

static struct child child;

/* One parameter to a value: taken and seen, or refused and not seen. */
static void try(unsigned which, int64_t value, bool may)
{
    struct xeno_sched_values before, v, after;
    long ret;

    expect_eq(sched_get(child.id, &before), 0);
    v = before;
    v.value[which] = value;
    ret = sched_put(child.id, &v);
    expect(ret == -EINVAL || (may && (!ret || ret == -ENOSPC)),
           "parameter %u = %ld gave %ld", which, value, ret);
    expect_eq(sched_get(child.id, &after), 0);
    expect_eq(after.value[which], ret ? before.value[which] : value);
    expect_eq(sched_put(child.id, &before), 0);
}

static volatile unsigned turns;

static void run(void)
{
    for (;;) {
        turns++;
        yield();
    }
}

void test_main(void)
{
    const struct xeno_sched_info *info = sched_info();
    volatile unsigned *n;
    unsigned before;

    print("scheduler %s, id %d: %s", info->opt_name, info->sched_id,
          info->name);
    child_start(&child, run);
    n = child_map(&child, &turns);
    for (unsigned i = 0; i < info->nr_domain; i++) {
        const struct xeno_sched_param_info *p = &info->domain[i];

        print("parameter %s: %ld to %ld", p->name, (long)p->low,
              (long)p->high);
        expect(p->low <= p->high, "no value is allowed");
        try(i, p->low, true);
        try(i, p->high, true);
        try(i, p->low - 1, false);
        try(i, p->high + 1, false);
    }
    /* After all that it runs. */
    before = *n;
    for (unsigned i = 0; i < 100000 && *n == before; i++)
        yield();
    expect(*n != before, "the child does not run");
    child_unmap((void *)(uintptr_t)n);
    child_destroy(&child);
}
