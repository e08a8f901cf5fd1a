/*
 * Base pointer, GDT and LDT changed by one trap: a multicall of three. Tables
 * that are not given are the empty default. Checklist row 12.
 */
#include "guest.h"
const char test_title[] = "base pointer, GDT and LDT in one call";

#define DATA(limit) (0x0040f30000000000UL | (limit)) /* bytes, base 0 */
#define LDT 0x900000UL

static struct multicall_entry calls[3];
static struct mmuext_op base = {.cmd = MMUEXT_NEW_BASEPTR};
static struct mmuext_op ldt = {.cmd = MMUEXT_SET_LDT};
static unsigned long gdt_frame;

static uint32_t limit_of(uint32_t selector)
{
    uint32_t limit = 0;

    __asm__ volatile("lsl %1,%0" : "+r"(limit) : "r"(selector) : "cc");
    return limit;
}

static unsigned long read_cr3(void)
{
    unsigned long v;

    __asm__ volatile("movq %%cr3,%0" : "=r"(v));
    return v;
}

static void set_call(unsigned i, unsigned long op, const void *a,
                     unsigned long b, unsigned long d)
{
    calls[i].op = op;
    calls[i].result = 77;
    calls[i].args[0] = (unsigned long)a;
    calls[i].args[1] = b;
    calls[i].args[2] = 0;
    calls[i].args[3] = d;
}

static void change(unsigned long l4, unsigned long gdt, unsigned gdt_entries,
                   unsigned long ldt_base, unsigned ldt_entries)
{
    base.arg1.mfn = l4;
    gdt_frame = gdt;
    ldt.arg1.linear_addr = ldt_base;
    ldt.arg2.nr_ents = ldt_entries;
    set_call(0, __HYPERVISOR_mmuext_op, &base, 1, DOMID_SELF);
    set_call(1, __HYPERVISOR_set_gdt, &gdt_frame, gdt_entries, 0);
    set_call(2, __HYPERVISOR_mmuext_op, &ldt, 1, DOMID_SELF);
    expect_eq(hypercall2(__HYPERVISOR_multicall, calls, 3), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_eq(calls[i].result, 0);
    expect_eq(read_cr3() >> 12, l4);
}

static unsigned long read_only(uint64_t *page)
{
    if (set_readonly(page))
        error("a page stays writable");
    return virt_to_mfn(page);
}

void test_main(void)
{
    unsigned long first = kernel_l4_mfn(), second, gdt, table;
    uint64_t *page = alloc_page();

    page[1] = DATA(0x100);
    gdt = read_only(page);
    page = alloc_page();
    page[1] = DATA(0x200);
    table = read_only(page);
    expect_eq(kernel_map(LDT, PTE(table, PTE_P | PTE_US | PTE_AD)), 0);
    page = alloc_page();
    memcpy(page, table_of(first), PAGE_SIZE);
    memset(&page[256], 0, 16 * 8);
    second = read_only(page);
    change(second, gdt, 512, LDT, 512);
    expect_eq(limit_of(11), 0x100);
    expect_eq(limit_of(15), 0x200);
    change(first, 0, 0, 0, 0);
    expect_eq(limit_of(11), 0);
    expect_eq(limit_of(15), 0);
}
