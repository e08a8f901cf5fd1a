/*
 * The user program: linked at USER_BASE on its own, packed into the kernel as
 * it is, started at its first byte.
 */
#include <user.h>

static long call(long number, unsigned long a, unsigned long b)
{
    long ret;

    __asm__ __volatile__("syscall"
                         : "=a"(ret)
                         : "a"(number), "D"(a), "S"(b)
                         : "rcx", "r11", "memory");
    return ret;
}

static long write_text(const char *text, unsigned long n)
{
    return call(SYS_WRITE, (unsigned long)text, n);
}

/* The kernel's, an unmapped one, one that wraps, the end of what is mapped. */
static long bad_pointers(void)
{
    static const unsigned long bad[] = {KERNEL_ADDRESS, 0, ~0UL - 3,
                                        USER_BASE + 0x100000,
                                        USER_STACK_TOP - 4, 1UL << 62};
    unsigned i;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (call(SYS_WRITE, bad[i], 16) != -SYS_EFAULT)
            return 1;
    if (call(SYS_WRITE, USER_BASE, ~0UL) != -SYS_EFAULT)
        return 2;
    return call(77, 0, 0) == -SYS_ENOSYS ? 0 : 3;
}

static long hello(void)
{
    static const char text[] = "hello from user mode\n";

    return write_text(text, sizeof(text) - 1) == sizeof(text) - 1 ? 42 : 1;
}

static long spin(void)
{
    unsigned long end = (unsigned long)call(SYS_TIME, 0, 0) + 100000000UL;
    unsigned i;

    while ((unsigned long)call(SYS_TIME, 0, 0) < end)
        for (i = 0; i < 1000; i++)
            __asm__ __volatile__("");
    return 0;
}

static long act(enum user_act what)
{
    switch (what) {
    case USER_HELLO:
        return hello();
    case USER_BAD_POINTER:
        return bad_pointers();
    case USER_SPIN:
        return spin();
    case USER_PRIVILEGED:
        __asm__ __volatile__("hlt");
        break;
    case USER_OPCODE:
        __asm__ __volatile__("ud2");
        break;
    case USER_KERNEL:
        *(volatile int *)KERNEL_ADDRESS = 1;
        break;
    }
    return 1;
}

void start(enum user_act what) __attribute__((section(".start"), used));
void start(enum user_act what)
{
    call(SYS_EXIT, (unsigned long)act(what), 0);
    __asm__ __volatile__("ud2");
}
