/* ACPI tables: good ones are read field by field, bad ones are left out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "acpi/memory.h"
#include "lib/errno.h"
#include "lib/printk.h"

#define BASE 0x7fe0000UL
#define SIZE 0x8000
#define XSDT 0x100
#define RSDT 0x300

static uint8_t mem[SIZE];
static struct acpi_info info;
static char log_text[4096];

void printk(const char *fmt, ...)
{
    size_t used = strlen(log_text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(log_text + used, sizeof(log_text) - used, fmt, ap);
    va_end(ap);
}

/* ---- a builder ---- */

static size_t next_table;
static unsigned nr_tables;

static void put(size_t at, uint64_t v, unsigned bytes)
{
    assert_true(at + bytes <= SIZE);
    for (unsigned i = 0; i < bytes; i++)
        mem[at + i] = (uint8_t)(v >> (8 * i));
}

static void fix_sum(size_t at, size_t n, size_t field)
{
    uint8_t sum = 0;

    mem[at + field] = 0;
    for (size_t i = 0; i < n; i++)
        sum = (uint8_t)(sum + mem[at + i]);
    mem[at + field] = (uint8_t)-sum;
}

static void finish(size_t at)
{
    size_t n = mem[at + 4] | (size_t)mem[at + 5] << 8;

    fix_sum(at, n, 9);
}

/* A table of n bytes at the next place, entered in both root tables. */
static size_t table(const char *sig, size_t n, uint8_t revision)
{
    size_t at = next_table;

    next_table += (n + 63) & ~63UL;
    memcpy(mem + at, sig, 4);
    put(at + 4, n, 4);
    mem[at + 8] = revision;
    put(XSDT + 36 + 8 * nr_tables, BASE + at, 8);
    put(RSDT + 36 + 4 * nr_tables, BASE + at, 4);
    nr_tables++;
    put(XSDT + 4, 36 + 8 * nr_tables, 4);
    put(RSDT + 4, 36 + 4 * nr_tables, 4);
    finish(XSDT);
    finish(RSDT);
    finish(at);
    return at;
}

static int setup(void **state)
{
    (void)state;
    memset(mem, 0, sizeof(mem));
    log_text[0] = 0;
    acpi_image = (struct acpi_image){mem, SIZE, BASE};
    next_table = 0x1000;
    nr_tables = 0;
    memcpy(mem, "RSD PTR ", 8);
    mem[15] = 2;
    put(16, BASE + RSDT, 4);
    put(20, 36, 4);
    put(24, BASE + XSDT, 8);
    fix_sum(0, 20, 8);
    fix_sum(0, 36, 32);
    memcpy(mem + XSDT, "XSDT", 4);
    memcpy(mem + RSDT, "RSDT", 4);
    put(XSDT + 4, 36, 4);
    put(RSDT + 4, 36, 4);
    finish(XSDT);
    finish(RSDT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    acpi_image_unmap();
    return 0;
}

static int read_all(void)
{
    return acpi_read_tables(BASE, acpi_image_map, &info);
}

/* ---- finding ---- */

static void test_find(void **state)
{
    uint8_t area[256] = {0};

    (void)state;
    memcpy(area + 48, mem, 36);
    assert_int_equal(acpi_find_rsdp(area, sizeof(area), 0xe0000), 0xe0030);
    assert_int_equal(acpi_find_rsdp(area, 48 + 19, 0xe0000), 0);
    assert_int_equal(acpi_find_rsdp(area + 1, sizeof(area) - 1, 0), 0);
    area[60]++;
    assert_int_equal(acpi_find_rsdp(area, sizeof(area), 0xe0000), 0);
}

static void test_roots(void **state)
{
    (void)state;
    table("HPET", 56, 1);
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.rsdp, BASE);
    /* A bad XSDT: the RSDT does. */
    mem[XSDT + 10]++;
    assert_int_equal(read_all(), 0);
    assert_non_null(strstr(log_text, "XSDT"));
    /* Both bad. */
    mem[RSDT + 10]++;
    assert_int_equal(read_all(), -ENOENT);
    assert_int_equal(info.rsdp, 0);
    /* Bad second checksum of the RSDP: only the RSDT counts. */
    finish(XSDT);
    mem[33]++;
    assert_int_equal(read_all(), -ENOENT);
    finish(RSDT);
    assert_int_equal(read_all(), 0);
    /* Bad first checksum. */
    mem[10]++;
    assert_int_equal(read_all(), -ENOENT);
}

