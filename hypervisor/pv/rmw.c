/* Instructions that write one memory operand: pv/rmw.h. */
#include "pv/rmw.h"

#include "lib/compiler.h"

static uint64_t size_mask(unsigned size)
{
    return ~0UL >> (64 - 8 * size);
}

/* ---- which instruction ---- */

static enum action group_action(const struct insn *in)
{
    unsigned n = (in->modrm >> 3) & 7;

    switch (in->opcode) {
    case 0x80: case 0x81: case 0x83:
        return (enum action)(OP_ADD + n);
    case 0xc6: case 0xc7:
        return OP_MOV;
    case 0xf6: case 0xf7:
        return n == 2 ? OP_NOT : n == 3 ? OP_NEG : OP_NONE;
    case 0xfe: case 0xff:
        return n == 0 ? OP_INC : n == 1 ? OP_DEC : OP_NONE;
    default:
        return OP_NONE;
    }
}

static enum action one_byte_action(const struct insn *in)
{
    if (in->opcode < 0x40 && (in->opcode & 7) < 2)
        return (enum action)(OP_ADD + (in->opcode >> 3));
    switch (in->opcode) {
    case 0x86: case 0x87:
        return OP_XCHG;
    case 0x88: case 0x89: case 0xa2: case 0xa3:
        return OP_MOV;
    default:
        return group_action(in);
    }
}

static enum action two_byte_action(const struct insn *in)
{
    unsigned n = (in->modrm >> 3) & 7;

    switch (in->opcode) {
    case 0xab:
        return OP_BTS;
    case 0xb3:
        return OP_BTR;
    case 0xbb:
        return OP_BTC;
    case 0xba:
        return n >= 5 ? (enum action)(OP_BTS + (n - 5)) : OP_NONE;
    case 0xb0: case 0xb1:
        return OP_CMPXCHG;
    case 0xc0: case 0xc1:
        return OP_XADD;
    case 0xc7:
        return n == 1 && in->op_size != 8 ? OP_CMPXCHG8B : OP_NONE;
    default:
        return OP_NONE;
    }
}

static bool is_bit_op(enum action a)
{
    return a == OP_BTS || a == OP_BTR || a == OP_BTC;
}

bool rmw_classify(struct rmw *w, struct cpu_user_regs *regs)
{
    const struct insn *in = &w->in;

    w->action = OP_NONE;
    if (in->has_mem && in->map == INSN_MAP_1BYTE)
        w->action = one_byte_action(in);
    else if (in->has_mem && in->map == INSN_MAP_0F)
        w->action = two_byte_action(in);
    if (w->action == OP_NONE || w->action == OP_ADC || w->action == OP_SBB ||
        w->action == OP_CMP)
        return false;
    w->size = w->action == OP_CMPXCHG8B ? 8 : in->op_size;
    if (in->imm_size)
        w->src = (uint64_t)in->imm & size_mask(w->size);
    else if (in->has_modrm)
        w->src = insn_reg_get(in, regs, in->reg);
    else
        w->src = insn_reg_get(in, regs, 0); /* moffs: the accumulator */
    return true;
}

/* ---- where it writes ---- */

vaddr_t rmw_address(const struct rmw *w, struct cpu_user_regs *regs,
                    vaddr_t seg_base)
{
    vaddr_t va = seg_base + insn_mem_offset(&w->in, regs);
    unsigned shift = 64 - 8 * w->size;

    if (is_bit_op(w->action) && !w->in.imm_size) {
        int64_t bit = (int64_t)(w->src << shift) >> shift;
        va += (uint64_t)(bit >> (w->size == 8 ? 6 : w->size == 4 ? 5 : 4)) *
              w->size;
    }
    return va;
}

/* ---- what it does ---- */

static uint64_t result_flags(uint64_t r, unsigned size)
{
    uint64_t f = 0;

    r &= size_mask(size);
    if (!r)
        f |= FLAG_ZF;
    if (r >> (8 * size - 1))
        f |= FLAG_SF;
    if (!__builtin_parity((unsigned)r & 0xff))
        f |= FLAG_PF;
    return f;
}

static uint64_t add_flags(uint64_t a, uint64_t b, unsigned size)
{
    uint64_t mask = size_mask(size), r = (a + b) & mask;
    uint64_t f = result_flags(r, size);

    if (r < (a & mask))
        f |= FLAG_CF;
    if ((a ^ b ^ r) & 0x10)
        f |= FLAG_AF;
    if ((~(a ^ b) & (a ^ r)) >> (8 * size - 1) & 1)
        f |= FLAG_OF;
    return f;
}

