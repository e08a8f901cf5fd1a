/*
 * SCHEDOP_shutdown with the reason crash.
 *
 * ends: crash
 * log: TESTING
 */
#include "guest.h"
const char test_title[] = "shutdown with the reason crash";

void test_main(void)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_crash};

    print("TESTING");
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
}