static void test_revision0(void **state)
{
    (void)state;
    table("APIC", 44, 1);
    mem[15] = 0;
    put(24, 0x1234, 8); /* not a pointer in this revision */
    fix_sum(0, 20, 8);
    assert_int_equal(read_all(), 0);
    assert_true(info.have_madt);
}

/* ---- MADT ---- */

static size_t madt(const uint8_t *entries, size_t n)
{
    size_t at = table("APIC", 44 + n, 4);

    put(at + 36, 0xfee00000, 4);
    put(at + 40, 1, 4);
    memcpy(mem + at + 44, entries, n);
    finish(at);
    return at;
}

static void test_madt(void **state)
{
    static const uint8_t e[] = {
        0, 8, 1, 0, 1, 0, 0, 0,
        0, 8, 2, 4, 0, 0, 0, 0,     /* not enabled */
        0, 8, 3, 0xff, 1, 0, 0, 0,  /* no such processor */
        9, 16, 0, 0, 0x34, 0x12, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0,
        9, 16, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, /* CPU 0 again */
        1, 12, 5, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0,
        2, 10, 0, 0, 2, 0, 0, 0, 0, 0,
        2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0,
        2, 10, 1, 9, 21, 0, 0, 0, 0x0f, 0, /* not ISA */
        2, 10, 0, 16, 21, 0, 0, 0, 0, 0,   /* not an ISA line */
        3, 8, 0x0d, 0, 30, 0, 0, 0,
        4, 6, 0xff, 5, 0, 1,
        4, 6, 3, 0, 0, 2, /* LINT2 does not exist */
        10, 12, 0x0f, 0, 9, 0, 0, 0, 0, 0, 0, 0,
        0x7f, 4, 1, 2, /* unknown: skipped */
        5, 12, 0, 0, 0, 0x10, 0, 0, 1, 0, 0, 0,
    };

    (void)state;
    madt(e, sizeof(e));
    assert_int_equal(read_all(), 0);
    assert_true(info.have_madt);
    assert_true(info.have_8259);
    assert_int_equal(info.lapic_address, 0x100001000);
    assert_int_equal(info.nr_cpus, 3);
    assert_int_equal(info.cpu[0].acpi_id, 1);
    assert_true(info.cpu[0].enabled);
    assert_int_equal(info.cpu[1].apic_id, 4);
    assert_false(info.cpu[1].enabled);
    assert_int_equal(info.cpu[2].apic_id, 0x1234);
    assert_int_equal(info.cpu[2].acpi_id, 7);
    assert_int_equal(info.nr_ioapics, 1);
    assert_int_equal(info.ioapic[0].address, 0xfec00000);
    assert_int_equal(info.ioapic[0].gsi_base, 24);
    assert_int_equal(info.ioapic[0].id, 5);
    assert_true(info.override[0].present);
    assert_int_equal(info.override[0].gsi, 2);
    assert_false(info.override[0].level);
    assert_int_equal(info.override[9].gsi, 20);
    assert_true(info.override[9].level && info.override[9].active_low);
    assert_false(info.override[1].present);
    assert_int_equal(info.nr_nmi_sources, 1);
    assert_true(info.nmi_source[0].level);
    assert_false(info.nmi_source[0].active_low);
    assert_int_equal(info.nr_lapic_nmis, 2);
    assert_int_equal(info.lapic_nmi[0].acpi_id, ACPI_ALL_CPUS);
    assert_int_equal(info.lapic_nmi[0].lint, 1);
    assert_int_equal(info.lapic_nmi[1].acpi_id, 9);
}

