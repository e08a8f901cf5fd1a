/*
 * The instruction decoder. Two tables say which opcodes have a ModRM byte and
 * an immediate (Intel SDM vol. 2, appendix A); the rest is the fixed order of
 * an encoding: prefixes, REX, opcode, ModRM, SIB, displacement, immediate.
 */
#include "arch/x86/insn.h"

#include "lib/compiler.h"
#include "lib/errno.h"

#define M 0x0001u    /* ModRM follows */
#define B 0x0002u    /* operands are bytes */
#define I8 0x0004u   /* immediate: one byte */
#define IZ 0x0008u   /* immediate: 2 or 4 bytes */
#define IV 0x0010u   /* immediate: as long as the operand, 8 too */
#define I16 0x0020u  /* immediate: two bytes (ENTER: and one more) */
#define MO 0x0040u   /* memory offset of address size instead of ModRM */
#define D64 0x0080u  /* 64-bit operand by default in 64-bit mode */
#define F64 0x0100u  /* 64-bit operand always in 64-bit mode */
#define X64 0x0200u  /* undefined in 64-bit mode */
#define FAR 0x0400u  /* immediate: offset and selector */
#define G3 0x0800u   /* immediate only if the reg field is 0 or 1 */
#define R0 0x1000u   /* undefined unless the reg field is 0 */
#define RR 0x2000u   /* ModRM names registers whatever its mod field */
#define VX 0x4000u   /* VEX or EVEX unless it names memory in 32-bit mode */
#define UD 0x8000u   /* undefined */

/* The eight arithmetic operations share one pattern. */
#define ARITH(n)                                                               \
    [(n)] = M | B, [(n) + 1] = M, [(n) + 2] = M | B, [(n) + 3] = M,            \
    [(n) + 4] = B | I8, [(n) + 5] = IZ

static const uint16_t one_byte[256] = {
    ARITH(0x00), ARITH(0x08), ARITH(0x10), ARITH(0x18), ARITH(0x20),
    ARITH(0x28), ARITH(0x30), ARITH(0x38),
    [0x06 ... 0x07] = X64, [0x0e] = X64, [0x16 ... 0x17] = X64,
    [0x1e ... 0x1f] = X64, [0x27] = X64, [0x2f] = X64, [0x37] = X64,
    [0x3f] = X64, [0x50 ... 0x5f] = D64, [0x60 ... 0x61] = X64,
    [0x62] = M | VX, [0x63] = M, [0x68] = IZ | D64, [0x69] = M | IZ,
    [0x6a] = I8 | D64, [0x6b] = M | I8, [0x6c] = B, [0x6e] = B,
    [0x70 ... 0x7f] = I8 | F64, [0x80] = M | B | I8, [0x81] = M | IZ,
    [0x82] = X64 | M | B | I8, [0x83] = M | I8,
    [0x84] = M | B, [0x85] = M, [0x86] = M | B, [0x87] = M, [0x88] = M | B,
    [0x89] = M, [0x8a] = M | B, [0x8b ... 0x8e] = M, [0x8f] = M | D64 | R0,
    [0x9a] = X64 | FAR, [0x9c ... 0x9d] = D64,
    [0xa0] = B | MO, [0xa1] = MO, [0xa2] = B | MO, [0xa3] = MO, [0xa4] = B,
    [0xa6] = B, [0xa8] = B | I8, [0xa9] = IZ, [0xaa] = B, [0xac] = B,
    [0xae] = B, [0xb0 ... 0xb7] = B | I8, [0xb8 ... 0xbf] = IV,
    [0xc0] = M | B | I8, [0xc1] = M | I8, [0xc2] = I16 | F64, [0xc3] = F64,
    [0xc4 ... 0xc5] = M | VX, [0xc6] = M | B | I8 | R0, [0xc7] = M | IZ | R0,
    [0xc8] = I16 | I8 | D64, [0xc9] = D64, [0xca] = I16, [0xcd] = I8,
    [0xce] = X64, [0xd0] = M | B, [0xd1] = M, [0xd2] = M | B, [0xd3] = M,
    [0xd4 ... 0xd5] = X64 | I8, [0xd6] = X64, [0xd8 ... 0xdf] = M,
    [0xe0 ... 0xe3] = I8 | F64, [0xe4] = B | I8, [0xe5] = I8, [0xe6] = B | I8,
    [0xe7] = I8, [0xe8 ... 0xe9] = IZ | F64, [0xea] = X64 | FAR,
    [0xeb] = I8 | F64, [0xec] = B, [0xee] = B, [0xf6] = M | B | G3,
    [0xf7] = M | G3, [0xfe] = M | B, [0xff] = M,
};

