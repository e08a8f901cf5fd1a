/*
 * Bringing up all processors, and stopping them.
 *
 * smp_number_cpus() gives numbers to the processors of the MADT.
 * smp_boot_cpus() then makes each one's CPU area, sends it INIT and STARTUP
 * (Intel SDM vol. 3, 8.4) and waits for it; one after the other, as they share
 * the trampoline. A secondary sets itself up in smp_secondary(), compares its
 * features and clock with the boot CPU's, and is online from then on.
 */
#include "arch/x86/smp.h"

#include "arch/x86/acpi.h"
#include "arch/x86/apic.h"
#include "arch/x86/boot.h"
#include "arch/x86/boot/memory.h"
#include "arch/x86/boot/trampoline.h"
#include "arch/x86/cpu.h"
#include "arch/x86/desc.h"
#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/percpu.h"
#include "arch/x86/pte.h"
#include "arch/x86/timer.h"
#include "arch/x86/timesync.h"
#include "arch/x86/tlb.h"
#include "arch/x86/topology.h"
#include "arch/x86/traps.h"
#include "arch/x86/xpti.h"
#include "lib/bitops.h"
#include "lib/heap.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/spinlock.h"

__section(".percpu.first") struct pcpu percpu_pcpu;

static unsigned maxcpus __initdata = MAX_CPUS;
PARAM_UINT("maxcpus", maxcpus);
static bool nosmp __initdata;
PARAM_BOOL("nosmp", nosmp);
static bool noht __initdata;
PARAM_BOOL("noht", noht);

static struct {
    uint32_t apic_id, acpi_id;
} cpus[MAX_CPUS];
static unsigned nr_cpus;

uint32_t cpu_apic_id(unsigned cpu)
{
    return cpu < nr_cpus ? cpus[cpu].apic_id : APIC_ID_NONE;
}

uint32_t cpu_acpi_id(unsigned cpu)
{
    return cpu < nr_cpus ? cpus[cpu].acpi_id : APIC_ID_NONE;
}

unsigned nr_cpus_known(void)
{
    return nr_cpus;
}

/* ---- numbers ---- */

/* Does a CPU that has a number sit on the same core? */
static bool __init core_taken(uint32_t apic_id)
{
    struct cpu_topology t = topology_of_apic_id(apic_id);

    for (unsigned i = 0; i < nr_cpus; i++) {
        struct cpu_topology o = topology_of_apic_id(cpus[i].apic_id);
        if (o.package == t.package && o.core == t.core)
            return true;
    }
    return false;
}

static void __init number_cpu(uint32_t apic_id, uint32_t acpi_id)
{
    cpus[nr_cpus].apic_id = apic_id;
    cpus[nr_cpus].acpi_id = acpi_id;
    nr_cpus++;
}

void __init smp_number_cpus(uint32_t boot_apic_id)
{
    unsigned limit = min(nosmp ? 1 : max(maxcpus, 1u), (unsigned)MAX_CPUS);
    uint32_t boot_acpi_id = 0;
    unsigned left_out = 0;

    topology_init();
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++)
        if (acpi_info.cpu[i].apic_id == boot_apic_id)
            boot_acpi_id = acpi_info.cpu[i].acpi_id;
    number_cpu(boot_apic_id, boot_acpi_id);
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++) {
        const struct acpi_cpu *c = &acpi_info.cpu[i];
        if (!c->enabled || c->apic_id == boot_apic_id ||
            (noht && core_taken(c->apic_id)))
            continue;
        if (nr_cpus >= limit ||
            (c->apic_id > 254 && !apic_is_x2apic()))
            left_out++;
        else
            number_cpu(c->apic_id, c->acpi_id);
    }
    if (left_out && limit == MAX_CPUS)
        printk(XENLOG_WARNING "%u processors cannot be used\n", left_out);
    this_pcpu()->apic_id = boot_apic_id;
    topology_set(0, boot_apic_id);
    cpu_online_map = cpu_present_map = CPUMASK(0);
}

/* ---- memory of a CPU ---- */

/* Shows the CPU's own GDT page in its descriptor window. */
static bool map_window(unsigned cpu)
{
    const uint64_t *e = hyp_l1_entry(CPU_AREA(cpu) + CPU_AREA_GDT);

    return e && hyp_map(DESC_WINDOW(cpu) + GDT_OWN_PAGE * PAGE_SIZE,
                        pte_mfn(*e), 1, PAGE_HYP_RO) == 0;
}

/* The area with its stacks; what is left out are the guard pages. */
static bool __init make_area(unsigned cpu)
{
    static const uint8_t pages[] = {1, 2, 3, 5, 7, 9, 11, 13, 14, 15};

    if (hyp_map(CPU_AREA(cpu), image_mfn(_stub_page), 1, PAGE_HYP_RX))
        return false;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        void *p = xenheap_zalloc(0);
        if (!p || hyp_map(CPU_AREA(cpu) + pages[i] * PAGE_SIZE,
                          mapped_frame(p), 1, PAGE_HYP_RW))
            return false;
    }
    per_cpu(pcpu, cpu).id = cpu;
    per_cpu(pcpu, cpu).apic_id = cpus[cpu].apic_id;
    return map_window(cpu) && xpti_make_roots(cpu);
}

void __init smp_init(void)
{
    if (!map_window(0) || !xpti_make_roots(0))
        panic("no memory for the boot CPU's tables");
}

/* ---- bringing up ---- */

enum bring_up { CPU_STARTING, CPU_RUNS, CPU_REFUSED };
static enum bring_up bring_up; /* of the CPU that is being started */

