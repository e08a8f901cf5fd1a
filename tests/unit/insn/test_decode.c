/* Encodings with known parts; every truncation of each is refused as such. */
#include "insn/t.h"

#include "arch/x86/insn.h"
#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/string.h"

#define NONE INSN_NO_REG

struct vector {
    const char *text;
    uint8_t bytes[16];
    uint8_t length, map, opcode, op_size;
    /* Operands; what does not apply is 0 and not looked at. */
    bool mem;
    uint8_t reg, base, index, scale, seg;
    int64_t disp, imm;
    uint8_t imm_size;
    enum insn_mode mode;
};

#define V64 .mode = INSN_64
#define V32 .mode = INSN_32

static const struct vector vectors[] = {
    {"nop", {0x90}, 1, 0, 0x90, 4, V64},
    {"rdmsr", {0x0f, 0x32}, 2, 1, 0x32, 4, V64},
    {"cpuid", {0x0f, 0xa2}, 2, 1, 0xa2, 4, V64},
    {"hlt", {0xf4}, 1, 0, 0xf4, 4, V64},
    {"mov cr3,rax", {0x0f, 0x22, 0xd8}, 3, 1, 0x22, 8, .reg = 3, V64},
    {"mov cr8,rax", {0x44, 0x0f, 0x22, 0xc0}, 4, 1, 0x22, 8, .reg = 8, V64},
    {"mov rax,dr7", {0x0f, 0x21, 0xf8}, 3, 1, 0x21, 8, .reg = 7, V64},
    /* mod is ignored for these */
    {"mov rax,cr0 mod 0", {0x0f, 0x20, 0x00}, 3, 1, 0x20, 8, .reg = 0, V64},
    {"in al,dx", {0xec}, 1, 0, 0xec, 1, V64},
    {"in ax,dx", {0x66, 0xed}, 2, 0, 0xed, 2, V64},
    {"out imm8,eax", {0xe7, 0x80}, 2, 0, 0xe7, 4, .imm = -128, .imm_size = 1,
     V64},
    {"rep insb", {0xf3, 0x6c}, 2, 0, 0x6c, 1, V64},
    {"invlpg (rdi)", {0x0f, 0x01, 0x3f}, 3, 1, 0x01, 4, true, .reg = 7,
     .base = 7, .index = NONE, .scale = 1, .seg = SEG_DS, V64},
    {"xsetbv", {0x0f, 0x01, 0xd1}, 3, 1, 0x01, 4, .reg = 2, V64},
    {"lock btr qword (rbx),1", {0xf0, 0x48, 0x0f, 0xba, 0x33, 1}, 6, 1, 0xba,
     8, true, .reg = 6, .base = 3, .index = NONE, .scale = 1, .seg = SEG_DS,
     .imm = 1, .imm_size = 1, V64},
    {"mov qword (rax),imm32", {0x48, 0xc7, 0x00, 1, 2, 3, 0x84}, 7, 0, 0xc7, 8,
     true, .base = 0, .index = NONE, .scale = 1, .seg = SEG_DS,
     .imm = (int32_t)0x84030201, .imm_size = 4, V64},
    {"movabs rcx,imm64", {0x48, 0xb9, 1, 2, 3, 4, 5, 6, 7, 8}, 10, 0, 0xb9, 8,
     .imm = 0x0807060504030201, .imm_size = 8, V64},
    {"mov (r13+0),r12", {0x4d, 0x89, 0x65, 0x00}, 4, 0, 0x89, 8, true,
     .reg = 12, .base = 13, .index = NONE, .scale = 1, .seg = SEG_DS, V64},
    {"mov (rsp+8),eax", {0x89, 0x44, 0x24, 0x08}, 4, 0, 0x89, 4, true,
     .base = 4, .index = NONE, .scale = 1, .seg = SEG_SS, .disp = 8, V64},
    {"mov (rbp-4),eax", {0x89, 0x45, 0xfc}, 3, 0, 0x89, 4, true, .base = 5,
     .index = NONE, .scale = 1, .seg = SEG_SS, .disp = -4, V64},
    {"mov gs:(rax+r9*8),rdx", {0x65, 0x4a, 0x89, 0x14, 0xc8}, 5, 0, 0x89, 8,
     true, .reg = 2, .base = 0, .index = 9, .scale = 8, .seg = SEG_GS, V64},
    {"mov (r12),al", {0x41, 0x88, 0x04, 0x24}, 4, 0, 0x88, 1, true, .base = 12,
     .index = NONE, .scale = 1, .seg = SEG_DS, V64},
    {"mov (disp32),eax", {0x89, 0x04, 0x25, 0, 0, 0, 0x80}, 7, 0, 0x89, 4, true,
     .base = NONE, .index = NONE, .scale = 1, .seg = SEG_DS,
     .disp = (int32_t)0x80000000, V64},
    {"mov (rax*2+disp32),ecx", {0x89, 0x0c, 0x45, 4, 0, 0, 0}, 7, 0, 0x89, 4,
     true, .reg = 1, .base = NONE, .index = 0, .scale = 2, .seg = SEG_DS,
     .disp = 4, V64},
    {"mov al,(moffs64)", {0xa0, 1, 2, 3, 4, 5, 6, 7, 0x80}, 9, 0, 0xa0, 1, true,
     .base = NONE, .index = NONE, .scale = 1, .seg = SEG_DS,
     .disp = (int64_t)0x8007060504030201, V64},
    {"mov (moffs32),eax", {0x67, 0xa3, 1, 0, 0, 0}, 6, 0, 0xa3, 4, true,
     .base = NONE, .index = NONE, .scale = 1, .seg = SEG_DS, .disp = 1, V64},
    {"test dword (rax),imm32", {0xf7, 0x00, 1, 0, 0, 0}, 6, 0, 0xf7, 4, true,
     .base = 0, .index = NONE, .scale = 1, .seg = SEG_DS, .imm = 1,
     .imm_size = 4, V64},
    {"test word (rax),imm16", {0x66, 0xf7, 0x00, 1, 0x80}, 5, 0, 0xf7, 2, true,
     .base = 0, .index = NONE, .scale = 1, .seg = SEG_DS,
     .imm = (int16_t)0x8001, .imm_size = 2, V64},
    {"not dword (rax)", {0xf7, 0x10}, 2, 0, 0xf7, 4, true, .reg = 2, .base = 0,
     .index = NONE, .scale = 1, .seg = SEG_DS, V64},
    {"push imm32", {0x68, 0xff, 0xff, 0xff, 0xff}, 5, 0, 0x68, 8, .imm = -1,
     .imm_size = 4, V64},
    {"call rel32", {0xe8, 0, 0, 0, 0}, 5, 0, 0xe8, 8, .imm_size = 4, V64},
    {"call rel32, 66 ignored", {0x66, 0xe8, 0, 0, 0, 0}, 6, 0, 0xe8, 8,
     .imm_size = 4, V64},
    {"jz rel32", {0x0f, 0x84, 1, 0, 0, 0}, 6, 1, 0x84, 8, .imm = 1,
     .imm_size = 4, V64},
    {"enter", {0xc8, 0x10, 0, 1}, 4, 0, 0xc8, 8, .imm = 0x010010,
     .imm_size = 3, V64},
    {"pshufb", {0x66, 0x0f, 0x38, 0x00, 0xc1}, 5, 2, 0x00, 2, .reg = 0, V64},
    {"palignr", {0x66, 0x0f, 0x3a, 0x0f, 0xc1, 5}, 6, 3, 0x0f, 2, .imm = 5,
     .imm_size = 1, V64},
    /* A legacy prefix after REX takes its effect away. */
    {"rex.w then 66", {0x48, 0x66, 0x89, 0x00}, 4, 0, 0x89, 2, true, .base = 0,
     .index = NONE, .scale = 1, .seg = SEG_DS, V64},
    {"ud2", {0x0f, 0x0b}, 2, 1, 0x0b, 4, V64},

    {"inc eax (32)", {0x40}, 1, 0, 0x40, 4, V32},
    {"mov (bx+si+1),ax (32, 67)", {0x67, 0x66, 0x89, 0x40, 0x01}, 5, 0, 0x89, 2,
     true, .base = 3, .index = 6, .scale = 1, .seg = SEG_DS, .disp = 1, V32},
    {"mov (disp16),eax (32, 67)", {0x67, 0x89, 0x06, 0x34, 0x12}, 5, 0, 0x89, 4,
     true, .base = NONE, .index = NONE, .scale = 1, .seg = SEG_DS,
     .disp = 0x1234, V32},
    {"mov (disp32),eax (32)", {0x89, 0x05, 1, 0, 0, 0}, 6, 0, 0x89, 4, true,
     .base = NONE, .index = NONE, .scale = 1, .seg = SEG_DS, .disp = 1, V32},
    {"jmp far (32)", {0xea, 1, 0, 0, 0, 8, 0}, 7, 0, 0xea, 4,
     .imm = 0x000800000001, .imm_size = 6, V32},
    {"push es (32)", {0x06}, 1, 0, 0x06, 4, V32},
    {"les (32)", {0xc4, 0x00}, 2, 0, 0xc4, 4, true, .base = 0, .index = NONE,
     .scale = 1, .seg = SEG_DS, V32},
};

