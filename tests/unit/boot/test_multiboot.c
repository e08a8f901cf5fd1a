/*
 * Boot information as loaders leave it, in 64 KiB of made-up machine memory at
 * 64 KiB; everything else is out of reach.
 */
#include "boot_tests.h"

#include <string.h>

#include "arch/x86/boot/multiboot.h"

#define BASE 0x10000u
#define SIZE 0x10000u

static uint8_t memory[SIZE];
static char strings[MB_STRINGS_SIZE];
static struct mb_source src;
static struct boot_info bi;
static uint32_t at;

static const void *reach(paddr_t addr, uint64_t size)
{
    if (addr < BASE || size > SIZE || addr - BASE > SIZE - size)
        return NULL;
    return memory + (addr - BASE);
}

static void start(void)
{
    memset(memory, 0xee, sizeof(memory));
    memset(strings, 0xee, sizeof(strings));
    src = (struct mb_source){
        .at = reach, .strings = strings, .size = sizeof(strings)};
    at = 0;
}

static void put(const void *p, size_t n)
{
    memcpy(memory + at, p, n);
    at += (uint32_t)n;
}
static void put32(uint32_t v)
{
    put(&v, 4);
}
static void put64(uint64_t v)
{
    put(&v, 8);
}
static uint32_t put_string(uint32_t where, const char *s)
{
    memcpy(memory + where, s, strlen(s) + 1);
    return BASE + where;
}
static void set32(uint32_t where, uint32_t v)
{
    memcpy(memory + where, &v, 4);
}

static void assert_ram(unsigned i, uint64_t addr, uint64_t size)
{
    assert_in_range(i, 0, bi.nr_e820 - 1);
    assert_int_equal(bi.e820[i].addr, addr);
    assert_int_equal(bi.e820[i].size, size);
    assert_int_equal(bi.e820[i].type, E820_RAM);
}

/* ---- multiboot 1, as QEMU does it ---- */

static void make_mb1(void)
{
    start();
    memset(memory, 0, 120);
    set32(0, 0x24d); /* memory, command line, modules, map, loader name */
    set32(4, 639);
    set32(8, 130048);
    set32(16, put_string(0x200, "build/xeno  console=com1 loglvl=all"));
    set32(20, 2);
    set32(24, BASE + 0x300);
    set32(44, 48);
    set32(48, BASE + 0x400);
    set32(64, put_string(0x280, "qemu"));
    at = 0x300;
    put32(0x300000);
    put32(0x345678);
    put32(put_string(0x500, "/boot/vmlinuz root=/dev/sda1 quiet"));
    put32(0);
    put32(0x346000);
    put32(0x347000);
    put32(0);
    put32(0);
    at = 0x400;
    put32(20);
    put64(0x100000);
    put64(0x7f00000);
    put32(1);
    put32(20);
    put64(0);
    put64(0x9fc00);
    put32(1);
}

void test_mb1(void **state)
{
    (void)state;
    make_mb1();
    assert_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));
    assert_false(src.truncated);
    assert_string_equal(bi.loader_name, "qemu");
    assert_string_equal(bi.cmdline, "console=com1 loglvl=all");
    assert_int_equal(bi.nr_modules, 2);
    assert_int_equal(bi.module[0].start, 0x300000);
    assert_int_equal(bi.module[0].size, 0x45678);
    assert_string_equal(bi.module[0].cmdline, "root=/dev/sda1 quiet");
    assert_string_equal(bi.module[1].cmdline, "");
    assert_int_equal(bi.nr_e820, 2);
    assert_ram(0, 0, 0x9fc00);
    assert_ram(1, 0x100000, 0x7f00000);
    assert_true(bi.have_vga_text);
    assert_false(bi.efi);

    /* No map: the two sizes must do. A graphics screen: no text. */
    set32(0, 0x1001);
    at = 88;
    put64(0xb8000);
    put32(160);
    put32(1024);
    put32(768);
    memory[108] = 32;
    memory[109] = 1;
    assert_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));
    assert_int_equal(bi.nr_e820, 2);
    assert_ram(0, 0, 639 * 1024);
    assert_ram(1, 0x100000, 130048UL * 1024);
    assert_false(bi.have_vga_text);
    assert_string_equal(bi.cmdline, "");
    assert_int_equal(bi.nr_modules, 0);
}

