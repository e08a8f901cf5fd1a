/*
 * The guest's LDT: its pages are taken when a selector first asks for them,
 * are then no longer writable, and what is missing faults in the guest.
 */
#include "guest.h"
const char test_title[] = "LDT on demand";

#define DATA 0x00cff3000000ffffUL
#define DATA_DPL0 0x00cf93000000ffffUL
#define BASE(b) ((uint64_t)((b) & 0xffffff) << 16 | (uint64_t)((b) >> 24) << 56)
#define LDT 0x900000UL

static uint64_t *page[3];

static long set_ldt(unsigned long va, unsigned entries)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT};
    unsigned done;

    op.arg1.linear_addr = va;
    op.arg2.nr_ents = entries;
    return hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF);
}

static long load_fs(long index)
{
    __asm__ volatile("movl %0,%%fs" ::"r"((uint32_t)(index * 8 + 7)));
    return 0;
}

static uint64_t read_fs(void)
{
    uint64_t v;

    __asm__ volatile("movq %%fs:0,%0" : "=r"(v));
    return v;
}

static void map_ldt(void)
{
    for (unsigned i = 0; i < 3; i++) {
        page[i] = alloc_page();
        for (unsigned e = 0; e < 512; e += 2)
            page[i][e] = DATA | BASE(0xa00000UL + i * 8);
        expect_eq(set_readonly(page[i]), 0);
        expect_eq(kernel_map(LDT + i * PAGE_SIZE,
                             PTE(virt_to_mfn(page[i]),
                                 PTE_P | PTE_US | PTE_AD)),
                  0);
    }
}

static void test_load(void)
{
    uint64_t *values = alloc_page();

    for (unsigned i = 0; i < 3; i++)
        values[i] = 0x7000 + i;
    expect_eq(kernel_map(0xa00000, PTE(virt_to_mfn(values),
                                       PTE_P | PTE_US | PTE_AD)),
              0);
    expect_eq(set_ldt(LDT, 3 * 512), 0);
    expect_eq(run_guarded(load_fs, 0), 0);
    expect_eq(read_fs(), 0x7000);
    expect_eq(run_guarded(load_fs, 2 * 512 + 4), 0);
    expect_eq(read_fs(), 0x7002);
    expect_eq(run_guarded(load_fs, 512), 0);
    expect_eq(read_fs(), 0x7001);
    run_guarded(load_fs, 513); /* an empty one */
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.error_code, 513 * 8 + 4);
    run_guarded(load_fs, 3 * 512); /* beyond the limit */
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.error_code, 3 * 512 * 8 + 4);
}

static void test_type(void)
{
    expect(set_writable(page[0]) < 0, "a live LDT page was mapped writable");
    expect_eq(set_ldt(0, 0), 0);
    expect_eq(set_writable(page[0]), 0);
    page[0][0] = 0;
    /* A page with a writable mapping is none. */
    expect_eq(set_ldt(LDT, 3 * 512), 0);
    run_guarded(load_fs, 2);
    expect(last_trap.vector == 13 || last_trap.vector == 14, "trap %ld",
           (long)last_trap.vector);
    expect_eq(set_readonly(page[0]), 0);
    expect_eq(run_guarded(load_fs, 2), 0);
    expect_eq(last_trap.count, 0);
}

/*
 * A table's page that is unmapped while it is shadowed is used no longer, and
 * is an ordinary page again. (Xen keeps it until the LDT is set anew.)
 */
static void test_unmap(void)
{
    run_guarded(load_fs, 512);
    expect_eq(last_trap.count, 0);
    expect_eq(update_va(LDT + PAGE_SIZE, 0, UVMF_INVLPG), 0);
    if (!on_xeno()) {
        expect_eq(set_ldt(0, 0), 0);
        expect_eq(set_ldt(LDT, 3 * 512), 0);
    }
    run_guarded(load_fs, 512);
    expect(last_trap.vector == 14 || last_trap.vector == 13, "trap %ld",
           (long)last_trap.vector);
    if (last_trap.vector == 14)
        expect_eq(last_trap.cr2, LDT + PAGE_SIZE);
    expect_eq(set_writable(page[1]), 0);
}

/* Descriptors of ring 0 in an LDT are refused with their page, or harmless. */
static void test_privilege(void)
{
    expect_eq(set_ldt(0, 0), 0);
    expect_eq(set_writable(page[2]), 0);
    page[2][0] = 0x0000890000000067UL;
    page[2][2] = DATA;
    expect_eq(set_readonly(page[2]), 0);
    expect_eq(set_ldt(LDT, 3 * 512), 0);
    run_guarded(load_fs, 1024 + 2);
    expect(last_trap.count == 1, "an LDT page with a TSS was taken");
    expect_eq(set_ldt(0, 0), 0);
    expect_eq(set_writable(page[2]), 0);
    page[2][0] = DATA_DPL0;
    expect_eq(set_readonly(page[2]), 0);
    expect_eq(set_ldt(LDT, 3 * 512), 0);
    run_guarded(load_fs, 1024 + 2);
    expect(last_trap.count || (page[2][0] >> 45 & 3), "DPL 0 in a live LDT");
}

static void test_refused(void)
{
    expect(set_ldt(LDT + 8, 512) < 0, "an address within a page");
    expect(set_ldt(LDT, 8193) < 0, "8193 entries");
    expect(set_ldt(1UL << 47, 512) < 0, "an address that is not canonical");
    if (set_ldt(HYPERVISOR_VIRT_START, 512) == 0) {
        run_guarded(load_fs, 0);
        expect_eq(last_trap.count, 1);
    }
    if (set_ldt(0xffff880000000000UL, 512) == 0) {
        run_guarded(load_fs, 0);
        expect_eq(last_trap.count, 1);
    }
    expect_eq(set_ldt(0, 0), 0);
}

USER_SNIPPET(user_load, "movl %edi,%fs; movq %fs:0,%rax; int3");

/* User mode: what its own page tables have at the LDT's address counts. */
static void test_user(void)
{
    struct trap_frame f;

    expect_eq(set_ldt(LDT, 512), 0);
    RUN_USER(user_load, 7, &f);
    expect(f.vector == 14 || f.vector == 13 || f.vector == 3, "trap %lu",
           f.vector);
    expect_eq(set_ldt(0, 0), 0);
}

void test_main(void)
{
    map_ldt();
    test_load();
    test_type();
    test_unmap();
    test_privilege();
    test_refused();
    test_user();
}
