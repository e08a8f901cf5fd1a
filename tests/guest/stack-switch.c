/*
 * stack_switch: traps and system calls of user mode push their frame where the
 * kernel said.
 */
#include "guest.h"
const char test_title[] = "stack_switch";

USER_SNIPPET(user_syscall, "syscall");
USER_SNIPPET(user_fault, "movb (%rdi),%al");
USER_SNIPPET(user_int3, "int3");

static volatile unsigned long frame_at;
static bool note_stack(struct trap_frame *f)
{
    frame_at = (unsigned long)f + sizeof(*f);
    return false;
}

static void try_stack(unsigned long top)
{
    struct trap_frame f;
    unsigned long aligned = top & ~15UL;

    user_trap_stack = top;
    RUN_USER(user_syscall, 0, &f);
    expect_eq(f.vector, VECTOR_SYSCALL);
    expect_eq(frame_at, aligned);
    RUN_USER(user_fault, 0, &f);
    expect_eq(f.vector, 14);
    expect_eq(frame_at, aligned);
    RUN_USER(user_int3, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(frame_at, aligned);
    user_trap_stack = 0;
}

void test_main(void)
{
    unsigned long page = (unsigned long)alloc_page();

    trap_hook = note_stack;
    try_stack(page + 4096);
    try_stack(page + 2048);
    /* As the CPU does, the hypervisor aligns the stack. */
    try_stack(page + 3001);
    /* Any selector is given ring 3; null is the ABI's business. */
    expect_eq(hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS,
                         page + 4096),
              0);
}
