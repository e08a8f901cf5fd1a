/*
 * SYSENTER of user mode arrives at the callback of the guest's kernel once,
 * whatever is in RFLAGS; without a callback it is one #GP. SYSCALL of 32-bit
 * code likewise. CPUs that have neither raise #UD.
 */
#include "guest.h"
const char test_title[] = "SYSENTER and 32-bit SYSCALL";

#define MARK 0x5a5a

static long callback(unsigned cmd, unsigned type, const void *handler)
{
    struct callback_register r = {.type = (uint16_t)type,
                                  .flags = CALLBACKF_mask_events,
                                  .address = (unsigned long)handler};

    return hypercall2(__HYPERVISOR_callback_op, cmd, &r);
}

static volatile unsigned traps;

static bool count(struct trap_frame *f)
{
    (void)f;
    traps++;
    return false;
}

/* %rdi: flags for RFLAGS beside those always set. */
USER_SNIPPET(user_sysenter, "movl $0x5a5a,%eax; pushfq; orq %rdi,(%rsp);"
                            "popfq; sysenter; ud2");
/* The same in 32-bit code: from the flat 32-bit segment of the ABI. */
USER_SNIPPET(user_syscall32,
             "movl $0x5a5a,%eax; subq $16,%rsp; movl $0x40000f,8(%rsp);"
             "leaq 1f(%rip),%rbx; movl %ebx,(%rsp); movl $0xe023,4(%rsp);"
             "ljmpl *(%rsp); 1: .byte 0x0f,0x05,0x0f,0x0b");

static void test_one(const char *code, size_t size, unsigned long flags,
                     bool registered)
{
    struct trap_frame f;

    traps = 0;
    run_user(code, size, flags, &f);
    /* A trap flag that was set has its own trap, before. */
    expect(traps == 1, "%u traps", traps);
    if (f.vector == 6 || f.vector == 1)
        return;
    expect_eq(f.vector, registered ? VECTOR_SYSCALL : 13);
    expect_eq(f.cs & 3, 3);
    expect_eq(f.rax, MARK);
    expect_eq(f.error_code, 0);
    expect_eq(f.rflags >> 12 & 3, 0); /* IOPL */
}

#define CODE(name) name, (size_t)(name##_end - name)

static void test_all(bool registered)
{
    static const unsigned long flags[] = {0,      0x4000,  0x100,
                                          0x40000, 0x3000, 0x247cd5};

    for (unsigned i = 0; i < ARRAY_SIZE(flags); i++)
        test_one(CODE(user_sysenter), flags[i], registered);
    if (registered)
        test_one(CODE(user_syscall32), 0, registered);
}

void test_main(void)
{
    trap_hook = count;
    test_all(false);
    expect_eq(callback(CALLBACKOP_register, CALLBACKTYPE_sysenter,
                       syscall_callback),
              0);
    expect_eq(callback(CALLBACKOP_register, CALLBACKTYPE_syscall32,
                       syscall_callback),
              0);
    test_all(true);
}
