/*
 * A domain's memory: counted exactly, may be given back and taken again, and
 * does not grow beyond its limit. Checklist rows 59 and 60.
 *
 * options: dom0_mem=64M,max:64M
 */
#include "guest.h"
const char test_title[] = "memory reservation: counts and limit";

static domid_t self = DOMID_SELF;

static long current_pages(void)
{
    return hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation,
                      &self);
}

static long memory_op(unsigned cmd, xen_pfn_t *list, unsigned long n)
{
    struct xen_memory_reservation r = {.nr_extents = n, .domid = DOMID_SELF};

    set_xen_guest_handle(r.extent_start, list);
    return hypercall2(__HYPERVISOR_memory_op, cmd, &r);
}

#define N 32
static void *pages[N];
static xen_pfn_t frames[N];

static void test_counts(long start)
{
    long max = hypercall2(__HYPERVISOR_memory_op, XENMEM_maximum_reservation,
                          &self);

    expect_eq(start, start_info->nr_pages);
    expect(max >= start, "maximum %ld, current %ld", max, start);
    expect(max <= 64 << 8, "maximum %ld for 64 MiB", max);
}

static void give_back(void)
{
    for (unsigned i = 0; i < N; i++) {
        pages[i] = alloc_page();
        frames[i] = virt_to_mfn(pages[i]);
        if (update_va((unsigned long)pages[i], 0, UVMF_INVLPG))
            error("a page cannot be unmapped");
    }
    expect_eq(memory_op(XENMEM_decrease_reservation, frames, N), N);
}

/* A frame that was given back is no longer ours. */
static void test_gone(void)
{
    for (unsigned i = 0; i < N; i++)
        expect(update_va((unsigned long)pages[i],
                         PTE(frames[i], PTE_P | PTE_RW | PTE_AD),
                         UVMF_INVLPG) < 0,
               "frame %#lx given back is mapped again", frames[i]);
    expect_eq(memory_op(XENMEM_decrease_reservation, frames, 1), 0);
}

/* Given up while mapped: once, and it goes with its last mapping. */
static void test_in_use(void)
{
    char *page = alloc_page();
    xen_pfn_t mfn = virt_to_mfn(page), pfn = virt_to_pfn(page);
    long before = current_pages();

    page[3] = 3;
    expect_eq(memory_op(XENMEM_decrease_reservation, &mfn, 1), 1);
    /* Stock Xen counts it again, but nothing more happens. */
    expect_eq(memory_op(XENMEM_decrease_reservation, &mfn, 1), !on_xeno());
    expect_eq(page[3], 3);
    expect_eq(update_va((unsigned long)page, 0, UVMF_INVLPG), 0);
    expect_eq(memory_op(XENMEM_decrease_reservation, &mfn, 1), 0);
    expect_eq(current_pages(), before - 1);
    expect_eq(memory_op(XENMEM_populate_physmap, &pfn, 1), 1);
    expect_eq(current_pages(), before);
}

static void take_again(void)
{
    unsigned i;

    for (i = 0; i < N; i++)
        frames[i] = virt_to_pfn(pages[i]);
    expect_eq(memory_op(XENMEM_populate_physmap, frames, N), N);
    for (i = 0; i < N; i++) {
        expect_eq(machine_to_phys_mapping[frames[i]], virt_to_pfn(pages[i]));
        expect_eq(update_va((unsigned long)pages[i],
                            PTE(frames[i], PTE_P | PTE_RW | PTE_AD),
                            UVMF_INVLPG),
                  0);
        memset(pages[i], (int)i, PAGE_SIZE);
    }
    for (i = 0; i < N; i++)
        expect_eq(((unsigned char *)pages[i])[77], i);
}

/* Takes frames until refused: never more than the limit. */
static void test_limit(void)
{
    long max = hypercall2(__HYPERVISOR_memory_op, XENMEM_maximum_reservation,
                          &self);
    long room = max - current_pages(), taken = 0;
    xen_pfn_t mfn;

    while (taken <= room &&
           memory_op(XENMEM_increase_reservation, &mfn, 1) == 1)
        taken++;
    print("current %ld, maximum %ld, taken %ld", current_pages(), max, taken);
    expect_eq(taken, room);
    expect_eq(current_pages(), max);
    expect_eq(memory_op(XENMEM_increase_reservation, &mfn, 1), 0);
    mfn = start_info->nr_pages + 5;
    expect_eq(memory_op(XENMEM_populate_physmap, &mfn, 1), 0);
    expect_eq(current_pages(), max);
}

static void test_bad(void)
{
    xen_pfn_t bad[3] = {0, ~0UL, 1UL << 40};
    xen_pfn_t lent = start_info->shared_info >> 12;
    domid_t other = 7;

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        expect_eq(memory_op(XENMEM_decrease_reservation, &bad[i], 1), 0);
    if (on_xeno()) /* stock Xen lets it go */
        expect_eq(memory_op(XENMEM_decrease_reservation, &lent, 1), 0);
    expect_eq(hypercall2(__HYPERVISOR_memory_op, XENMEM_current_reservation,
                         &other),
              -ESRCH);
    expect_eq(memory_op(XENMEM_decrease_reservation, (xen_pfn_t *)0x10, 1), 0);
    expect(memory_op(XENMEM_increase_reservation,
                     (xen_pfn_t *)HYPERVISOR_VIRT_START, 1) <= 0,
           "a list in the hypervisor's region was taken");
    expect_eq(hypercall2(__HYPERVISOR_memory_op, 63, &other), -ENOSYS);
}

void test_main(void)
{
    long start = current_pages();

    test_counts(start);
    give_back();
    expect_eq(current_pages(), start - N);
    test_gone();
    take_again();
    expect_eq(current_pages(), start);
    test_bad();
    expect_eq(current_pages(), start);
    test_in_use();
    test_limit();
}
