#include "arch/x86/extable.h"

#include "arch/x86/cpu.h"
#include "arch/x86/smap.h"
#include "lib/string.h"

struct ex_entry {
    int32_t from, to; /* relative to the field itself */
};
extern const struct ex_entry _ex_table_start[], _ex_table_end[];

uint64_t extable_search(uint64_t rip)
{
    /* A few dozen entries, and faults are rare: no need to sort. */
    for (const struct ex_entry *e = _ex_table_start; e < _ex_table_end; e++)
        if ((uint64_t)&e->from + (uint64_t)(int64_t)e->from == rip)
            return (uint64_t)&e->to + (uint64_t)(int64_t)e->to;
    return 0;
}

bool rdmsr_safe(uint32_t msr, uint64_t *v)
{
    uint32_t lo = 0, hi = 0, ok = 0;

    __asm__ volatile("1: rdmsr\n\t"
                     "movl $1, %2\n\t"
                     "2:\n\t" ASM_EXTABLE("1b", "2b")
                     : "+a"(lo), "+d"(hi), "+r"(ok)
                     : "c"(msr));
    *v = ((uint64_t)hi << 32) | lo;
    return ok;
}

bool wrmsr_safe(uint32_t msr, uint64_t v)
{
    uint32_t ok = 0;

    __asm__ volatile("1: wrmsr\n\t"
                     "movl $1, %0\n\t"
                     "2:\n\t" ASM_EXTABLE("1b", "2b")
                     : "+r"(ok)
                     : "c"(msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32))
                     : "memory");
    return ok;
}

/* ---- the other table of code places: STAC and CLAC (smap.h) ---- */

struct smap_entry {
    int32_t where; /* relative to the field itself */
    uint32_t opcode;
};
extern const struct smap_entry _smap_patch_start[], _smap_patch_end[];

void __init smap_patch(void)
{
    for (const struct smap_entry *e = _smap_patch_start; e < _smap_patch_end;
         e++)
        memcpy((char *)&e->where + e->where, &e->opcode, 3);
}
