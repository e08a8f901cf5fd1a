/*
 * All memory that the machine has left: whatever was in it before - modules,
 * start-up code, another domain - is gone when this domain gets it.
 *
 * options: dom0_mem=64M,max:240M
 * timeout: 90
 */
#include "domain.h"
const char test_title[] = "new memory is empty";

#define BATCH 64
#define VIEW 0x900000UL

static xen_pfn_t frames[BATCH];

static long increase(void)
{
    struct xen_memory_reservation r = {.nr_extents = BATCH,
                                       .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, frames);
    return hypercall2(__HYPERVISOR_memory_op, XENMEM_increase_reservation, &r);
}

static bool is_empty(unsigned long mfn)
{
    const uint64_t *word = (uint64_t *)VIEW;
    uint64_t any = 0;

    expect_eq(update_va(VIEW, PTE(mfn, PTE_P | PTE_US | PTE_AD), UVMF_INVLPG),
              0);
    for (unsigned i = 0; i < PAGE_SIZE / 8; i++)
        any |= word[i];
    return !any;
}

/* A domain that leaves a copy of this kernel behind. */
static void leave_traces(void)
{
    static struct child child;
    uint64_t end = system_time() + 20000 * MS;

    child_new(&child);
    child_populate(&child);
    child_tables(&child);
    expect_eq(child_destroy(&child), 0);
    while (domctl_plain(XEN_DOMCTL_pausedomain, child.id) != -ESRCH)
        if (system_time() > end)
            error("the domain does not end");
}

void test_main(void)
{
    unsigned long taken = 0, full = 0;
    long n;

    leave_traces();
    expect_eq(kernel_map(VIEW, PTE(pfn_to_mfn(0), PTE_P | PTE_US | PTE_AD)), 0);
    do {
        n = increase();
        for (long i = 0; i < n; i++)
            if (!is_empty(frames[i]) && !full++)
                failure("frame %#lx is not empty", frames[i]);
        taken += n > 0 ? (unsigned long)n : 0;
    } while (n == BATCH);
    print("%lu frames taken, %lu not empty", taken, full);
    expect(taken >= 4096, "only %lu frames could be had", taken);
}
