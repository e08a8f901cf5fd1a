#include "arch/x86/boot/trampoline.h"

#include "arch/x86/boot.h"
#include "arch/x86/boot/memory.h"
#include "arch/x86/layout.h"
#include "arch/x86/map.h"
#include "arch/x86/paging.h"
#include "arch/x86/pte.h"
#include "lib/compiler.h"
#include "lib/string.h"

/* Frames: code, then L4, L3, L2. */
#define FRAMES 4

static mfn_t place __initdata;

static void __init *field(const char *symbol)
{
    return (char *)map_frame(place) + (symbol - trampoline_start);
}

/* Fields are not aligned. */
static void __init set32(const char *symbol, uint64_t v)
{
    uint32_t v32 = (uint32_t)v;
    memcpy(field(symbol), &v32, sizeof(v32));
}

static void __init set64(const char *symbol, uint64_t v)
{
    memcpy(field(symbol), &v, sizeof(v));
}

/* Where a symbol of the code lies in the copy. */
static uint64_t __init copied(const char *symbol)
{
    return mfn_to_paddr(place) + (uint64_t)(symbol - trampoline_start);
}

void __init trampoline_init(void)
{
    pte_t *table[3];

    place = boot_low_frames(FRAMES);
    for (unsigned i = 0; i < 3; i++) {
        table[i] = map_frame(mfn_add(place, i + 1));
        memset(table[i], 0, PAGE_SIZE);
    }
    table[0][0] = pte_make(mfn_add(place, 2), PTE_P | PTE_RW);
    l4_install_hypervisor(table[0]);
    table[1][0] = pte_make(mfn_add(place, 3), PTE_P | PTE_RW);
    table[2][0] = pte_make(mfn(0), PTE_P | PTE_RW | PTE_PSE);

    memcpy(map_frame(place), trampoline_start,
           (size_t)(trampoline_end - trampoline_start));
    set32(trampoline_gdt_base, copied(trampoline_gdt));
    set32(trampoline_jump32, copied(trampoline_code32));
    set32(trampoline_jump64, copied(trampoline_code64));
    set32(trampoline_cr3, mfn_to_paddr(mfn_add(place, 1)));
    set64(trampoline_final_cr3, hyp_cr3());
}

uint8_t __init trampoline_prepare(vaddr_t stack_top, void (*entry)(void))
{
    set64(trampoline_stack, stack_top);
    set64(trampoline_entry, (uint64_t)entry);
    smp_mb();
    return (uint8_t)place.m;
}