static const uint16_t two_byte[256] = {
    [0x00 ... 0x03] = M, [0x04] = UD, [0x0a] = UD, [0x0c] = UD, [0x0d] = M,
    [0x0f] = M | I8, [0x10 ... 0x1f] = M, [0x20 ... 0x23] = M | RR | F64,
    [0x24 ... 0x27] = UD, [0x28 ... 0x2f] = M, [0x36] = UD, [0x39] = UD,
    [0x3b ... 0x3f] = UD, [0x40 ... 0x6f] = M, [0x70 ... 0x73] = M | I8,
    [0x74 ... 0x76] = M, [0x78 ... 0x79] = M, [0x7a ... 0x7b] = UD,
    [0x7c ... 0x7f] = M, [0x80 ... 0x8f] = IZ | F64, [0x90 ... 0x9f] = M | B,
    [0xa0 ... 0xa1] = D64, [0xa3] = M, [0xa4] = M | I8, [0xa5] = M,
    [0xa6 ... 0xa7] = UD, [0xa8 ... 0xa9] = D64, [0xab] = M, [0xac] = M | I8,
    [0xad ... 0xaf] = M, [0xb0] = M | B, [0xb1 ... 0xb9] = M, [0xba] = M | I8,
    [0xbb ... 0xbf] = M, [0xc0] = M | B, [0xc1] = M, [0xc2] = M | I8,
    [0xc3] = M, [0xc4 ... 0xc6] = M | I8, [0xc7] = M, [0xd0 ... 0xff] = M,
};

/* An immediate of one kind or another. */
#define IMMEDIATE (I8 | IZ | IV | I16 | FAR | G3)
/* Not defined in every mode and with every ModRM. */
#define CONDITIONAL (UD | X64 | VX | R0)

/* Bytes that are prefixes: legacy ones, and 40..4f as REX in 64-bit mode. */
#define PREFIX(b) (1u << ((b) & 31))
static const uint32_t prefix_bytes[256 / 32] = {
    [1] = PREFIX(0x26) | PREFIX(0x2e) | PREFIX(0x36) | PREFIX(0x3e),
    [2] = 0xffff,
    [3] = PREFIX(0x64) | PREFIX(0x65) | PREFIX(0x66) | PREFIX(0x67),
    [7] = PREFIX(0xf0) | PREFIX(0xf2) | PREFIX(0xf3),
};

static inline bool is_prefix(uint8_t b)
{
    return prefix_bytes[b / 32] & PREFIX(b);
}

struct cursor {
    const uint8_t *bytes;
    unsigned end, pos; /* end: what may be read; 0 once a read has failed */
    int error;         /* of the first read that failed */
    enum insn_mode mode;
    bool opsize_prefix;
    uint16_t attr;
};

static __noinline void read_failed(struct cursor *c, unsigned n)
{
    if (!c->error)
        c->error = n > INSN_MAX_LENGTH - c->pos ? -EINVAL : -ENODATA;
    c->end = 0;
}

/* The next n (1..8) bytes as a sign-extended little-endian number. */
static __noinline int64_t take(struct cursor *c, unsigned n)
{
    uint64_t v = 0;

    if (unlikely(c->pos + n > c->end)) {
        read_failed(c, n);
        return 0;
    }
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)c->bytes[c->pos + i] << (8 * i);
    c->pos += n;
    return (int64_t)(v << (64 - 8 * n)) >> (64 - 8 * n);
}

static __always_inline uint8_t take_byte(struct cursor *c)
{
    if (unlikely(c->pos >= c->end)) {
        read_failed(c, 1);
        return 0;
    }
    return c->bytes[c->pos++];
}

/* take(c, n), where one byte is the rule. */
static __always_inline int64_t take_short(struct cursor *c, unsigned n)
{
    return likely(n == 1) ? (int8_t)take_byte(c) : take(c, n);
}

