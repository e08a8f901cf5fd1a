#include "boot_tests.h"

#include <string.h>

#include "arch/x86/boot/e820.h"

static struct e820_entry entries[E820_MAX];
static struct e820_map map = {entries, 0};

static void assert_entry(unsigned i, uint64_t start, uint64_t end,
                         uint32_t type)
{
    assert_in_range(i, 0, map.nr - 1);
    assert_int_equal(entries[i].addr, start);
    assert_int_equal(entries[i].addr + entries[i].size, end);
    assert_int_equal(entries[i].type, type);
}

static void add(uint64_t start, uint64_t end, uint32_t type)
{
    assert_true(e820_add(&map, start, end - start, type));
}

void test_e820_known(void **state)
{
    (void)state;
    map.nr = 0;
    add(0x100000000, 0x140000000, E820_RAM);
    add(0, 0x9fc00, E820_RAM);
    add(0x100000, 0x40000000, E820_RAM);
    add(0x3f000000, 0x3f100000, E820_ACPI);   /* inside RAM */
    add(0x3ff00000, 0x40100000, E820_NVS);    /* over its end */
    add(0x3f080000, 0x3f180000, E820_RESERVED);
    add(0xfee00000, 0xfee01000, 77);          /* unknown: reserved */
    assert_true(e820_clean(&map));
    assert_int_equal(map.nr, 8);
    assert_entry(0, 0, 0x9fc00, E820_RAM);
    assert_entry(1, 0x100000, 0x3f000000, E820_RAM);
    assert_entry(2, 0x3f000000, 0x3f100000, E820_ACPI);
    assert_entry(3, 0x3f100000, 0x3f180000, E820_RESERVED);
    assert_entry(4, 0x3f180000, 0x3ff00000, E820_RAM);
    assert_entry(5, 0x3ff00000, 0x40100000, E820_NVS);
    assert_entry(6, 0xfee00000, 0xfee01000, E820_RESERVED);
    assert_entry(7, 0x100000000, 0x140000000, E820_RAM);
    assert_int_equal(e820_ram_end(&map), 0x140000000);
    assert_true(e820_covers(&map, 0x100000, 0x3f000000, E820_RAM));
    assert_false(e820_covers(&map, 0x100000, 0x3f000001, E820_RAM));
    assert_false(e820_covers(&map, 0x9f000, 0xa0000, E820_RAM));
    assert_true(e820_covers(&map, 0x9f000, 0x9fc00, E820_RAM));
}

/* The type that the rules give to one unit: the largest of all entries. */
static uint32_t wanted_type(const struct e820_entry *in, unsigned n, uint64_t x)
{
    uint32_t type = 0;

    for (unsigned i = 0; i < n; i++)
        if (in[i].addr <= x && x < in[i].addr + in[i].size &&
            in[i].type > type)
            type = in[i].type;
    return type;
}

static void assert_clean(void)
{
    for (unsigned i = 0; i < map.nr; i++) {
        assert_true(entries[i].size > 0);
        assert_in_range(entries[i].type, E820_RAM, E820_UNUSABLE);
        if (i == 0)
            continue;
        uint64_t end = entries[i - 1].addr + entries[i - 1].size;
        assert_true(end <= entries[i].addr);
        assert_false(end == entries[i].addr &&
                     entries[i - 1].type == entries[i].type);
    }
}

void test_e820_random(void **state)
{
    struct e820_entry in[20];
    uint32_t x = 7;
    (void)state;

    for (unsigned round = 0; round < 400; round++) {
        uint64_t ram = 0;

        map.nr = 0;
        for (unsigned i = 0; i < 20; i++) {
            x = x * 1664525 + 1013904223;
            in[i].addr = (x >> 8) % 100;
            in[i].size = (x >> 16) % 30;
            in[i].type = (x >> 24) % 5 + 1;
            assert_true(
                e820_add(&map, in[i].addr, in[i].size, in[i].type));
        }
        assert_true(e820_clean(&map));
        assert_clean();
        for (uint64_t at = 0; at < 140; at++) {
            uint32_t type = wanted_type(in, 20, at);
            ram += type == E820_RAM;
            assert_int_equal(wanted_type(entries, map.nr, at), type);
            for (uint32_t t = 1; t <= 5; t++)
                assert_int_equal(e820_covers(&map, at, at + 1, t), t == type);
        }
        assert_int_equal(e820_ram_size(&map), ram);
    }
}