void test_mb1_bad(void **state)
{
    (void)state;
    make_mb1();
    assert_non_null(multiboot_parse(&src, 0x12345678, BASE, &bi));
    assert_non_null(multiboot_parse(&src, MB1_LOADER_MAGIC, 0x1000, &bi));
    assert_non_null(
        multiboot_parse(&src, MB1_LOADER_MAGIC, BASE + SIZE - 60, &bi));
    set32(24, 0xfffffff8); /* modules out of reach */
    assert_non_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));

    /* A range of size 0 must not loop; a string without end is cut. */
    make_mb1();
    set32(0x400, 0);
    set32(0, 0x240);
    assert_non_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));
    make_mb1();
    set32(0x400, 0xfffffffc);
    assert_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));
    assert_int_equal(bi.nr_e820, 1);
    make_mb1();
    set32(16, BASE + 0x8000); /* 0xee to the end of memory */
    assert_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));
    /* An end before the start is an empty module. */
    make_mb1();
    set32(0x304, 5);
    assert_null(multiboot_parse(&src, MB1_LOADER_MAGIC, BASE, &bi));
    assert_int_equal(bi.module[0].size, 0);
}

/* ---- multiboot 2, as GRUB does it ---- */

static void tag(uint32_t type, uint32_t payload)
{
    at = (at + 7) & ~7u;
    put32(type);
    put32(payload + 8);
}

static void tag_string(uint32_t type, const char *s)
{
    tag(type, (uint32_t)strlen(s) + 1);
    put(s, strlen(s) + 1);
}

static void begin_mb2(void)
{
    start();
    put64(0);
    tag_string(2, "GRUB 2.06-13");
    tag_string(1, "console=com1,vga noreboot");
}

static void end_mb2(void)
{
    tag(0, 0);
    set32(0, at);
}

static void tag_module(uint32_t first, uint32_t end, const char *s)
{
    tag(3, 8 + (uint32_t)strlen(s) + 1);
    put32(first);
    put32(end);
    put(s, strlen(s) + 1);
}

static void tag_mmap(void)
{
    tag(6, 8 + 2 * 24);
    put32(24);
    put32(0);
    put64(0);
    put64(0xa0000);
    put64(1);
    put64(0x100000);
    put64(0x1ff00000);
    put64(1);
}

void test_mb2(void **state)
{
    (void)state;
    begin_mb2();
    tag(4, 8);
    put32(640);
    put32(1024);
    tag_mmap();
    tag_module(0x800000, 0x900000, "placeholder root=/dev/sda1");
    tag_module(0x900000, 0x900001, "");
    tag(99, 4);
    put32(0);
    tag(15, 36);
    uint32_t rsdp = BASE + at;
    at += 36;
    tag(14, 20);
    at += 20;
    end_mb2();
    assert_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    assert_false(src.truncated);
    assert_int_equal(src.keep_start, BASE);
    assert_int_equal(src.keep_end, BASE + at);
    assert_string_equal(bi.cmdline, "console=com1,vga noreboot");
    assert_string_equal(bi.loader_name, "GRUB 2.06-13");
    assert_int_equal(bi.nr_modules, 2);
    assert_int_equal(bi.module[0].start, 0x800000);
    assert_int_equal(bi.module[0].size, 0x100000);
    assert_string_equal(bi.module[0].cmdline, "root=/dev/sda1");
    assert_string_equal(bi.module[1].cmdline, "");
    assert_int_equal(bi.nr_e820, 2);
    assert_ram(0, 0, 0xa0000);
    assert_ram(1, 0x100000, 0x1ff00000);
    assert_int_equal(bi.rsdp, rsdp);
    assert_false(bi.efi);
    assert_true(bi.have_vga_text);
}

static void efi_desc(uint32_t type, uint64_t addr, uint64_t pages)
{
    put32(type);
    put32(0);
    put64(addr);
    put64(0);
    put64(pages);
    put64(0xf);
    put64(0); /* descriptors are larger than what is known of them */
}

