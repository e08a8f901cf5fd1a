/*
 * console_io: writing arrives on the serial line, reading without input gives
 * nothing, the rest is refused.
 *
 * log: words for the serial line
 */
#include "guest.h"
const char test_title[] = "console_io";

static long console(long cmd, long n, const void *p)
{
    return hypercall3(__HYPERVISOR_console_io, cmd, n, p);
}

void test_main(void)
{
    static const char line[] = "words for the serial line\n";
    char buf[16];

    expect_eq(console(CONSOLEIO_write, sizeof(line) - 1, line), 0);
    expect_eq(console(CONSOLEIO_write, 0, line), 0);
    expect_eq(console(CONSOLEIO_read, sizeof(buf), buf), 0);
    expect_eq(console(99, 0, buf), -ENOSYS);
    expect_eq(console(CONSOLEIO_write, 16, (void *)0x10), -EFAULT);
    expect_eq(console(CONSOLEIO_write, 16, (void *)HYPERVISOR_VIRT_START),
              -EFAULT);
}
