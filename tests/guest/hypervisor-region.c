/*
 * The hypervisor's region, 0xffff800000000000 to 0xffff87ffffffffff, cannot
 * be touched by the guest at any page-table base; only the M2P table in it can
 * be read. Checklist row 58.
 */
#include "guest.h"
const char test_title[] = "the hypervisor's region";

#define SLOT_SIZE (1UL << 39)

static long read_at(long va)
{
    return *(volatile long *)va;
}

static long write_at(long va)
{
    *(volatile long *)va = 0;
    return 0;
}

static long jump_to(long va)
{
    ((void (*)(void))va)();
    return 0;
}

USER_SNIPPET(user_read, "movq (%rdi),%rax; int3");
USER_SNIPPET(user_write, "movq %rax,(%rdi); int3");
USER_SNIPPET(user_jump, "jmp *%rdi");

static void expect_faults(unsigned long va, bool readable)
{
    struct trap_frame f;

    run_guarded(write_at, (long)va);
    expect(last_trap.vector == 14 && last_trap.cr2 == va,
           "kernel write to %#lx: trap %ld", va, (long)last_trap.vector);
    RUN_USER(user_write, va, &f);
    expect(f.vector == 14, "user write to %#lx: trap %lu", va, f.vector);
    run_guarded(jump_to, (long)va);
    expect(last_trap.count == 1 && last_trap.vector == 14,
           "kernel jump to %#lx: trap %ld", va, (long)last_trap.vector);
    RUN_USER(user_jump, va, &f);
    expect(f.vector == 14 && f.rip == va, "user jump to %#lx: trap %lu", va,
           f.vector);
    if (readable)
        return;
    run_guarded(read_at, (long)va);
    expect(last_trap.vector == 14 && last_trap.cr2 == va,
           "kernel read of %#lx: trap %ld", va, (long)last_trap.vector);
    RUN_USER(user_read, va, &f);
    expect(f.vector == 14, "user read of %#lx: trap %lu", va, f.vector);
}

static void test_m2p(void)
{
    unsigned long va = (unsigned long)&machine_to_phys_mapping[pfn_to_mfn(0)];

    expect_eq(run_guarded(read_at, (long)va), 0);
    expect_eq(last_trap.count, 0);
    expect_faults(va, true);
}

static void test_region(void)
{
    for (unsigned long slot = 0; slot < 16; slot++) {
        unsigned long va = HYPERVISOR_VIRT_START + slot * SLOT_SIZE;

        expect_faults(va, slot == 0);
        expect_faults(va + SLOT_SIZE / 2, false);
        expect_faults(va + SLOT_SIZE - 8, false);
        expect_eq(update_va(va, 0, 0), -EINVAL);
        expect_eq(update_va(va + SLOT_SIZE / 2,
                            PTE(pfn_to_mfn(0), PTE_P | PTE_US), 0),
                  -EINVAL);
    }
}

/* What lies right beside it is the guest's. */
static void test_borders(void)
{
    run_guarded(read_at, (long)(HYPERVISOR_VIRT_END));
    expect_eq(last_trap.cr2, HYPERVISOR_VIRT_END);
    expect_eq(last_trap.error_code, 0);
}

/* Where the CPU's own tables lie, as SGDT and SIDT tell. */
static void test_tables(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) gdt, idt;

    __asm__ volatile("sgdt %0" : "=m"(gdt));
    __asm__ volatile("sidt %0" : "=m"(idt));
    expect_faults(gdt.base, false);
    expect_faults(gdt.base + (0xe000 & gdt.limit), false);
    expect_faults(idt.base, false);
}

static void second_l4(void)
{
    uint64_t *l4 = alloc_page();
    const uint64_t *old = table_of(kernel_l4_mfn());

    for (unsigned i = 0; i < 512; i++)
        if (i < 256 || i > 271)
            l4[i] = old[i];
    if (set_readonly(l4) || mmuext1(MMUEXT_PIN_L4_TABLE, virt_to_mfn(l4)) ||
        mmuext1(MMUEXT_NEW_BASEPTR, virt_to_mfn(l4)))
        error("a second L4 is refused");
}

void test_main(void)
{
    test_m2p();
    test_region();
    test_borders();
    test_tables();
    second_l4();
    test_m2p();
    test_region();
    test_tables();
}
