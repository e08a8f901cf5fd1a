/*
 * Instructions that write to a live page table: the hypervisor does them for
 * the guest, flags and old values as the CPU would give, and checks the new
 * entry. What it does not know faults in the guest.
 */
#include "guest.h"
const char test_title[] = "writes to live page tables are carried out";

#define FLAGS (PTE_P | PTE_RW | PTE_US | PTE_AD)
#define HOLE (VIRT_BASE + 0x20000000)

static volatile uint64_t *l1; /* the kernel's read-only view of a live table */
static uint64_t good[4];

/* The hypervisor may make entries of user pages global: not looked at. */
static uint64_t entry(unsigned i)
{
    return read_entry((virt_to_mfn((void *)(unsigned long)l1) << 12) + i * 8) &
           ~PTE_G;
}

/* ---- each instruction once ---- */

static void test_moves(void)
{
    uint32_t half = (uint32_t)good[1];

    l1[3] = good[0];
    expect_eq(entry(3), good[0]);
    __asm__ volatile("movq $0,%0" : "=m"(l1[3]));
    expect_eq(entry(3), 0);
    l1[3] = good[1];
    __asm__ volatile("movl %1,%0" : "=m"(*(volatile uint32_t *)&l1[3])
                     : "r"(half & ~2u));
    expect_eq(entry(3), good[1] & ~2UL);
}

/* The short forms with every kind of register and displacement. */
static void test_forms(void)
{
    uint64_t v = good[1], old = entry(3);

    __asm__ volatile("movq %0,%%r9; movq %1,%%r10; movq %%r9,(%%r10)" ::"r"(
                         good[0]),
                     "r"(&l1[3])
                     : "r9", "r10", "memory");
    expect_eq(entry(3), good[0]);
    old = entry(3);
    __asm__ volatile("movq %0,%%r12; movq %1,%%rbx;"
                     "xchgq %%r12,-16(%%rbx); movq %%r12,%0"
                     : "+r"(v)
                     : "r"(&l1[5])
                     : "r12", "rbx", "memory");
    expect_eq(v & ~PTE_G, old);
    expect_eq(entry(3), good[1]);
    __asm__ volatile("movq %0,%%r13; movq $0x7ffff000,127(%%r13)" ::"r"(
                         (char *)&l1[3] - 127)
                     : "r13", "memory");
    expect_eq(entry(3), 0x7ffff000);
    __asm__ volatile("movq %0,%%rdi; movq %1,%%rsi; movq %%rsi,(%%rdi,%2,8)" ::
                         "r"(&l1[1]),
                     "r"(good[2]), "r"(2UL)
                     : "rdi", "rsi", "memory");
    expect_eq(entry(3), good[2]);
    __asm__ volatile("movq %0,%%r14; movq %1,%%r15; movq %%r15,0x80(%%r14)" ::
                         "r"((char *)&l1[3] - 0x80),
                     "r"(good[0])
                     : "r14", "r15", "memory");
    expect_eq(entry(3), good[0]);
}

static void test_exchange(void)
{
    uint64_t v = good[2], old = entry(3), raw;
    bool equal;

    __asm__ volatile("xchgq %0,%1" : "+r"(v), "+m"(l1[3]));
    expect_eq(v & ~PTE_G, old);
    expect_eq(entry(3), good[2]);
    v = 0x1234; /* a comparison that fails */
    __asm__ volatile("lock cmpxchgq %3,%1; sete %2"
                     : "+a"(v), "+m"(l1[3]), "=q"(equal)
                     : "r"(good[0])
                     : "cc");
    expect_eq(equal, false);
    expect_eq(v & ~PTE_G, good[2]);
    expect_eq(entry(3), good[2]);
    raw = v;
    __asm__ volatile("lock cmpxchgq %3,%1; sete %2"
                     : "+a"(v), "+m"(l1[3]), "=q"(equal)
                     : "r"(good[0])
                     : "cc");
    expect_eq(equal, true);
    expect_eq(v, raw);
    expect_eq(entry(3), good[0]);
}

static void test_bits(void)
{
    bool bit;

    __asm__ volatile("lock andq $~2,%0" : "+m"(l1[3])::"cc");
    expect_eq(entry(3), good[0] & ~2UL);
    __asm__ volatile("lock orq $2,%0" : "+m"(l1[3])::"cc");
    expect_eq(entry(3), good[0]);
    __asm__ volatile("lock btrq $1,%0; setc %1"
                     : "+m"(l1[3]), "=q"(bit)::"cc");
    expect_eq(bit, true);
    expect_eq(entry(3), good[0] & ~2UL);
    __asm__ volatile("lock btsq $1,%0; setc %1"
                     : "+m"(l1[3]), "=q"(bit)::"cc");
    expect_eq(bit, false);
    expect_eq(entry(3), good[0]);
    /* One byte: clears the accessed and dirty bits, as a kernel may. */
    __asm__ volatile("lock andb $0x9f,%0"
                     : "+m"(*(volatile uint8_t *)&l1[3])::"cc");
    expect_eq(entry(3), good[0] & ~PTE_AD);
    __asm__ volatile("xorl $2,%0" : "+m"(*(volatile uint32_t *)&l1[3])::"cc");
    expect_eq(entry(3), (good[0] & ~PTE_AD) ^ 2);
}

