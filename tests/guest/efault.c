/*
 * Pointers of hypercalls: into the hypervisor, also to what it has mapped
 * there, to nothing, not canonical, at the end of a page or of the lower half,
 * read-only for results. Always -EFAULT, never harm.
 */
#include "guest.h"
const char test_title[] = "bad pointers";

#define LOWER_END (1UL << 47)

static unsigned long bad[16];
static unsigned n_bad;

/* A call with one pointer among its arguments. */
struct call {
    const char *name;
    unsigned nr, pointer; /* argument: 0 is the first */
    unsigned long args[4];
};

static const struct call calls[] = {
    {"set_trap_table", __HYPERVISOR_set_trap_table, 0, {0}},
    {"mmu_update", __HYPERVISOR_mmu_update, 0, {0, 1, 0, DOMID_SELF}},
    {"set_gdt", __HYPERVISOR_set_gdt, 0, {0, 16}},
    {"multicall", __HYPERVISOR_multicall, 0, {0, 1}},
    {"memory_op decrease", __HYPERVISOR_memory_op, 1,
     {XENMEM_decrease_reservation}},
    {"memory_op increase", __HYPERVISOR_memory_op, 1,
     {XENMEM_increase_reservation}},
    {"memory_op populate", __HYPERVISOR_memory_op, 1,
     {XENMEM_populate_physmap}},
    {"memory_op exchange", __HYPERVISOR_memory_op, 1, {XENMEM_exchange}},
    {"memory_op current", __HYPERVISOR_memory_op, 1,
     {XENMEM_current_reservation}},
    {"memory_op maximum", __HYPERVISOR_memory_op, 1,
     {XENMEM_maximum_reservation}},
    {"memory_op map", __HYPERVISOR_memory_op, 1, {XENMEM_memory_map}},
    {"memory_op machine map", __HYPERVISOR_memory_op, 1,
     {XENMEM_machine_memory_map}},
    {"memory_op mapping", __HYPERVISOR_memory_op, 1,
     {XENMEM_machphys_mapping}},
    {"memory_op mfn list", __HYPERVISOR_memory_op, 1,
     {XENMEM_machphys_mfn_list}},
    {"mmuext_op", __HYPERVISOR_mmuext_op, 0, {0, 1, 0, DOMID_SELF}},
    {"console_io", __HYPERVISOR_console_io, 2, {CONSOLEIO_write, 8}},
    {"physdev_op", __HYPERVISOR_physdev_op, 1, {PHYSDEVOP_set_iopl}},
    {"physdev_op irq", __HYPERVISOR_physdev_op, 1,
     {PHYSDEVOP_irq_status_query}},
    {"physdev_op map", __HYPERVISOR_physdev_op, 1, {PHYSDEVOP_map_pirq}},
    {"physdev_op apic", __HYPERVISOR_physdev_op, 1, {PHYSDEVOP_apic_read}},
    {"sched_op poll", __HYPERVISOR_sched_op, 1, {SCHEDOP_poll}},
    {"sched_op shutdown", __HYPERVISOR_sched_op, 1, {SCHEDOP_shutdown}},
    {"event_channel_op", __HYPERVISOR_event_channel_op, 1, {EVTCHNOP_send}},
    {"vcpu_op initialise", __HYPERVISOR_vcpu_op, 2,
     {VCPUOP_register_vcpu_info, 0}},
    {"vcpu_op runstate", __HYPERVISOR_vcpu_op, 2,
     {VCPUOP_get_runstate_info, 0}},
    {"vcpu_op register", __HYPERVISOR_vcpu_op, 2,
     {VCPUOP_register_runstate_memory_area, 0}},
    {"vcpu_op timer", __HYPERVISOR_vcpu_op, 2,
     {VCPUOP_set_singleshot_timer, 0}},
    {"callback_op", __HYPERVISOR_callback_op, 1, {CALLBACKOP_register}},
    {"platform_op", __HYPERVISOR_platform_op, 0, {0}},
    {"version", __HYPERVISOR_xen_version, 1, {XENVER_extraversion}},
};

static void try_call(const struct call *c, unsigned long pointer)
{
    unsigned long a[4];
    long ret;

    memcpy(a, c->args, sizeof(a));
    a[c->pointer] = pointer;
    ret = hypercall4(c->nr, a[0], a[1], a[2], a[3]);
    /* These three tell how many extents were done: none. */
    if (c->nr == __HYPERVISOR_memory_op && ret == 0 &&
        (a[0] == XENMEM_increase_reservation ||
         a[0] == XENMEM_decrease_reservation ||
         a[0] == XENMEM_populate_physmap))
        return;
    if (ret != -EFAULT)
        failure("%s with %#lx gave %ld", c->name, pointer, ret);
}

static void make_pointers(void)
{
    char *page = alloc_page(), *next = alloc_page();

    bad[n_bad++] = HYPERVISOR_VIRT_START + (1UL << 39);
    bad[n_bad++] = HYPERVISOR_VIRT_END - 4096;
    bad[n_bad++] = HYPERVISOR_WINDOW + virt_to_mfn(page) * PAGE_SIZE;
    bad[n_bad++] = 0x1000;
    bad[n_bad++] = 1UL << 47;
    bad[n_bad++] = 1UL << 63;
    /* The first byte is there, the last is not. */
    update_va((unsigned long)next, 0, UVMF_INVLPG);
    bad[n_bad++] = (unsigned long)page + 4095;
    expect_eq(kernel_map(LOWER_END - PAGE_SIZE, read_pte(page)), 0);
    bad[n_bad++] = LOWER_END - 1;
}

/* The counter of mmu_update and mmuext_op, a pointer beside the list. */
static void test_done(void)
{
    char *page = alloc_page();
    struct mmu_update u = {.ptr = l1_entry_maddr(page), .val = read_pte(page)};
    struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_LOCAL};

    for (unsigned i = 0; i < n_bad; i++) {
        hypercall4(__HYPERVISOR_mmu_update, &u, 1, bad[i], DOMID_SELF);
        hypercall4(__HYPERVISOR_mmuext_op, &op, 1, bad[i], DOMID_SELF);
    }
    page[0] = 1;
}

/* A length that wraps around. */
static void test_lengths(void)
{
    expect(hypercall4(__HYPERVISOR_mmu_update, (unsigned long)-64, 100, 0,
                      DOMID_SELF) < 0,
           "a list that ends beyond the last address");
    expect(hypercall2(__HYPERVISOR_multicall, (unsigned long)-64, 100) < 0,
           "a list that ends beyond the last address");
}

/* Read-only memory for results. */
static void test_read_only(void)
{
    char *page = alloc_page();

    set_readonly(page);
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion, page),
              -EFAULT);
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion,
                         start_info->pt_base),
              -EFAULT);
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_extraversion,
                         machine_to_phys_mapping),
              -EFAULT);
    expect_eq(page[0], 0);
}

void test_main(void)
{
    make_pointers();
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++)
        for (unsigned p = 0; p < n_bad; p++)
            try_call(&calls[i], bad[p]);
    test_done();
    test_lengths();
    test_read_only();
}
