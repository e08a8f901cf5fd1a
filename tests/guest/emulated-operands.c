/*
 * Writes to page tables by instructions whose operands are easily taken wrong:
 * overrides that mean nothing, bit numbers far off or negative, exchanges with
 * a size prefix. Each does what it does to plain memory, or gives the guest its
 * page fault; and no register shows anything else.
 */
#include "guest.h"
const char test_title[] = "operands of emulated writes";

static uint64_t *table, *plain;

struct regs {
    uint64_t a, b, c, d, flags;
};

/* One instruction with (%rsi) as its memory operand. */
#define FORM(name, text)                                                       \
    static void name(struct regs *r, uint64_t *at)                             \
    {                                                                          \
        __asm__ volatile(text "\n\tpushfq; popq %[flags]"                      \
                         : "+a"(r->a), "+b"(r->b), "+c"(r->c), "+d"(r->d),     \
                           [flags] "=&r"(r->flags)                             \
                         : "S"(at)                                             \
                         : "memory", "cc");                                    \
    }
FORM(mov_cs, ".byte 0x2e; movq %%rax,(%%rsi)")
FORM(mov_ss, ".byte 0x36; movq %%rax,(%%rsi)")
FORM(mov_two, ".byte 0x2e,0x36; movl %%eax,(%%rsi)")
FORM(mov_addr32, ".byte 0x67; movq %%rax,(%%rsi)")
FORM(xchg_cs, ".byte 0x2e; xchgq %%rax,(%%rsi)")
FORM(cx8_66, ".byte 0x66; cmpxchg8b (%%rsi)")
FORM(cx8_lock, "lock; cmpxchg8b (%%rsi)")
FORM(bts_reg, "btsq %%rax,(%%rsi)")
FORM(btr_reg, "lock; btrq %%rax,(%%rsi)")
FORM(btc_word, "btcw %%ax,(%%rsi)")
FORM(bts_imm, "btsq $200,(%%rsi)")

static const struct form {
    const char *name;
    void (*fn)(struct regs *, uint64_t *);
    uint64_t a;
} forms[] = {
    {"mov cs:", mov_cs, 0xabc00000},
    {"mov ss:", mov_ss, 0xabc00000},
    {"mov cs: ss: 32 bits", mov_two, 0xdef00000},
    {"mov with 32-bit address", mov_addr32, 0x12300000},
    {"xchg cs:", xchg_cs, 0x45600000},
    {"cmpxchg8b 66", cx8_66, 0x1111111122222222},
    {"cmpxchg8b", cx8_lock, 0x3333333344444444},
    {"bts 9", bts_reg, 9},
    {"bts -1", bts_reg, -1UL},
    {"bts -56", bts_reg, -56UL},
    {"bts 650", bts_reg, 650},
    {"btr -129", btr_reg, -129UL},
    {"btc 16 bits, -9", btc_word, 0xfff7},
    {"bts of an immediate", bts_imm, 0},
};

static const struct form *now;
static struct regs result;

static long run_form(long at)
{
    now->fn(&result, (uint64_t *)at);
    return 0;
}

/* Neither table nor plain memory names frames: present is never set. */
static void fill(void)
{
    for (unsigned i = 0; i < 512; i++)
        plain[i] = (uint64_t)i << 32 | 0xf0;
}

static bool run_at(uint64_t *at, struct regs *out)
{
    long ret;

    result = (struct regs){now->a, 0x5500, 0x6600, 0x7700, 0};
    ret = run_guarded(run_form, (long)at);
    *out = result;
    if (ret && last_trap.vector != 14 && last_trap.vector != 6)
        failure("%s: trap %lu", now->name, last_trap.vector);
    return !ret;
}

static void compare(const struct regs *want, const struct regs *got)
{
    if (want->a != got->a || want->b != got->b || want->c != got->c ||
        want->d != got->d || ((want->flags ^ got->flags) & 0x41))
        failure("%s: rax %#lx rdx %#lx flags %#lx, not %#lx %#lx %#lx",
                now->name, got->a, got->d, got->flags, want->a, want->d,
                want->flags);
    for (unsigned i = 0; i < 512; i++)
        if (plain[i] != table[i])
            failure("%s: entry %u is %#lx, not %#lx", now->name, i, table[i],
                    plain[i]);
}

void test_main(void)
{
    struct regs want, got;
    unsigned emulated = 0;

    plain = alloc_page();
    for (unsigned i = 0; i < ARRAY_SIZE(forms); i++) {
        now = &forms[i];
        if (now->fn == bts_imm && !on_xeno())
            continue; /* stock Xen takes numbers from 128 on as negative */
        table = alloc_page();
        fill();
        memcpy(table, plain, PAGE_SIZE);
        expect_eq(set_readonly(table), 0);
        expect_eq(mmuext1(MMUEXT_PIN_L1_TABLE, virt_to_mfn(table)), 0);
        if (run_at(table + 64, &got)) {
            emulated++;
            expect(run_at(plain + 64, &want), "plain memory: %s", now->name);
            compare(&want, &got);
        } else {
            compare(&got, &got); /* nothing has changed in the table */
        }
        expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, virt_to_mfn(table)), 0);
    }
    print("%u forms are emulated", emulated);
}
