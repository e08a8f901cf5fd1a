/*
 * The bare machine: multiboot's data, GDT, TSS and IDT, the two 8259s and the
 * PIT, the clock chip, serial port 1. These are the operations' defaults.
 */
#include "native.h"

#define COM1 0x3f8
#define HZ 100
#define PIT_HZ 1193182UL

/* ---- interrupts ---- */

static void native_irq_on(void) { __asm__ __volatile__("sti" ::: "memory"); }
static void native_irq_off(void) { __asm__ __volatile__("cli" ::: "memory"); }

static int native_irq_state(void)
{
    u64 flags;

    __asm__ __volatile__("pushfq; popq %0" : "=r"(flags));
    return (flags & 0x200) != 0;
}

static const u8 code_on[] = {0xfb}, code_off[] = {0xfa};
static const u8 code_entry[] = {0x0f, 0x1f, 0x00}, code_exit[] = {0x48, 0xcf};
const struct inline_code native_inlined[] = {
    {offsetof(struct ops, irq_on), 1, code_on},
    {offsetof(struct ops, irq_off), 1, code_off},
    {offsetof(struct ops, trap_entry), 3, code_entry},
    {offsetof(struct ops, trap_exit), 2, code_exit},
    {0, 0, NULL},
};

/* ---- descriptor tables ---- */

struct table_pointer {
    unsigned short limit;
    u64 base;
} __attribute__((packed));

/* Kernel code and data, user data and code, then a TSS a processor. */
static u64 gdt[5 + 2 * MAX_CPUS] = {
    0, 0x00af9a000000ffffUL, 0x00cf92000000ffffUL, 0x00cff2000000ffffUL,
    0x00affa000000ffffUL,
};
#define KERNEL_CS 8
#define USER_SS (3 * 8 + 3)
#define USER_CS (4 * 8 + 3)
static u32 tss[MAX_CPUS][26];
/* A double fault's; as large as a thread's, for self() in sched.c. */
static u8 fault_stack[8192] __attribute__((section(".bss.stacks")));
static u64 idt[50][2];
extern u64 native_syscall_stack; /* head.S */
void native_syscall(void);

static void write_msr(u32 msr, u64 value)
{
    __asm__ __volatile__("wrmsr" : : "c"(msr), "a"((u32)value),
                         "d"((u32)(value >> 32)));
}

