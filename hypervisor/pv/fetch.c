/*
 * The guest's next instruction.
 *
 * Its address counts from the base of the code segment, which only 64-bit code
 * does not have; the descriptor is read from where the CPU has it, this CPU's
 * descriptor window. An instruction may end just before a page that is not
 * mapped: the bytes up to the end of its first page are fetched on their own.
 */
#include "pv/pv.h"

#include "arch/x86/layout.h"
#include "arch/x86/usercopy.h"
#include <xen/arch-x86/xen-x86_64.h>

#define DESC_LONG (1UL << 53)
#define DESC_32BIT (1UL << 54)

static bool read_descriptor(uint16_t sel, uint64_t *desc)
{
    vaddr_t va = DESC_WINDOW(smp_cpu_id()) + (sel & ~7u);

    if (sel & 4)
        va += DESC_WINDOW_LDT;
    /* The window's pages come and go with the guest's tables. */
    GET_GUEST(*desc, va, fault);
    return true;
fault:
    return false;
}

bool pv_code_address(const struct cpu_user_regs *regs, vaddr_t *va,
                     enum insn_mode *mode)
{
    uint64_t d, base;

    *va = regs->rip;
    *mode = INSN_64;
    if (likely(regs->cs == FLAT_RING3_CS64))
        return true;
    if (!read_descriptor(regs->cs, &d))
        return false;
    if (d & DESC_LONG)
        return true;
    base = ((d >> 16) & 0xffffff) | ((d >> 32) & 0xff000000);
    *va = (uint32_t)(base + regs->rip);
    *mode = INSN_32;
    return d & DESC_32BIT;
}

/* One more than an instruction may have: two words, so one short copy. */
#define FETCH_BYTES 16

static unsigned fetch(uint8_t *bytes, vaddr_t va)
{
    size_t first = min((size_t)INSN_MAX_LENGTH, PAGE_SIZE - PAGE_OFFSET(va));

    if (likely(PAGE_OFFSET(va) <= PAGE_SIZE - FETCH_BYTES))
        return copy_from_guest_va(bytes, va, FETCH_BYTES) ? 0 : INSN_MAX_LENGTH;
    if (copy_from_guest_va(bytes, va, first))
        return 0;
    if (first < INSN_MAX_LENGTH &&
        copy_from_guest_va(bytes + first, va + first, INSN_MAX_LENGTH - first))
        return (unsigned)first;
    return INSN_MAX_LENGTH;
}

bool pv_fetch_insn(const struct cpu_user_regs *regs, struct insn *in)
{
    uint8_t bytes[FETCH_BYTES];
    enum insn_mode mode;
    vaddr_t va;

    return pv_code_address(regs, &va, &mode) &&
           insn_decode(in, bytes, fetch(bytes, va), mode) == 0;
}
