/*
 * What is known of the machine's memory, and the frames handed out before the
 * heap exists.
 *
 * Free memory is a sorted list of frame ranges: the RAM of the memory map
 * above 1 MiB, minus the image, the modules and the loader's information.
 * boot_alloc takes from the top, below 4 GiB as long as only that is mapped.
 */
#include "arch/x86/boot/memory.h"

#include "arch/x86/boot.h"
#include "arch/x86/boot/e820.h"
#include "arch/x86/boot/multiboot.h"
#include "arch/x86/map.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"
#include "lib/string.h"

_Static_assert(IMAGE_START == 0xffff808000000000UL, "image_paddr");

struct boot_info boot_info;
uint64_t max_mfn;

/* Option mem=SIZE: RAM from this address on is not used. 0: all is. */
static uint64_t mem_limit __initdata;
PARAM_SIZE("mem", mem_limit);

#define FREE_RANGES_MAX 512
#define LOW_END (MiB >> PAGE_SHIFT)
#define EARLY_END (4 * GiB >> PAGE_SHIFT)

static struct frame_range {
    uint64_t start, end;
} free_range[FREE_RANGES_MAX] __initdata;
static unsigned nr_free __initdata;
static bool window_ready, closed;

static char strings[MB_STRINGS_SIZE];
static struct mb_source source __initdata;

/* Bad frames, from badpage=. */
static struct frame_range bad_range[16] __initdata;
static unsigned nr_bad __initdata;

/* badpage=N[-N][,...]: frame numbers. */
static int __init parse_badpage(const char *s)
{
    do {
        struct frame_range *bad = &bad_range[nr_bad];
        const char *end;

        if (nr_bad == ARRAY_SIZE(bad_range))
            return -EINVAL;
        bad->start = bad->end = str_to_u64(s, &end, 0);
        if (end == s)
            return -EINVAL;
        if (*end == '-') {
            s = end + 1;
            bad->end = str_to_u64(s, &end, 0);
            if (end == s)
                return -EINVAL;
        }
        if (bad->end < bad->start || bad->end >= 1UL << 40)
            return -EINVAL;
        bad->end++;
        nr_bad++;
        s = end + 1;
        if (*end && *end != ',')
            return -EINVAL;
        if (!*end)
            return 0;
    } while (1);
}
PARAM_FN("badpage", parse_badpage);

/* The early page tables map the first 4 GiB one to one. */
static const void *__init early_at(paddr_t addr, uint64_t size)
{
    if (addr == 0 || size > 4 * GiB || addr > 4 * GiB - size)
        return NULL;
    return (const void *)addr;
}

void __init boot_parse(uint32_t magic, paddr_t info)
{
    const char *wrong;

    source = (struct mb_source){
        .at = early_at, .strings = strings, .size = sizeof(strings)};
    wrong = multiboot_parse(&source, magic, info, &boot_info);
    if (wrong)
        boot_fatal("boot loader: %s (magic %#x, information at %#lx)", wrong,
                   magic, info);
    if (source.truncated)
        printk(XENLOG_WARNING "boot loader: too many modules, memory ranges or "
                              "too long strings; the rest is ignored\n");
}

/* Takes [start, end) frames out of the free list. */
static void __init take_range(uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < nr_free; i++) {
        struct frame_range *r = &free_range[i];

        if (r->end <= start || end <= r->start)
            continue;
        if (r->start < start && end < r->end) {
            if (nr_free == FREE_RANGES_MAX) {
                r->end = start; /* the upper part is lost, not misused */
                continue;
            }
            memmove(r + 1, r, (nr_free - i) * sizeof(*r));
            nr_free++;
            r[0].end = start;
            r[1].start = end;
            return;
        }
        if (r->start < start)
            r->end = start;
        else if (end < r->end)
            r->start = end;
        else {
            memmove(r, r + 1, (nr_free - i - 1) * sizeof(*r));
            nr_free--;
            i--;
        }
    }
}

void __init boot_reserve(paddr_t start, paddr_t end)
{
    if (start < end)
        take_range(start >> PAGE_SHIFT, DIV_ROUND_UP(end, PAGE_SIZE));
}