static void native_set_tss(void)
{
    struct table_pointer p = {sizeof(gdt) - 1, 0};
    unsigned cpu = this_cpu(), slot = 5 + 2 * cpu;
    u64 base = (u64)tss[cpu], top = (u64)fault_stack + sizeof(fault_stack);

    p.base = (u64)gdt;
    memcpy(&tss[cpu][9], &top, sizeof(top)); /* IST 1 */
    tss[cpu][25] = sizeof(tss[cpu]) << 16;
    gdt[slot] = (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56 |
                0x890000000000UL | (sizeof(tss[cpu]) - 1);
    gdt[slot + 1] = base >> 32;
    __asm__ __volatile__("lgdt %0; ltr %w1" : : "m"(p), "r"(slot * 8));
}

static void native_set_gs_base(u64 base) { write_msr(0xc0000101, base); }

static void native_set_kernel_stack(u64 rsp)
{
    memcpy(&tss[this_cpu()][1], &rsp, sizeof(rsp));
    native_syscall_stack = rsp;
}

/* SYSCALL comes with interrupts off, upwards and in no single step. */
static void load_syscall(void)
{
    u32 lo, hi;

    __asm__ __volatile__("rdmsr" : "=a"(lo), "=d"(hi) : "c"(0xc0000080));
    write_msr(0xc0000080, (u64)hi << 32 | lo | 1);
    write_msr(0xc0000081, (u64)KERNEL_CS << 32);
    write_msr(0xc0000082, (u64)native_syscall);
    write_msr(0xc0000084, 0x40700);
}

static void set_gate(unsigned vector, unsigned ist)
{
    u64 to = (u64)trap_stubs + vector * 16UL;

    idt[vector][0] = (to & 0xffff) | 8UL << 16 | (u64)ist << 32 |
                     0x8e00UL << 32 | (to >> 16 & 0xffff) << 48;
    idt[vector][1] = to >> 32;
}

static void native_load_traps(void)
{
    struct table_pointer p = {sizeof(idt) - 1, 0};
    unsigned i;

    p.base = (u64)idt;
    for (i = 0; i < ARRAY_SIZE(idt); i++)
        set_gate(i, i == 8);
    __asm__ __volatile__("lidt %0" : : "m"(p));
    load_syscall();
}

void native_cpuid(u32 leaf, u32 regs[4])
{
    __asm__ __volatile__("cpuid"
                         : "=a"(regs[0]), "=b"(regs[1]), "=c"(regs[2]),
                           "=d"(regs[3])
                         : "a"(leaf), "c"(0));
}

static u64 native_fault_address(void)
{
    u64 address;

    __asm__ __volatile__("movq %%cr2, %0" : "=r"(address));
    return address;
}

/* ---- time ---- */

static u64 ns_per_tsc; /* 32 bits of it after the point; 0: not known yet */

static u64 uses;

u64 native_uses(void) { return uses; }

void native_relax(void)
{
    uses++;
    __asm__ __volatile__("pause");
}

u64 native_cycles(void)
{
    u32 lo, hi;

    uses++;
    __asm__ __volatile__("lfence; rdtsc" : "=a"(lo), "=d"(hi));
    return (u64)hi << 32 | lo;
}

/*
 * The TSC's rate, by the PIT's channel 2 over one tick: 10 ms, which are spent
 * when time is first asked for, and not at the start.
 */
static void measure_tsc(void)
{
    u64 begin, count = PIT_HZ / HZ;

    outb(0x61, (inb(0x61) & ~2U) | 1);
    outb(0x43, 0xb0);
    outb(0x42, count & 0xff);
    outb(0x42, (unsigned)(count >> 8));
    begin = native_cycles();
    while (!(inb(0x61) & 0x20))
        ;
    ns_per_tsc = ((1000000000UL / HZ) << 32) / (native_cycles() - begin);
}

/* The others' ticks come from processor 0. */
static void native_start_timer(void)
{
    static const u8 master[] = {0x11, VECTOR_IRQ, 4, 1};
    static const u8 slave[] = {0x11, VECTOR_IRQ + 8, 2, 1};
    unsigned i, divisor = PIT_HZ / HZ;

    if (this_cpu()) {
        apic_enable();
        return;
    }
    for (i = 0; i < 4; i++) {
        outb(i ? 0x21 : 0x20, master[i]);
        outb(i ? 0xa1 : 0xa0, slave[i]);
    }
    outb(0x21, 0xfe); /* the timer's line alone */
    outb(0xa1, 0xff);
    outb(0x43, 0x34);
    outb(0x40, divisor & 0xff);
    outb(0x40, divisor >> 8);
}

static u64 native_time_ns(void)
{
    unsigned __int128 cycles = native_cycles() - entry_cycles();

    if (!ns_per_tsc)
        measure_tsc();
    return (u64)(cycles * ns_per_tsc >> 32);
}

static u64 clock_field(unsigned index)
{
    u64 v;

    outb(0x70, index);
    v = inb(0x71);
    return (v >> 4) * 10 + (v & 15);
}

/* Days since 1970 of a date from March 2000 on. */
static u64 days(u64 year, u64 month, u64 day)
{
    if (month < 3) {
        month += 12;
        year--;
    }
    return 365 * year + year / 4 - year / 100 + year / 400 +
           (153 * (month - 3) + 2) / 5 + day - 719469;
}

static u64 native_wall_seconds(void)
{
    u64 second, date;

    do {
        second = clock_field(0);
        date = days(2000 + clock_field(9), clock_field(8), clock_field(7));
        date = (date * 24 + clock_field(4)) * 3600 + clock_field(2) * 60;
    } while (second != clock_field(0));
    return date + second;
}

/* By CR4.PGE: global entries go too, and CR3 is not written. */
void native_flush_tlb(void)
{
    u64 cr4;

    __asm__ __volatile__("movq %%cr4, %0; xorq $0x80, %0; movq %0, %%cr4;"
                         "xorq $0x80, %0; movq %0, %%cr4"
                         : "=&r"(cr4)
                         :
                         : "memory");
}

static void native_interrupt(unsigned vector)
{
    if (vector == VECTOR_IRQ) {
        outb(0x20, 0x20);
        apic_tick_others();
        sched_tick();
    } else if (vector == VECTOR_TICK) {
        apic_end();
        sched_tick();
    } else if (vector == VECTOR_FLUSH) {
        native_flush_tlb();
        apic_flushed();
    }
}

static void native_idle(void) { __asm__ __volatile__("sti; hlt"); }

/* ---- memory ---- */

struct multiboot {
    u32 flags, mem_lower, mem_upper, boot_device, cmdline;
};
static u64 memory_kib; /* from 1 MiB on */
extern char image_end[];

static void native_memory(struct memory_layout *m)
{
    m->first_pfn = ((u64)image_end - VIRT_BASE) / PAGE_SIZE;
    m->end_pfn = memory_kib > 65536 ? 16384 : memory_kib / 4;
    m->end_pfn = m->end_pfn > 256 ? m->end_pfn - 256 : 0; /* from 2 MiB */
}

static u64 native_pfn_to_mfn(u64 pfn) { return pfn + 512; }

/* A large page on the way becomes small ones. 0, or -12: no memory. */
static int split(u64 *entry)
{
    u64 *table, i;

    if ((*entry & (PTE_P | 0x80)) == PTE_P)
        return 0;
    table = alloc_page();
    if (!table)
        return -12;
    for (i = 0; (*entry & PTE_P) && i < 512; i++)
        table[i] = (*entry & ~0x80UL) + i * PAGE_SIZE;
    *entry = (((u64)table - VIRT_BASE) + 0x200000) | PTE_P | PTE_RW;
    return 0;
}

static int native_set_pte(u64 va, u64 pte)
{
    u64 *table = l4, *entry;
    unsigned level;

    for (level = 4; level > 1; level--) {
        entry = &table[va >> (3 + 9 * level) & 511];
        if (split(entry))
            return -12;
        table = (u64 *)((*entry & PTE_ADDR) - 0x200000 + VIRT_BASE);
    }
    table[va >> 12 & 511] = pte;
    return 0;
}

static void native_flush_page(u64 va)
{
    __asm__ __volatile__("invlpg (%0)" : : "r"(va) : "memory");
}

static void native_flush_tlb_many(u64 cpus)
{
    if (cpus >> this_cpu() & 1)
        native_flush_tlb();
    apic_flush_others(cpus);
}

/* User mode has the kernel's own top level table: its part is not for users. */
static int native_show_user(const struct user_tables *t)
{
    l4[0] = ((u64)t->l3 - VIRT_BASE + 0x200000) | PTE_P | PTE_RW | PTE_USER;
    return 0;
}

static void native_hide_user(const struct user_tables *t)
{
    (void)t;
    l4[0] = 0;
    native_flush_tlb();
}

/* ---- serial port, ends ---- */

static void native_console_write(const char *s, size_t n)
{
    for (; n; n--, s++) {
        while (!(inb(COM1 + 5) & 0x20))
            ;
        outb(COM1, (u8)*s);
    }
}

static int native_console_read(void)
{
    return inb(COM1 + 5) & 1 ? inb(COM1) : -1;
}

/* The keyboard controller resets; off and crash leave a halted processor. */
static void native_stop(enum stop why)
{
    if (why == STOP_REBOOT)
        outb(0x64, 0xfe);
    __asm__ __volatile__("cli; hlt");
}

static const char *native_command_line(void *boot)
{
    const struct multiboot *m = boot;

    if ((u64)m >= 1UL << 30 || !(m->flags & 4))
        return "";
    return (const char *)(u64)m->cmdline;
}

void native_init(void *boot)
{
    const struct multiboot *m = boot;

    memory_kib = m->flags & 1 ? m->mem_upper : 0;
    find_processors(); /* in low memory */
    l4[0] = 0; /* what is mapped one to one was for the entry only */
    native_flush_tlb();
}

struct ops ops = {
    .ident = IDENT_NATIVE,
    .name = "the bare machine",
    .inlined = native_inlined,
    .user_cs = USER_CS,
    .user_ss = USER_SS,
    .init = native_init,
    .command_line = native_command_line,
    .irq_on = native_irq_on,
    .irq_off = native_irq_off,
    .irq_state = native_irq_state,
    .trap_entry = nothing,
    .trap_exit = nothing,
    .load_traps = native_load_traps,
    .set_tss = native_set_tss,
    .set_gs_base = native_set_gs_base,
    .set_kernel_stack = native_set_kernel_stack,
    .cpuid = native_cpuid,
    .fault_address = native_fault_address,
    .interrupt = native_interrupt,
    .start_timer = native_start_timer,
    .cycles = native_cycles,
    .time_ns = native_time_ns,
    .wall_seconds = native_wall_seconds,
    .idle = native_idle,
    .relax = native_relax,
    .cpu_count = native_cpu_count,
    .start_cpu = native_start_cpu,
    .memory = native_memory,
    .pfn_to_mfn = native_pfn_to_mfn,
    .set_pte = native_set_pte,
    .flush_page = native_flush_page,
    .flush_tlb = native_flush_tlb,
    .flush_tlb_many = native_flush_tlb_many,
    .show_user = native_show_user,
    .hide_user = native_hide_user,
    .console_write = native_console_write,
    .console_read = native_console_read,
    .stop = native_stop,
};
