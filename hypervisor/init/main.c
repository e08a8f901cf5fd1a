/*
 * Start-up, in the order that matters. Reads top to bottom.
 *
 *   the loader's word    what memory and modules there are
 *   this CPU             page tables, console, descriptor tables, features
 *   the machine          ACPI, interrupt controllers, time, all other CPUs
 *   memory               frame table, heap
 *   domain 0             built from the modules, then let go
 */
#include "arch/x86/acpi.h"
#include "arch/x86/boot.h"
#include "arch/x86/console.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/smap.h"
#include "arch/x86/softirq.h"
#include "arch/x86/spec_ctrl.h"
#include "arch/x86/timer.h"
#include "arch/x86/traps.h"
#include "arch/x86/xpti.h"
#include "domain/dom0/dom0.h"
#include "core/hypercall.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/version.h"
#include "mm/alloc.h"
#include "sched/sched.h"

extern const struct param params_start[], params_end[];
extern char _init_start[], _init_end[];

/* Code that the boot CPU still runs is not in .init: here it ends. */
static void free_init_memory(void)
{
    paddr_t start = (paddr_t)image_mfn(_init_start).m << PAGE_SHIFT;
    paddr_t end = (paddr_t)image_mfn(_init_end).m << PAGE_SHIFT;

    hyp_unmap((vaddr_t)_init_start, (end - start) >> PAGE_SHIFT);
    heap_add_range(start, end);
    printk(XENLOG_INFO "Freed %lu KiB of start-up code and data\n",
           (unsigned long)((end - start) >> 10));
}

static void boot_cpu_ready(void)
{
    (void)domain_controller_unpause(dom0);
    free_init_memory();
    idle_loop();
}

static void __init start_machine(void)
{
    acpi_init();
    apic_init();
    time_init();
    time_init_cpu();
}

static void __init start_memory(void)
{
    frame_table_init();
    heap_init();
    printk(XENLOG_INFO "Memory: %lu MiB free\n",
           (unsigned long)(heap_free_frames() >> 8));
}

/* From head.S, on the boot CPU's area, interrupts off. */
void __init boot_main(uint32_t magic, paddr_t info)
{
    boot_parse(magic, info);
    param_parse(boot_info.cmdline, params_start,
                (size_t)(params_end - params_start));
    console_init();
    printk(XENLOG_INFO "Xeno " XENO_VERSION " (ABI %u.%u), loaded by %s\n",
           XENO_ABI_MAJOR, XENO_ABI_MINOR, boot_info.loader_name);
    printk(XENLOG_INFO "Command line: %s\n", boot_info.cmdline);

    cpu_identify();
    if (cpu_features.smap)
        smap_patch();
    spec_ctrl_select();
    if (spec_ctrl_all_off())
        xpti_unless_chosen(false);
    xpti_init();
    paging_init();
    traps_init();
    start_memory();
    smp_init();
    cpu_init(0);
    start_machine();
    hypercall_init();
    sched_init();
    sched_init_cpu();
    irq_enable();
    smp_boot_cpus();
    printk(XENLOG_INFO "CPUs online: %u\n", nr_cpus_online());
    spec_ctrl_check_smt();
    console_start_input();
    time_follow_guide();

    dom0_build();
    reset_stack_and_call(boot_cpu_ready);
}

void __noreturn secondary_main(void)
{
    sched_init_cpu();
    irq_enable();
    reset_stack_and_call(idle_loop);
}
