/*
 * The guest's own GDT: what is no harm is granted, descriptors that would give
 * privilege are refused or made harmless, and a live table's page cannot be
 * written but through update_descriptor.
 */
#include "guest.h"
const char test_title[] = "set_gdt and update_descriptor";

#define DATA_DPL(dpl) (0x00cf93000000ffffUL | (uint64_t)(dpl) << 45)
#define CODE32_DPL(dpl) (0x00cf9b000000ffffUL | (uint64_t)(dpl) << 45)
#define CODE64_DPL(dpl) (0x00af9b000000ffffUL | (uint64_t)(dpl) << 45)
#define BASE(b) ((uint64_t)((b) & 0xffffff) << 16 | (uint64_t)((b) >> 24) << 56)

static uint64_t *table;

static long set_gdt(unsigned long mfn, unsigned entries)
{
    return hypercall2(__HYPERVISOR_set_gdt, &mfn, entries);
}

static long update(unsigned i, uint64_t desc)
{
    return hypercall2(__HYPERVISOR_update_descriptor,
                      (virt_to_mfn(table) << 12) + i * 8, desc);
}

static long load_fs(long selector)
{
    __asm__ volatile("movl %0,%%fs" ::"r"((uint32_t)selector));
    return 0;
}

static uint64_t read_fs(void)
{
    uint64_t v;

    __asm__ volatile("movq %%fs:0,%0" : "=r"(v));
    return v;
}

static uint32_t access_rights(uint32_t selector)
{
    uint32_t v = 0;

    __asm__ volatile("larl %1,%0" : "+r"(v) : "r"(selector));
    return v;
}

static void test_set(void)
{
    table = alloc_page();
    table[1] = DATA_DPL(3);
    table[2] = CODE64_DPL(3);
    expect(set_gdt(virt_to_mfn(table), 512) < 0,
           "a page with a writable mapping became a GDT");
    expect_eq(set_readonly(table), 0);
    expect_eq(set_gdt(virt_to_mfn(table), 512), 0);
    expect_eq(run_guarded(load_fs, 8 | 3), 0);
    expect_eq(last_trap.count, 0);
    run_guarded(load_fs, 3 * 8 | 3); /* an empty one */
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.error_code, 3 * 8);
    expect(set_writable(table) < 0, "a live GDT was mapped writable");
}

static void test_update(void)
{
    uint32_t va = 0x600000;
    uint64_t *page = alloc_page();

    page[0] = 0x4242;
    expect_eq(kernel_map(va, PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD)),
              0);
    expect_eq(update(4, DATA_DPL(3) | BASE(va)), 0);
    expect_eq(table[4], DATA_DPL(3) | BASE(va));
    expect_eq(run_guarded(load_fs, 4 * 8 | 3), 0);
    expect_eq(read_fs(), 0x4242);
    run_guarded(load_fs, 0);
    expect_eq(update(4, 0), 0);
    run_guarded(load_fs, 4 * 8 | 3);
    expect_eq(last_trap.vector, 13);
    expect(hypercall2(__HYPERVISOR_update_descriptor,
                      (virt_to_mfn(table) << 12) + 35, 0) < 0,
           "an address that is not a multiple of 8 was taken");
    expect(hypercall2(__HYPERVISOR_update_descriptor,
                      table_of(kernel_l4_mfn())[256] & PTE_ADDR, 0) < 0,
           "the hypervisor's page was written");
    expect(hypercall2(__HYPERVISOR_update_descriptor, kernel_l4_mfn() << 12,
                      DATA_DPL(3)) < 0,
           "a page table was written");
    expect(hypercall2(__HYPERVISOR_update_descriptor, 1UL << 50, 0) < 0,
           "no frame, and not refused");
}

/* Ring 0 to 2: refused, or the table holds no such descriptor afterwards. */
static void test_privilege(void)
{
    for (unsigned dpl = 0; dpl < 3; dpl++) {
        const uint64_t list[] = {DATA_DPL(dpl), CODE32_DPL(dpl),
                                 CODE64_DPL(dpl), CODE64_DPL(dpl) | 1UL << 42};

        for (unsigned i = 0; i < ARRAY_SIZE(list); i++) {
            long ret = update(5, list[i]);
            unsigned now = table[5] >> 45 & 3;

            expect(ret < 0 || now == 3 || now == dpl,
                   "%#lx gave %ld and became %#lx", list[i], ret, table[5]);
            expect(ret < 0 || now != 0, "DPL 0 is in the table: %#lx",
                   table[5]);
            expect_eq(update(5, 0), 0);
        }
    }
}

static void test_system(void)
{
    /* Present, S clear: LDT, TSS, call, interrupt, trap and task gates. */
    static const unsigned char types[] = {1, 2, 3, 4,  5,  6,  7, 8,
                                          9, 10, 11, 13, 14, 15};
    uint64_t gate;

    for (unsigned i = 0; i < ARRAY_SIZE(types); i++)
        for (unsigned dpl = 0; dpl < 4; dpl++)
            expect(update(6, 0x0000800000000067UL | (uint64_t)dpl << 45 |
                                 (uint64_t)types[i] << 40) < 0,
                   "system descriptor of type %u, DPL %u, is allowed",
                   types[i], dpl);
    expect_eq(table[6], 0);
    /* Call gates into the hypervisor's code. */
    for (unsigned selector = 0xe000; selector < 0xe100; selector += 8)
        for (unsigned rpl = 0; rpl < 3; rpl++) {
            gate = 0x0000ec0000000000UL | (uint64_t)(selector | rpl) << 16;
            expect(update(6, gate) < 0 || (table[6] >> 16 & 3) != 0,
                   "a call gate to selector %#x is allowed", selector | rpl);
            update(6, 0);
        }
}

