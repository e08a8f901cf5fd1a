/*
 * Hypercall numbers that the ABI does not have give -ENOSYS (52 and 53 are
 * Xeno's own, <xeno/xeno.h>).
 */
#include "guest.h"
const char test_title[] = "unknown hypercalls";

void test_main(void)
{
    static const unsigned unknown[] = {11, 43, 44, 45, 46, 47, 50, 51, 54,
                                       55, 56, 57, 58, 59, 60, 61, 62,
                                       63, 64, 65, 80, 100, 126, 127};
    long ret;

    for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++)
        expect_eq(hypercall5(unknown[i], 0x10, 0x10, 0x10, 0x10, 0x10),
                  -ENOSYS);
    /* Numbers that no entry of the page makes. */
    for (unsigned shift = 7; shift < 64; shift++) {
        __asm__ volatile("syscall"
                         : "=a"(ret)
                         : "a"(1UL << shift), "D"(0), "S"(0), "d"(0)
                         : "rcx", "r11", "r8", "r9", "r10", "memory");
        expect_eq(ret, -ENOSYS);
    }
    __asm__ volatile("syscall"
                     : "=a"(ret)
                     : "a"(-1L), "D"(0), "S"(0), "d"(0)
                     : "rcx", "r11", "r8", "r9", "r10", "memory");
    expect_eq(ret, -ENOSYS);
}
