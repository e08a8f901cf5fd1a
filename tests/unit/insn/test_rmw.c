/*
 * The emulated instructions against the processor: each is run for real on
 * random operands and flags, and emulated from the same state; memory,
 * registers and the defined flags must agree.
 */
#include "insn/t.h"

#include <sys/mman.h>

#include "lib/compiler.h"
#include "lib/string.h"
#include "pv/rmw.h"

/* Memory operand (%rsi); other registers used: a, b, c, d. */
static const struct {
    const char *text;
    uint8_t bytes[10];
    uint8_t len;
    bool af_undefined;
} ops[] = {
    {"mov dl", {0x88, 0x16}, 2, 0},
    {"mov ah", {0x88, 0x26}, 2, 0},
    {"mov dx", {0x66, 0x89, 0x16}, 3, 0},
    {"mov edx", {0x89, 0x16}, 2, 0},
    {"mov rdx", {0x48, 0x89, 0x16}, 3, 0},
    {"movb imm", {0xc6, 0x06, 0x9c}, 3, 0},
    {"movq imm", {0x48, 0xc7, 0x06, 0x67, 0x45, 0x23, 0x81}, 7, 0},
    {"xchg dl", {0x86, 0x16}, 2, 0},
    {"xchg edx", {0x87, 0x16}, 2, 0},
    {"xchg rdx", {0x48, 0x87, 0x16}, 3, 0},
    {"lock add rdx", {0xf0, 0x48, 0x01, 0x16}, 4, 0},
    {"add imm8", {0x48, 0x83, 0x06, 0xfd}, 4, 0},
    {"sub edx", {0x29, 0x16}, 2, 0},
    {"lock sub imm32", {0xf0, 0x48, 0x81, 0x2e, 1, 2, 3, 4}, 8, 0},
    {"lock and rdx", {0xf0, 0x48, 0x21, 0x16}, 4, 1},
    {"and imm8", {0x48, 0x83, 0x26, 0xfd}, 4, 1},
    {"lock andb imm", {0xf0, 0x80, 0x26, 0x7f}, 4, 1},
    {"lock or rdx", {0xf0, 0x48, 0x09, 0x16}, 4, 1},
    {"orw dx", {0x66, 0x09, 0x16}, 3, 1},
    {"xor edx", {0x31, 0x16}, 2, 1},
    {"not", {0x48, 0xf7, 0x16}, 3, 0},
    {"neg", {0x48, 0xf7, 0x1e}, 3, 0},
    {"negb", {0xf6, 0x1e}, 2, 0},
    {"inc", {0x48, 0xff, 0x06}, 3, 0},
    {"decl", {0xff, 0x0e}, 2, 0},
    {"decb", {0xfe, 0x0e}, 2, 0},
    {"lock xadd rdx", {0xf0, 0x48, 0x0f, 0xc1, 0x16}, 5, 0},
    {"xadd dl", {0x0f, 0xc0, 0x16}, 3, 0},
    {"lock cmpxchg rdx", {0xf0, 0x48, 0x0f, 0xb1, 0x16}, 5, 0},
    {"cmpxchg edx", {0x0f, 0xb1, 0x16}, 3, 0},
    {"cmpxchg dl", {0x0f, 0xb0, 0x16}, 3, 0},
    {"lock cmpxchg8b", {0xf0, 0x0f, 0xc7, 0x0e}, 4, 0},
    {"lock btr imm", {0xf0, 0x48, 0x0f, 0xba, 0x36, 0x41}, 6, 0},
    {"bts imm", {0x0f, 0xba, 0x2e, 0x05}, 4, 0},
    {"btc imm", {0x48, 0x0f, 0xba, 0x3e, 0x3f}, 5, 0},
    {"lock btr rdx", {0xf0, 0x48, 0x0f, 0xb3, 0x16}, 5, 0},
    {"bts edx", {0x0f, 0xab, 0x16}, 3, 0},
    {"btc dx", {0x66, 0x0f, 0xbb, 0x16}, 4, 0},
};

struct cpu {
    uint64_t a, b, c, d, flags;
};

#define MEM_WORDS 64
#define MEM_MID (MEM_WORDS / 2)

static uint64_t rnd_state = 0x9e3779b97f4a7c15;
static uint64_t rnd(void)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 7;
    rnd_state ^= rnd_state << 17;
    return rnd_state;
}

/* Random, but often one of the values at which flags change. */
static uint64_t operand(void)
{
    static const uint64_t edge[] = {0, 1, 0x7f, 0x80, 0xff, 0x7fffffff,
                                    0x80000000, 0xffffffff, ~0UL,
                                    1UL << 63, ~0UL >> 1};
    uint64_t r = rnd();

    return r & 4 ? rnd() : edge[r / 8 % ARRAY_SIZE(edge)];
}

static void run_real(void (*code)(void), struct cpu *s, uint64_t *mem)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushq %[f]\n\t"
                     "popfq\n\t"
                     "call *%[code]\n\t"
                     "pushfq\n\t"
                     "popq %[f]\n\t"
                     "leaq 128(%%rsp), %%rsp\n\t"
                     "cld"
                     : "+a"(s->a), "+b"(s->b), "+c"(s->c), "+d"(s->d),
                       [f] "+&r"(s->flags)
                     : [code] "r"(code), "S"(mem)
                     : "memory", "cc");
}

