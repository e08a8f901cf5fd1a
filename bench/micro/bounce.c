/* Traps to the guest's kernel and back, from kernel and from user mode. */
#include "micro.h"

static long int3(void)
{
    __asm__ volatile("int3" ::: "memory");
    return 0;
}

static bool to_int3(void)
{
    use_trap(3, fast_int3);
    return true;
}

static long ud2(void)
{
    __asm__ volatile("ud2" ::: "memory");
    return 0;
}

static bool to_ud2(void)
{
    use_trap(6, fast_skip2);
    return true;
}

/* A selector beyond every table. */
static long bad_selector(void)
{
    __asm__ volatile("movl %k0,%%fs" ::"D"(0xfffbUL) : "memory");
    return 0;
}

static bool to_gp(void)
{
    use_trap(13, fast_skip2_error);
    return true;
}

/* MOVB (%RDI),%AL: two bytes. */
static long touch(void)
{
    __asm__ volatile("movb (%%rdi),%%al" ::"D"(WINDOW + 500 * PAGE_SIZE)
                     : "rax", "memory");
    return 0;
}

static bool to_pf(void)
{
    window_entry(0);
    use_trap(14, fast_skip2_error);
    return true;
}

static void set_ts(void)
{
    hypercall1(__HYPERVISOR_fpu_taskswitch, 1);
}

static long fpu(void)
{
    __asm__ volatile("fwait");
    return 0;
}

static bool to_nm(void)
{
    use_trap(7, fast_nm);
    return true;
}

USER_OP(user_syscall, "syscall");
USER_OP(user_fault, "movb (%rbx),%al"); /* RBX is 0 */
USER_OP(user_ud2, "ud2");

static bool to_syscall(void)
{
    set_callbacks(event_callback, failsafe_callback, fast_syscall);
    return true;
}

static bool to_syscall_flag(void)
{
    set_callbacks(event_callback, failsafe_callback, fast_syscall_flag);
    return true;
}

#define USER(snippet) .user = snippet, .user_end = snippet##_end
const struct bench bounce_benches[] = {
    {.name = "bounce_int3", .op = int3, .setup = to_int3},
    {.name = "bounce_ud2", .op = ud2, .setup = to_ud2},
    {.name = "bounce_gp", .op = bad_selector, .setup = to_gp},
    {.name = "bounce_page_fault", .op = touch, .setup = to_pf},
    {.name = "bounce_nm", .op = fpu, .setup = to_nm, .pre = set_ts},
    {.name = "user_syscall", .setup = to_syscall, USER(user_syscall)},
    {.name = "user_syscall_flag",
     .setup = to_syscall_flag,
     USER(user_syscall)},
    {.name = "user_page_fault", .setup = to_pf, USER(user_fault)},
    {.name = "user_ud2", .setup = to_ud2, USER(user_ud2)},
    {.name = NULL},
};
