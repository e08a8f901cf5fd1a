/*
 * A decoder for the integer instructions: length, opcode, operands.
 *
 * It tells where an instruction ends and what its parts are; what it does is
 * for the caller, who looks at `map` and `opcode`. Pure: it sees only the
 * bytes it is given and never reads beyond `len`. VEX, EVEX and XOP encodings
 * are refused.
 *
 * Typical use:
 *     struct insn in;
 *     unsigned n = 15 - copy_from_guest_va(buf, regs->rip, 15);
 *     if (insn_decode(&in, buf, n, INSN_64) == 0 && in.map == INSN_MAP_0F &&
 *         in.opcode == 0x32)
 *             ... rdmsr; regs->rip += in.length;
 */
#ifndef ARCH_X86_INSN_H
#define ARCH_X86_INSN_H

#include "arch/x86/regs.h"
#include "lib/types.h"

#define INSN_MAX_LENGTH 15

/* Of the code segment: 64-bit, or 32-bit (compatibility mode). */
enum insn_mode { INSN_32, INSN_64 };

enum insn_map { INSN_MAP_1BYTE, INSN_MAP_0F, INSN_MAP_0F38, INSN_MAP_0F3A };

/* Segment registers in the order of their machine encoding. */
enum insn_seg { SEG_ES, SEG_CS, SEG_SS, SEG_DS, SEG_FS, SEG_GS };

#define INSN_NO_REG 0xff

struct insn {
    uint8_t length;    /* bytes, prefixes included: 1..15 */
    uint8_t map;       /* enum insn_map */
    uint8_t opcode;    /* last opcode byte */
    uint8_t op_size;   /* of the operands: 1, 2, 4 or 8 bytes */
    uint8_t addr_size; /* 2, 4 or 8 bytes */
    uint8_t rex;       /* the prefix byte, 0 = none */
    bool lock, rep, repne;

    bool has_modrm;
    uint8_t modrm;     /* the byte itself, without REX */
    uint8_t reg;       /* its reg field, with REX.R: 0..15 */
    uint8_t rm;        /* rm as a register number, with REX.B: 0..15 */

    /* Memory operand: ModRM with mod != 3, moffs, or a string instruction's
       (not filled in for those: they imply rSI and rDI). */
    bool has_mem;
    bool rip_relative;
    uint8_t base, index; /* register numbers or INSN_NO_REG */
    uint8_t scale;       /* 1, 2, 4, 8 */
    uint8_t seg;         /* enum insn_seg: override or the default one */
    bool seg_override;
    int64_t disp;

    uint8_t imm_size;  /* bytes in the encoding, 0 = no immediate */
    int64_t imm;       /* sign-extended */
};

/*
 * Decodes bytes[0..len). Returns 0; -ENODATA the bytes end before the
 * instruction does; -EINVAL undefined in this mode, longer than 15 bytes, or
 * of an extension that is not covered.
 */
int insn_decode(struct insn *out, const uint8_t *bytes, unsigned len,
                enum insn_mode mode);

/* Register 0..15 as the instruction set counts: rax, rcx, rdx, rbx ... */
uint64_t *insn_reg64(struct cpu_user_regs *regs, unsigned n);
/*
 * Reads / writes register `n` as an operand of the instruction's op_size:
 * without REX byte registers 4..7 are ah, ch, dh, bh; a 32-bit write clears
 * the upper half, smaller ones keep the rest.
 */
uint64_t insn_reg_get(const struct insn *in, struct cpu_user_regs *regs,
                      unsigned n);
void insn_reg_set(const struct insn *in, struct cpu_user_regs *regs,
                  unsigned n, uint64_t value);
/*
 * Offset of the memory operand within its segment, cut to the address size;
 * the caller adds the base of in->seg (0 in 64-bit mode but for FS and GS).
 * regs->rip still points to the instruction's first byte.
 */
vaddr_t insn_mem_offset(const struct insn *in, struct cpu_user_regs *regs);

#endif
