/*
 * An iret to user mode inside a multicall: it ends there. Entries behind it
 * would run with the user's tables loaded, and could drop those tables while
 * the CPU still walks them.
 */
#include "guest.h"
const char test_title[] = "iret inside a multicall";

static struct multicall_entry calls[3] __attribute__((aligned(4096)));

USER_SNIPPET(user_stop, "int3");

/* Where iret's arguments are: at the stack pointer of the hypercall. */
static long iret_by_multicall(long arg)
{
    const struct iret_context f = {
        .rax = 0x1234, .rip = USER_CODE, .cs = FLAT_USER_CS | 3, .rflags = 2,
        .rsp = USER_STACK, .ss = FLAT_USER_SS | 3};

    (void)arg;
    __asm__ volatile("movq %%rsp,%%rbx; movq %2,%%rsp; syscall; "
                     "movq %%rbx,%%rsp"
                     :
                     : "a"((long)__HYPERVISOR_multicall), "D"(calls), "r"(&f),
                       "S"(3L)
                     : "rcx", "r11", "rbx", "memory");
    return 0;
}

void test_main(void)
{
    struct trap_frame f;
    struct mmuext_op op = {.cmd = MMUEXT_NEW_USER_BASEPTR};

    RUN_USER(user_stop, 0, &f);
    expect_eq(f.vector, 3);
    /* The list is there in user mode too. */
    expect_eq(user_map((unsigned long)calls,
                       PTE(virt_to_mfn(calls), PTE_P | PTE_US | PTE_RW | PTE_AD)),
              0);
    op.arg1.mfn = 0;
    calls[0].op = __HYPERVISOR_iret;
    calls[1].op = __HYPERVISOR_mmuext_op;
    calls[1].args[0] = (unsigned long)&op;
    calls[1].args[1] = 1;
    calls[1].args[3] = DOMID_SELF;
    calls[1].result = 0x5555;
    calls[2].op = __HYPERVISOR_xen_version;
    calls[2].args[0] = XENVER_version;
    calls[2].result = 0x5555;
    expect_eq(run_guarded(iret_by_multicall, 0), -1);
    expect_eq(last_trap.vector, 3);
    expect_eq(last_trap.cs & 3, 3);
    expect_eq(last_trap.rip, USER_CODE + 1);
    expect_eq(last_trap.rax, 0x1234);
    expect_eq(calls[1].result, 0x5555);
    expect_eq(calls[2].result, 0x5555);
    /* The user's tables are still there. */
    RUN_USER(user_stop, 0, &f);
    expect_eq(f.vector, 3);
}
