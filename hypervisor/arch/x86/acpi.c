/*
 * ACPI on this machine: finding the tables, reading them at boot, and writing
 * the sleep and reset registers.
 */
#include "arch/x86/acpi.h"

#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/smp.h"
#include "arch/x86/timer.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"

struct acpi_info acpi_info;

static bool __initdata acpi_wanted = true;
PARAM_BOOL("acpi", acpi_wanted);
static bool __initdata noacpi;
PARAM_BOOL("noacpi", noacpi);

/* ---- physical memory, as the parser sees it ---- */

#define MAPPED_RANGES 4

/* The last few ranges that were asked for: tables mostly share pages. */
struct mapped_range {
    paddr_t start, end;
    const uint8_t *p;
};
static struct mapped_range mapped[MAPPED_RANGES] __initdata;
static unsigned next_mapped __initdata;

static const void *__init map_table(paddr_t start, size_t n)
{
    paddr_t first = start & PAGE_MASK, end = ROUND_UP(start + n, PAGE_SIZE);
    unsigned i;

    if (n == 0 || start + n < start || end < first || end >> 52)
        return NULL;
    for (i = 0; i < MAPPED_RANGES; i++)
        if (mapped[i].p && start >= mapped[i].start &&
            start + n <= mapped[i].end)
            return mapped[i].p + (start - mapped[i].start);
    i = next_mapped++ % MAPPED_RANGES;
    mapped[i].start = first;
    mapped[i].end = end;
    mapped[i].p = ioremap(first, end - first);
    return mapped[i].p ? mapped[i].p + (start - first) : NULL;
}

#define EBDA_SEGMENT_POINTER 0x40e
#define BIOS_AREA_START 0xe0000UL
#define BIOS_AREA_SIZE 0x20000UL

/* BIOS: first KiB of the extended data area, then the ROM area. */
static paddr_t __init find_rsdp(void)
{
    const uint8_t *seg;
    const void *area;
    paddr_t ebda, found = 0;

    if (boot_info.rsdp)
        return boot_info.rsdp;
    if (boot_info.efi)
        return 0;
    seg = map_table(EBDA_SEGMENT_POINTER, 2);
    ebda = seg ? (paddr_t)(seg[0] | seg[1] << 8) << 4 : 0;
    if (ebda >= 0x80000 && ebda < 0xa0000 && (area = map_table(ebda, 1024)))
        found = acpi_find_rsdp(area, 1024, ebda);
    if (!found && (area = map_table(BIOS_AREA_START, BIOS_AREA_SIZE)))
        found = acpi_find_rsdp(area, BIOS_AREA_SIZE, BIOS_AREA_START);
    return found;
}

void __init acpi_init(void)
{
    paddr_t rsdp;

    if (!acpi_wanted || noacpi) {
        printk(XENLOG_INFO "ACPI: switched off by option\n");
        return;
    }
    rsdp = find_rsdp();
    if (!rsdp || acpi_read_tables(rsdp, map_table, &acpi_info)) {
        printk(XENLOG_WARNING "ACPI: no tables found\n");
        return;
    }
    printk(XENLOG_INFO
           "ACPI: RSDP %#lx, %u processors, %u I/O APICs%s%s%s%s\n",
           (unsigned long)rsdp, acpi_info.nr_cpus, acpi_info.nr_ioapics,
           acpi_info.have_madt ? "" : ", no MADT",
           acpi_info.have_fadt ? "" : ", no FADT",
           acpi_info.have_hpet ? ", HPET" : "",
           acpi_info.have_mcfg ? ", MCFG" : "");
}

/* ---- registers ---- */

#define PM1_SLEEP_TYPE(v) (((v) >> 10) & 7)
#define PM1_SLEEP_ENABLE 0x2000u

/* Without interrupts: the last thing that the machine does. */
static void write_register16(const struct acpi_register *r, uint16_t v)
{
    volatile uint16_t *p;

    if (r->address == 0)
        return;
    if (r->space == ACPI_SPACE_IO) {
        outw(v, (uint16_t)r->address);
    } else if (r->space == ACPI_SPACE_MEMORY) {
        p = ioremap(r->address, 2);
        if (p)
            *p = v;
    }
}

int acpi_enter_sleep(uint16_t pm1a, uint16_t pm1b, unsigned state)
{
    const struct acpi_register *b = &acpi_info.pm1b_cnt;

    if (!acpi_info.have_fadt || acpi_info.pm1a_cnt.address == 0)
        return -ENODEV;
    if (state != 5)
        return -EINVAL;
    printk(XENLOG_INFO "ACPI: entering S5 (type %u)\n", PM1_SLEEP_TYPE(pm1a));
    irq_disable();
    smp_stop_others();
    write_register16(&acpi_info.pm1a_cnt, pm1a & ~PM1_SLEEP_ENABLE);
    write_register16(b, pm1b & ~PM1_SLEEP_ENABLE);
    write_register16(&acpi_info.pm1a_cnt, pm1a | PM1_SLEEP_ENABLE);
    write_register16(b, pm1b | PM1_SLEEP_ENABLE);
    for (;;)
        __asm__ volatile("hlt");
}

void acpi_reset(void)
{
    const struct acpi_register *r = &acpi_info.reset;
    volatile uint8_t *p;

    if (r->address == 0)
        return;
    if (r->space == ACPI_SPACE_IO && r->address <= 0xffff) {
        outb(acpi_info.reset_value, (uint16_t)r->address);
    } else if (r->space == ACPI_SPACE_MEMORY) {
        p = ioremap(r->address, 1);
        if (p)
            *p = acpi_info.reset_value;
    } else if (r->space == ACPI_SPACE_PCI) {
        /* Bus 0: device in bits 32-47, function 16-31, offset 0-15. */
        uint32_t dev = (r->address >> 32) & 31, fn = (r->address >> 16) & 7;
        uint32_t off = r->address & 0xff;
        outl(0x80000000u | dev << 11 | fn << 8 | (off & ~3u), 0xcf8);
        outb(acpi_info.reset_value, (uint16_t)(0xcfc + (off & 3)));
    }
    udelay(50000);
}