static void legacy_prefix(struct cursor *c, struct insn *in, uint8_t b)
{
    switch (b) {
    case 0x26: case 0x2e: case 0x36: case 0x3e:
        in->seg = (b >> 3) & 3;
        in->seg_override = true;
        break;
    case 0x64: case 0x65:
        in->seg = b - 0x64 + SEG_FS;
        in->seg_override = true;
        break;
    case 0x66:
        c->opsize_prefix = true;
        break;
    case 0x67:
        in->addr_size = c->mode == INSN_64 ? 4 : 2;
        break;
    case 0xf0:
        in->lock = true;
        break;
    case 0xf2: case 0xf3:
        in->repne = b == 0xf2;
        in->rep = b == 0xf3;
        break;
    }
}

static __noinline uint8_t take_prefixes(struct cursor *c, struct insn *in,
                                        uint8_t b)
{
    do {
        if ((b & 0xf0) != 0x40) {
            legacy_prefix(c, in, b);
            in->rex = 0; /* REX counts only directly before the opcode */
        } else if (c->mode == INSN_64) {
            in->rex = b;
        } else {
            break;
        }
        b = take_byte(c);
    } while (is_prefix(b));
    return b;
}

/* Prefixes and opcode; leaves the opcode's attributes in the cursor. */
static inline void take_opcode(struct cursor *c, struct insn *in)
{
    uint8_t b = take_byte(c);

    if (is_prefix(b))
        b = take_prefixes(c, in, b);
    c->attr = one_byte[b];
    if (b == 0x0f) {
        in->map = INSN_MAP_0F;
        b = take_byte(c);
        c->attr = two_byte[b];
        if (b == 0x38 || b == 0x3a) {
            in->map = b == 0x38 ? INSN_MAP_0F38 : INSN_MAP_0F3A;
            c->attr = b == 0x38 ? M : M | I8;
            b = take_byte(c);
        }
    }
    in->opcode = b;
}

static inline void set_op_size(const struct cursor *c, struct insn *in)
{
    bool long_mode = c->mode == INSN_64;

    if (c->attr & B)
        in->op_size = 1;
    else if (long_mode && ((c->attr & F64) || (in->rex & 8)))
        in->op_size = 8;
    else if (c->opsize_prefix)
        in->op_size = 2;
    else
        in->op_size = long_mode && (c->attr & D64) ? 8 : 4;
}

static void take_mem16(struct cursor *c, struct insn *in)
{
    static const uint8_t base16[8] = {3, 3, 5, 5, 6, 7, 5, 3};
    static const uint8_t index16[4] = {6, 7, 6, 7};
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;

    if (mod == 0 && rm == 6) {
        in->disp = take(c, 2);
        return;
    }
    in->base = base16[rm];
    if (rm < 4)
        in->index = index16[rm];
    if (mod)
        in->disp = take(c, mod == 1 ? 1 : 2);
}

static void take_sib(struct cursor *c, struct insn *in)
{
    uint8_t sib = take_byte(c);
    unsigned index = ((sib >> 3) & 7) | (in->rex & 2 ? 8 : 0);

    in->scale = (uint8_t)(1u << (sib >> 6));
    if (index != 4)
        in->index = (uint8_t)index;
    if ((sib & 7) == 5 && in->modrm >> 6 == 0)
        in->disp = take(c, 4);
    else
        in->base = (uint8_t)((sib & 7) | (in->rex & 1 ? 8 : 0));
}

static void take_mem(struct cursor *c, struct insn *in)
{
    unsigned mod = in->modrm >> 6, rm = in->modrm & 7;

    if (rm == 4) {
        take_sib(c, in);
    } else if (mod == 0 && rm == 5) {
        in->disp = take(c, 4);
        in->rip_relative = c->mode == INSN_64;
    } else {
        in->base = in->rm;
    }
    if (mod)
        in->disp = take_short(c, mod == 1 ? 1 : 4);
}

static inline void take_modrm(struct cursor *c, struct insn *in)
{
    in->modrm = take_byte(c);
    in->has_modrm = true;
    in->reg = (uint8_t)(((in->modrm >> 3) & 7) | (in->rex & 4 ? 8 : 0));
    in->rm = (uint8_t)((in->modrm & 7) | (in->rex & 1 ? 8 : 0));
    if (in->modrm >> 6 == 3 || (c->attr & RR))
        return;
    in->has_mem = true;
    if (in->addr_size == 2)
        take_mem16(c, in);
    else
        take_mem(c, in);
    if (!in->seg_override && (in->base == 4 || in->base == 5))
        in->seg = SEG_SS;
}

