/*
 * The local APIC (Intel SDM vol. 3, chapter 10).
 *
 * Both modes have the same registers, at a byte offset in memory or at MSR
 * 0x800 + offset / 16. They differ in the interrupt command register, one
 * 64-bit register in x2APIC mode, and in the width of APIC identifiers. The
 * boot CPU chooses; all CPUs follow.
 */
#include "arch/x86/apic.h"

#include "arch/x86/acpi.h"
#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/ioapic.h"
#include "arch/x86/irq.h"
#include "arch/x86/percpu.h"
#include "arch/x86/smp.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"

#define APIC_ID 0x020
#define APIC_VERSION 0x030
#define APIC_TPR 0x080
#define APIC_EOI 0x0b0
#define APIC_LDR 0x0d0
#define APIC_DFR 0x0e0
#define APIC_SPURIOUS 0x0f0
#define APIC_ISR 0x100
#define APIC_ESR 0x280
#define APIC_ICR 0x300
#define APIC_ICR_HIGH 0x310
#define APIC_LVT_TIMER 0x320
#define APIC_LVT_THERMAL 0x330
#define APIC_LVT_PERF 0x340
#define APIC_LVT_LINT0 0x350
#define APIC_LVT_LINT1 0x360
#define APIC_LVT_ERROR 0x370
#define APIC_TIMER_INITIAL 0x380
#define APIC_TIMER_CURRENT 0x390
#define APIC_TIMER_DIVIDE 0x3e0

#define SPURIOUS_ENABLE 0x100u
#define LVT_MASKED 0x10000u
#define LVT_ACTIVE_LOW 0x2000u
#define LVT_LEVEL 0x8000u
#define LVT_NMI 0x400u
#define LVT_TSC_DEADLINE 0x40000u
#define TIMER_DIVIDE_1 0xbu
#define ICR_BUSY 0x1000u

#define APIC_BASE_ENABLE (1UL << 11)
#define APIC_BASE_X2APIC (1UL << 10)
#define APIC_BASE_ADDR 0x000ffffffffff000UL
#define APIC_DEFAULT_BASE 0xfee00000UL

static bool x2apic_wanted = true;
PARAM_BOOL("x2apic", x2apic_wanted);
static bool tsc_deadline_wanted = true;
PARAM_BOOL("tdt", tsc_deadline_wanted);

static bool x2apic;
static bool tsc_deadline;
static volatile uint8_t *apic_base;
/* Timer counts per TSC tick, times 2^32. */
static uint64_t timer_ratio;

static uint32_t apic_read(unsigned reg)
{
    if (x2apic)
        return (uint32_t)rdmsr(MSR_X2APIC_FIRST + reg / 16);
    return *(volatile uint32_t *)(apic_base + reg);
}

static void apic_write(unsigned reg, uint32_t v)
{
    if (x2apic)
        wrmsr(MSR_X2APIC_FIRST + reg / 16, v);
    else
        *(volatile uint32_t *)(apic_base + reg) = v;
}

bool apic_is_x2apic(void)
{
    return x2apic;
}

uint32_t apic_read_id(void)
{
    uint32_t id = apic_read(APIC_ID);

    return x2apic ? id : id >> 24;
}

void apic_eoi(void)
{
    apic_write(APIC_EOI, 0);
}

