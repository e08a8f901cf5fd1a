/*
 * A trap without a handler ends the domain.
 *
 * ends: crash
 */
#include "guest.h"
const char test_title[] = "a fault without a handler";

void test_main(void)
{
    hypercall1(__HYPERVISOR_set_trap_table, 0);
    __asm__ volatile("movb $1,0x10" ::: "memory");
}