static void check_vector(const struct vector *v)
{
    struct insn in;

    print_message("    %s\n", v->text);
    assert_int_equal(insn_decode(&in, v->bytes, 16, v->mode), 0);
    assert_int_equal(in.length, v->length);
    assert_int_equal(in.map, v->map);
    assert_int_equal(in.opcode, v->opcode);
    assert_int_equal(in.op_size, v->op_size);
    assert_int_equal(in.has_mem, v->mem);
    assert_int_equal(in.imm, v->imm);
    assert_int_equal(in.imm_size, v->imm_size);
    if (in.has_modrm)
        assert_int_equal(in.reg, v->reg);
    if (!v->mem)
        return;
    assert_int_equal(in.base, v->base);
    assert_int_equal(in.index, v->index);
    assert_int_equal(in.scale, v->scale);
    assert_int_equal(in.seg, v->seg);
    assert_int_equal(in.disp, v->disp);
}

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
        check_vector(&vectors[i]);
}

/* Each shorter length is "more bytes needed", and nothing beyond is read. */
static void test_truncated(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        const struct vector *v = &vectors[i];
        for (unsigned len = 0; len < v->length; len++) {
            uint8_t *exact = test_malloc(len ? len : 1);
            struct insn in;
            memcpy(exact, v->bytes, len);
            assert_int_equal(insn_decode(&in, exact, len, v->mode), -ENODATA);
            test_free(exact);
        }
    }
}

