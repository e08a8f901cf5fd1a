/*
 * Instructions that write one memory operand: what they would write. Pure; for
 * the emulation of page-table writes (pte_emulate.c).
 *
 * Known: mov, xchg, xadd, cmpxchg, cmpxchg8b, add, sub, and, or, xor, inc, dec,
 * not, neg, bts, btr, btc, locked or not. Not known: string instructions,
 * 16-byte exchanges, shifts, arithmetic with carry.
 *
 * Order of use: rmw_classify, rmw_address, (read the operand into `old`),
 * rmw_compute, (write `new` if `writes`), rmw_finish.
 */
#ifndef PV_RMW_H
#define PV_RMW_H

#include "arch/x86/insn.h"

#define FLAG_CF 0x001UL
#define FLAG_PF 0x004UL
#define FLAG_AF 0x010UL
#define FLAG_ZF 0x040UL
#define FLAG_SF 0x080UL
#define FLAG_OF 0x800UL
#define FLAGS_ALL (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* What the instruction does with its memory operand. */
enum action {
    OP_ADD, /* these eight in the order of their encoding */
    OP_OR,
    OP_ADC, /* refused, as SBB */
    OP_SBB,
    OP_AND,
    OP_SUB,
    OP_XOR,
    OP_CMP, /* writes nothing: cannot have faulted */
    OP_MOV,
    OP_XCHG,
    OP_XADD,
    OP_CMPXCHG,
    OP_CMPXCHG8B,
    OP_NOT,
    OP_NEG,
    OP_INC,
    OP_DEC,
    OP_BTS,
    OP_BTR,
    OP_BTC,
    OP_NONE
};

/* An instruction taken apart, and its effect. */
struct rmw {
    struct insn in;
    enum action action;
    uint64_t src;    /* second operand */
    unsigned size;   /* of the memory operand, bytes */
    uint64_t old, new; /* memory operand before and after */
    uint64_t flags;  /* resulting arithmetic flags ... */
    uint64_t changed; /* ... those of them that the instruction sets */
    bool writes;     /* a failed cmpxchg writes nothing new */
};

/* Fills in action, size and second operand of w->in. False: not known. */
bool rmw_classify(struct rmw *w, struct cpu_user_regs *regs);
/*
 * Address of the memory operand; seg_base: of its segment. A bit operation
 * with its bit number in a register reaches beyond its operand: gives the
 * word that holds the bit.
 */
vaddr_t rmw_address(const struct rmw *w, struct cpu_user_regs *regs,
                    vaddr_t seg_base);
/* From `old` and the registers: new, writes, flags, changed. */
void rmw_compute(struct rmw *w, struct cpu_user_regs *regs);
/* Registers, flags and instruction pointer after the instruction. */
void rmw_finish(const struct rmw *w, struct cpu_user_regs *regs);

#endif
