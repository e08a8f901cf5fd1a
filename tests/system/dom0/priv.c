/*
 * What user mode must not do, and what becomes of the attempt.
 *
 * Every attempt is made by a child process, which must die by the expected
 * signal and take nothing else with it. Where the architecture leaves the
 * outcome open (an old system-call instruction, say), the check is only that
 * the machine lives on.
 */
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* A function that executes one instruction, named by it. */
#define ATTEMPT(name, ...)                                                    \
    static int name(void *arg)                                                \
    {                                                                         \
        (void)arg;                                                            \
        asm volatile(__VA_ARGS__);                                            \
        return 0;                                                             \
    }

static uint8_t table[16];

ATTEMPT(do_cli, "cli")
ATTEMPT(do_sti, "sti")
ATTEMPT(do_hlt, "hlt")
ATTEMPT(do_read_cr0, "mov %%cr0, %%rax" ::: "rax")
ATTEMPT(do_read_cr3, "mov %%cr3, %%rax" ::: "rax")
ATTEMPT(do_write_cr0, "mov %0, %%cr0" ::"r"(0x80000001ul))
ATTEMPT(do_write_cr3, "mov %0, %%cr3" ::"r"(0x1000ul))
ATTEMPT(do_write_cr4, "mov %0, %%cr4" ::"r"(0x20ul))
ATTEMPT(do_write_cr8, "mov %0, %%cr8" ::"r"(0ul))
ATTEMPT(do_read_dr7, "mov %%dr7, %%rax" ::: "rax")
ATTEMPT(do_write_dr7, "mov %0, %%dr7" ::"r"(0x400ul))
ATTEMPT(do_clts, "clts")
ATTEMPT(do_invd, "invd")
ATTEMPT(do_wbinvd, "wbinvd")
ATTEMPT(do_invlpg, "invlpg %0" ::"m"(table))
ATTEMPT(do_rdmsr, "rdmsr" ::"c"(0xc0000080) : "rax", "rdx")
ATTEMPT(do_wrmsr, "wrmsr" ::"c"(0xc0000082), "a"(0), "d"(0))
ATTEMPT(do_lgdt, "lgdt %0" ::"m"(table))
ATTEMPT(do_lidt, "lidt %0" ::"m"(table))
ATTEMPT(do_lldt, "lldt %w0" ::"r"(0))
ATTEMPT(do_ltr, "ltr %w0" ::"r"(0x40))
ATTEMPT(do_lmsw, "lmsw %w0" ::"r"(1))
ATTEMPT(do_swapgs, "swapgs")
ATTEMPT(do_sysretq, "sysretq" ::: "rcx", "r11")
ATTEMPT(do_inb, "inb $0x71, %%al" ::: "rax")
ATTEMPT(do_outb, "outb %%al, $0x80" ::"a"(0))
ATTEMPT(do_out_reset, "outb %%al, %%dx" ::"a"(6), "d"(0xcf9))
ATTEMPT(do_outsb, "cld; outsb" ::"S"(table), "d"(0x3f8))
ATTEMPT(do_vmcall, "vmcall" ::"a"(0))
ATTEMPT(do_vmmcall, "vmmcall" ::"a"(0))
ATTEMPT(do_ud2, "ud2")
ATTEMPT(do_load_ds, "mov %w0, %%ds" ::"r"(0xe010))
ATTEMPT(do_load_ss, "mov %w0, %%ss" ::"r"(0x10))
ATTEMPT(do_load_fs, "mov %w0, %%fs" ::"r"(0xe040))
ATTEMPT(do_far_ret_ring0, "pushq $0x10; pushq $0; lretq")
ATTEMPT(do_far_ret_hv, "pushq $0xe008; pushq $0; lretq")
ATTEMPT(do_iret_null, "push $0; push $0; push $0; push $0; push $0; iretq")
ATTEMPT(do_jump_hole, "jmp *%0" ::"r"(0x0000900000000000ul))
ATTEMPT(do_call_hv, "jmp *%0" ::"r"(0xffff830000000000ul))
ATTEMPT(do_call_kernel, "jmp *%0" ::"r"(0xffffffff81000000ul))
ATTEMPT(do_sysenter, "sysenter")
ATTEMPT(do_syscall_tf,
        "pushf; orl $0x100, (%%rsp); popf; mov $39, %%eax; syscall" ::
            : "rax", "rcx", "r11")

