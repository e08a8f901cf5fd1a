/*
 * The map of machine memory: pure functions on an array of entries with room
 * for E820_MAX. "Clean" means: sorted, no overlaps, no empty entries, equal
 * neighbours merged. A range that no entry covers is a hole.
 */
#ifndef ARCH_X86_BOOT_E820_H
#define ARCH_X86_BOOT_E820_H

#include "arch/x86/boot.h"

struct e820_map {
    struct e820_entry *entry; /* E820_MAX of them */
    unsigned nr;
};

/*
 * Appends a range as firmware told it. Empty ones are left out, unknown types
 * count as reserved, the end is cut at 2^52. A range that follows the last one
 * directly with the same type extends it. False: no room, range not added.
 */
bool e820_add(struct e820_map *map, uint64_t addr, uint64_t size,
              uint32_t type);
/*
 * Makes the map clean. Where ranges overlap the most restrictive type wins:
 * unusable, NVS, ACPI, reserved, RAM. Entries that don't fit are dropped from
 * the top (false).
 */
bool e820_clean(struct e820_map *map);
/* Clean map: takes away all RAM from `limit` on. */
void e820_limit_ram(struct e820_map *map, uint64_t limit);
/* Clean map, stays clean: the RAM in [start, end) becomes `type`. */
bool e820_change_ram(struct e820_map *map, uint64_t start, uint64_t end,
                     uint32_t type);
/* Clean map: is all of [start, end) of this type? */
bool e820_covers(const struct e820_map *map, uint64_t start, uint64_t end,
                 uint32_t type);
/* Clean map: end of the highest whole RAM frame, in bytes. */
uint64_t e820_ram_end(const struct e820_map *map);
/* Clean map: bytes of RAM. */
uint64_t e820_ram_size(const struct e820_map *map);
const char *e820_type_name(uint32_t type);

#endif
