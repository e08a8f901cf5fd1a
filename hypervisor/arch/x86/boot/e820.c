#include "arch/x86/boot/e820.h"

#include "lib/compiler.h"
#include "lib/string.h"

#define ADDR_END (1UL << 52)

static uint64_t entry_end(const struct e820_entry *e)
{
    return e->addr + e->size;
}

bool e820_add(struct e820_map *map, uint64_t addr, uint64_t size,
              uint32_t type)
{
    struct e820_entry *last = map->nr ? &map->entry[map->nr - 1] : NULL;

    if (addr >= ADDR_END || size == 0)
        return true;
    size = min(size, ADDR_END - addr);
    if (type < E820_RAM || type > E820_UNUSABLE)
        type = E820_RESERVED;
    if (last && last->type == type && entry_end(last) == addr) {
        last->size += size;
        return true;
    }
    if (map->nr == E820_MAX)
        return false;
    map->entry[map->nr++] = (struct e820_entry){addr, size, type};
    return true;
}

static void sort_numbers(uint64_t *v, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        uint64_t x = v[i];
        unsigned j = i;
        for (; j && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

/* The most restrictive type that any entry gives to `addr`; 0 = hole. */
static uint32_t type_at(const struct e820_map *map, uint64_t addr)
{
    uint32_t type = 0;

    for (unsigned i = 0; i < map->nr; i++) {
        const struct e820_entry *e = &map->entry[i];
        if (e->addr <= addr && addr < entry_end(e))
            type = max(type, e->type);
    }
    return type;
}

/*
 * Between two neighbouring boundaries of any entries the type is the same
 * everywhere: so cut at all boundaries and ask for each piece.
 */
bool e820_clean(struct e820_map *map)
{
    static uint64_t bound[2 * E820_MAX] __initdata;
    static struct e820_entry result[E820_MAX] __initdata;
    struct e820_map out = {result, 0};
    unsigned n = 0;
    bool complete = true;

    for (unsigned i = 0; i < map->nr; i++) {
        bound[n++] = map->entry[i].addr;
        bound[n++] = entry_end(&map->entry[i]);
    }
    sort_numbers(bound, n);
    for (unsigned i = 0; i + 1 < n && complete; i++) {
        uint32_t type = type_at(map, bound[i]);
        if (type)
            complete = e820_add(&out, bound[i], bound[i + 1] - bound[i], type);
    }
    memcpy(map->entry, result, out.nr * sizeof(result[0]));
    map->nr = out.nr;
    return complete;
}

void e820_limit_ram(struct e820_map *map, uint64_t limit)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < map->nr; i++) {
        struct e820_entry e = map->entry[i];
        if (e.type == E820_RAM && e.addr >= limit)
            continue;
        if (e.type == E820_RAM && entry_end(&e) > limit)
            e.size = limit - e.addr;
        map->entry[kept++] = e;
    }
    map->nr = kept;
}

bool e820_change_ram(struct e820_map *map, uint64_t start, uint64_t end,
                     uint32_t type)
{
    unsigned n = map->nr;

    /* Overlaps are settled by e820_clean: add the RAM parts once more. */
    for (unsigned i = 0; i < n; i++) {
        struct e820_entry e = map->entry[i];
        uint64_t from = max(start, e.addr), to = min(end, entry_end(&e));
        if (e.type == E820_RAM && from < to &&
            !e820_add(map, from, to - from, type))
            return false;
    }
    return e820_clean(map);
}

bool e820_covers(const struct e820_map *map, uint64_t start, uint64_t end,
                 uint32_t type)
{
    for (unsigned i = 0; i < map->nr && start < end; i++) {
        const struct e820_entry *e = &map->entry[i];
        if (e->type == type && e->addr <= start && start < entry_end(e))
            start = entry_end(e);
    }
    return start >= end;
}

uint64_t e820_ram_end(const struct e820_map *map)
{
    for (unsigned i = map->nr; i-- > 0;) {
        const struct e820_entry *e = &map->entry[i];
        uint64_t start = ROUND_UP(e->addr, PAGE_SIZE);
        uint64_t end = ROUND_DOWN(entry_end(e), PAGE_SIZE);
        if (e->type == E820_RAM && start < end)
            return end;
    }
    return 0;
}

uint64_t e820_ram_size(const struct e820_map *map)
{
    uint64_t size = 0;

    for (unsigned i = 0; i < map->nr; i++)
        if (map->entry[i].type == E820_RAM)
            size += map->entry[i].size;
    return size;
}

const char *e820_type_name(uint32_t type)
{
    static const char *const names[] = {"hole", "RAM",  "reserved",
                                        "ACPI", "ACPI NVS", "unusable"};

    return type < ARRAY_SIZE(names) ? names[type] : "?";
}