static const struct {
    const char *text;
    uint8_t bytes[16];
    unsigned len;
    enum insn_mode mode;
} undefined[] = {
    {"push es in 64-bit mode", {0x06}, 1, INSN_64},
    {"jmp far in 64-bit mode", {0xea, 0, 0, 0, 0, 0, 0}, 7, INSN_64},
    {"aam in 64-bit mode", {0xd4, 0x0a}, 2, INSN_64},
    {"vex", {0xc5, 0xf8, 0x77}, 3, INSN_64},
    {"vex in 32-bit mode", {0xc5, 0xf8, 0x77}, 3, INSN_32},
    {"evex", {0x62, 0xf1, 0x7c, 0x48, 0x58, 0xc1}, 6, INSN_64},
    {"xop", {0x8f, 0xe8, 0x78, 0xc2, 0xc1, 0}, 6, INSN_64},
    {"c7 /1", {0xc7, 0x08, 0, 0, 0, 0}, 6, INSN_64},
    {"0f 04", {0x0f, 0x04}, 2, INSN_64},
    {"16 bytes of prefixes",
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
      0x66, 0x66, 0x66, 0x90},
     16, INSN_64},
    {"immediate ends at byte 16",
     {0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
      0x66, 0xa9, 0, 0},
     16, INSN_64},
};

