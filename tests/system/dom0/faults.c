/*
 * Exceptions become the right signals, with the address that faulted.
 */
#include "t.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int got_sig, got_code;
static void *volatile got_addr;

/* A handler starts with the interrupted program's alignment-check flag. */
static void clear_ac(void)
{
    asm volatile("pushf\n\t andl $~0x40000, (%%rsp)\n\t popf" ::
                     : "memory", "cc");
}

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
    (void)ctx;
    clear_ac();
    got_sig = sig;
    got_code = info->si_code;
    got_addr = info->si_addr;
    siglongjmp(back, 1);
}

/* Run fn, expect the signal with the code and (unless NULL) the address. */
static void expect(const char *what, void (*fn)(void), int sig, int code,
                   void *addr)
{
    got_sig = got_code = 0;
    got_addr = NULL;
    if (sigsetjmp(back, 1) == 0)
        fn();
    t_ok(got_sig == sig && got_code == code && (!addr || got_addr == addr),
         "%s: signal %d code %d at %p; want %d, %d, %p", what, got_sig,
         got_code, got_addr, sig, code, addr);
}

/* The same for exceptions that an emulated processor may not know. */
static void expect_if_raised(const char *what, void (*fn)(void), int sig,
                             int code)
{
    got_sig = got_code = 0;
    if (sigsetjmp(back, 1) == 0)
        fn();
    if (got_sig == 0)
        t_note("%s: this processor does not raise it", what);
    else
        t_ok(got_sig == sig && got_code == code, "%s: signal %d code %d",
             what, got_sig, got_code);
}

static volatile char *page;

static void divide(void)
{
    volatile int zero = 0, one = 1;

    one = one / zero;
}

static void divide_overflow(void)
{
    asm volatile("idivl %0" ::"r"(-1), "a"(0x80000000), "d"(0x80000000 >> 31)
                 : "cc");
}

static void sse_divide(void)
{
    uint32_t mxcsr = 0x1f80 & ~(4u << 7);

    asm volatile("ldmxcsr %0\n\t xorps %%xmm0, %%xmm0\n\t"
                 "movaps %%xmm0, %%xmm1\n\t cmpeqps %%xmm1, %%xmm1\n\t"
                 "psrld $25, %%xmm1\n\t pslld $23, %%xmm1\n\t"
                 "divps %%xmm0, %%xmm1" ::"m"(mxcsr)
                 : "xmm0", "xmm1");
}

static void x87_divide(void)
{
    uint16_t cw = 0x037f & ~4;

    asm volatile("fninit\n\t fldcw %0\n\t fldz\n\t fld1\n\t"
                 "fdivp\n\t fwait" ::"m"(cw));
}

static void illegal(void)
{
    asm volatile("ud2");
}

static void breakpoint(void)
{
    asm volatile("int3");
}

static void read_null(void)
{
    (void)*(volatile char *)0;
}

static void read_page(void)
{
    (void)page[123];
}

static void write_page(void)
{
    page[2345] = 1;
}

static void execute_page(void)
{
    ((void (*)(void))(uintptr_t)page)();
}

static void general_protection(void)
{
    asm volatile("hlt");
}

static void non_canonical(void)
{
    (void)*(volatile char *)0x1234567890abcdef;
}

static void misaligned_sse(void)
{
    asm volatile("movaps %0, %%xmm0" ::"m"(page[1]) : "xmm0");
}

static void alignment(void)
{
    asm volatile("pushf\n\t orl $0x40000, (%%rsp)\n\t popf\n\t"
                 "mov 1(%0), %%eax" ::"r"(page)
                 : "rax", "memory", "cc");
}

static void execute_edge(void)
{
    ((void (*)(void))(uintptr_t)(page + 4094))();
}

/* An instruction that begins on one page and ends on one without access. */
static void test_straddle(void)
{
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    page[4094] = 0x48; /* mov $imm64, %rax */
    page[4095] = 0xb8;
    mprotect((void *)page, 4096, PROT_READ | PROT_EXEC);
    mprotect((void *)(page + 4096), 4096, PROT_NONE);
    expect("instruction across the edge of a page", execute_edge, SIGSEGV,
           SEGV_ACCERR, (void *)(page + 4096));
    munmap((void *)page, 8192);
}

