/*
 * Whatever a loader leaves: the parser stays in bounds, ends, and what it
 * accepts keeps its promises.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/boot/e820.h"
#include "arch/x86/boot/multiboot.h"

#define BASE 0x10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *memory;
static size_t memory_size;

static const void *reach(paddr_t addr, uint64_t size)
{
    if (addr < BASE || size > memory_size || addr - BASE > memory_size - size)
        return NULL;
    return memory + (addr - BASE);
}

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void check_string(const char *s, const struct mb_source *src)
{
    bool inside = s >= src->strings && s < src->strings + src->size;

    /* Copied, or a constant; ended in any case. */
    require(strlen(s) < src->size);
    require(inside || *s == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct boot_info bi;
    char *strings = malloc(MB_STRINGS_SIZE);
    struct mb_source src = {
        .at = reach, .strings = strings, .size = MB_STRINGS_SIZE};
    uint32_t magic;

    if (size < 1) {
        free(strings);
        return 0;
    }
    memory = data + 1;
    memory_size = size - 1;
    magic = data[0] & 1 ? MB2_LOADER_MAGIC : MB1_LOADER_MAGIC;
    if (!multiboot_parse(&src, magic, BASE, &bi)) {
        struct e820_map map = {bi.e820, bi.nr_e820};

        require(bi.nr_e820 > 0 && bi.nr_e820 <= E820_MAX);
        require(bi.nr_modules <= MAX_MODULES);
        for (unsigned i = 1; i < bi.nr_e820; i++)
            require(bi.e820[i - 1].addr + bi.e820[i - 1].size <=
                    bi.e820[i].addr);
        require(e820_ram_end(&map) > 0);
        check_string(bi.cmdline, &src);
        check_string(bi.loader_name, &src);
        for (unsigned i = 0; i < bi.nr_modules; i++)
            check_string(bi.module[i].cmdline, &src);
    }
    free(strings);
    return 0;
}
