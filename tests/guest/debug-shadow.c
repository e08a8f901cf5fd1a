/*
 * Breakpoints in the shadow of a load of SS: the debug exception of the load
 * waits for the next instruction, and if that enters the hypervisor it comes
 * there, with the guest's stack pointer still loaded. Also with DR6 as full as
 * a guest can make it.
 */
#include "guest.h"
const char test_title[] = "breakpoints in the shadow of SS loads";

static long set_dr(unsigned reg, unsigned long v)
{
    return hypercall2(__HYPERVISOR_set_debugreg, reg, v);
}

#define DR7_L0 1UL
#define DR7_RW4 (0xfUL << 16) /* DR0: any access to 4 bytes */
#define USER_WORD (USER_STACK - 64)

static volatile unsigned debugs;

static bool on_debug(struct trap_frame *f)
{
    if (f->vector == 1)
        debugs++;
    return f->vector == 1 && !(f->cs & 3);
}

static void watch(unsigned long va, unsigned long dr6)
{
    expect_eq(set_dr(6, dr6), 0);
    expect_eq(set_dr(0, va), 0);
    expect_eq(set_dr(7, DR7_L0 | DR7_RW4), 0);
}

/*
 * User mode: the stack pointer is nonsense when the hypervisor is entered.
 * %rdi has the address of the word with the selector.
 */
#define SHADOW(name, then)                                                     \
    USER_SNIPPET(name, "movl $0xe02b,(%rdi); movq %rsp,%rbx;"                  \
                       "btcq $63,%rsp; movl $77,%eax; movw (%rdi),%ss;" then)
SHADOW(user_syscall, "syscall; ud2");
SHADOW(user_sysenter, "sysenter; ud2");
SHADOW(user_int3, "int3; ud2");
SHADOW(user_int80, "int $0x80; ud2");
SHADOW(user_ud2, "ud2");
SHADOW(user_hlt, "hlt; ud2");

/* Goes on through its debug exceptions as an undisturbed program would. */
static void run_shadow(const char *code, size_t size, unsigned long dr6,
                       unsigned vector)
{
    uint64_t frame[5];
    struct trap_frame f;

    watch(USER_WORD, dr6);
    run_user(code, size, USER_WORD, &f);
    for (unsigned i = 0; i < 8 && f.vector == 1; i++) {
        memcpy(frame, &f.rip, sizeof(frame));
        frame[3] = USER_STACK;
        set_dr(6, dr6);
        run_user_frame(frame, USER_WORD, &f);
    }
    if (f.vector != vector && f.vector != 6)
        failure("DR6 %#lx: trap %lu, not %u", dr6, f.vector, vector);
    expect_eq(set_dr(7, 0), 0);
}
#define RUN_SHADOW(name, dr6, vector)                                          \
    run_shadow(name, (size_t)(name##_end - name), dr6, vector)

static void test_user(unsigned long dr6)
{
    RUN_SHADOW(user_syscall, dr6, VECTOR_SYSCALL);
    RUN_SHADOW(user_sysenter, dr6, 13);
    RUN_SHADOW(user_int3, dr6, 3);
    RUN_SHADOW(user_int80, dr6, 128);
    RUN_SHADOW(user_ud2, dr6, 6);
    RUN_SHADOW(user_hlt, dr6, 13);
}

/* The kernel's own: a hypercall in the shadow still answers. */
static uint32_t kernel_word = FLAT_KERNEL_SS;

static void test_kernel(unsigned long dr6)
{
    long ret = __HYPERVISOR_xen_version;

    watch((unsigned long)&kernel_word, dr6);
    debugs = 0;
    __asm__ volatile("movw %[word],%%ss; syscall"
                     : "+a"(ret)
                     : [word] "m"(kernel_word), "D"(0L), "S"(0L)
                     : "rcx", "r11", "memory");
    expect_eq(set_dr(7, 0), 0);
    expect_eq(ret >> 16, 4);
    expect(debugs > 0, "the kernel's access was not seen");
}

void test_main(void)
{
    static const unsigned long dr6[] = {0xffff0ff0, 0xffff2ff0, 0xffff4ff0,
                                        0xffffefff};
    struct trap_frame f;

    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    trap_hook = on_debug;
    RUN_USER(user_ud2, USER_WORD, &f);
    expect_eq(f.vector, 6);
    for (unsigned i = 0; i < ARRAY_SIZE(dr6); i++) {
        test_user(dr6[i]);
        test_kernel(dr6[i]);
    }
    expect_eq(set_dr(0, HYPERVISOR_VIRT_START + 8), -EPERM);
}