/* Refuses what depends on mode and ModRM. */
static inline bool form_defined(const struct cursor *c, const struct insn *in)
{
    if (likely(!(c->attr & CONDITIONAL)))
        return true;
    if (c->attr & UD)
        return false;
    if ((c->attr & X64) && c->mode == INSN_64)
        return false;
    if ((c->attr & VX) && (c->mode == INSN_64 || !in->has_mem))
        return false;
    return !(c->attr & R0) || !(in->modrm & 0x38);
}

static __noinline void take_immediate(struct cursor *c, struct insn *in)
{
    unsigned z = in->op_size == 2 ? 2 : 4, n = 0;

    if (c->attr & G3)
        n = in->modrm & 0x30 ? 0 : in->op_size == 1 ? 1 : z;
    else if (c->attr & I16)
        n = c->attr & I8 ? 3 : 2;
    else if (c->attr & I8)
        n = 1;
    else if (c->attr & IZ)
        n = z;
    else if (c->attr & IV)
        n = in->op_size;
    else if (c->attr & FAR)
        n = z + 2;
    if (!n)
        return;
    in->imm = take_short(c, n);
    in->imm_size = (uint8_t)n;
}

int insn_decode(struct insn *out, const uint8_t *bytes, unsigned len,
                enum insn_mode mode)
{
    struct cursor c = {
        .bytes = bytes, .end = min(len, INSN_MAX_LENGTH + 0u), .mode = mode};

    *out = (struct insn){.addr_size = mode == INSN_64 ? 8 : 4, .seg = SEG_DS,
                         .base = INSN_NO_REG, .index = INSN_NO_REG, .scale = 1};
    take_opcode(&c, out);
    set_op_size(&c, out);
    if (!c.error && (c.attr & M))
        take_modrm(&c, out);
    if (!c.error && !form_defined(&c, out))
        return -EINVAL;
    if (c.attr & MO) {
        out->disp = take(&c, out->addr_size);
        out->has_mem = true;
    }
    if (c.attr & IMMEDIATE)
        take_immediate(&c, out);
    out->length = (uint8_t)c.pos;
    return c.error;
}

uint64_t *insn_reg64(struct cpu_user_regs *regs, unsigned n)
{
#define AT(reg) offsetof(struct cpu_user_regs, reg)
    static const uint8_t offset[16] = {
        AT(rax), AT(rcx), AT(rdx), AT(rbx),
        AT(rsp), AT(rbp), AT(rsi), AT(rdi),
        AT(r8), AT(r9), AT(r10), AT(r11),
        AT(r12), AT(r13), AT(r14), AT(r15),
    };
#undef AT

    return (uint64_t *)((char *)regs + offset[n & 15]);
}

/* Is this one of ah, ch, dh, bh? */
static bool high_byte(const struct insn *in, unsigned n)
{
    return in->op_size == 1 && !in->rex && n >= 4 && n < 8;
}

uint64_t insn_reg_get(const struct insn *in, struct cpu_user_regs *regs,
                      unsigned n)
{
    if (high_byte(in, n))
        return (*insn_reg64(regs, n - 4) >> 8) & 0xff;
    return *insn_reg64(regs, n) & (~0UL >> (64 - 8 * in->op_size));
}

void insn_reg_set(const struct insn *in, struct cpu_user_regs *regs, unsigned n,
                  uint64_t value)
{
    uint64_t mask = ~0UL >> (64 - 8 * in->op_size);
    uint64_t *r = insn_reg64(regs, high_byte(in, n) ? n - 4 : n);

    if (high_byte(in, n))
        *r = (*r & ~0xff00UL) | ((value & 0xff) << 8);
    else if (in->op_size == 4)
        *r = (uint32_t)value;
    else
        *r = (*r & ~mask) | (value & mask);
}

vaddr_t insn_mem_offset(const struct insn *in, struct cpu_user_regs *regs)
{
    uint64_t a = (uint64_t)in->disp;

    if (in->base != INSN_NO_REG)
        a += *insn_reg64(regs, in->base);
    if (in->index != INSN_NO_REG)
        a += *insn_reg64(regs, in->index) * in->scale;
    if (in->rip_relative)
        a += regs->rip + in->length;
    return a & (~0UL >> (64 - 8 * in->addr_size));
}
