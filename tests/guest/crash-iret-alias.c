/*
 * The iret hypercall with its frame where the hypervisor maps a page of the
 * guest's for itself: good as the frame is, it is not read from there.
 *
 * ends: crash
 */
#include "guest.h"
const char test_title[] = "an iret frame in the hypervisor's window";

static void went_on(void)
{
    failure("the frame was read");
    finish();
}

void test_main(void)
{
    uint64_t *page = alloc_page();
    const uint64_t frame[] = {0, 0, 0, 0, (unsigned long)went_on,
                              FLAT_KERNEL_CS & ~3UL, 2,
                              (unsigned long)alloc_page() + PAGE_SIZE - 8,
                              FLAT_KERNEL_SS};

    memcpy(page, frame, sizeof(frame));
    __asm__ volatile("movq %0,%%rsp; movl $23,%%eax; syscall" ::"r"(
        HYPERVISOR_WINDOW + virt_to_mfn(page) * PAGE_SIZE));
}
