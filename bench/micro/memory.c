/* The reservation: frames given back and taken again. */
#include "micro.h"

#define MAX_FRAMES 256
#define FIRST 1024 /* spare frames that nothing else uses */
static xen_pfn_t frames[MAX_FRAMES];

static bool have_frames(void)
{
    static bool have;

    if (start_info->nr_pages < 8192)
        return false;
    for (unsigned i = 0; i < MAX_FRAMES && !have; i++)
        frames[i] = spare_mfn(FIRST + i);
    have = true;
    return true;
}

/* All of n frames, or an error. */
static long change(unsigned cmd, unsigned n)
{
    struct xen_memory_reservation r = {.nr_extents = n, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, frames);
    return hypercall2(__HYPERVISOR_memory_op, cmd, &r) != n;
}

#define CHANGE(n)                                                              \
    static long decrease_##n(void)                                             \
    {                                                                          \
        return change(XENMEM_decrease_reservation, n);                         \
    }                                                                          \
    static long increase_##n(void)                                             \
    {                                                                          \
        return change(XENMEM_increase_reservation, n);                         \
    }                                                                          \
    static void decrease_##n##_now(void)                                       \
    {                                                                          \
        decrease_##n();                                                        \
    }                                                                          \
    static void increase_##n##_now(void)                                       \
    {                                                                          \
        increase_##n();                                                        \
    }
CHANGE(1)
CHANGE(256)

static domid_t self = DOMID_SELF;

static long current(void)
{
    return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation,
                      &self) <= 0;
}

#define DECREASE(n)                                                            \
    .op = decrease_##n, .setup = have_frames, .post = increase_##n##_now
#define INCREASE(n)                                                            \
    .op = increase_##n, .setup = have_frames, .pre = decrease_##n##_now
const struct bench memory_benches[] = {
    {.name = "current_reservation", .op = current},
    {.name = "decrease_1", DECREASE(1)},
    {.name = "increase_1", INCREASE(1)},
    {.name = "decrease_256", DECREASE(256), .rounds = 9},
    {.name = "increase_256", INCREASE(256), .rounds = 9},
    {.name = NULL},
};
