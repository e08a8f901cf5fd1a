/*
 * A kernel stack where the hypervisor maps a page of the guest's for itself:
 * there is memory that can be written, but not for a guest.
 *
 * ends: crash
 */
#include "guest.h"
const char test_title[] = "a kernel stack in the hypervisor's window";

USER_SNIPPET(user_stop, "int3");

void test_main(void)
{
    struct trap_frame f;

    user_trap_stack = HYPERVISOR_WINDOW +
                      (virt_to_mfn(alloc_page()) + 1) * PAGE_SIZE;
    RUN_USER(user_stop, 0, &f);
}
