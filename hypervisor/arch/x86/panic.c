#include "arch/x86/panic.h"

#include "arch/x86/acpi.h"
#include "arch/x86/boot.h"
#include "arch/x86/console.h"
#include "arch/x86/cpu.h"
#include "arch/x86/percpu.h"
#include "arch/x86/smp.h"
#include "arch/x86/symbols.h"
#include "arch/x86/timer.h"
#include "arch/x86/traps.h"
#include "lib/param.h"

#define TRACE_DEPTH 24
#define STACK_WORDS 24
#define REBOOT_DELAY 5 /* seconds */

void (*panic_describe_current)(void);

/* Halt for good instead of rebooting after a fatal error. */
static bool noreboot;
PARAM_BOOL("noreboot", noreboot);

static int dying_cpu = -1; /* atomic */

/* ---- what is shown ---- */

/*
 * A return address may lie behind its function, if that ends with a call that
 * never returns: so the byte before is looked up.
 */
static void show_address(uint64_t addr, unsigned back)
{
    unsigned long offset;
    const char *name = symbol_find(addr - back, &offset);

    if (name)
        printk(XENLOG_ERR "    %016lx %s+%#lx\n", addr, name, offset + back);
    else
        printk(XENLOG_ERR "    %016lx\n", addr);
}

void show_code_address(uint64_t addr)
{
    show_address(addr, 0);
}

void show_registers(const struct cpu_user_regs *r)
{
    printk(XENLOG_ERR "CPU %u, vector %u, error code %#x, cs %#x, ss %#x, "
                      "rflags %#lx\n",
           smp_cpu_id(), r->entry_vector, r->error_code, r->cs, r->ss,
           (unsigned long)r->rflags);
    printk(XENLOG_ERR "rip %016lx  rsp %016lx  rbp %016lx\n", r->rip, r->rsp,
           r->rbp);
    printk(XENLOG_ERR "rax %016lx  rbx %016lx  rcx %016lx\n", r->rax, r->rbx,
           r->rcx);
    printk(XENLOG_ERR "rdx %016lx  rsi %016lx  rdi %016lx\n", r->rdx, r->rsi,
           r->rdi);
    printk(XENLOG_ERR "r8  %016lx  r9  %016lx  r10 %016lx\n", r->r8, r->r9,
           r->r10);
    printk(XENLOG_ERR "r11 %016lx  r12 %016lx  r13 %016lx\n", r->r11, r->r12,
           r->r13);
    printk(XENLOG_ERR "r14 %016lx  r15 %016lx\n", r->r14, r->r15);
    printk(XENLOG_ERR "cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n",
           read_cr0(), read_cr2(), read_cr3(), read_cr4());
}

/*
 * Frame pointers may be garbage: only what lies in the mapped stack pages of
 * this CPU's area is followed, and only upwards.
 */
static bool on_stack(uint64_t p)
{
    uint64_t offset = p - cpu_area_base();
    uint64_t page = offset / PAGE_SIZE;

    return p % 8 == 0 && offset <= CPU_AREA_SIZE - 16 &&
           (page >= 13 || (page >= 5 && page % 2 == 1));
}

static void show_trace(uint64_t rip, uint64_t rbp, bool from_trap)
{
    printk(XENLOG_ERR "Call trace:\n");
    show_address(rip, from_trap ? 0 : 1);
    for (unsigned i = 0; i < TRACE_DEPTH && on_stack(rbp); i++) {
        const uint64_t *frame = (const uint64_t *)rbp;

        if (!is_hyp_text(frame[1]))
            break;
        show_address(frame[1], 1);
        if (frame[0] <= rbp)
            break;
        rbp = frame[0];
    }
}

void show_stack_trace(uint64_t rip, uint64_t rbp)
{
    show_trace(rip, rbp, true);
}