void test_mb2_efi(void **state)
{
    (void)state;
    begin_mb2();
    tag(12, 8);
    put64(0x7f5ec018);
    tag_mmap();
    tag(17, 8 + 6 * 48);
    put32(48);
    put32(1);
    efi_desc(7, 0, 0xa0);
    efi_desc(3, 0x100000, 0x100);
    efi_desc(4, 0x200000, 0x100);
    efi_desc(9, 0x300000, 1);
    efi_desc(5, 0x301000, 1);
    efi_desc(7, 0x100000000, 1UL << 50); /* nonsense: left out */
    end_mb2();
    assert_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    assert_true(bi.efi);
    assert_int_equal(bi.efi_system_table, 0x7f5ec018);
    assert_int_equal(bi.efi_mmap_desc_size, 48);
    assert_int_equal(bi.efi_mmap_size, 6 * 48);
    assert_false(bi.have_vga_text);
    /* EFI's map replaces the other one. */
    assert_int_equal(bi.nr_e820, 4);
    assert_ram(0, 0, 0xa0000);
    assert_ram(1, 0x100000, 0x200000);
    assert_int_equal(bi.e820[2].type, E820_ACPI);
    assert_int_equal(bi.e820[3].type, E820_RESERVED);
}

void test_mb2_bad(void **state)
{
    (void)state;
    begin_mb2();
    tag_mmap();
    tag(3, 100000); /* ends behind the end */
    end_mb2();
    assert_non_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    begin_mb2();
    tag_mmap();
    tag(3, (uint32_t)-8); /* size 0: would not move on */
    end_mb2();
    assert_non_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    begin_mb2();
    end_mb2(); /* no memory at all */
    assert_non_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    set32(0, SIZE + 1);
    assert_non_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    set32(0, 8);
    assert_non_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    /* Entries of size 0; a short module; a string that is not ended. */
    begin_mb2();
    tag(6, 16);
    put64(0);
    put64(0);
    tag(3, 4);
    put32(1);
    tag_mmap();
    tag(1, 3);
    put("abc", 3);
    end_mb2();
    assert_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    assert_int_equal(bi.nr_modules, 0);
    assert_string_equal(bi.cmdline, "abc");
}

void test_mb_limits(void **state)
{
    static char longer[3000];
    (void)state;

    begin_mb2();
    tag_mmap();
    for (unsigned i = 0; i < MAX_MODULES + 3; i++)
        tag_module(0x100000 * i, 0x100000 * i + 1, "x");
    end_mb2();
    assert_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    assert_int_equal(bi.nr_modules, MAX_MODULES);
    assert_true(src.truncated);
    /* More text than room: cut, ended, noted. */
    memset(longer, 'y', sizeof(longer) - 1);
    begin_mb2();
    tag_mmap();
    for (unsigned i = 0; i < 5; i++)
        tag_module(0x100000, 0x100001, longer);
    end_mb2();
    assert_null(multiboot_parse(&src, MB2_LOADER_MAGIC, BASE, &bi));
    assert_true(src.truncated);
    assert_int_equal(strlen(bi.module[0].cmdline), sizeof(longer) - 1);
    assert_string_equal(bi.module[4].cmdline, "");
}

void test_skip_name(void **state)
{
    static const struct {
        const char *in, *loader, *out;
    } t[] = {
        {"/vmlinuz a b", "qemu", "a b"},
        {"vmlinuz", "qemu", ""},
        {"  x   y ", "iPXE 1.21", "y "},
        {"", "qemu", ""},
        {"root=/dev/sda1 quiet", "GRUB 2.06", "root=/dev/sda1 quiet"},
        {"placeholder quiet", "GRUB 2.06", "quiet"},
        {"placeholders quiet", "GRUB 2.06", "placeholders quiet"},
        {"/vmlinuz quiet", "GRUB 2.06", "quiet"},
        {"(hd0)/vmlinuz quiet", "GRUB 2.06", "quiet"},
        {"/xen.gz x", "GNU GRUB 0.97", "x"},
        {"(hd0,0)/xen.gz x", "GRUB 0.97", "x"},
    };
    (void)state;

    for (unsigned i = 0; i < sizeof(t) / sizeof(t[0]); i++)
        assert_string_equal(cmdline_skip_name(t[i].in, t[i].loader), t[i].out);
}
