/*
 * The iret hypercall with its frame in the hypervisor's region ends the
 * domain.
 *
 * ends: crash
 */
#include "guest.h"
const char test_title[] = "an iret frame in the hypervisor's region";

void test_main(void)
{
    __asm__ volatile("movq %0,%%rsp; movl $23,%%eax; syscall" ::"r"(
        HYPERVISOR_VIRT_START + 4096));
}
