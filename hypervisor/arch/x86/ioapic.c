/*
 * I/O APICs (Intel 82093AA data sheet). A register is reached in two steps,
 * index then data, so each access is under the lock.
 */
#include "arch/x86/ioapic.h"

#include "arch/x86/acpi.h"
#include "arch/x86/boot.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/spinlock.h"

#define REG_ID 0
#define REG_VERSION 1
#define REG_ARBITRATION 2
#define REG_ENTRY(pin) (0x10 + 2 * (pin))

#define ENTRY_ACTIVE_LOW 0x2000u
#define ENTRY_REMOTE_IRR 0x4000u
#define ENTRY_LEVEL 0x8000u
#define ENTRY_MASKED 0x10000u
#define ENTRY_NMI 0x400u

#define MAX_PINS 240
#define DEFAULT_ADDRESS 0xfec00000UL

struct ioapic {
    volatile uint32_t *base;
    paddr_t address;
    unsigned gsi_base, pins;
};

static struct ioapic ioapics[ACPI_MAX_IOAPICS];
static unsigned nr_ioapics;
static spinlock_t ioapic_lock = SPINLOCK_INIT(LOCK_ANY); /* all of them */
unsigned nr_gsis;

static uint32_t reg_read(const struct ioapic *a, unsigned reg)
{
    a->base[0] = reg;
    return a->base[4];
}

static void reg_write(const struct ioapic *a, unsigned reg, uint32_t v)
{
    a->base[0] = reg;
    a->base[4] = v;
}

static const struct ioapic *find(unsigned gsi, unsigned *pin)
{
    for (unsigned i = 0; i < nr_ioapics; i++) {
        *pin = gsi - ioapics[i].gsi_base;
        if (gsi >= ioapics[i].gsi_base && *pin < ioapics[i].pins)
            return &ioapics[i];
    }
    return NULL;
}

bool ioapic_has(unsigned gsi)
{
    unsigned pin;

    return find(gsi, &pin) != NULL;
}

/* Masked while its halves disagree. */
void ioapic_set(unsigned gsi, const struct ioapic_entry *e)
{
    unsigned pin;
    const struct ioapic *a = find(gsi, &pin);
    uint32_t low = e->vector | (e->level ? ENTRY_LEVEL : 0) |
                   (e->active_low ? ENTRY_ACTIVE_LOW : 0);
    unsigned long f;

    if (!a)
        return;
    f = spin_lock_irqsave(&ioapic_lock);
    reg_write(a, REG_ENTRY(pin), low | ENTRY_MASKED);
    reg_write(a, REG_ENTRY(pin) + 1, e->apic_id << 24);
    if (!e->masked)
        reg_write(a, REG_ENTRY(pin), low);
    spin_unlock_irqrestore(&ioapic_lock, f);
}

void ioapic_set_mask(unsigned gsi, bool masked)
{
    unsigned pin;
    const struct ioapic *a = find(gsi, &pin);
    unsigned long f;
    uint32_t low;

    if (!a)
        return;
    f = spin_lock_irqsave(&ioapic_lock);
    low = reg_read(a, REG_ENTRY(pin));
    reg_write(a, REG_ENTRY(pin),
              masked ? low | ENTRY_MASKED : low & ~ENTRY_MASKED);
    if (masked)
        (void)reg_read(a, REG_ENTRY(pin)); /* has arrived */
    spin_unlock_irqrestore(&ioapic_lock, f);
}

void ioapic_set_destination(unsigned gsi, uint32_t apic_id)
{
    unsigned pin;
    const struct ioapic *a = find(gsi, &pin);
    unsigned long f;

    if (!a)
        return;
    f = spin_lock_irqsave(&ioapic_lock);
    reg_write(a, REG_ENTRY(pin) + 1, apic_id << 24);
    spin_unlock_irqrestore(&ioapic_lock, f);
}

/* ---- dom0 ---- */

static const struct ioapic *find_address(paddr_t address)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if (ioapics[i].address == address)
            return &ioapics[i];
    return NULL;
}

