/*
 * Hypercalls come from the guest's kernel only: SYSCALL in user mode is the
 * guest's system call, and the hypercall page is not there. Checklist row 88.
 */
#include "guest.h"
const char test_title[] = "no hypercalls from user mode";

USER_SNIPPET(user_shutdown,
             "movl $29,%eax; movl $2,%edi; movl $1,%esi; movl $7,%r8d;"
             "stc; syscall; int3");
USER_SNIPPET(user_page, "movl $29,%eax; jmp *%rdi");
USER_SNIPPET(user_sysenter, "movl $29,%eax; sysenter");
USER_SNIPPET(user_int82, "movl $29,%eax; int $0x82");
USER_SNIPPET(user_stop, "int3");

static void test_syscall(void)
{
    struct trap_frame f;

    RUN_USER(user_shutdown, 0, &f);
    expect_eq(f.vector, VECTOR_SYSCALL);
    expect_eq(f.rax, 29);
    expect_eq(f.rdi, 2);
    expect_eq(f.rsi, 1);
    expect_eq(f.r8, 7);
    /* RIP and RFLAGS of after SYSCALL; user selectors; the user's stack. */
    expect_eq(f.rip, USER_CODE + (unsigned long)(user_shutdown_end -
                                                 user_shutdown) - 1);
    expect_eq(f.rflags & 1, 1);
    expect_eq(f.cs & 3, 3);
    expect_eq(f.ss & 3, 3);
    expect_eq(f.rsp, USER_STACK);
}

/* SYSCALL with a bad stack or flags is no different. */
USER_SNIPPET(user_odd,
             "movq $0x123456789abcdef0,%rsp; movl $99,%eax;"
             "syscall");
USER_SNIPPET(user_df, "std; movl $98,%eax; syscall");

static void test_odd(void)
{
    struct trap_frame f;

    RUN_USER(user_odd, 0, &f);
    expect_eq(f.vector, VECTOR_SYSCALL);
    expect_eq(f.rax, 99);
    expect_eq(f.rsp, 0x123456789abcdef0UL);
    RUN_USER(user_df, 0, &f);
    expect_eq(f.vector, VECTOR_SYSCALL);
    expect_eq(f.rax, 98);
    expect_eq(f.rflags & 0x400, 0x400);
}

static void test_other_ways(void)
{
    struct trap_frame f;

    RUN_USER(user_page, hypercall_page + 29 * 32, &f);
    expect_eq(f.vector, 14);
    RUN_USER(user_int82, 0, &f);
    /* Vector 4 where the emulator gives INT n the error code of INT 2n. */
    expect(f.vector == 13 || f.vector == 4, "int 0x82: trap %lu", f.vector);
    RUN_USER(user_sysenter, 0, &f);
    /* No sysenter callback: #GP (or #UD on CPUs without it in long mode). */
    expect(f.vector == 13 || f.vector == 6, "sysenter: trap %lu", f.vector);
    RUN_USER(user_stop, 0, &f);
    expect_eq(f.vector, 3);
}

void test_main(void)
{
    test_syscall();
    test_odd();
    test_other_ways();
}