/* The new CPU, on its own stack, interrupts off. */
static void smp_secondary(void)
{
    unsigned cpu = smp_cpu_id();

    cpu_init(cpu);
    apic_init_cpu();
    topology_set(cpu, cpus[cpu].apic_id);
    if (!cpu_matches_boot_cpu()) {
        __atomic_store_n(&bring_up, CPU_REFUSED, __ATOMIC_RELEASE);
        for (;;)
            __asm__ volatile("cli; hlt");
    }
    __atomic_store_n(&bring_up, CPU_RUNS, __ATOMIC_RELEASE);
    timesync_secondary();
    time_init_cpu();
    set_bit_atomic(cpu, &cpu_present_map);
    set_bit_atomic(cpu, &cpu_online_map);
    secondary_main();
}

static bool __init wait_started(s_time_t limit)
{
    s_time_t end = now() + limit;

    while (__atomic_load_n(&bring_up, __ATOMIC_ACQUIRE) == CPU_STARTING) {
        if (now() > end)
            return false;
        cpu_relax();
    }
    return true;
}

/*
 * INIT, a pause that only the oldest CPUs need, STARTUP; a second STARTUP if
 * the first one seems lost.
 */
static bool __init kick_into_life(uint32_t apic_id, uint8_t vector)
{
    bool old = cpu_features.family < 6;

    apic_send(apic_id, APIC_DM_INIT);
    udelay(old ? 10000 : 10);
    apic_send(apic_id, APIC_DM_STARTUP | vector);
    if (wait_started(MICROSECS(300)))
        return true;
    apic_send(apic_id, APIC_DM_STARTUP | vector);
    return wait_started(SECONDS(5));
}

static void __init boot_cpu(unsigned cpu)
{
    uint8_t vector;

    if (!make_area(cpu)) {
        printk(XENLOG_ERR "CPU %u: no memory, stays off\n", cpu);
        return;
    }
    bring_up = CPU_STARTING;
    vector = trampoline_prepare(CPU_AREA(cpu) + CPU_AREA_STACK_TOP,
                                smp_secondary);
    smp_mb();
    if (!kick_into_life(cpus[cpu].apic_id, vector)) {
        /* Silence it: the trampoline is needed for the next one. */
        apic_send(cpus[cpu].apic_id, APIC_DM_INIT);
        printk(XENLOG_ERR "CPU %u (APIC %u) does not start\n", cpu,
               cpus[cpu].apic_id);
        return;
    }
    if (bring_up == CPU_REFUSED) {
        printk(XENLOG_ERR "CPU %u differs from the boot CPU, stays off\n",
               cpu);
        return;
    }
    timesync_boot_cpu();
    while (!test_bit(cpu, (void *)&cpu_online_map))
        cpu_relax();
}

void __init smp_boot_cpus(void)
{
    for (unsigned cpu = 1; cpu < nr_cpus; cpu++)
        boot_cpu(cpu);
}

/* ---- off, and on again ---- */

void smp_leave(void)
{
    clear_bit_atomic(smp_cpu_id(), &cpu_online_map);
    __asm__ volatile("wbinvd" ::: "memory"); /* it hears of no such wish now */
}

void smp_rejoin(void)
{
    unsigned cpu = smp_cpu_id();
    unsigned long f = irq_save();

    timesync_secondary();
    set_bit_atomic(cpu, &cpu_online_map);
    tlb_flush_all_global(CPUMASK(cpu)); /* nobody asked it to, meanwhile */
    irq_restore(f);
}

/* ---- stopping ---- */

static unsigned stopper; /* CPU + 1 that stops all others, 0 = none */
static cpumask_t stopped;

static void __noreturn stop_here(void)
{
    set_bit_atomic(smp_cpu_id(), &stopped);
    for (;;)
        __asm__ volatile("cli; hlt");
}

void smp_stop_others(void)
{
    unsigned me = smp_cpu_id() + 1, none = 0;
    cpumask_t others = cpu_online_map & ~CPUMASK(me - 1);
    unsigned cpu;

    irq_disable();
    if (!__atomic_compare_exchange_n(&stopper, &none, me, false,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        if (none == me)
            return; /* again */
        stop_here();
    }
    for_each_cpu(cpu, others)
        apic_send(cpu_apic_id(cpu), APIC_DM_NMI);
    /* A CPU that does not answer must not keep us from going on. */
    for (unsigned i = 0; i < 1000; i++) {
        if ((READ_ONCE(stopped) & others) == others)
            return;
        if (cpu_khz)
            udelay(100);
    }
}

#define PORT_NMI_STATUS 0x61
#define NMI_PARITY 0x80
#define NMI_IOCHECK 0x40
#define NMI_PARITY_OFF 0x04
#define NMI_IOCHECK_OFF 0x08

bool nmi_claimed(struct cpu_user_regs *regs)
{
    uint8_t status, off = 0;

    (void)regs;
    if (READ_ONCE(stopper))
        stop_here();
    if (smp_cpu_id() != 0)
        return false;
    status = inb(PORT_NMI_STATUS);
    if (status & NMI_PARITY)
        off |= NMI_PARITY_OFF;
    if (status & NMI_IOCHECK)
        off |= NMI_IOCHECK_OFF;
    if (!off)
        return false;
    printk(XENLOG_ERR "NMI: %s%s reported by the chipset\n",
           status & NMI_PARITY ? "memory or bus error " : "",
           status & NMI_IOCHECK ? "I/O check " : "");
    status &= 0x0f;
    outb(status | off, PORT_NMI_STATUS); /* clears it ... */
    outb((uint8_t)(status & ~off), PORT_NMI_STATUS); /* ... and listens on */
    return true;
}
