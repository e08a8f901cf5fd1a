/* multicall: results in order, a bad one does not stop the others. */
#include "guest.h"
const char test_title[] = "multicall";

static struct multicall_entry calls[64];

static void set_call(unsigned i, unsigned long op, unsigned long a,
                     unsigned long b, unsigned long c)
{
    memset(&calls[i], 0, sizeof(calls[i]));
    calls[i].op = op;
    calls[i].result = 0x5555;
    calls[i].args[0] = a;
    calls[i].args[1] = b;
    calls[i].args[2] = c;
}

static void test_three(void)
{
    long version = hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    char *page = alloc_page();

    set_call(0, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
    set_call(1, __HYPERVISOR_update_va_mapping, (unsigned long)page,
             read_pte(page) & ~PTE_RW, UVMF_INVLPG);
    set_call(2, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    expect_eq(hypercall2(__HYPERVISOR_multicall, calls, 3), 0);
    expect_eq(calls[0].result, version);
    expect_eq(calls[1].result, 0);
    expect_eq(calls[2].result, 4096);
    expect_eq(read_pte(page) & PTE_RW, 0);
}

static void test_bad_ones(void)
{
    set_call(0, 60, 0, 0, 0);
    set_call(1, 1UL << 40, 0, 0, 0);
    set_call(2, __HYPERVISOR_update_va_mapping, HYPERVISOR_VIRT_START, 0, 0);
    set_call(3, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    set_call(4, __HYPERVISOR_set_trap_table, 0x10, 0, 0);
    expect_eq(hypercall2(__HYPERVISOR_multicall, calls, 5), 0);
    expect_eq(calls[0].result, -ENOSYS);
    expect_eq(calls[1].result, -ENOSYS);
    expect_eq(calls[2].result, -EINVAL);
    expect_eq(calls[3].result, 4096);
    expect_eq(calls[4].result, -EFAULT);
}

static void test_nested(void)
{
    set_call(0, __HYPERVISOR_multicall, (unsigned long)&calls[2], 1, 0);
    set_call(1, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    set_call(2, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    expect_eq(hypercall2(__HYPERVISOR_multicall, calls, 2), 0);
    expect((long)calls[0].result < 0, "a nested multicall gave %ld",
           (long)calls[0].result);
    expect_eq(calls[1].result, 4096);
    expect_eq(calls[2].result, 0x5555);
}

/* Long ones inside: preempted or not, every result is written once. */
static void test_long(void)
{
    static struct mmu_update many[256];
    char *page = alloc_page();

    for (unsigned i = 0; i < 256; i++) {
        many[i].ptr = l1_entry_maddr(page);
        many[i].val = read_pte(page);
    }
    for (unsigned i = 0; i < 64; i++) {
        set_call(i, __HYPERVISOR_mmu_update, (unsigned long)many, 256, 0);
        calls[i].args[3] = DOMID_SELF;
    }
    expect_eq(hypercall2(__HYPERVISOR_multicall, calls, 64), 0);
    for (unsigned i = 0; i < 64; i++)
        expect_eq(calls[i].result, 0);
}

static void test_pointers(void)
{
    expect_eq(hypercall2(__HYPERVISOR_multicall, 0x10, 1), -EFAULT);
    expect_eq(hypercall2(__HYPERVISOR_multicall, HYPERVISOR_VIRT_START, 1),
              -EFAULT);
    expect_eq(hypercall2(__HYPERVISOR_multicall, 1UL << 47, 1), -EFAULT);
    expect_eq(hypercall2(__HYPERVISOR_multicall, calls, 0), 0);
}

void test_main(void)
{
    test_three();
    test_bad_ones();
    test_nested();
    test_long();
    test_pointers();
}