static const struct {
    const char *name;
    int (*run)(void *arg);
    int sig; /* 0: any end will do */
} attempts[] = {
    {"cli", do_cli, SIGSEGV},
    {"sti", do_sti, SIGSEGV},
    {"hlt", do_hlt, SIGSEGV},
    {"read of CR0", do_read_cr0, SIGSEGV},
    {"read of CR3", do_read_cr3, SIGSEGV},
    {"write of CR0", do_write_cr0, SIGSEGV},
    {"write of CR3", do_write_cr3, SIGSEGV},
    {"write of CR4", do_write_cr4, SIGSEGV},
    {"write of CR8", do_write_cr8, SIGSEGV},
    {"read of DR7", do_read_dr7, SIGSEGV},
    {"write of DR7", do_write_dr7, SIGSEGV},
    {"clts", do_clts, SIGSEGV},
    {"invd", do_invd, SIGSEGV},
    {"wbinvd", do_wbinvd, SIGSEGV},
    {"invlpg", do_invlpg, SIGSEGV},
    {"rdmsr", do_rdmsr, SIGSEGV},
    {"wrmsr", do_wrmsr, SIGSEGV},
    {"lgdt", do_lgdt, SIGSEGV},
    {"lidt", do_lidt, SIGSEGV},
    {"lldt", do_lldt, SIGSEGV},
    {"ltr", do_ltr, SIGSEGV},
    {"lmsw", do_lmsw, SIGSEGV},
    {"swapgs", do_swapgs, SIGSEGV},
    {"sysret", do_sysretq, SIGSEGV},
    {"inb", do_inb, SIGSEGV},
    {"outb", do_outb, SIGSEGV},
    {"outb to the reset port", do_out_reset, SIGSEGV},
    {"outsb", do_outsb, SIGSEGV},
    {"vmcall", do_vmcall, 0},
    {"vmmcall", do_vmmcall, 0},
    {"ud2", do_ud2, SIGILL},
    {"loading DS with a hypervisor selector", do_load_ds, SIGSEGV},
    {"loading SS with a kernel selector", do_load_ss, SIGSEGV},
    {"loading FS with a hypervisor selector", do_load_fs, SIGSEGV},
    {"far return to ring 0", do_far_ret_ring0, SIGSEGV},
    {"far return to a hypervisor selector", do_far_ret_hv, SIGSEGV},
    {"iret to null selectors", do_iret_null, SIGSEGV},
    {"jump to a non-canonical address", do_jump_hole, SIGSEGV},
    {"jump into the hypervisor", do_call_hv, SIGSEGV},
    {"jump into the kernel", do_call_kernel, SIGSEGV},
    {"syscall with the trap flag", do_syscall_tf, SIGTRAP},
    {"sysenter from 64-bit mode", do_sysenter, 0},
};

static void test_instructions(void)
{
    size_t i;

    for (i = 0; i < sizeof attempts / sizeof attempts[0]; i++) {
        int got = t_child(attempts[i].run, NULL);

        if (attempts[i].sig)
            t_ok(got == attempts[i].sig, "%s: signal %d, want %d",
                 attempts[i].name, got, attempts[i].sig);
        else
            t_ok(got > 0, "%s: the machine lives (%d)", attempts[i].name, got);
    }
}

/*
 * EFLAGS: a user may try to set IF off and IOPL to 3; neither takes effect,
 * and there is no fault.
 */
static int try_popf(void *arg)
{
    uint64_t flags;

    (void)arg;
    asm volatile("pushf\n\t pop %0\n\t and $~0x200, %0\n\t or $0x3000, %0\n\t"
                 "push %0\n\t popf\n\t pushf\n\t pop %0"
                 : "=&r"(flags)::"memory", "cc");
    return ((flags & 0x200) ? 0 : 1) | ((flags & 0x3000) ? 2 : 0);
}

/*
 * Hypercalls are the guest kernel's: from user mode the same instruction with
 * the same numbers is Linux's own system call, and its errors come back.
 */
static long raw_syscall(long nr, long a, long b, long c)
{
    long ret;
    register long r10 asm("r10") = 0;
    register long r8 asm("r8") = 0;

    asm volatile("syscall"
                 : "=a"(ret)
                 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                 : "rcx", "r11", "memory");
    return ret;
}