static void show_stack(uint64_t rsp)
{
    printk(XENLOG_ERR "Stack from %016lx:\n", rsp);
    for (unsigned i = 0; i < STACK_WORDS && on_stack(rsp); i += 4) {
        for (unsigned j = 0; j < 4 && on_stack(rsp); j++, rsp += 8)
            printk(XENLOG_ERR "  %016lx", *(const uint64_t *)rsp);
        printk(XENLOG_ERR "\n");
    }
}

/* ---- the end ---- */

static uint8_t rtc_seconds(void)
{
    outb(0x00, 0x70);
    return inb(0x71);
}

/* Works without any timer; a machine without a clock waits not for ever. */
static void wait_seconds(unsigned n)
{
    uint8_t last = rtc_seconds();

    if (cpu_khz) {
        uint64_t end = rdtsc() + n * 1000UL * cpu_khz;
        while (rdtsc() < end)
            cpu_relax();
        return;
    }
    for (uint64_t i = 0; n && i < 100000000; i++) {
        uint8_t s = rtc_seconds();
        n -= s != last;
        last = s;
    }
}

/* Only one CPU gets through, once. */
static void begin_the_end(void)
{
    int expected = -1, me = (int)smp_cpu_id();

    irq_disable();
    if (!__atomic_compare_exchange_n(&dying_cpu, &expected, me, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        if (expected == me)
            machine_reboot(); /* broke while saying so */
        machine_halt();
    }
    smp_stop_others();
    console_break();
    console_emergency_init();
}

static void __noreturn finish(void)
{
    if (noreboot) {
        printk(XENLOG_ERR "Halted (option noreboot).\n");
        machine_halt();
    }
    printk(XENLOG_ERR "Reboot in %u seconds.\n", REBOOT_DELAY);
    wait_seconds(REBOOT_DELAY);
    machine_reboot();
}

static void __noreturn die(const struct cpu_user_regs *regs, uint64_t rip,
                           uint64_t rbp, uint64_t rsp)
{
    if (panic_describe_current)
        panic_describe_current();
    if (regs)
        show_registers(regs);
    show_stack(rsp);
    show_trace(rip, rbp, regs != NULL);
    finish();
}

void fatal_trap(const struct cpu_user_regs *regs, const char *what)
{
    begin_the_end();
    printk(XENLOG_ERR "PANIC on CPU %u: %s (vector %u) at %016lx\n",
           smp_cpu_id(), what, regs->entry_vector, regs->rip);
    die(regs, regs->rip, regs->rbp, regs->rsp);
}

/* The caller of the function that this is expanded in. */
#define DIE_HERE()                                                             \
    die(NULL, (uint64_t)__builtin_return_address(0),                           \
        *(uint64_t *)__builtin_frame_address(0),                               \
        (uint64_t)__builtin_frame_address(0))

void panic(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    begin_the_end();
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    printk(XENLOG_ERR "PANIC on CPU %u: %s\n", smp_cpu_id(), text);
    DIE_HERE();
}

void bug_at(const char *file, int line, const char *what)
{
    begin_the_end();
    printk(XENLOG_ERR "PANIC on CPU %u: %s:%d: %s\n", smp_cpu_id(), file, line,
           what);
    DIE_HERE();
}

void boot_fatal(const char *fmt, ...)
{
    char text[256];
    va_list ap;

    begin_the_end();
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    printk(XENLOG_ERR "FATAL: %s\n", text);
    finish();
}

void machine_halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void keyboard_reset(void)
{
    for (unsigned i = 0; i < 0x10000 && (inb(0x64) & 2); i++)
        cpu_relax();
    outb(0xfe, 0x64);
    for (unsigned i = 0; i < 100000; i++)
        (void)inb(0x80);
}

void machine_reboot(void)
{
    static const struct desc_ptr no_idt = {0, 0};

    irq_disable();
    smp_stop_others();
    acpi_reset();
    keyboard_reset();
    /* What is left: a fault with no way to handle it. */
    __asm__ volatile("lidt %0; int3" ::"m"(no_idt));
    machine_halt();
}
