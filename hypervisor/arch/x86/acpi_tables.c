/*
 * Reading of ACPI tables. Pure: memory comes through a function, so that the
 * host can feed it anything.
 *
 * The threat is firmware with mistakes, not malice, but the code treats all of
 * it alike: no offset, length or count from a table is used before it has been
 * held against the bytes that are really there, lists are bounded by the room
 * in struct acpi_info, and every loop goes forward. A table is used only if
 * its checksum holds.
 *
 * Field offsets are those of the ACPI specification 6.4, chapter 5.
 */
#include "arch/x86/acpi.h"

#include "lib/compiler.h"
#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"

#define HEADER_SIZE 36
#define MAX_TABLE_SIZE (1 * MiB)
#define MAX_ROOT_ENTRIES 512

#define RSDP_V1_SIZE 20
#define RSDP_V2_SIZE 36

/* ---- little-endian fields; the caller knows that the bytes are there ---- */

static uint16_t __init get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t __init get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static uint64_t __init get64(const uint8_t *p)
{
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static bool __init sum_is_zero(const uint8_t *p, size_t n)
{
    uint8_t sum = 0;

    while (n--)
        sum = (uint8_t)(sum + *p++);
    return sum == 0;
}

/* A table's name for the log: 4 printable characters. */
struct sig_text {
    char s[5];
};

static struct sig_text __init sig_text(const uint8_t *sig)
{
    struct sig_text t = {""};

    for (unsigned i = 0; i < 4; i++)
        t.s[i] = sig[i] > ' ' && sig[i] < 0x7f ? (char)sig[i] : '?';
    return t;
}

/* ---- MADT: processors, I/O APICs, interrupt wiring (5.2.12) ---- */

enum {
    MADT_LAPIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_NMI_SOURCE = 3,
    MADT_LAPIC_NMI = 4,
    MADT_LAPIC_ADDRESS = 5,
    MADT_X2APIC = 9,
    MADT_X2APIC_NMI = 10,
};

#define CPU_ENABLED 1u

/* MPS INTI flags: polarity in bits 0-1, trigger in bits 2-3; 3 = low, level. */
static bool __init inti_active_low(uint16_t flags)
{
    return (flags & 3) == 3;
}

static bool __init inti_level(uint16_t flags)
{
    return ((flags >> 2) & 3) == 3;
}

static void __init add_cpu(struct acpi_info *info, uint32_t apic_id,
                           uint32_t acpi_id, uint32_t flags)
{
    for (unsigned i = 0; i < info->nr_cpus; i++) {
        if (info->cpu[i].apic_id == apic_id) {
            info->cpu[i].enabled |= (flags & CPU_ENABLED) != 0;
            return;
        }
    }
    if (info->nr_cpus == ACPI_MAX_CPUS) {
        info->cpus_dropped++;
        return;
    }
    info->cpu[info->nr_cpus++] = (struct acpi_cpu){
        .apic_id = apic_id,
        .acpi_id = acpi_id,
        .enabled = (flags & CPU_ENABLED) != 0,
    };
}

static void __init add_ioapic(struct acpi_info *info, const uint8_t *e)
{
    if (info->nr_ioapics == ACPI_MAX_IOAPICS) {
        printk(XENLOG_WARNING "ACPI: more than %u I/O APICs, rest ignored\n",
               ACPI_MAX_IOAPICS);
        return;
    }
    info->ioapic[info->nr_ioapics++] = (struct acpi_ioapic){
        .id = e[2],
        .address = get32(e + 4),
        .gsi_base = get32(e + 8),
    };
}

/* Bus 0 is ISA, the only one there is. 0 = "as the bus does": edge, high. */
static void __init add_override(struct acpi_info *info, const uint8_t *e)
{
    uint8_t bus = e[2], irq = e[3];
    uint16_t flags = get16(e + 8);

    if (bus != 0 || irq >= ACPI_ISA_IRQS) {
        printk(XENLOG_WARNING
               "ACPI: override for interrupt %u of bus %u ignored\n",
               irq, bus);
        return;
    }
    info->override[irq] = (struct acpi_override){
        .present = true,
        .gsi = get32(e + 4),
        .active_low = inti_active_low(flags),
        .level = inti_level(flags),
    };
}

static void __init add_nmi_source(struct acpi_info *info, const uint8_t *e)
{
    uint16_t flags = get16(e + 2);

    if (info->nr_nmi_sources == ACPI_MAX_NMI_SOURCES)
        return;
    info->nmi_source[info->nr_nmi_sources++] = (struct acpi_nmi_source){
        .gsi = get32(e + 4),
        .active_low = inti_active_low(flags),
        .level = inti_level(flags),
    };
}

static void __init add_lapic_nmi(struct acpi_info *info, uint32_t acpi_id,
                                 uint8_t lint, uint16_t flags)
{
    if (info->nr_lapic_nmis == ACPI_MAX_LAPIC_NMIS || lint > 1)
        return;
    info->lapic_nmi[info->nr_lapic_nmis++] = (struct acpi_lapic_nmi){
        .acpi_id = acpi_id,
        .lint = lint,
        .active_low = inti_active_low(flags),
        .level = inti_level(flags),
    };
}

/* Smallest sound length of an entry of each type that we read. */
static unsigned __init madt_min_length(uint8_t type)
{
    static const uint8_t length[] = {
        [MADT_LAPIC] = 8,       [MADT_IOAPIC] = 12,
        [MADT_OVERRIDE] = 10,   [MADT_NMI_SOURCE] = 8,
        [MADT_LAPIC_NMI] = 6,   [MADT_LAPIC_ADDRESS] = 12,
        [MADT_X2APIC] = 16,     [MADT_X2APIC_NMI] = 12,
    };

    return type < ARRAY_SIZE(length) ? length[type] : 0;
}

static void __init madt_entry(struct acpi_info *info, const uint8_t *e)
{
    switch (e[0]) {
    case MADT_LAPIC:
        if (e[3] != 0xff)
            add_cpu(info, e[3], e[2], get32(e + 4));
        break;
    case MADT_X2APIC:
        if (get32(e + 4) != ~0u)
            add_cpu(info, get32(e + 4), get32(e + 12), get32(e + 8));
        break;
    case MADT_IOAPIC:
        add_ioapic(info, e);
        break;
    case MADT_OVERRIDE:
        add_override(info, e);
        break;
    case MADT_NMI_SOURCE:
        add_nmi_source(info, e);
        break;
    case MADT_LAPIC_NMI:
        add_lapic_nmi(info, e[2] == 0xff ? ACPI_ALL_CPUS : e[2], e[5],
                      get16(e + 3));
        break;
    case MADT_X2APIC_NMI:
        add_lapic_nmi(info, get32(e + 4), e[8], get16(e + 2));
        break;
    case MADT_LAPIC_ADDRESS:
        info->lapic_address = get64(e + 4);
        break;
    }
}

static bool __init parse_madt(struct acpi_info *info, const uint8_t *t,
                              size_t size)
{
    size_t at = 44;

    if (size < at)
        return false;
    info->lapic_address = get32(t + 36);
    info->have_8259 = get32(t + 40) & 1;
    while (at + 2 <= size) {
        const uint8_t *e = t + at;
        uint8_t len = e[1];

        if (len < 2 || len > size - at || len < madt_min_length(e[0])) {
            printk(XENLOG_WARNING
                   "ACPI: MADT entry type %u at %zu has length %u, rest of "
                   "the table ignored\n", e[0], at, len);
            break;
        }
        madt_entry(info, e);
        at += len;
    }
    if (info->cpus_dropped)
        printk(XENLOG_WARNING "ACPI: %u processors beyond %u ignored\n",
               info->cpus_dropped, ACPI_MAX_CPUS);
    info->have_madt = true;
    return true;
}

/* ---- FADT: fixed hardware (5.2.9) ---- */

#define FADT_RESET_SUPPORTED (1u << 10)
#define FADT_TIMER_32 (1u << 8)

/* Generic address structure at t+at, if the table reaches that far. */
static struct acpi_register __init get_gas(const uint8_t *t, size_t size,
                                           size_t at)
{
    struct acpi_register r = {0, 0, 0};

    if (at + 12 <= size) {
        r.space = t[at];
        r.bits = t[at + 1];
        r.address = get64(t + at + 4);
    }
    return r;
}

/*
 * A register block: the 64-bit form if the table has it, else the port of the
 * first version. A first-version port whose upper half is set is no port.
 */
static struct acpi_register __init get_block(const uint8_t *t, size_t size,
                                             size_t at32, size_t at64,
                                             uint8_t bytes)
{
    struct acpi_register r = get_gas(t, size, at64);

    if (r.address == 0 && at32 + 4 <= size) {
        r.address = get32(t + at32);
        r.space = ACPI_SPACE_IO;
        r.bits = (uint8_t)(bytes * 8);
    }
    if (r.space == ACPI_SPACE_IO && r.address > 0xffff)
        r.address = 0;
    return r;
}

static bool __init parse_fadt(struct acpi_info *info, const uint8_t *t,
                              size_t size)
{
    uint8_t revision = t[8];

    if (size < 116)
        return false;
    info->fadt_revision = revision;
    info->sci_irq = get16(t + 46);
    info->pm1_evt_len = t[88];
    info->pm1_cnt_len = t[89];
    info->century = t[108] < 128 ? t[108] : 0;
    info->boot_flags = revision >= 2 ? get16(t + 109) : 0;
    info->fadt_flags = get32(t + 112);
    info->pm_timer_32 = info->fadt_flags & FADT_TIMER_32;
    info->pm1a_evt = get_block(t, size, 56, 148, info->pm1_evt_len);
    info->pm1b_evt = get_block(t, size, 60, 160, info->pm1_evt_len);
    info->pm1a_cnt = get_block(t, size, 64, 172, info->pm1_cnt_len);
    info->pm1b_cnt = get_block(t, size, 68, 184, info->pm1_cnt_len);
    info->pm_timer = get_block(t, size, 76, 208, t[91]);
    if ((info->fadt_flags & FADT_RESET_SUPPORTED) && size > 128) {
        info->reset = get_gas(t, size, 116);
        info->reset_value = t[128];
    }
    info->have_fadt = true;
    return true;
}

/* ---- HPET, MCFG ---- */

static bool __init parse_hpet(struct acpi_info *info, const uint8_t *t,
                              size_t size)
{
    struct acpi_register r = get_gas(t, size, 40);

    if (size < 56 || r.space != ACPI_SPACE_MEMORY || r.address == 0)
        return false;
    if (info->have_hpet)
        return true; /* the first is enough */
    info->hpet_address = r.address;
    info->hpet_number = t[52];
    info->have_hpet = true;
    return true;
}

/* All entries or none: one that makes no sense spoils the table. */
static bool __init parse_mcfg(struct acpi_info *info, const uint8_t *t,
                              size_t size)
{
    unsigned n = info->nr_mcfg;

    for (size_t at = 44; at + 16 <= size && n < ACPI_MAX_MCFG; at += 16) {
        struct acpi_mcfg m = {
            .address = get64(t + at),
            .segment = get16(t + at + 8),
            .first_bus = t[at + 10],
            .last_bus = t[at + 11],
        };
        if (m.address == 0 || PAGE_OFFSET(m.address) ||
            m.first_bus > m.last_bus)
            return false;
        info->mcfg[n++] = m;
    }
    info->nr_mcfg = n;
    info->have_mcfg = n > 0;
    return true;
}

/* ---- from the RSDP to the tables ---- */

static const struct {
    char sig[5];
    bool (*parse)(struct acpi_info *info, const uint8_t *t, size_t size);
} parsers[] = {
    {"APIC", parse_madt},
    {"FACP", parse_fadt},
    {"HPET", parse_hpet},
    {"MCFG", parse_mcfg},
};

/*
 * A table's bytes with a sound header, length and checksum, or NULL. sig NULL:
 * any that we know how to parse; tables of no interest are NULL, too.
 */
static const uint8_t *__init get_table(paddr_t at, const char *sig,
                                       acpi_map_t *map, size_t *size_out)
{
    const uint8_t *t = at ? map(at, HEADER_SIZE) : NULL;
    struct sig_text name;
    uint32_t size;
    bool wanted = false;

    if (!t) {
        printk(XENLOG_WARNING "ACPI: no table at %#lx\n", (unsigned long)at);
        return NULL;
    }
    name = sig_text(t);
    size = get32(t + 4);
    for (unsigned i = 0; !sig && i < ARRAY_SIZE(parsers); i++)
        wanted |= memcmp(t, parsers[i].sig, 4) == 0;
    if (sig)
        wanted = memcmp(t, sig, 4) == 0;
    if (!wanted)
        return NULL;
    if (size < HEADER_SIZE || size > MAX_TABLE_SIZE || !(t = map(at, size))) {
        printk(XENLOG_WARNING
               "ACPI: table %s at %#lx has length %u, ignored\n",
               name.s, (unsigned long)at, size);
        return NULL;
    }
    if (!sum_is_zero(t, size)) {
        printk(XENLOG_WARNING
               "ACPI: table %s at %#lx has a bad checksum, ignored\n",
               name.s, (unsigned long)at);
        return NULL;
    }
    *size_out = size;
    return t;
}

static void __init read_table(paddr_t at, acpi_map_t *map,
                              struct acpi_info *info)
{
    size_t size;
    const uint8_t *t = get_table(at, NULL, map, &size);

    if (!t)
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(parsers); i++) {
        if (memcmp(t, parsers[i].sig, 4))
            continue;
        if (!parsers[i].parse(info, t, size))
            printk(XENLOG_WARNING
                   "ACPI: table %s at %#lx makes no sense, ignored\n",
                   parsers[i].sig, (unsigned long)at);
        return;
    }
}

