/*
 * Emulated instructions at the edges: the last bytes of a mapped page, code
 * segments with a base, single steps, elements across pages, CR4.TSD.
 */
#include "guest.h"
const char test_title[] = "emulation at the edges";

#define POST 0x80 /* a harmless port */
#define LDT 0x900000UL
#define CODE32(b) (0x00cffb000000ffffUL | ((uint64_t)(b) << 16))

static void set_iopl(unsigned iopl)
{
    struct physdev_set_iopl s = {.iopl = iopl};

    expect_eq(hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &s), 0);
}

/* CLTS as the last two bytes before nothing. */
static long at_page_end(long arg)
{
    static const uint8_t clts_ret[] = {0x0f, 0x06};
    void *page = alloc_page();
    unsigned long va = 0xa00000;

    (void)arg;
    memcpy((char *)page + PAGE_SIZE - 2, clts_ret, 2);
    expect_eq(kernel_map(va, PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD)),
              0);
    ((void (*)(void))(va + PAGE_SIZE - 2))();
    return 0;
}

static void test_page_end(void)
{
    run_guarded(at_page_end, 0);
    /* Emulated; what faults is the fetch behind it. */
    expect_eq(last_trap.vector, 14);
    expect_eq(last_trap.rip, 0xa01000);
}

static volatile unsigned steps;
static bool on_step(struct trap_frame *f)
{
    if (f->vector != 1)
        return false;
    steps++;
    return true;
}

static char buffer[2 * PAGE_SIZE] __attribute__((aligned(4096)));

#define STEPPED(text)                                                          \
    "pushfq; orl $0x100,(%%rsp); popfq; " text                                 \
    "; pushfq; andl $~0x100,(%%rsp); popfq"

static void test_steps(void)
{
    unsigned long si = (unsigned long)buffer, cx = 5;
    unsigned none, one;

    set_iopl(1);
    trap_hook = on_step;
    steps = 0;
    __asm__ volatile(STEPPED("nop") ::: "memory", "cc");
    none = steps;
    steps = 0;
    __asm__ volatile(STEPPED("nop; outb %%al,$0x80") ::: "memory", "cc");
    one = steps;
    expect_eq(one, none + on_xeno()); /* stock Xen loses this step */
    steps = 0;
    __asm__ volatile(STEPPED("nop; rep outsb")
                     : "+S"(si), "+c"(cx)
                     : "d"(POST)
                     : "memory", "cc");
    expect_eq(steps, none + 5);
    expect_eq(cx, 0);
    expect_eq(si, (unsigned long)buffer + 5);
    steps = 0;
    __asm__ volatile(STEPPED("nop; cpuid") : : "a"(0)
                     : "rbx", "rcx", "rdx", "memory", "cc");
    expect_eq(steps, none + 1);
    trap_hook = NULL;
}

static long in_long(long va)
{
    __asm__ volatile("insl" : "+D"(va) : "d"(POST) : "memory");
    return va;
}

/* The second page of an element is not there: that is what CR2 names. */
static void test_crossing(void)
{
    unsigned long second = (unsigned long)buffer + PAGE_SIZE;
    uint64_t pte = read_pte((void *)second);

    expect_eq(update_va(second, 0, UVMF_INVLPG), 0);
    expect_eq(run_guarded(in_long, (long)second - 2), -1);
    expect_eq(last_trap.vector, 14);
    expect_eq(last_trap.cr2, second);
    expect_eq(update_va(second, pte, UVMF_INVLPG), 0);
    expect_eq(run_guarded(in_long, (long)second - 2), second + 2);
    set_iopl(0);
}

/* inc %eax; in: in 64-bit code the first byte would be a REX prefix. */
USER_SNIPPET(user_in, ".byte 0x40; inb $0x80,%al; int3");

static void test_base(void)
{
    const uint64_t frame[] = {0, 15, 2, USER_STACK, FLAT_USER_SS | 3};
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT};
    uint64_t *page = alloc_page();
    struct trap_frame f;
    unsigned done;

    page[1] = CODE32(USER_CODE);
    expect_eq(set_readonly(page), 0);
    expect_eq(kernel_map(LDT, PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD)),
              0);
    op.arg1.linear_addr = LDT;
    op.arg2.nr_ents = 2;
    expect_eq(hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF), 0);
    set_iopl(3);
    RUN_USER(user_in, 0, &f);
    expect_eq(f.vector, 3);
    run_user_frame(frame, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(f.rip, 4);
    set_iopl(0);
}

USER_SNIPPET(user_tsc, "rdtsc; int3");

static long set_tsd(long on)
{
    unsigned long cr4;

    __asm__ volatile("movq %%cr4,%0" : "=r"(cr4));
    cr4 = on ? cr4 | 4 : cr4 & ~4UL;
    __asm__ volatile("movq %0,%%cr4; rdtsc" ::"r"(cr4) : "rax", "rdx");
    return 0;
}

static void test_tsd(void)
{
    struct trap_frame f;

    RUN_USER(user_tsc, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(run_guarded(set_tsd, 1), 0);
    RUN_USER(user_tsc, 0, &f);
    expect_eq(f.vector, 13);
    expect_eq(run_guarded(set_tsd, 0), 0);
    RUN_USER(user_tsc, 0, &f);
    expect_eq(f.vector, 3);
}

void test_main(void)
{
    test_page_end();
    test_steps();
    test_crossing();
    test_base();
    test_tsd();
}
