/*
 * Any bytes as ACPI tables. Input: an image whose tables are found by their
 * signatures; the fuzzer is spared the pointers and checksums, which are put
 * right before reading (first input byte: bit 0 leaves them alone). Whatever
 * comes out, all counts are in bounds and every table-sized read was within
 * what the image holds (memory.c).
 */
#include "acpi/memory.h"

#include "lib/errno.h"
#include "lib/printk.h"

#define BASE 0x10000UL
#define MAX_IMAGE 8192
#define MAX_TABLES 32
#define ROOT (MAX_IMAGE - 512)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void printk(const char *fmt, ...)
{
    char out[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(out, sizeof(out), fmt, ap);
    va_end(ap);
}

static uint8_t image[MAX_IMAGE];

static void put(size_t at, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        image[at + i] = (uint8_t)(v >> (8 * i));
}

static void fix_sum(size_t at, size_t n, size_t field)
{
    uint8_t sum = 0;

    image[at + field] = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + image[at + i]);
    image[at + field] = (uint8_t)-sum;
}

static void fix_table(size_t at)
{
    uint32_t n;

    memcpy(&n, image + at + 4, 4);
    if (n >= 36 && n <= MAX_IMAGE - at)
        fix_sum(at, n, 9);
}

/* A root table of everything that looks like a table, and an RSDP. */
static void connect(void)
{
    static const char *const sigs[] = {"APIC", "FACP", "HPET", "MCFG"};
    unsigned n = 0;

    for (size_t at = 64; at + 36 < ROOT && n < MAX_TABLES; at += 4) {
        for (unsigned s = 0; s < 4; s++) {
            if (memcmp(image + at, sigs[s], 4))
                continue;
            fix_table(at);
            put(ROOT + 36 + 8 * n++, BASE + at, 8);
        }
    }
    memcpy(image + ROOT, "XSDT", 4);
    put(ROOT + 4, 36 + 8 * n, 4);
    fix_table(ROOT);
    memcpy(image, "RSD PTR ", 8);
    image[15] = 2;
    put(20, 36, 4);
    put(24, BASE + ROOT, 8);
    fix_sum(0, 20, 8);
    fix_sum(0, 36, 32);
}

static void check(const struct acpi_info *i)
{
    if (i->nr_cpus > ACPI_MAX_CPUS || i->nr_ioapics > ACPI_MAX_IOAPICS ||
        i->nr_lapic_nmis > ACPI_MAX_LAPIC_NMIS ||
        i->nr_nmi_sources > ACPI_MAX_NMI_SOURCES ||
        i->nr_mcfg > ACPI_MAX_MCFG || i->have_mcfg != (i->nr_mcfg > 0))
        abort();
    for (unsigned n = 0; n < i->nr_lapic_nmis; n++)
        if (i->lapic_nmi[n].lint > 1)
            abort();
    for (unsigned a = 0; a < i->nr_cpus; a++)
        for (unsigned b = 0; b < a; b++)
            if (i->cpu[a].apic_id == i->cpu[b].apic_id)
                abort();
    if (i->pm1a_cnt.space == ACPI_SPACE_IO && i->pm1a_cnt.address > 0xffff)
        abort();
    if (i->century > 127)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct acpi_info info;
    int rc;

    if (size == 0 || size - 1 > sizeof(image))
        return 0;
    memset(image, 0, sizeof(image));
    memcpy(image, data + 1, size - 1);
    if (!(data[0] & 1))
        connect();
    acpi_image = (struct acpi_image){image, sizeof(image), BASE};
    rc = acpi_read_tables(BASE, acpi_image_map, &info);
    if (rc != 0 && rc != -ENOENT)
        abort();
    check(&info);
    (void)acpi_find_rsdp(image, size, BASE);
    acpi_image_unmap();
    return 0;
}