void test_e820_full(void **state)
{
    (void)state;
    /* Reserved pieces cut one big RAM range into more than fit. */
    map.nr = 0;
    add(0, 0x100000000, E820_RAM);
    for (unsigned i = 0; i < E820_MAX - 1; i++)
        add(0x10000 + i * 0x2000, 0x11000 + i * 0x2000, E820_RESERVED);
    assert_int_equal(map.nr, E820_MAX);
    assert_false(e820_add(&map, 0x200000000, 5, E820_RAM));
    assert_false(e820_clean(&map));
    assert_int_equal(map.nr, E820_MAX);
    assert_clean();
    /* What is there is right; the rest is a hole, not RAM. */
    assert_int_equal(entries[0].type, E820_RAM);
    assert_true(e820_covers(&map, 0x10000, 0x11000, E820_RESERVED));
    assert_false(e820_covers(&map, 0x80000000, 0x80001000, E820_RAM));

    /* The edges of the address space. */
    map.nr = 0;
    assert_true(e820_add(&map, UINT64_MAX - 5, UINT64_MAX, E820_RAM));
    assert_int_equal(map.nr, 0);
    assert_true(e820_add(&map, 0x1000, UINT64_MAX, E820_RESERVED));
    assert_entry(0, 0x1000, 1UL << 52, E820_RESERVED);
    assert_true(e820_add(&map, 5, 0, E820_RAM));
    assert_int_equal(map.nr, 1);
    map.nr = 0;
    assert_true(e820_clean(&map));
    assert_int_equal(map.nr, 0);
    assert_int_equal(e820_ram_end(&map), 0);
}

void test_e820_options(void **state)
{
    (void)state;
    map.nr = 0;
    add(0, 0xa0000, E820_RAM);
    add(0x100000, 0x10000000, E820_RAM);
    add(0x10000000, 0x10010000, E820_ACPI);
    add(0x100000000, 0x200000000, E820_RAM);
    assert_true(e820_clean(&map));

    e820_limit_ram(&map, 0x180000000);
    assert_int_equal(e820_ram_end(&map), 0x180000000);
    e820_limit_ram(&map, 0x8000000);
    assert_int_equal(map.nr, 3);
    assert_entry(1, 0x100000, 0x8000000, E820_RAM);
    assert_entry(2, 0x10000000, 0x10010000, E820_ACPI);

    assert_true(e820_change_ram(&map, 0x5000, 0x7000, E820_UNUSABLE));
    assert_entry(0, 0, 0x5000, E820_RAM);
    assert_entry(1, 0x5000, 0x7000, E820_UNUSABLE);
    assert_entry(2, 0x7000, 0xa0000, E820_RAM);
    /* Holes and other types stay what they are. */
    assert_true(e820_change_ram(&map, 0x90000, 0x20000000, E820_UNUSABLE));
    assert_entry(3, 0x90000, 0xa0000, E820_UNUSABLE);
    assert_entry(4, 0x100000, 0x8000000, E820_UNUSABLE);
    assert_entry(5, 0x10000000, 0x10010000, E820_ACPI);
    assert_int_equal(map.nr, 6);
    assert_clean();
    /* Half a frame at the end does not count. */
    map.nr = 0;
    add(0x1000, 0x5800, E820_RAM);
    assert_int_equal(e820_ram_end(&map), 0x5000);
    add(0x7400, 0x7c00, E820_RAM);
    assert_int_equal(e820_ram_end(&map), 0x5000);
}
