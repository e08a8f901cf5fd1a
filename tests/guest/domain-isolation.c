/*
 * A domain cannot reach another one's memory or the machine's interrupts and
 * ports, and its crash is its own. Checklist rows 40 and 89.
 *
 * timeout: 120
 */
#include "domain.h"
const char test_title[] = "isolation of two domains";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define TRIES 12

static struct child bad, good;
static volatile unsigned counter;
static unsigned long victim, victim_table; /* frames of domain 0 */
static char window[PAGE_SIZE] __attribute__((aligned(4096)));

static volatile struct {
    unsigned n;
    long result[TRIES];
} tried;

static void count(void)
{
    for (;;) {
        counter++;
        yield();
    }
}

static void note(long result)
{
    tried.result[tried.n] = result;
    tried.n = tried.n + 1;
}

static long other_domain(unsigned id)
{
    return hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, window,
                      PTE(victim, FLAGS), UVMF_INVLPG, id);
}

static long give_up(unsigned id)
{
    xen_pfn_t frame = victim;
    struct xen_memory_reservation r = {.nr_extents = 1, .domid = (domid_t)id};

    set_xen_guest_handle(r.extent_start, &frame);
    return hypercall2(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r);
}

/* In the child: all of it must be refused; then it crashes. */
static void attack(void)
{
    struct evtchn_bind_pirq pirq = {.pirq = 3};
    struct physdev_map_pirq map = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = 3, .pirq = 3};
    struct sched_shutdown crashed = {.reason = SHUTDOWN_crash};

    note(update_va((unsigned long)window, PTE(victim, FLAGS), UVMF_INVLPG));
    note(update_va((unsigned long)window, PTE(victim, PTE_P | PTE_US),
                   UVMF_INVLPG));
    note(mmu_update1(PTE(victim, 0), 0));
    note(mmu_update1(PTE(victim_table, 8), 0));
    note(mmu_update1(PTE(victim, MMU_MACHPHYS_UPDATE), 1));
    note(mmuext1(MMUEXT_PIN_L1_TABLE, victim));
    note(mmuext1(MMUEXT_UNPIN_TABLE, victim_table));
    note(mmuext1(MMUEXT_CLEAR_PAGE, victim));
    note(other_domain(0));
    note(give_up(DOMID_SELF) ? 0 : -EINVAL); /* extents done: none */
    note(evtchn_op(EVTCHNOP_bind_pirq, &pirq));
    note(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_map_pirq, &map));
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &crashed);
    for (;;)
        yield();
}

void test_main(void)
{
    uint64_t *page = alloc_page();
    volatile unsigned *runs, *n, before;

    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    page[7] = 0x77;
    victim = virt_to_mfn(page);
    victim_table = kernel_l4_mfn();
    child_start(&good, count);
    runs = child_map(&good, &counter);
    child_start(&bad, attack);
    n = child_map(&bad, &tried.n);
    expect(wait_for(n, TRIES), "the child made %u of %u tries", *n, TRIES);
    for (unsigned i = 0; i < *n; i++)
        expect(((long *)(uintptr_t)(n + 2))[i] < 0, "try %u gave %ld", i,
               ((long *)(uintptr_t)(n + 2))[i]);
    expect_eq(page[7], 0x77);
    expect_eq(machine_to_phys_mapping[victim], virt_to_pfn(page));
    for (unsigned i = 0; i < 1000 &&
                         !(domain_state(bad.id).flags & XEN_DOMINF_shutdown);
         i++)
        yield();
    expect(domain_state(bad.id).flags & XEN_DOMINF_shutdown, "no crash");
    before = *runs;
    for (unsigned i = 0; i < 1000 && *runs == before; i++)
        yield();
    expect(*runs != before, "the other child stands still");
    child_unmap((void *)(uintptr_t)n);
    child_unmap((void *)(uintptr_t)runs);
    expect_eq(child_destroy(&bad), 0);
    expect_eq(child_destroy(&good), 0);
}
