/*
 * A kernel stack in the hypervisor's region: nothing is written there; the
 * trap that needs it ends the domain, and nothing else.
 *
 * ends: crash
 */
#include "guest.h"
const char test_title[] = "a kernel stack in the hypervisor's region";

USER_SNIPPET(user_stop, "int3");

void test_main(void)
{
    struct trap_frame f;

    user_trap_stack = HYPERVISOR_VIRT_START + (5UL << 39) + 4096;
    RUN_USER(user_stop, 0, &f);
}
