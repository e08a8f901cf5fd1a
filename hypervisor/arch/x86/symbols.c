#include "arch/x86/symbols.h"

#include "arch/x86/boot/memory.h"
#include "lib/compiler.h"
#include "lib/string.h"

/*
 * Addresses in rising order as machine (load) addresses, then the names one
 * behind the other in the same order. The first link has this empty table.
 */
struct symbol_table {
    uint32_t count;
    uint32_t addr[];
};
extern const struct symbol_table symbol_table;
extern const char symbol_names[];
const struct symbol_table symbol_table __attribute__((weak)) = {.count = 0};
const char symbol_names[] __attribute__((weak)) = "";

bool is_hyp_text(vaddr_t addr)
{
    return (addr >= (vaddr_t)_text_start && addr < (vaddr_t)_text_end) ||
           (addr >= (vaddr_t)_init_start && addr < (vaddr_t)_init_data_start);
}

const char *symbol_find(vaddr_t addr, unsigned long *offset)
{
    const struct symbol_table *t = &symbol_table;
    const char *name = symbol_names;
    uint32_t at, n = 0;

    /* The compiler must not conclude from the table that it sees here. */
    __asm__("" : "+r"(t), "+r"(name));
    if (!is_hyp_text(addr))
        return NULL;
    at = (uint32_t)image_paddr((void *)addr);
    while (n < t->count && t->addr[n] <= at)
        n++;
    if (n == 0)
        return NULL;
    for (uint32_t i = 1; i < n; i++)
        name += strlen(name) + 1;
    *offset = at - t->addr[n - 1];
    return name;
}