static void test_undefined(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(undefined); i++) {
        struct insn in;
        print_message("    %s\n", undefined[i].text);
        assert_int_equal(insn_decode(&in, undefined[i].bytes, undefined[i].len,
                                     undefined[i].mode),
                         -EINVAL);
    }
}

/* Any bytes at all: no crash, no read beyond the end, length in bounds. */
static void test_random_bytes(void **state)
{
    uint64_t x = 88172645463325252UL;

    (void)state;
    for (unsigned n = 0; n < 300000; n++) {
        uint8_t bytes[15];
        struct insn in;
        unsigned len;
        int rc;
        for (unsigned i = 0; i < sizeof(bytes); i++) {
            x ^= x << 13;
            x ^= x >> 7;
            x ^= x << 17;
            bytes[i] = (uint8_t)(x >> 32);
        }
        len = (unsigned)(x % 16);
        rc = insn_decode(&in, bytes, len, x & 0x100 ? INSN_64 : INSN_32);
        assert_true(rc == 0 || rc == -EINVAL || rc == -ENODATA);
        if (!rc)
            assert_in_range(in.length, 1, len);
    }
}

static void test_registers(void **state)
{
    struct cpu_user_regs regs;
    struct insn in;

    (void)state;
    memset(&regs, 0, sizeof(regs));
    regs.rbx = 0x1122334455667788;
    regs.r11 = 0xaabbccdd00112233;

    memset(&in, 0, sizeof(in));
    in.op_size = 1;
    assert_int_equal(insn_reg_get(&in, &regs, 3), 0x88);
    assert_int_equal(insn_reg_get(&in, &regs, 7), 0x77); /* bh */
    insn_reg_set(&in, &regs, 7, 0xee);
    assert_int_equal(regs.rbx, 0x112233445566ee88);
    in.rex = 0x40;
    regs.rdi = 0x99;
    assert_int_equal(insn_reg_get(&in, &regs, 7), 0x99); /* dil */
    in.op_size = 2;
    insn_reg_set(&in, &regs, 3, 0x1234);
    assert_int_equal(regs.rbx, 0x1122334455661234);
    in.op_size = 4;
    insn_reg_set(&in, &regs, 11, 0xffffffff80000000);
    assert_int_equal(regs.r11, 0x80000000);
    in.op_size = 8;
    insn_reg_set(&in, &regs, 11, 5);
    assert_int_equal(regs.r11, 5);
}

static void test_addresses(void **state)
{
    static const uint8_t sib[] = {0x48, 0x89, 0x54, 0xc8, 0xf8};
    static const uint8_t rip_rel[] = {0x89, 0x05, 0x10, 0, 0, 0};
    static const uint8_t short_addr[] = {0x67, 0x89, 0x00};
    struct cpu_user_regs regs;
    struct insn in;

    (void)state;
    memset(&regs, 0, sizeof(regs));
    regs.rax = 0xffff888000001000;
    regs.rcx = 3;
    regs.rip = 0x1000;
    assert_int_equal(insn_decode(&in, sib, sizeof(sib), INSN_64), 0);
    assert_int_equal(insn_mem_offset(&in, &regs), 0xffff888000001010);
    assert_int_equal(insn_decode(&in, rip_rel, sizeof(rip_rel), INSN_64), 0);
    assert_true(in.rip_relative);
    assert_int_equal(insn_mem_offset(&in, &regs), 0x1016);
    assert_int_equal(insn_decode(&in, short_addr, sizeof(short_addr), INSN_64),
                     0);
    assert_int_equal(insn_mem_offset(&in, &regs), 0x1000);
}

int run_decode_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_undefined),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_registers),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