static void test_pages(void)
{
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    expect("read of a page without access", read_page, SIGSEGV, SEGV_ACCERR,
           (void *)&page[123]);
    mprotect((void *)page, 4096, PROT_READ);
    expect("write to a read-only page", write_page, SIGSEGV, SEGV_ACCERR,
           (void *)&page[2345]);
    expect("execution of a data page", execute_page, SIGSEGV, SEGV_ACCERR,
           (void *)page);
    mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
    page[0] = 1;
    expect("misaligned SSE load", misaligned_sse, SIGSEGV, SI_KERNEL, NULL);
    expect_if_raised("alignment check", alignment, SIGBUS, BUS_ADRALN);
    clear_ac();
    munmap((void *)page, 4096);
    expect("read of an unmapped page", read_page, SIGSEGV, SEGV_MAPERR,
           (void *)&page[123]);
    test_straddle();
}

static int recurse(int depth)
{
    volatile char frame[4096];

    memset((char *)frame, depth, sizeof frame);
    return depth < 0 ? frame[1] : recurse(depth + 1) + frame[2];
}

static void overflow_stack(void)
{
    recurse(0);
}

/* The handler runs on its own stack when the normal one has overflowed. */
static void test_stack(void)
{
    struct rlimit lim = {1 << 20, 1 << 20};
    stack_t alt;

    setrlimit(RLIMIT_STACK, &lim);
    memset(&alt, 0, sizeof alt);
    alt.ss_size = 65536;
    alt.ss_sp = malloc(alt.ss_size);
    sigaltstack(&alt, NULL);
    expect("stack overflow", overflow_stack, SIGSEGV, SEGV_MAPERR, NULL);
}

/* Thousands of faults in a row, each repaired by the handler. */
static volatile unsigned long repairs;

static void on_repair(int sig, siginfo_t *info, void *ctx)
{
    (void)sig;
    (void)ctx;
    mprotect((void *)((uintptr_t)info->si_addr & ~4095ul), 4096,
             PROT_READ | PROT_WRITE);
    repairs++;
}

static void test_repair(void)
{
    const unsigned long pages = 2000;
    struct sigaction act;
    unsigned long i, good = 0;
    volatile char *area = mmap(NULL, pages * 4096, PROT_NONE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_repair;
    act.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &act, NULL);
    for (i = 0; i < pages; i++)
        area[i * 4096 + i % 4096] = i;
    for (i = 0; i < pages; i++)
        good += area[i * 4096 + i % 4096] == (char)i;
    t_ok(repairs == pages && good == pages,
         "%lu faults repaired, %lu values right, of %lu", repairs, good,
         pages);
    munmap((void *)area, pages * 4096);
}

int test_faults(int argc, char **argv)
{
    static const int sigs[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    struct sigaction act;
    size_t i;

    (void)argc;
    (void)argv;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = on_fault;
    act.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (i = 0; i < sizeof sigs / sizeof sigs[0]; i++)
        sigaction(sigs[i], &act, NULL);

    expect("division by zero", divide, SIGFPE, FPE_INTDIV, NULL);
    expect("division overflow", divide_overflow, SIGFPE, FPE_INTDIV, NULL);
    expect_if_raised("SSE division by zero", sse_divide, SIGFPE, FPE_FLTDIV);
    expect("x87 division by zero", x87_divide, SIGFPE, FPE_FLTDIV, NULL);
    asm volatile("fninit");
    expect("invalid opcode", illegal, SIGILL, ILL_ILLOPN, NULL);
    expect("breakpoint", breakpoint, SIGTRAP, SI_KERNEL, NULL);
    expect("null pointer", read_null, SIGSEGV, SEGV_MAPERR, NULL);
    expect("general protection", general_protection, SIGSEGV, SI_KERNEL,
           NULL);
    expect("non-canonical address", non_canonical, SIGSEGV, SI_KERNEL, NULL);
    test_pages();
    test_stack();
    test_repair();
    return 0;
}