static void run_emulated(const uint8_t *bytes, unsigned len, struct cpu *s,
                         uint64_t *mem, uint64_t *defined)
{
    struct cpu_user_regs regs;
    struct rmw w;
    char *at;

    memset(&regs, 0, sizeof(regs));
    regs.rax = s->a;
    regs.rbx = s->b;
    regs.rcx = s->c;
    regs.rdx = s->d;
    regs.rsi = (uint64_t)mem;
    regs.rip = 0x1000;
    regs.rflags = s->flags;
    assert_int_equal(insn_decode(&w.in, bytes, len, INSN_64), 0);
    assert_true(rmw_classify(&w, &regs));
    at = (char *)rmw_address(&w, &regs, 0);
    w.old = 0;
    memcpy(&w.old, at, w.size);
    rmw_compute(&w, &regs);
    if (w.writes)
        memcpy(at, &w.new, w.size);
    rmw_finish(&w, &regs);
    assert_int_equal(regs.rip, 0x1000 + len);
    s->a = regs.rax;
    s->b = regs.rbx;
    s->c = regs.rcx;
    s->d = regs.rdx;
    s->flags = regs.rflags;
    *defined = w.changed;
}

static void set_up(struct cpu *s, uint64_t *mem, bool bit_number)
{
    for (unsigned i = 0; i < MEM_WORDS; i++)
        mem[i] = operand();
    s->a = rnd() & 1 ? mem[MEM_MID] : operand();
    s->b = operand();
    s->c = operand();
    s->d = bit_number ? rnd() % 1024 - 512 : operand();
    if (rnd() & 1) /* half of the cmpxchg8b must succeed */
        s->d = bit_number ? s->d : mem[MEM_MID] >> 32;
    s->flags = 0x202 | (rnd() & 0x8d5);
}

static void compare(const struct cpu *real, const struct cpu *emulated,
                    uint64_t flags)
{
    assert_int_equal(real->a, emulated->a);
    assert_int_equal(real->b, emulated->b);
    assert_int_equal(real->c, emulated->c);
    assert_int_equal(real->d, emulated->d);
    assert_int_equal(real->flags & flags, emulated->flags & flags);
}

static void test_against_cpu(void **state)
{
    uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(page, MAP_FAILED);
    for (size_t i = 0; i < ARRAY_SIZE(ops); i++) {
        bool by_register = strstr(ops[i].text, "bt") &&
                           !strstr(ops[i].text, "imm");

        print_message("    %s\n", ops[i].text);
        memcpy(page, ops[i].bytes, ops[i].len);
        page[ops[i].len] = 0xc3; /* ret */
        for (unsigned n = 0; n < 2000; n++) {
            uint64_t mem_a[MEM_WORDS], mem_b[MEM_WORDS], defined;
            struct cpu a, b;

            set_up(&a, mem_a, by_register);
            b = a;
            memcpy(mem_b, mem_a, sizeof(mem_a));
            run_real((void (*)(void))(uintptr_t)page, &a, mem_a + MEM_MID);
            run_emulated(ops[i].bytes, ops[i].len, &b, mem_b + MEM_MID,
                         &defined);
            if (ops[i].af_undefined)
                defined &= ~FLAG_AF;
            compare(&a, &b, defined);
            assert_memory_equal(mem_a, mem_b, sizeof(mem_a));
        }
    }
    munmap(page, 4096);
}

static void test_not_known(void **state)
{
    static const struct {
        const char *text;
        uint8_t bytes[8], len;
    } bad[] = {
        {"register destination", {0x48, 0x89, 0xc2}, 3},
        {"load", {0x48, 0x8b, 0x06}, 3},
        {"adc", {0x48, 0x11, 0x16}, 3},
        {"sbb imm", {0x48, 0x83, 0x1e, 1}, 4},
        {"cmp", {0x48, 0x39, 0x16}, 3},
        {"cmpxchg16b", {0xf0, 0x48, 0x0f, 0xc7, 0x0e}, 5},
        {"bt imm", {0x0f, 0xba, 0x26, 1}, 4},
        {"stosq", {0x48, 0xab}, 2},
        {"movsq", {0x48, 0xa5}, 2},
        {"shl", {0x48, 0xd1, 0x26}, 3},
        {"push (rsi)", {0xff, 0x36}, 2},
        {"movaps", {0x0f, 0x29, 0x06}, 3},
        {"fxsave", {0x0f, 0xae, 0x06}, 3},
    };
    struct cpu_user_regs regs;

    (void)state;
    memset(&regs, 0, sizeof(regs));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        struct rmw w;
        print_message("    %s\n", bad[i].text);
        assert_int_equal(insn_decode(&w.in, bad[i].bytes, bad[i].len, INSN_64),
                         0);
        assert_false(rmw_classify(&w, &regs));
    }
}

int run_rmw_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_cpu),
        cmocka_unit_test(test_not_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