static void test_hypercalls(void)
{
    int fd = open("/dev/null", O_RDONLY);
    long ret;

    /* xen_version(XENVER_version) is 17; Linux's 17 is pread64. */
    ret = raw_syscall(17, 1000, 0, 0);
    t_ok(ret == -EBADF, "hypercall 17 from user mode: %ld, as pread64", ret);
    /* sched_op(SCHEDOP_shutdown) is 29; Linux's 29 is shmget. */
    ret = raw_syscall(29, 0x1234, (long)table, 0);
    t_ok(ret == -ENOENT || ret == -ENOSYS,
         "hypercall 29 from user mode: %ld, as shmget", ret);
    /* console_io is 18; Linux's 18 is pwrite64. */
    ret = raw_syscall(18, fd, 8, (long)table);
    t_ok(ret == -EBADF, "hypercall 18 from user mode: %ld, as pwrite64", ret);
    ret = raw_syscall(1023, 0, 0, 0);
    t_ok(ret == -ENOSYS, "number 1023: %ld, ENOSYS", ret);
    close(fd);
}

/*
 * int N for all N: a page of "int N; ret", one entry each.
 *
 * QEMU before version 8 reports a software interrupt through a privileged
 * gate with the error code 16 * N + 2 instead of 8 * N + 2. A hypervisor that
 * goes by it takes vectors 0x40 and 0xc0 for 0x80, the system call of 32-bit
 * programs: harmless, so only noted.
 */
static int do_int(void *arg)
{
    void (*fn)(void) = (void (*)(void))(uintptr_t)arg;

    fn();
    return 0;
}

static void test_int_n(void)
{
    uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    unsigned int n, refused = 0, aliased = 0;
    int got;

    if (!t_ok(code != MAP_FAILED, "a page for code"))
        return;
    for (n = 0; n < 256; n++)
        memcpy(code + 4 * n, (uint8_t[]){0xcd, n, 0xc3, 0xcc}, 4);
    mprotect(code, 4096, PROT_READ | PROT_EXEC);

    for (n = 0; n < 256; n++) {
        if (n == 3 || n == 4 || n == 0x80)
            continue;
        got = t_child(do_int, code + 4 * n);
        if ((n & 0x7f) == 0x40 && got == 1000) {
            aliased++;
            continue;
        }
        refused += t_must(got == SIGSEGV, "int %#x: signal %d, want %d", n,
                          got, SIGSEGV);
    }
    t_ok(refused + aliased == 253, "int n refused for %u of 253 vectors",
         refused);
    if (aliased)
        t_note("int 0x40 and 0xc0 arrive as int 0x80");
    got = t_child(do_int, code + 4 * 3);
    t_ok(got == SIGTRAP, "int 3 allowed: signal %d, want %d", got, SIGTRAP);
    got = t_child(do_int, code + 4 * 4);
    t_ok(got == SIGSEGV, "int 4 (overflow): signal %d, want %d", got,
         SIGSEGV);
    munmap(code, 4096);
}

static int do_int80_getpid(void *arg)
{
    long ret;

    (void)arg;
    asm volatile("int $0x80" : "=a"(ret) : "a"(20) : "memory");
    return ret == getpid() ? 0 : 1;
}

/*
 * The addresses that are not the user's. The machine-to-physical table, which
 * the interface lets a guest read, starts at the first of them; so reading
 * there is only reported.
 */
static void test_addresses(void)
{
    const uint64_t start = 0xffff800000000000, end = 0xffff880000000000;
    const uint64_t step = 1ul << 37;
    unsigned int tried = 0, readable = 0, kept = 0;
    uint64_t va;

    for (va = start; va < end; va += step) {
        uint64_t at = va + (tried * 0x12345678ul & (step - 1) & ~7ul);

        tried++;
        if (t_probe((void *)at, false, NULL) == 0)
            readable++;
        kept += t_must(t_probe((void *)at, true, NULL) == SIGSEGV,
                       "write at %#lx worked", at);
    }
    t_ok(kept == tried, "%u writes to hypervisor addresses fault", tried);
    va = 0xffff808000000000;
    for (tried = 0, kept = 0; va < end; va += 1ul << 36, tried++)
        kept += t_must(t_probe((void *)va, false, NULL) == SIGSEGV,
                       "read at %#lx worked", va);
    t_ok(kept == tried, "%u reads beyond the M2P fault", tried);
    if (readable || t_probe((void *)start, false, NULL) == 0)
        t_note("the machine-to-physical table can be read from user mode");

    for (va = 0xffffffff80000000, tried = 0, kept = 0;
         va < 0xffffffffff000000; va += 16ul << 20, tried++)
        kept += t_probe((void *)va, false, NULL) == SIGSEGV;
    t_ok(kept == tried, "%u reads of kernel addresses fault", tried);
    t_ok(t_probe((void *)0xffff888000001000, true, NULL) == SIGSEGV,
         "a write to the kernel's direct map faults");
    t_ok(t_probe((void *)0x0000800000000000, false, NULL) == SIGSEGV,
         "a read of the first non-canonical address faults");
}

