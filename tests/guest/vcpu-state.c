/*
 * What is a vCPU's own stays so when two of them share a CPU: descriptor
 * tables, and FPU registers, which a new one finds empty.
 *
 * options: dom0_max_vcpus=2
 */
#include "guest.h"
const char test_title[] = "descriptor tables and FPU of two vCPUs on one CPU";

#define DATA(limit) (0x0040f30000000000UL | (limit)) /* bytes, base 0 */
#define LDT 0x900000UL
#define GDT_SELECTOR 11
#define LDT_SELECTOR 15
#define ROUNDS 20

static volatile unsigned turn;

/* The other vCPU's turn; back when it is ours again. */
static void pass(unsigned self)
{
    turn = !self;
    while (turn != self)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* A segment's limit; 0: there is no such descriptor. */
static uint32_t limit_of(uint32_t selector)
{
    uint32_t limit = 0;

    __asm__ volatile("lsl %1,%0" : "+r"(limit) : "r"(selector) : "cc");
    return limit;
}

static unsigned long descriptor_page(uint64_t descriptor)
{
    uint64_t *page = alloc_page();

    page[1] = descriptor;
    if (set_readonly(page))
        error("a page stays writable");
    return virt_to_mfn(page);
}

static void set_tables(unsigned self, uint32_t limit)
{
    unsigned long mfn = descriptor_page(DATA(limit)), done;
    unsigned long va = LDT + self * PAGE_SIZE;
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT,
                           .arg1.linear_addr = va,
                           .arg2.nr_ents = 512};

    expect_eq(hypercall2(__HYPERVISOR_set_gdt, &mfn, 512), 0);
    mfn = descriptor_page(DATA(limit + 1));
    expect_eq(kernel_map(va, PTE(mfn, PTE_P | PTE_US | PTE_AD)), 0);
    expect_eq(hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF), 0);
}

static void set_xmm(uint64_t v)
{
    __asm__ volatile("movq %0,%%xmm0; movq %0,%%xmm15" ::"r"(v));
}

static uint64_t get_xmm(void)
{
    uint64_t a, b;

    __asm__ volatile("movq %%xmm0,%0; movq %%xmm15,%1" : "=r"(a), "=r"(b));
    expect_eq(a, b);
    return a;
}

static void check_own(unsigned self, uint32_t limit)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        set_xmm(limit * 1000 + i);
        pass(self);
        expect_eq(get_xmm(), limit * 1000 + i);
        expect_eq(limit_of(GDT_SELECTOR), limit);
        expect_eq(limit_of(LDT_SELECTOR), limit + 1);
    }
}

static void second(void)
{
    expect_eq(get_xmm(), 0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        expect_eq(limit_of(GDT_SELECTOR), 0);
        expect_eq(limit_of(LDT_SELECTOR), 0);
        pass(1);
    }
    set_tables(1, 0x200);
    check_own(1, 0x200);
    for (;;)
        pass(1);
}

void test_main(void)
{
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    shared_info->vcpu_info[1].evtchn_upcall_mask = 1;
    set_tables(0, 0x100);
    expect_eq(limit_of(LDT_SELECTOR), 0x101);
    set_xmm(77);
    vcpu_start(1, second);
    check_own(0, 0x100);
    check_own(0, 0x100);
}