/* These may be left to the guest, as a fault; if not they are right. */
static long store_movnti(long v)
{
    __asm__ volatile("movnti %1,%0" : "=m"(l1[9]) : "r"(v));
    return 0;
}

static long store_string(long v)
{
    const volatile uint64_t *p = &l1[10];
    unsigned long n = 20;

    __asm__ volatile("rep stosq" : "+D"(p), "+c"(n) : "a"(v) : "memory");
    return (long)n;
}

static void test_optional(void)
{
    run_guarded(store_movnti, (long)good[1]);
    expect_eq(entry(9), last_trap.count ? 0 : good[1]);
    run_guarded(store_string, (long)good[1]);
    for (unsigned i = 10; i < 30; i++)
        expect_eq(entry(i), last_trap.count ? 0 : good[1]);
}

/* The registers beside are left alone, and rip goes on. */
static void test_registers(void)
{
    uint64_t sum;

    __asm__ volatile("movl $1,%%ebx; movl $2,%%ecx; movl $3,%%r9d;"
                     "movl $4,%%r14d; stc; movq %2,(%1);"
                     "setc %%al; movzbl %%al,%%eax; addq %%rbx,%%rax;"
                     "shlq $4,%%rax; addq %%rcx,%%rax; shlq $4,%%rax;"
                     "addq %%r9,%%rax; shlq $4,%%rax; addq %%r14,%%rax"
                     : "=&a"(sum)
                     : "r"(&l1[5]), "r"(good[3])
                     : "rbx", "rcx", "r9", "r14", "memory", "cc");
    expect_eq(sum, 0x2234);
    expect_eq(entry(5), good[3]);
}

/* ---- what is refused faults, and leaves the entry ---- */

static long store_bad(long v)
{
    l1[6] = (uint64_t)v;
    return 0;
}

static long exchange_bad(long v)
{
    __asm__ volatile("xchgq %0,%1" : "+r"(v), "+m"(l1[6]));
    return 0;
}

static long or_bad(long v)
{
    __asm__ volatile("lock orq %1,%0" : "+m"(l1[6]) : "r"(v) : "cc");
    return 0;
}

static long unaligned(long v)
{
    *(volatile uint64_t *)((unsigned long)&l1[6] + 4) = (uint64_t)v;
    return 0;
}

static long across(long v)
{
    *(volatile uint64_t *)((unsigned long)&l1[511] + 4) = (uint64_t)v;
    return 0;
}

static void expect_fault(const char *what, long (*fn)(long), uint64_t v)
{
    uint64_t before = entry(6);

    run_guarded(fn, (long)v);
    expect(last_trap.count == 1 && last_trap.vector == 14,
           "%s: trap %ld", what, (long)last_trap.vector);
    expect_eq(entry(6), before);
}

static void test_refused(void)
{
    uint64_t table = PTE(kernel_l4_mfn(), FLAGS);
    uint64_t foreign = table_of(kernel_l4_mfn())[256];

    l1[6] = 0;
    expect_fault("a writable page table", store_bad, table);
    expect_fault("a writable page table", exchange_bad, table);
    expect_fault("a writable page table", or_bad, table);
    expect_fault("the hypervisor's frame", store_bad, foreign);
    expect_fault("no frame", store_bad, PTE(1UL << 34, FLAGS));
    l1[6] = table & ~2UL;
    expect_fault("made writable", or_bad, 2);
    l1[6] = 0;
    expect_fault("not aligned", unaligned, 0);
    run_guarded(across, 0);
    expect_eq(last_trap.vector, 14);
}

USER_SNIPPET(user_store, "movq %rdi,(%rdi); int3");
USER_SNIPPET(user_clear, "lock andl $0,(%rdi); int3");

/* Only the kernel's writes are carried out, not those of user mode. */
static void test_user(void)
{
    const unsigned long va = 0x700000;
    struct trap_frame f;

    l1[6] = good[0];
    expect_eq(user_map(va, PTE(virt_to_mfn((void *)l1),
                               PTE_P | PTE_US | PTE_AD)), 0);
    RUN_USER(user_store, va + 6 * 8, &f);
    expect_eq(f.vector, 14);
    expect_eq(f.error_code, 7);
    RUN_USER(user_clear, va + 6 * 8, &f);
    expect_eq(f.vector, 14);
    expect_eq(l1[6] & PTE_ADDR, good[0] & PTE_ADDR);
    l1[6] = 0;
}

/* Levels above: faults, or done as well. */
static void test_upper(void)
{
    uint64_t l2e = entry_maddr(kernel_l4_mfn(), HOLE, 2);
    volatile uint64_t *p = (volatile uint64_t *)(unsigned long)&table_of(
        l2e >> 12)[(l2e & 4095) / 8];
    uint64_t old = *p;

    run_guarded(exchange_bad, 0);
    *(volatile char *)HOLE; /* the mapping is there */
    expect_eq(*p, old);
}

void test_main(void)
{
    uint64_t *table = alloc_table();

    l1 = table;
    for (unsigned i = 0; i < 4; i++)
        good[i] = PTE(virt_to_mfn(alloc_page()), FLAGS);
    expect_eq(mmu_update1(entry_maddr(kernel_l4_mfn(), HOLE, 2),
                          PTE(virt_to_mfn(table), FLAGS)),
              0);
    test_moves();
    test_forms();
    test_exchange();
    test_bits();
    test_optional();
    test_registers();
    test_refused();
    test_user();
    l1[0] = good[0];
    test_upper();
}
