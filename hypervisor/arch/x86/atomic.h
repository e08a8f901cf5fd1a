/* Atomic operations whose result the compiler does not take from the flags. */
#ifndef ARCH_X86_ATOMIC_H
#define ARCH_X86_ATOMIC_H

#include "lib/compiler.h"
#include "lib/types.h"

/* Part of a word that others take for a larger one. */
typedef uint32_t __attribute__((may_alias)) atomic_half_t;

/* Takes one from *p; was it 1 or 0? A full barrier. */
static __always_inline bool atomic_dec_was_low(atomic_half_t *p)
{
    bool low;

    __asm__ volatile("lock subl $1, %0"
                     : "+m"(*p), "=@ccbe"(low)
                     :
                     : "memory");
    return low;
}

#endif