static void __init apply_options(struct e820_map *map)
{
    if (mem_limit)
        e820_limit_ram(map, mem_limit);
    e820_limit_ram(map, DIRECT_MAP_END - DIRECT_MAP_START);
    for (unsigned i = 0; i < nr_bad; i++)
        if (!e820_change_ram(map, bad_range[i].start << PAGE_SHIFT,
                             bad_range[i].end << PAGE_SHIFT, E820_UNUSABLE))
            printk(XENLOG_WARNING "badpage: the memory map is full\n");
}

/* What must stay where the loader put it has to be in RAM that we use. */
static void __init need_ram(const struct e820_map *map, paddr_t start,
                            paddr_t end, const char *what, unsigned number)
{
    if (!e820_covers(map, start, end, E820_RAM))
        boot_fatal("%s %u at %#lx-%#lx is outside the usable memory "
                   "(mem= or badpage= too strict?)",
                   what, number, start, end);
}

void __init boot_memory_init(void)
{
    struct e820_map map = {boot_info.e820, boot_info.nr_e820};

    apply_options(&map);
    boot_info.nr_e820 = map.nr;
    max_mfn = e820_ram_end(&map) >> PAGE_SHIFT;
    for (unsigned i = 0; i < map.nr; i++) {
        struct e820_entry e = map.entry[i];
        uint64_t start = DIV_ROUND_UP(e.addr, PAGE_SIZE);
        uint64_t end = (e.addr + e.size) >> PAGE_SHIFT;

        if (e.type != E820_RAM || max(start, LOW_END) >= end)
            continue;
        free_range[nr_free++] =
            (struct frame_range){max(start, LOW_END), end};
    }
    need_ram(&map, image_paddr(_image_start), image_paddr(_image_end),
             "hypervisor image", 0);
    boot_reserve(image_paddr(_image_start), image_paddr(_image_end));
    boot_reserve(source.keep_start, source.keep_end);
    for (unsigned i = 0; i < boot_info.nr_modules; i++) {
        const struct boot_module *m = &boot_info.module[i];
        need_ram(&map, m->start, m->start + m->size, "module", i + 1);
        boot_reserve(m->start, m->start + m->size);
    }
}

void __init boot_memory_window_ready(void)
{
    window_ready = true;
}

bool boot_memory_closed(void)
{
    return closed;
}

static void *boot_pointer(uint64_t frame)
{
    return window_ready ? map_frame(mfn(frame)) : (void *)(frame << PAGE_SHIFT);
}

mfn_t __init boot_alloc(uint64_t frames)
{
    uint64_t align = frames >= 512 ? 512 : 1;

    BUG_ON(closed);
    for (unsigned i = nr_free; i-- > 0;) {
        struct frame_range r = free_range[i];
        uint64_t at;

        if (!window_ready)
            r.end = min(r.end, EARLY_END);
        if (r.end <= r.start || r.end - r.start < frames)
            continue;
        at = ROUND_DOWN(r.end - frames, align);
        if (at < r.start)
            continue;
        take_range(at, at + frames);
        memset(boot_pointer(at), 0, frames << PAGE_SHIFT);
        return mfn(at);
    }
    boot_fatal("out of memory: no %lu KiB in one piece to start with",
               frames << (PAGE_SHIFT - 10));
}

void __init boot_free_ranges(void (*fn)(mfn_t start, mfn_t end))
{
    closed = true;
    for (unsigned i = 0; i < nr_free; i++)
        fn(mfn(free_range[i].start), mfn(free_range[i].end));
}

bool e820_is_ram(paddr_t start, paddr_t end)
{
    struct e820_map map = {boot_info.e820, boot_info.nr_e820};

    return e820_covers(&map, start, end, E820_RAM);
}

static bool __init overlaps(paddr_t start, paddr_t end, paddr_t s, paddr_t e)
{
    return start < e && s < end;
}

mfn_t __init boot_low_frames(unsigned frames)
{
    uint64_t size = frames * PAGE_SIZE;

    for (paddr_t start = 0x9f000 - size; start >= 0x1000; start -= PAGE_SIZE) {
        paddr_t end = start + size;
        bool used = overlaps(start, end, source.keep_start, source.keep_end);

        for (unsigned i = 0; i < boot_info.nr_modules; i++) {
            const struct boot_module *m = &boot_info.module[i];
            used |= overlaps(start, end, m->start, m->start + m->size);
        }
        if (!used && e820_is_ram(start, end))
            return paddr_to_mfn(start);
    }
    boot_fatal("no %lu KiB of RAM below 640 KiB to start processors from",
               size / KiB);
}