static bool reg_valid(const struct ioapic *a, uint32_t reg)
{
    return reg <= REG_ARBITRATION ||
           (reg >= REG_ENTRY(0) && reg < REG_ENTRY(a->pins));
}

int ioapic_guest_read(paddr_t address, uint32_t reg, uint32_t *value)
{
    const struct ioapic *a = find_address(address);
    unsigned long f;

    if (!a || !reg_valid(a, reg))
        return -EINVAL;
    f = spin_lock_irqsave(&ioapic_lock);
    *value = reg_read(a, reg);
    spin_unlock_irqrestore(&ioapic_lock, f);
    return 0;
}

int ioapic_guest_write(paddr_t address, uint32_t reg, uint32_t value)
{
    const struct ioapic *a = find_address(address);

    if (!a || !reg_valid(a, reg))
        return -EINVAL;
    if (reg < REG_ENTRY(0) || (reg & 1))
        return 0;
    (void)irq_setup_gsi(a->gsi_base + (reg - REG_ENTRY(0)) / 2,
                        value & ENTRY_LEVEL ? IRQ_LEVEL : IRQ_EDGE,
                        value & ENTRY_ACTIVE_LOW);
    return 0;
}

/* ---- set-up ---- */

void __init mask_8259(void)
{
    outb(0xff, 0x21);
    outb(0xff, 0xa1);
}

static bool __init overlaps(unsigned gsi_base, unsigned pins)
{
    for (unsigned i = 0; i < nr_ioapics; i++)
        if (gsi_base < ioapics[i].gsi_base + ioapics[i].pins &&
            ioapics[i].gsi_base < gsi_base + pins)
            return true;
    return false;
}

static void __init add_ioapic(paddr_t address, unsigned gsi_base)
{
    struct ioapic *a = &ioapics[nr_ioapics];
    uint32_t version;

    a->address = address;
    a->gsi_base = gsi_base;
    a->base = ioremap(address, 0x20);
    if (!a->base)
        return;
    version = reg_read(a, REG_VERSION);
    a->pins = ((version >> 16) & 0xff) + 1;
    if (version == 0xffffffff || a->pins > MAX_PINS ||
        gsi_base > NR_IRQS_MAX / 2 ||
        a->pins > NR_IRQS_MAX / 2 - gsi_base || overlaps(gsi_base, a->pins)) {
        printk(XENLOG_WARNING
               "I/O APIC at %#lx (GSI %u, version %#x) ignored\n",
               (unsigned long)address, gsi_base, version);
        return;
    }
    for (unsigned pin = 0; pin < a->pins; pin++)
        reg_write(a, REG_ENTRY(pin), ENTRY_MASKED);
    nr_gsis = max(nr_gsis, gsi_base + a->pins);
    nr_ioapics++;
    printk(XENLOG_INFO "I/O APIC at %#lx: GSI %u-%u\n",
           (unsigned long)address, gsi_base, gsi_base + a->pins - 1);
}

/* Interrupt inputs that the firmware says are NMI: to CPU 0. */
static void __init route_nmi_source(const struct acpi_nmi_source *n)
{
    unsigned pin;
    const struct ioapic *a = find(n->gsi, &pin);

    if (a)
        reg_write(a, REG_ENTRY(pin),
                  ENTRY_NMI | (n->level ? ENTRY_LEVEL : 0) |
                      (n->active_low ? ENTRY_ACTIVE_LOW : 0));
}

void __init ioapic_init(void)
{
    for (unsigned i = 0; i < acpi_info.nr_ioapics; i++)
        add_ioapic(acpi_info.ioapic[i].address, acpi_info.ioapic[i].gsi_base);
    if (!acpi_info.have_madt)
        add_ioapic(DEFAULT_ADDRESS, 0);
    if (nr_ioapics == 0)
        printk(XENLOG_WARNING "no I/O APIC: no device interrupts\n");
    irq_init();
    for (unsigned i = 0; i < acpi_info.nr_nmi_sources; i++)
        route_nmi_source(&acpi_info.nmi_source[i]);
}