/* The entries are fetched one by one: reading a table may unmap the root. */
static bool __init read_root(paddr_t root, const char *sig, acpi_map_t *map,
                             struct acpi_info *info)
{
    unsigned width = sig[0] == 'X' ? 8 : 4;
    size_t size, n;

    if (!get_table(root, sig, map, &size))
        return false;
    n = min((size - HEADER_SIZE) / width, (size_t)MAX_ROOT_ENTRIES);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *e = map(root + HEADER_SIZE + i * width, width);
        if (!e)
            break;
        read_table(width == 8 ? get64(e) : get32(e), map, info);
    }
    return true;
}

static bool __init rsdp_ok(const uint8_t *p)
{
    return memcmp(p, "RSD PTR ", 8) == 0 && sum_is_zero(p, RSDP_V1_SIZE);
}

paddr_t __init acpi_find_rsdp(const void *area, size_t n, paddr_t base)
{
    const uint8_t *p = area;

    for (size_t at = 0; at + RSDP_V1_SIZE <= n; at += 16)
        if (rsdp_ok(p + at))
            return base + at;
    return 0;
}

int __init acpi_read_tables(paddr_t rsdp, acpi_map_t *map,
                            struct acpi_info *info)
{
    const uint8_t *p = map(rsdp, RSDP_V1_SIZE);
    paddr_t rsdt = 0, xsdt = 0;

    memset(info, 0, sizeof(*info));
    if (!p || !rsdp_ok(p)) {
        printk(XENLOG_WARNING "ACPI: no sound RSDP at %#lx\n",
               (unsigned long)rsdp);
        return -ENOENT;
    }
    rsdt = get32(p + 16);
    if (p[15] >= 2) {
        p = map(rsdp, RSDP_V2_SIZE);
        if (p && get32(p + 20) >= RSDP_V2_SIZE && sum_is_zero(p, RSDP_V2_SIZE))
            xsdt = get64(p + 24);
        else
            printk(XENLOG_WARNING "ACPI: RSDP has a bad second checksum\n");
    }
    if (!(xsdt && read_root(xsdt, "XSDT", map, info)) &&
        !(rsdt && read_root(rsdt, "RSDT", map, info)))
        return -ENOENT;
    info->rsdp = rsdp;
    return 0;
}