static uint64_t sub_flags(uint64_t a, uint64_t b, unsigned size)
{
    uint64_t mask = size_mask(size), r = (a - b) & mask;
    uint64_t f = result_flags(r, size);

    if ((a & mask) < (b & mask))
        f |= FLAG_CF;
    if ((a ^ b ^ r) & 0x10)
        f |= FLAG_AF;
    if (((a ^ b) & (a ^ r)) >> (8 * size - 1) & 1)
        f |= FLAG_OF;
    return f;
}

static void do_bit_op(struct rmw *w)
{
    uint64_t bit = 1UL << (w->src & (8 * w->size - 1));

    w->changed = FLAG_CF;
    w->flags = w->old & bit ? FLAG_CF : 0;
    if (w->action == OP_BTS)
        w->new = w->old | bit;
    else if (w->action == OP_BTR)
        w->new = w->old & ~bit;
    else
        w->new = w->old ^ bit;
}

static void do_compare(struct rmw *w, uint64_t expect, uint64_t value)
{
    w->writes = w->old == expect;
    w->new = w->writes ? value : w->old;
}

static uint64_t edx_eax(const struct cpu_user_regs *regs)
{
    return (regs->rdx << 32) | (uint32_t)regs->rax;
}

static void do_cmpxchg(struct rmw *w, struct cpu_user_regs *regs)
{
    uint64_t acc = insn_reg_get(&w->in, regs, 0);

    if (w->action == OP_CMPXCHG8B) {
        do_compare(w, edx_eax(regs), (regs->rcx << 32) | (uint32_t)regs->rbx);
        w->changed = FLAG_ZF;
        w->flags = w->writes ? FLAG_ZF : 0;
    } else {
        do_compare(w, acc, w->src);
        w->changed = FLAGS_ALL;
        w->flags = sub_flags(acc, w->old, w->size);
    }
}

static void do_arithmetic(struct rmw *w)
{
    uint64_t a = w->old, b = w->src;

    w->changed = FLAGS_ALL;
    switch (w->action) {
    case OP_ADD: case OP_XADD:
        w->new = a + b;
        w->flags = add_flags(a, b, w->size);
        return;
    case OP_SUB:
        w->new = a - b;
        w->flags = sub_flags(a, b, w->size);
        return;
    case OP_NEG:
        w->new = -a;
        w->flags = sub_flags(0, a, w->size);
        return;
    case OP_INC:
        w->new = a + 1;
        w->flags = add_flags(a, 1, w->size);
        w->changed &= ~FLAG_CF;
        return;
    case OP_DEC:
        w->new = a - 1;
        w->flags = sub_flags(a, 1, w->size);
        w->changed &= ~FLAG_CF;
        return;
    case OP_OR:
        w->new = a | b;
        break;
    case OP_AND:
        w->new = a & b;
        break;
    default:
        w->new = a ^ b;
        break;
    }
    w->flags = result_flags(w->new, w->size);
}

void rmw_compute(struct rmw *w, struct cpu_user_regs *regs)
{
    w->writes = true;
    w->changed = 0;
    if (is_bit_op(w->action))
        do_bit_op(w);
    else if (w->action == OP_CMPXCHG || w->action == OP_CMPXCHG8B)
        do_cmpxchg(w, regs);
    else if (w->action == OP_MOV || w->action == OP_XCHG)
        w->new = w->src;
    else if (w->action == OP_NOT)
        w->new = ~w->old;
    else
        do_arithmetic(w);
    w->new &= size_mask(w->size);
}

void rmw_finish(const struct rmw *w, struct cpu_user_regs *regs)
{
    if (w->action == OP_XCHG || w->action == OP_XADD)
        insn_reg_set(&w->in, regs, w->in.reg, w->old);
    if (w->action == OP_CMPXCHG && !w->writes)
        insn_reg_set(&w->in, regs, 0, w->old);
    if (w->action == OP_CMPXCHG8B && !w->writes) {
        regs->rax = (uint32_t)w->old;
        regs->rdx = w->old >> 32;
    }
    regs->rflags &= ~(w->changed | X86_EFLAGS_RF);
    regs->rflags |= w->flags & w->changed;
    regs->rip += w->in.length;
}
