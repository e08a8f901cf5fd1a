/*
 * Page faults reach the guest's handler with the address in vcpu_info and the
 * error code as the guest's kernel or user mode caused it. Checklist row 46.
 */
#include "guest.h"
const char test_title[] = "page faults: CR2 and error code";

static long read_at(long va)
{
    return *(volatile char *)va;
}

static long write_at(long va)
{
    *(volatile char *)va = 1;
    return 0;
}

static long jump_to(long va)
{
    ((void (*)(void))va)();
    return 0;
}

static void expect_pf(const char *what, long (*fn)(long), unsigned long va,
                      unsigned long code)
{
    run_guarded(fn, (long)va);
    if (last_trap.vector != 14 || last_trap.cr2 != va ||
        last_trap.error_code != code)
        failure("%s at %#lx: vector %ld, CR2 %#lx, error code %#lx", what, va,
                (long)last_trap.vector, last_trap.cr2, last_trap.error_code);
}

static void test_kernel(void)
{
    char *page = alloc_page();
    unsigned long va = (unsigned long)page;

    expect_pf("read of nothing", read_at, 0x10, 0);
    expect_pf("write to nothing", write_at, 0x123456, 2);
    expect_pf("read high", read_at, 0xffff900000000123UL, 0);
    set_readonly(page);
    expect_pf("write to read-only", write_at, va + 5, 3);
    expect_eq(run_guarded(read_at, (long)va), 0);
    expect_eq(last_trap.count, 0);
    set_writable(page);
    expect_eq(run_guarded(write_at, (long)va), 0);
    update_va(va, read_pte(page) | PTE_NX, UVMF_INVLPG);
    expect_pf("jump to NX", jump_to, va, 0x11);
    expect_eq(last_trap.rip, va);
    update_va(va, 0, UVMF_INVLPG);
    expect_pf("read of unmapped", read_at, va + 8, 0);
}

USER_SNIPPET(user_push, "movq %rdi,%rsp; pushq %rax");

static void test_non_canonical(void)
{
    struct trap_frame f;

    run_guarded(read_at, (long)0x800000000000UL);
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.error_code, 0);
    RUN_USER(user_push, 0x8000000000000000UL, &f);
    /* #SS; some emulators give #GP here. */
    expect(f.vector == 12 || f.vector == 13, "vector %lu", f.vector);
    expect_eq(f.error_code, 0);
}

USER_SNIPPET(user_read, "movb (%rdi),%al; int3");
USER_SNIPPET(user_write, "movb %al,(%rdi); int3");
USER_SNIPPET(user_jump, "jmp *%rdi");

static void test_user(void)
{
    struct trap_frame f;

    RUN_USER(user_read, 0x10, &f);
    expect_eq(f.vector, 14);
    expect_eq(f.error_code, 4);
    expect_eq(last_trap.cr2, 0x10);
    expect_eq(f.rip, USER_CODE);
    RUN_USER(user_write, 0x10, &f);
    expect_eq(f.error_code, 6);
    RUN_USER(user_write, USER_CODE + 0x800, &f);
    expect_eq(f.vector, 14);
    expect_eq(f.error_code, 7);
    expect_eq(last_trap.cr2, USER_CODE + 0x800);
    user_map(0x600000, PTE(virt_to_mfn(alloc_page()),
                           PTE_P | PTE_US | PTE_RW | PTE_AD | PTE_NX));
    RUN_USER(user_jump, 0x600010, &f);
    expect_eq(f.vector, 14);
    expect_eq(f.error_code, 0x15);
    expect_eq(last_trap.cr2, 0x600010);
}

void test_main(void)
{
    test_kernel();
    test_non_canonical();
    test_user();
}
