/* What the kernel and its user program agree on. */
#ifndef USER_H
#define USER_H

#define USER_BASE 0x400000UL
#define USER_TABLE_END 0x600000UL /* one table of the lowest level */
#define USER_STACK_TOP USER_TABLE_END
#define KERNEL_ADDRESS 0xffffffff80000000UL

/* In rax; arguments in rdi and rsi; the answer in rax, -errno if negative. */
enum { SYS_EXIT, SYS_WRITE, SYS_TIME };
#define SYS_EFAULT 14
#define SYS_ENOSYS 38

/* What the program does, in rdi at its start. */
enum user_act {
    USER_HELLO, /* writes a line; ends with 42 */
    USER_BAD_POINTER, /* system calls with such; 0: each was refused */
    USER_PRIVILEGED, /* the rest end by a fault, or with 1 */
    USER_OPCODE,
    USER_KERNEL, /* writes to the kernel's memory */
    USER_SPIN    /* uses 100 ms, with no system call but for the time */
};

#endif
