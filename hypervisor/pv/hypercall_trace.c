/*
 * Hypercalls of the ABI in the trace (not our own calls, with which it is
 * read). While they are wanted, each entry of the table is a
 * function that knows its number, notes it, and calls the right one; else the
 * table is as it was, and nothing is spent on the possibility.
 */
#include "core/hypercall.h"
#include "core/trace.h"

#include "lib/errno.h"

static hypercall_fn_t *real[NR_HYPERCALLS];

static __noinline long traced(uint64_t a1, uint64_t a2, uint64_t a3,
                              uint64_t a4, uint64_t a5, uint64_t a6,
                              unsigned nr)
{
    long result;

    trace(XENO_TRACE_hypercall, current, nr, a1);
    result = real[nr](a1, a2, a3, a4, a5, a6);
    trace(XENO_TRACE_hypercall_end, current, nr, (uint64_t)result);
    return result;
}

#define TRACED(nr)                                                             \
    static long traced_##nr(uint64_t a1, uint64_t a2, uint64_t a3,             \
                            uint64_t a4, uint64_t a5, uint64_t a6)             \
    {                                                                          \
        return traced(a1, a2, a3, a4, a5, a6, nr);                             \
    }
#define EACH(x)                                                                \
    x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12)        \
    x(13) x(14) x(15) x(16) x(17) x(18) x(19) x(20) x(21) x(22) x(23) x(24)    \
    x(25) x(26) x(27) x(28) x(29) x(30) x(31) x(32) x(33) x(34) x(35) x(36)    \
    x(37) x(38) x(39) x(40) x(41)
#define ENTRY(nr) traced_##nr,

EACH(TRACED)
static hypercall_fn_t *const table[] = {EACH(ENTRY)};
#define NR_TRACED (sizeof(table) / sizeof(table[0]))

/* The caller's lock keeps two of these apart. */
void hypercall_trace(bool on)
{
    for (unsigned i = 0; i < NR_TRACED; i++) {
        if (!real[i]) /* and stays: somebody may be on his way through it */
            real[i] = hypercall_table[i];
        WRITE_ONCE(hypercall_table[i], on ? table[i] : real[i]);
    }
}
