/*
 * What the firmware's ACPI tables say about the machine, and the two ACPI
 * registers that the hypervisor itself writes: sleep control and reset.
 *
 * The tables are read once, at boot; the DSDT and all AML are dom0's business.
 * A table with a bad length or checksum is named in the log and ignored.
 */
#ifndef ARCH_X86_ACPI_H
#define ARCH_X86_ACPI_H

#include "lib/types.h"

#define ACPI_MAX_CPUS 256
#define ACPI_MAX_IOAPICS 16
#define ACPI_MAX_LAPIC_NMIS 16
#define ACPI_MAX_NMI_SOURCES 8
#define ACPI_MAX_MCFG 16
#define ACPI_ISA_IRQS 16

/* Generic address structure: where a register is. */
enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1,
                  ACPI_SPACE_PCI = 2 };
struct acpi_register {
    uint64_t address; /* 0: there is none */
    uint8_t space;    /* enum acpi_space, or one that we don't know */
    uint8_t bits;     /* width; 0 = not told */
};

struct acpi_cpu {
    uint32_t apic_id, acpi_id; /* acpi_id: the ACPI processor UID */
    bool enabled;              /* false: may be plugged later */
};

struct acpi_ioapic {
    paddr_t address;
    uint32_t gsi_base;
    uint8_t id;
};

/* Where an ISA interrupt goes; without an entry it is GSI n, edge, high. */
struct acpi_override {
    bool present;
    bool level, active_low;
    uint32_t gsi;
};

/* Local interrupt input that is wired to NMI. */
struct acpi_lapic_nmi {
    uint32_t acpi_id; /* ACPI_ALL_CPUS: of each processor */
    uint8_t lint;     /* 0 or 1 */
    bool active_low, level;
};
#define ACPI_ALL_CPUS 0xffffffffu

struct acpi_nmi_source {
    uint32_t gsi;
    bool active_low, level;
};

struct acpi_mcfg {
    paddr_t address; /* of bus 0 of the segment, even if first_bus > 0 */
    uint16_t segment;
    uint8_t first_bus, last_bus;
};

struct acpi_info {
    paddr_t rsdp; /* 0: no ACPI */
    bool have_madt, have_fadt, have_hpet, have_mcfg;

    /* MADT */
    paddr_t lapic_address;
    bool have_8259;
    unsigned nr_cpus, nr_ioapics, nr_lapic_nmis, nr_nmi_sources;
    unsigned cpus_dropped; /* processors that found no room in cpu[] */
    struct acpi_cpu cpu[ACPI_MAX_CPUS];
    struct acpi_ioapic ioapic[ACPI_MAX_IOAPICS];
    struct acpi_override override[ACPI_ISA_IRQS];
    struct acpi_lapic_nmi lapic_nmi[ACPI_MAX_LAPIC_NMIS];
    struct acpi_nmi_source nmi_source[ACPI_MAX_NMI_SOURCES];

    /* FADT */
    uint8_t fadt_revision;
    uint16_t sci_irq;
    uint16_t boot_flags; /* IAPC_BOOT_ARCH */
    uint32_t fadt_flags;
    uint8_t century; /* CMOS register of the century, 0 = none */
    struct acpi_register pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt, pm_timer;
    uint8_t pm1_evt_len, pm1_cnt_len; /* bytes */
    bool pm_timer_32; /* counts 32 bits, not 24 */
    struct acpi_register reset;
    uint8_t reset_value;

    /* HPET */
    paddr_t hpet_address;
    uint8_t hpet_number;

    unsigned nr_mcfg;
    struct acpi_mcfg mcfg[ACPI_MAX_MCFG];
};
extern struct acpi_info acpi_info; /* read-only after acpi_init() */

/*
 * Enters sleep state `state` with the values that dom0 found in its AML for
 * the two PM1 control registers. Only S5 (off) is done; does not return then.
 * -EINVAL another state or contradicting values, -ENODEV no PM1a register.
 */
int acpi_enter_sleep(uint16_t pm1a, uint16_t pm1b, unsigned state);

/* Resets the machine by the FADT's reset register; returns if that fails. */
void acpi_reset(void);

/* ---- acpi_tables.c: pure, hostile input welcome ---- */

/*
 * Gives a pointer to n bytes of physical memory, or NULL. What an earlier call
 * gave may go away with the next one.
 */
typedef const void *acpi_map_t(paddr_t start, size_t n);

/*
 * Looks for the RSDP in n bytes that lie at `base` (16-byte steps). Physical
 * address, 0 if there is none.
 */
paddr_t acpi_find_rsdp(const void *area, size_t n, paddr_t base);

/*
 * Reads everything that the RSDP at `rsdp` leads to into *info (cleared
 * first). 0, or -ENOENT if neither root table is sound.
 */
int acpi_read_tables(paddr_t rsdp, acpi_map_t *map, struct acpi_info *info);

#endif