static void test_madt_bad_entries(void **state)
{
    static const uint8_t zero_length[] = {0, 8, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t too_short[] = {0, 8, 0, 0, 1, 0, 0, 0,
                                        1, 8, 0, 0, 0, 0, 0, 0};
    static const uint8_t beyond[] = {0, 8, 0, 0, 1, 0, 0, 0, 0, 200, 1, 1};

    (void)state;
    madt(zero_length, sizeof(zero_length));
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.nr_cpus, 1);
    assert_non_null(strstr(log_text, "length 0"));
    setup(NULL);
    madt(too_short, sizeof(too_short));
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.nr_cpus, 1);
    assert_int_equal(info.nr_ioapics, 0);
    setup(NULL);
    madt(beyond, sizeof(beyond));
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.nr_cpus, 1);
    assert_non_null(strstr(log_text, "length 200"));
}

/* More of everything than there is room for. */
static void test_madt_limits(void **state)
{
    static uint8_t e[300 * 16 + 40 * (12 + 8 + 6)];
    uint8_t *p = e;

    (void)state;
    for (unsigned i = 0; i < 300; i++, p += 16) {
        const uint8_t cpu[16] = {9, 16, 0, 0, (uint8_t)i, (uint8_t)(i >> 8),
                                 0, 0, 1, 0, 0, 0, (uint8_t)i, 0, 0, 0};
        memcpy(p, cpu, 16);
    }
    for (unsigned i = 0; i < 40; i++, p += 26) {
        const uint8_t others[26] = {1, 12, (uint8_t)i, 0, 0, 0, 0, 0,
                                    (uint8_t)i, 0, 0, 0,
                                    3, 8, 0, 0, 1, 0, 0, 0,
                                    4, 6, 1, 0, 0, 1};
        memcpy(p, others, 26);
    }
    madt(e, sizeof(e));
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.nr_cpus, ACPI_MAX_CPUS);
    assert_int_equal(info.cpus_dropped, 300 - ACPI_MAX_CPUS);
    assert_int_equal(info.nr_ioapics, ACPI_MAX_IOAPICS);
    assert_int_equal(info.nr_nmi_sources, ACPI_MAX_NMI_SOURCES);
    assert_int_equal(info.nr_lapic_nmis, ACPI_MAX_LAPIC_NMIS);
}

/* ---- FADT ---- */

static size_t fadt(size_t n, uint8_t revision)
{
    size_t at = table("FACP", n, revision);

    put(at + 46, 9, 2);
    put(at + 56, 0x600, 4);
    put(at + 64, 0x604, 4);
    put(at + 76, 0x608, 4);
    mem[at + 88] = 4;
    mem[at + 89] = 2;
    mem[at + 91] = 4;
    mem[at + 108] = 0x32;
    put(at + 109, 3, 2);
    put(at + 112, 1u << 10 | 1u << 8, 4);
    return at;
}

static void test_fadt_v1(void **state)
{
    size_t at = fadt(116, 1);

    (void)state;
    finish(at);
    assert_int_equal(read_all(), 0);
    assert_true(info.have_fadt);
    assert_int_equal(info.sci_irq, 9);
    assert_int_equal(info.century, 0x32);
    assert_int_equal(info.pm1a_evt.address, 0x600);
    assert_int_equal(info.pm1a_cnt.address, 0x604);
    assert_int_equal(info.pm1a_cnt.space, ACPI_SPACE_IO);
    assert_int_equal(info.pm1a_cnt.bits, 16);
    assert_int_equal(info.pm1b_cnt.address, 0);
    assert_int_equal(info.pm_timer.address, 0x608);
    assert_true(info.pm_timer_32);
    assert_int_equal(info.boot_flags, 0);
    assert_int_equal(info.reset.address, 0); /* table ends before it */
}