void apic_send(uint32_t apic_id, uint32_t mode_and_vector)
{
    uint32_t low = mode_and_vector | APIC_LEVEL_ASSERT;
    unsigned long f;

    if (x2apic) {
        /* This MSR write does not wait for stores before it. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        wrmsr(MSR_X2APIC_FIRST + APIC_ICR / 16,
              (uint64_t)apic_id << 32 | low);
        return;
    }
    f = irq_save();
    while (apic_read(APIC_ICR) & ICR_BUSY)
        cpu_relax();
    apic_write(APIC_ICR_HIGH, apic_id << 24);
    apic_write(APIC_ICR, low);
    irq_restore(f);
}

void apic_error_interrupt(void)
{
    static unsigned reported;
    uint32_t status;

    apic_write(APIC_ESR, 0);
    status = apic_read(APIC_ESR);
    if (status && reported++ < 20)
        printk(XENLOG_WARNING "CPU %u: local APIC error, status %#x\n",
               smp_cpu_id(), status);
}

/* ---- set-up ---- */

/* Which local inputs the MADT says are NMI; without a word LINT1 of CPU 0. */
static void set_up_lint(void)
{
    unsigned cpu = smp_cpu_id();
    uint32_t lint[2] = {LVT_MASKED, LVT_MASKED};

    for (unsigned i = 0; i < acpi_info.nr_lapic_nmis; i++) {
        const struct acpi_lapic_nmi *n = &acpi_info.lapic_nmi[i];
        if (n->acpi_id != ACPI_ALL_CPUS && n->acpi_id != cpu_acpi_id(cpu))
            continue;
        lint[n->lint] = LVT_NMI | (n->active_low ? LVT_ACTIVE_LOW : 0) |
                        (n->level ? LVT_LEVEL : 0);
    }
    if (!acpi_info.have_madt && cpu == 0)
        lint[1] = LVT_NMI;
    apic_write(APIC_LVT_LINT0, lint[0]);
    apic_write(APIC_LVT_LINT1, lint[1]);
}

/* What the firmware or an earlier life left in service would block others. */
static void drain_in_service(void)
{
    for (unsigned round = 0; round < 256; round++) {
        uint32_t any = 0;
        for (unsigned i = 0; i < 8; i++)
            any |= apic_read(APIC_ISR + i * 16);
        if (!any)
            return;
        apic_eoi();
    }
}

static void enter_mode(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    wrmsr(MSR_APIC_BASE, base);
    if (x2apic)
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
}

void apic_init_cpu(void)
{
    unsigned max_lvt;

    enter_mode();
    max_lvt = (apic_read(APIC_VERSION) >> 16) & 0xff;
    apic_write(APIC_TPR, 0);
    if (!x2apic) {
        apic_write(APIC_DFR, 0xffffffff);
        apic_write(APIC_LDR, 0);
    }
    apic_write(APIC_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
    drain_in_service();
    set_up_lint();
    if (max_lvt >= 4)
        apic_write(APIC_LVT_PERF, LVT_MASKED);
    if (max_lvt >= 5)
        apic_write(APIC_LVT_THERMAL, LVT_MASKED);
    apic_write(APIC_ESR, 0);
    apic_write(APIC_LVT_ERROR, VECTOR_ERROR);
    if (tsc_deadline) {
        apic_write(APIC_LVT_TIMER, LVT_TSC_DEADLINE | VECTOR_TIMER);
        /* The mode must be in place before the first deadline is. */
        smp_mb();
    } else {
        apic_write(APIC_TIMER_DIVIDE, TIMER_DIVIDE_1);
        apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
        apic_write(APIC_TIMER_INITIAL, 0);
    }
}

/*
 * Without interrupt remapping a device can only address APIC identifiers
 * below 255, in either mode; CPUs beyond run without device interrupts.
 */
void __init apic_init(void)
{
    uint64_t base = rdmsr(MSR_APIC_BASE);
    paddr_t address = acpi_info.lapic_address;

    x2apic = (base & APIC_BASE_X2APIC) ||
             (cpu_features.x2apic && x2apic_wanted);
    tsc_deadline = cpu_features.tsc_deadline && tsc_deadline_wanted;
    if (!x2apic) {
        if (!address)
            address = base & APIC_BASE_ADDR;
        apic_base = ioremap(address ? address : APIC_DEFAULT_BASE, PAGE_SIZE);
        if (!apic_base)
            boot_fatal("cannot map the local APIC at %#lx",
                       (unsigned long)address);
    }
    mask_8259();
    enter_mode();
    smp_number_cpus(apic_read_id());
    apic_init_cpu();
    printk(XENLOG_INFO "APIC: %s, version %#x, boot CPU is %u%s\n",
           x2apic ? "x2APIC" : "xAPIC", apic_read(APIC_VERSION) & 0xff,
           apic_read_id(), tsc_deadline ? ", timer by TSC deadline" : "");
    ioapic_init();
}

/* ---- timer ---- */

void __init apic_timer_calibrate_start(void)
{
    if (tsc_deadline)
        return;
    apic_write(APIC_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    apic_write(APIC_TIMER_INITIAL, 0xffffffff);
}

uint64_t apic_timer_counts(void)
{
    return tsc_deadline ? 0 : 0xffffffff - apic_read(APIC_TIMER_CURRENT);
}

void __init apic_timer_calibrate_end(uint64_t counts, uint64_t tsc_ticks)
{
    if (tsc_deadline)
        return;
    apic_write(APIC_TIMER_INITIAL, 0);
    apic_write(APIC_LVT_TIMER, VECTOR_TIMER);
    if (tsc_ticks == 0 || counts == 0 || counts >> 32)
        boot_fatal("local APIC timer: %lu counts in %lu TSC ticks",
                   (unsigned long)counts, (unsigned long)tsc_ticks);
    timer_ratio = (counts << 32) / tsc_ticks;
}

void apic_timer_set(uint64_t tsc)
{
    uint64_t ahead, counts;

    if (tsc_deadline) {
        wrmsr(MSR_TSC_DEADLINE, tsc);
        return;
    }
    if (tsc == 0) {
        apic_write(APIC_TIMER_INITIAL, 0);
        return;
    }
    ahead = tsc - rdtsc();
    if ((int64_t)ahead < 0)
        ahead = 0;
    if (ahead >> 36)
        ahead = 1UL << 36;
    counts = (uint64_t)(((unsigned __int128)ahead * timer_ratio) >> 32);
    counts = min(max(counts, 1UL), 0xffffffffUL);
    apic_write(APIC_TIMER_INITIAL, (uint32_t)counts);
}
