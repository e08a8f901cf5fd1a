/* As ThreadSanitizer understands it. */
#ifndef ARCH_X86_ATOMIC_H
#define ARCH_X86_ATOMIC_H

#include "lib/compiler.h"
#include "lib/types.h"

typedef uint32_t __attribute__((may_alias)) atomic_half_t;

static inline bool atomic_dec_was_low(atomic_half_t *p)
{
    return __atomic_fetch_sub(p, 1, __ATOMIC_SEQ_CST) <= 1;
}

#endif