static void test_fadt_v3(void **state)
{
    size_t at = fadt(244, 3);

    (void)state;
    mem[at + 116] = ACPI_SPACE_IO;
    mem[at + 117] = 8;
    put(at + 120, 0xcf9, 8);
    mem[at + 128] = 0x0f;
    mem[at + 172] = ACPI_SPACE_MEMORY;
    mem[at + 173] = 16;
    put(at + 176, 0xfed80804, 8);
    mem[at + 208] = ACPI_SPACE_IO;
    put(at + 212, 0x10000, 8); /* not a port */
    finish(at);
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.reset.address, 0xcf9);
    assert_int_equal(info.reset_value, 0x0f);
    assert_int_equal(info.pm1a_cnt.address, 0xfed80804);
    assert_int_equal(info.pm1a_cnt.space, ACPI_SPACE_MEMORY);
    assert_int_equal(info.pm1a_evt.address, 0x600);
    assert_int_equal(info.pm_timer.address, 0);
    assert_int_equal(info.boot_flags, 3);
}

static void test_fadt_short(void **state)
{
    (void)state;
    finish(table("FACP", 115, 1));
    assert_int_equal(read_all(), 0);
    assert_false(info.have_fadt);
    assert_non_null(strstr(log_text, "FACP"));
}

/* ---- HPET, MCFG, and bad tables ---- */

static void test_hpet_mcfg(void **state)
{
    size_t h = table("HPET", 56, 1), m = table("MCFG", 44 + 2 * 16 + 7, 1);

    (void)state;
    put(h + 44, 0xfed00000, 8);
    mem[h + 52] = 3;
    finish(h);
    put(m + 44, 0xb0000000, 8);
    mem[m + 44 + 11] = 255;
    put(m + 60, 0xc0000000, 8);
    put(m + 68, 1, 2);
    mem[m + 60 + 10] = 16;
    mem[m + 60 + 11] = 31;
    finish(m);
    assert_int_equal(read_all(), 0);
    assert_int_equal(info.hpet_address, 0xfed00000);
    assert_int_equal(info.hpet_number, 3);
    assert_int_equal(info.nr_mcfg, 2);
    assert_int_equal(info.mcfg[0].last_bus, 255);
    assert_int_equal(info.mcfg[1].address, 0xc0000000);
    assert_int_equal(info.mcfg[1].segment, 1);
    assert_int_equal(info.mcfg[1].first_bus, 16);
    /* One bad entry: none of the table. */
    mem[m + 60 + 10] = 32;
    finish(m);
    assert_int_equal(read_all(), 0);
    assert_false(info.have_mcfg);
    assert_int_equal(info.nr_mcfg, 0);
    /* In port space there is no HPET. */
    mem[h + 40] = ACPI_SPACE_IO;
    finish(h);
    assert_int_equal(read_all(), 0);
    assert_false(info.have_hpet);
}

static void test_bad_tables(void **state)
{
    size_t h = table("HPET", 56, 1);

    (void)state;
    put(h + 44, 0xfed00000, 8);
    finish(h);
    mem[h + 50]++; /* the checksum no longer holds */
    table("SSDT", 40, 1);
    assert_int_equal(read_all(), 0);
    assert_false(info.have_hpet);
    assert_non_null(strstr(log_text, "HPET"));
    assert_non_null(strstr(log_text, "checksum"));
    /* Longer than memory, absurdly long, shorter than its header. */
    for (unsigned i = 0; i < 3; i++) {
        const uint64_t lengths[] = {SIZE, 0x7fffffff, 35};
        log_text[0] = 0;
        put(h + 4, lengths[i], 4);
        assert_int_equal(read_all(), 0);
        assert_false(info.have_hpet);
        assert_non_null(strstr(log_text, "length"));
    }
    /* A pointer to nowhere. */
    put(XSDT + 36, 0xfffffffffffffff0, 8);
    finish(XSDT);
    log_text[0] = 0;
    assert_int_equal(read_all(), 0);
    assert_non_null(strstr(log_text, "no table"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_find, setup, teardown),
        cmocka_unit_test_setup_teardown(test_roots, setup, teardown),
        cmocka_unit_test_setup_teardown(test_revision0, setup, teardown),
        cmocka_unit_test_setup_teardown(test_madt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_madt_bad_entries, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_madt_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fadt_v1, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fadt_v3, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fadt_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hpet_mcfg, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_tables, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