/* A bad descriptor in a page: it does not become a GDT at all. */
static void test_bad_table(void)
{
    uint64_t *bad = alloc_page();
    long old = (long)virt_to_mfn(table), ret;

    bad[511] = 0x0000890000000067UL; /* a TSS */
    expect_eq(set_readonly(bad), 0);
    expect(set_gdt(virt_to_mfn(bad), 512) < 0, "a GDT with a TSS");
    expect_eq(set_writable(bad), 0);
    bad[511] = 0;
    bad[1] = DATA_DPL(0);
    expect_eq(set_readonly(bad), 0);
    ret = set_gdt(virt_to_mfn(bad), 512);
    expect(ret < 0 || (bad[1] >> 45 & 3) != 0, "DPL 0 in a new GDT");
    expect_eq(set_gdt((unsigned long)old, 512), 0);
    expect_eq(set_writable(bad), 0);
}

static void test_refused(void)
{
    unsigned long hyp = (table_of(kernel_l4_mfn())[256] & PTE_ADDR) >> 12;

    expect(set_gdt(hyp, 512) < 0, "the hypervisor's frame became a GDT");
    expect(set_gdt(kernel_l4_mfn(), 512) < 0, "a page table became a GDT");
    expect(set_gdt(~0UL, 512) < 0, "no frame, and not refused");
    expect(set_gdt(virt_to_mfn(table), 14 * 512 + 1) < 0,
           "more entries than the ABI leaves to the guest");
    expect_eq(hypercall2(__HYPERVISOR_set_gdt, 0x10, 512), -EFAULT);
    expect_eq(hypercall2(__HYPERVISOR_set_gdt, HYPERVISOR_VIRT_START, 512),
              -EFAULT);
    /* The old one is still there. */
    expect_eq(run_guarded(load_fs, 8 | 3), 0);
    expect_eq(last_trap.count, 0);
}

/* The hypervisor's selectors above the guest's entries. */
static void test_hypervisor_selectors(void)
{
    expect(access_rights(FLAT_KERNEL_CS) != 0, "no %#x", FLAT_KERNEL_CS);
    for (unsigned sel = 0xe000; sel < 0xe100; sel += 8) {
        uint32_t ar = access_rights(sel | 3);

        if (!ar)
            continue;
        expect((ar >> 13 & 3) == 3, "selector %#x: rights %#x", sel, ar);
    }
}

/* After a new GDT the old page is an ordinary one again. */
static void test_release(void)
{
    uint64_t *next = alloc_page();

    run_guarded(load_fs, 0);
    expect_eq(set_readonly(next), 0);
    expect_eq(set_gdt(virt_to_mfn(next), 512), 0);
    expect_eq(set_writable(table), 0);
    table[0] = 1;
    run_guarded(load_fs, 8 | 3);
    expect_eq(last_trap.vector, 13);
    expect_eq(set_gdt(virt_to_mfn(next), 0), 0);
    expect_eq(set_writable(next), 0);
}

/* ---- the kernel's code in a segment of its own ---- */

#define OWN_CS (2 * 8)

static volatile uint64_t seen_cs, seen_upcall_cs;

static bool on_own_cs(struct trap_frame *f)
{
    if (f->vector == VECTOR_EVENT) {
        seen_upcall_cs = (uint32_t)f->cs;
        shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
        return true;
    }
    seen_cs = (uint32_t)f->cs; /* above it is the event mask */
    return f->vector == 3;
}

/* In that segment: a trap that returns, an event, a hypercall. */
static long in_own_cs(long arg)
{
    uint64_t after_trap, after_call;

    __asm__ volatile("pushq %[sel]; leaq 1f(%%rip),%%rax; pushq %%rax; lretq\n"
                     "1: int3; movq %%cs,%[trap]\n"
                     "movb $1,%[pending]; movb $0,%[mask]\n"
                     "movl %[nr],%%eax; xorl %%edi,%%edi; xorl %%esi,%%esi\n"
                     "syscall; movq %%cs,%[call]"
                     : [trap] "=&r"(after_trap), [call] "=&r"(after_call),
                       [pending] "=m"(
                           shared_info->vcpu_info[0].evtchn_upcall_pending),
                       [mask] "=m"(
                           shared_info->vcpu_info[0].evtchn_upcall_mask)
                     : [sel] "i"(OWN_CS | 3), [nr] "i"(__HYPERVISOR_xen_version)
                     : "rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
                       "r11", "memory");
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    expect_eq(after_trap, OWN_CS | 3);
    expect_eq(after_call, FLAT_KERNEL_CS);
    return arg;
}

/*
 * Frames show the selector without its ring, which tells kernel mode. A call
 * comes back in the ABI's segment; and the event that it finds is delivered
 * before the call returns, from there or from the own segment.
 */
static void test_own_cs(void)
{
    trap_hook = on_own_cs;
    expect_eq(run_guarded(in_own_cs, 7), 7);
    trap_hook = NULL;
    expect_eq(seen_cs, OWN_CS);
    expect(seen_upcall_cs == OWN_CS ||
               seen_upcall_cs == (FLAT_KERNEL_CS & ~3u),
           "the event's frame has CS %#lx", (unsigned long)seen_upcall_cs);
}

void test_main(void)
{
    test_set();
    test_update();
    test_own_cs();
    test_privilege();
    test_system();
    test_bad_table();
    test_refused();
    test_hypervisor_selectors();
    test_release();
}
