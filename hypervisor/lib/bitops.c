#include "lib/bitops.h"

unsigned find_first_zero(const uint64_t *map, unsigned n)
{
    for (unsigned i = 0; i < n; i += 64) {
        uint64_t free = ~map[i / 64];
        if (free)
            return min(i + lowest_bit(free), n);
    }
    return n;
}

unsigned find_next_set(const uint64_t *map, unsigned n, unsigned from)
{
    if (from >= n)
        return n;
    uint64_t word = map[from / 64] & (~0UL << (from % 64));
    for (unsigned i = from & ~63u;;) {
        if (word)
            return min(i + lowest_bit(word), n);
        i += 64;
        if (i >= n)
            return n;
        word = map[i / 64];
    }
}