/* A signal handler that returns to a broken context. */
static enum {
    BAD_RIP_HOLE,
    BAD_RIP_HV,
    BAD_CS,
    BAD_CS_RING0,
    BAD_CS_HV,
    BAD_SS,
    BAD_RSP,
    BAD_IOPL
} damage;

static void damage_context(int sig, siginfo_t *info, void *ctx)
{
    ucontext_t *uc = ctx;
    greg_t *reg = uc->uc_mcontext.gregs;
    uint64_t csgsfs = reg[REG_CSGSFS];

    (void)sig;
    (void)info;
    switch (damage) {
    case BAD_RIP_HOLE:
        reg[REG_RIP] = 0x0000800000000000;
        break;
    case BAD_RIP_HV:
        reg[REG_RIP] = 0xffff82d040000000;
        break;
    case BAD_CS:
        reg[REG_CSGSFS] = (csgsfs & ~0xffffull) | 0x1234;
        break;
    case BAD_CS_RING0:
        reg[REG_CSGSFS] = (csgsfs & ~0xffffull) | 0x10;
        break;
    case BAD_CS_HV:
        reg[REG_CSGSFS] = (csgsfs & ~0xffffull) | 0xe008;
        break;
    case BAD_SS:
        reg[REG_CSGSFS] = (csgsfs & 0xffffffffffffull) | 0x1234ull << 48;
        break;
    case BAD_RSP:
        reg[REG_RSP] = 0x0000800000000000;
        break;
    case BAD_IOPL:
        reg[REG_EFL] = (reg[REG_EFL] | 0x3000) & ~0x200ull;
        break;
    }
}

static int return_damaged(void *arg)
{
    struct sigaction act;
    uint64_t flags;

    damage = (uintptr_t)arg;
    memset(&act, 0, sizeof act);
    act.sa_sigaction = damage_context;
    act.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &act, NULL);
    raise(SIGUSR1);
    asm volatile("pushf\n\t pop %0" : "=r"(flags));
    return (flags & 0x3200) == 0x200 ? 7 : 8;
}

static void test_returns(void)
{
    static const struct {
        uintptr_t damage;
        const char *what;
        int want;
    } cases[] = {
        {BAD_RIP_HOLE, "to a non-canonical address", SIGSEGV},
        {BAD_RIP_HV, "to a hypervisor address", SIGSEGV},
        {BAD_CS, "to a code selector that is not there", SIGSEGV},
        {BAD_CS_HV, "to a hypervisor selector", SIGSEGV},
        {BAD_IOPL, "with IOPL 3 and IF off: cleaned", 1007},
    };
    size_t i;
    int got;

    for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        got = t_child(return_damaged, (void *)cases[i].damage);
        t_ok(got == cases[i].want, "signal return %s: %d, want %d",
             cases[i].what, got, cases[i].want);
    }
    /* Where the guest kernel's code segment is a ring-3 one, this returns. */
    got = t_child(return_damaged, (void *)(uintptr_t)BAD_CS_RING0);
    t_ok(got == SIGSEGV || got == 1007,
         "signal return to a kernel selector: refused or in ring 3 (%d)", got);
    got = t_child(return_damaged, (void *)(uintptr_t)BAD_RSP);
    t_ok(got == SIGSEGV || got == SIGBUS,
         "signal return with a non-canonical stack: signal %d", got);
    /* The kernel may repair a stack selector that is not there. */
    got = t_child(return_damaged, (void *)(uintptr_t)BAD_SS);
    t_ok(got == SIGSEGV || got == 1007 || got == SIGBUS,
         "signal return to a stack selector that is not there: %d", got);
}

int test_priv(int argc, char **argv)
{
    int got;

    (void)argc;
    (void)argv;
    test_instructions();
    got = t_child(try_popf, NULL);
    t_ok(got == 1000, "popf changes neither IF nor IOPL: %d", got);
    test_hypercalls();
    test_int_n();
    got = t_child(do_int80_getpid, NULL);
    t_ok(got == 1000 || got == SIGSEGV,
         "int 0x80 is a system call or refused: %d", got);
    test_addresses();
    test_returns();
    return 0;
}
