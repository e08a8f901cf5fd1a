/* Privileged instructions that the hypervisor carries out for a guest. */
#include "micro.h"

#define EFER 0xc0000080u
#define FS_BASE 0xc0000100u
#define APIC_BASE 0x1bu

static long cpuid(void)
{
    uint32_t a = 1, b, c = 0, d;

    __asm__ volatile("ud2; .ascii \"xen\"; cpuid"
                     : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return 0;
}

static uint64_t rdmsr(uint32_t msr)
{
    uint32_t lo, hi;

    __asm__ volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
    return (uint64_t)hi << 32 | lo;
}

static void wrmsr(uint32_t msr, uint64_t v)
{
    __asm__ volatile("wrmsr" ::"c"(msr), "a"((uint32_t)v),
                     "d"((uint32_t)(v >> 32)));
}

static long rdmsr_efer(void)
{
    return !rdmsr(EFER);
}

static long rdmsr_apic_base(void)
{
    return !rdmsr(APIC_BASE);
}

static long rdmsr_fs_base(void)
{
    rdmsr(FS_BASE);
    return 0;
}

static long wrmsr_fs_base(void)
{
    wrmsr(FS_BASE, 0);
    return 0;
}

static uint64_t efer;

static bool read_efer(void)
{
    efer = rdmsr(EFER);
    return true;
}

static long wrmsr_efer(void)
{
    wrmsr(EFER, efer);
    return 0;
}

static unsigned long cr0, cr4;

static long read_cr0(void)
{
    __asm__ volatile("movq %%cr0,%0" : "=r"(cr0));
    return 0;
}

static long read_cr2(void)
{
    unsigned long v;

    __asm__ volatile("movq %%cr2,%0" : "=r"(v));
    return 0;
}

static long read_cr3(void)
{
    unsigned long v;

    __asm__ volatile("movq %%cr3,%0" : "=r"(v));
    return 0;
}

static long read_cr4(void)
{
    __asm__ volatile("movq %%cr4,%0" : "=r"(cr4));
    return 0;
}

static bool get_cr(void)
{
    read_cr0();
    read_cr4();
    return true;
}

/* Sets and clears TS. */
static long write_cr0(void)
{
    __asm__ volatile("movq %0,%%cr0" ::"r"(cr0 | 8));
    __asm__ volatile("movq %0,%%cr0" ::"r"(cr0 & ~8UL));
    return 0;
}

static long write_cr4(void)
{
    __asm__ volatile("movq %0,%%cr4" ::"r"(cr4));
    return 0;
}

static long clts(void)
{
    __asm__ volatile("clts");
    return 0;
}

static void set_ts(void)
{
    hypercall1(__HYPERVISOR_fpu_taskswitch, 1);
}

static long read_dr7(void)
{
    unsigned long v;

    __asm__ volatile("movq %%dr7,%0" : "=r"(v));
    return 0;
}

static long wbinvd(void)
{
    __asm__ volatile("wbinvd");
    return 0;
}

static bool allow_ports(void)
{
    struct physdev_set_iopl p = {.iopl = 1};

    return hypercall2(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, &p) == 0;
}

/* A port that is nothing's: trapped, checked, carried out. */
static long in_byte(void)
{
    uint8_t v;

    __asm__ volatile("inb $0x80,%0" : "=a"(v));
    return 0;
}

const struct bench cpu_benches[] = {
    {.name = "cpuid_forced", .op = cpuid},
    {.name = "rdmsr_efer", .op = rdmsr_efer},
    {.name = "rdmsr_apic_base", .op = rdmsr_apic_base},
    {.name = "rdmsr_fs_base", .op = rdmsr_fs_base},
    {.name = "wrmsr_efer", .op = wrmsr_efer, .setup = read_efer},
    {.name = "wrmsr_fs_base", .op = wrmsr_fs_base},
    {.name = "cr0_read", .op = read_cr0},
    {.name = "cr2_read", .op = read_cr2},
    {.name = "cr3_read", .op = read_cr3},
    {.name = "cr4_read", .op = read_cr4},
    {.name = "cr0_write", .op = write_cr0, .setup = get_cr, .units = 2},
    {.name = "cr4_write", .op = write_cr4, .setup = get_cr},
    {.name = "clts", .op = clts, .pre = set_ts},
    {.name = "dr7_read", .op = read_dr7},
    {.name = "wbinvd", .op = wbinvd},
    {.name = "in_port", .op = in_byte, .setup = allow_ports},
    {.name = NULL},
};
