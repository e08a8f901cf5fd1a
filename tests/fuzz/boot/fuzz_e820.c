/*
 * Any list of ranges: the cleaned map is clean, and gives each boundary the
 * type that the rules say.
 */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/boot/e820.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct e820_entry entries[E820_MAX], before[E820_MAX];

static void require(bool ok)
{
    if (!ok)
        abort();
}

static uint32_t type_in(const struct e820_entry *e, unsigned n, uint64_t x)
{
    uint32_t type = 0;

    for (unsigned i = 0; i < n; i++)
        if (e[i].addr <= x && x - e[i].addr < e[i].size && e[i].type > type)
            type = e[i].type;
    return type;
}

static void check_clean(const struct e820_map *map)
{
    for (unsigned i = 0; i < map->nr; i++) {
        const struct e820_entry *e = &map->entry[i];
        require(e->size > 0 && e->type >= 1 && e->type <= 5);
        if (i)
            require(e[-1].addr + e[-1].size < e->addr ||
                    (e[-1].addr + e[-1].size == e->addr &&
                     e[-1].type != e->type));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct e820_map map = {entries, 0};
    unsigned n;
    bool whole;

    for (; size >= 17; data += 17, size -= 17) {
        uint64_t addr, len;
        memcpy(&addr, data, 8);
        memcpy(&len, data + 8, 8);
        e820_add(&map, addr, len, data[16]);
    }
    n = map.nr;
    memcpy(before, entries, sizeof(entries));
    whole = e820_clean(&map);
    check_clean(&map);
    for (unsigned i = 0; i < n && whole; i++) {
        uint64_t edge[4] = {before[i].addr, before[i].addr - 1,
                            before[i].addr + before[i].size,
                            before[i].addr + before[i].size - 1};
        for (unsigned k = 0; k < 4; k++)
            require(type_in(entries, map.nr, edge[k]) ==
                    type_in(before, n, edge[k]));
    }
    if (n) {
        e820_change_ram(&map, before[0].addr, before[n - 1].addr,
                        E820_UNUSABLE);
        check_clean(&map);
        e820_limit_ram(&map, before[0].addr);
        check_clean(&map);
        require(e820_ram_end(&map) <= before[0].addr);
    }
    return 0;
}
