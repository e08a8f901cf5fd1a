/*
 * Instruction pointers that are not canonical: refused as callbacks, and a
 * SYSCALL in the last bytes of the lower half returns to one without harm.
 */
#include "guest.h"
const char test_title[] = "non-canonical instruction pointers";

#define LAST_PAGE 0x7ffffffff000UL
#define BAD 0x800000000000UL

static long set_callback(unsigned type, unsigned long address)
{
    struct callback_register r = {.type = (uint16_t)type};

    r.address = address;
    return hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_register, &r);
}

static void test_callbacks(void)
{
    static const unsigned types[] = {CALLBACKTYPE_event, CALLBACKTYPE_failsafe,
                                     CALLBACKTYPE_syscall, CALLBACKTYPE_nmi,
                                     CALLBACKTYPE_sysenter,
                                     CALLBACKTYPE_syscall32};
    static const unsigned long bad[] = {BAD, 1UL << 63, 0xffff7fffffffffffUL};

    for (unsigned t = 0; t < ARRAY_SIZE(types); t++)
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
            expect(set_callback(types[t], bad[i]) < 0,
                   "callback %u at %#lx is allowed", types[t], bad[i]);
    set_callbacks((void *)BAD, (void *)BAD, (void *)BAD);
    expect(set_callback(77, (unsigned long)event_callback) < 0,
           "callback type 77 is allowed");
    set_callbacks(event_callback, failsafe_callback, syscall_callback);
}

/* SYSCALL at the very end of the user half: RIP is 2^47 afterwards. */
static void test_user(void *page)
{
    const uint64_t frame[] = {LAST_PAGE + 4094, FLAT_USER_CS | 3, 2, USER_STACK,
                              FLAT_USER_SS | 3};
    const uint64_t back[] = {BAD, FLAT_USER_CS | 3, 2, USER_STACK,
                             FLAT_USER_SS | 3};
    struct trap_frame f;

    if (user_map(LAST_PAGE, PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD)))
        error("the last page cannot be mapped for user mode");
    memset(&f, 0, sizeof(f));
    run_user_frame(frame, 0, &f);
    expect_eq(f.vector, VECTOR_SYSCALL);
    expect_eq(f.rip, BAD);
    user_iret_flags = VGCF_in_syscall;
    run_user_frame(back, 0, &f);
    expect_eq(f.vector, 13);
    expect_eq(f.rip, BAD);
    user_iret_flags = 0;
}

/* The same as a hypercall of the kernel's. */
static long call_last(long number)
{
    __asm__ volatile("jmp *%1" ::"a"(number), "r"(LAST_PAGE + 4094),
                     "D"(XENVER_pagesize), "S"(0)
                     : "rcx", "r11", "memory");
    return 0;
}

static void test_kernel(void *page)
{
    if (kernel_map(LAST_PAGE, PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD)))
        error("the last page cannot be mapped for the kernel");
    run_guarded(call_last, __HYPERVISOR_xen_version);
    expect_eq(last_trap.count, 1);
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.rip, BAD);
    expect_eq(last_trap.rax, 4096);
    /* A slow way out of the hypervisor as well. */
    run_guarded(call_last, __HYPERVISOR_sched_op);
    expect_eq(last_trap.vector, 13);
    expect_eq(last_trap.rip, BAD);
}

/* A handler's address that is not canonical is refused. */
static void test_gate(void)
{
    struct trap_info t[2] = {{5, 0, FLAT_KERNEL_CS, BAD}};

    expect_eq(hypercall1(__HYPERVISOR_set_trap_table, t), -EINVAL);
}

void test_main(void)
{
    unsigned char *page = alloc_page();
    struct trap_frame f;
    static const unsigned char stop[] = {0xcc};

    page[4094] = 0x0f;
    page[4095] = 0x05;
    run_user(stop, sizeof(stop), 0, &f);
    test_callbacks();
    test_user(page);
    test_kernel(page);
    test_gate();
}
