/* Bit operations. The _atomic forms are full barriers; bit numbers are in bits. */
#ifndef LIB_BITOPS_H
#define LIB_BITOPS_H

#include "lib/compiler.h"
#include "lib/types.h"

#define BITS_PER_LONG 64
#define BITS_TO_LONGS(n) (((n) + 63) / 64)

static inline bool test_bit(unsigned nr, const volatile void *p)
{
    return (((const volatile uint32_t *)p)[nr / 32] >> (nr % 32)) & 1;
}
/* The test_and forms give the bit's old value. 32-bit accesses only. */
static inline bool test_and_set_bit_atomic(unsigned nr, volatile void *p)
{
    uint32_t m = 1u << (nr % 32);
    return __atomic_fetch_or((volatile uint32_t *)p + nr / 32, m,
                             __ATOMIC_SEQ_CST) & m;
}
static inline bool test_and_clear_bit_atomic(unsigned nr, volatile void *p)
{
    uint32_t m = 1u << (nr % 32);
    return __atomic_fetch_and((volatile uint32_t *)p + nr / 32, ~m,
                              __ATOMIC_SEQ_CST) & m;
}
static inline void set_bit_atomic(unsigned nr, volatile void *p)
{
    (void)test_and_set_bit_atomic(nr, p);
}
static inline void clear_bit_atomic(unsigned nr, volatile void *p)
{
    (void)test_and_clear_bit_atomic(nr, p);
}
static inline void set_bit(unsigned nr, void *p)
{
    ((uint32_t *)p)[nr / 32] |= 1u << (nr % 32);
}
static inline void clear_bit(unsigned nr, void *p)
{
    ((uint32_t *)p)[nr / 32] &= ~(1u << (nr % 32));
}
/*
 * i, which is known to be below n: the same number, and 0 where the CPU runs
 * ahead on a wrong guess that it is.
 */
static inline uint64_t nospec_index(uint64_t i, uint64_t n)
{
    uint64_t mask; /* all ones as i is below n: no branch, so no guess */

    __asm__("cmpq %2, %1\n\t"
            "sbbq %0, %0"
            : "=r"(mask)
            : "r"(i), "re"(n)
            : "cc");
    return i & mask;
}
/* Index of the lowest / highest set bit; x must not be 0. */
static inline unsigned lowest_bit(uint64_t x)
{
    return (unsigned)__builtin_ctzl(x);
}
static inline unsigned highest_bit(uint64_t x)
{
    return 63u - (unsigned)__builtin_clzl(x);
}
/* How many bits are set (no help from the CPU or a compiler library needed). */
static inline unsigned count_bits(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555UL;
    x = (x & 0x3333333333333333UL) + ((x >> 2) & 0x3333333333333333UL);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fUL;
    return (unsigned)((x * 0x0101010101010101UL) >> 56);
}
/* First clear/set bit of a bitmap of n bits (64-bit words), or n. */
unsigned find_first_zero(const uint64_t *map, unsigned n);
unsigned find_next_set(const uint64_t *map, unsigned n, unsigned from);

#define for_each_cpu(cpu, mask)                                                \
    for (cpumask_t left_ = (mask); left_ && ((cpu) = lowest_bit(left_), 1);    \
         left_ &= left_ - 1)

#endif
