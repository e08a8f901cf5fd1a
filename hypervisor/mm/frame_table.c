/*
 * Builds the frame table and the machine-to-physical table.
 *
 * Both are arrays indexed by frame number, at fixed addresses, and both are
 * backed in pieces of 2 MiB (one large page each). A piece that describes RAM
 * gets memory of its own; the pieces of a large hole share a few pages that
 * say "not RAM", so every index below max_mfn can be read.
 *
 * A frame-table entry is 24 bytes, so a hole's entries have a pattern that
 * repeats every three pages: table page n of a hole shows pattern page n % 3.
 *
 * Memory from boot_alloc is zero, which is what the entry of a frame inside a
 * free block should be: nothing is written for free RAM. Frames that are not
 * RAM are marked here, RAM in use by heap_init().
 */
#include "arch/x86/boot.h"
#include "arch/x86/map.h"
#include "arch/x86/paging.h"
#include "arch/x86/pte.h"
#include "lib/printk.h"
#include "lib/string.h"
#include "mm/alloc.h"
#include "mm/page_type.h"
#include <xen/xen.h>

#define PIECE (2 * MiB)
#define PIECE_PAGES (PIECE >> PAGE_SHIFT)
#define M2P_PER_PIECE (PIECE / sizeof(uint64_t))
#define LOW_FRAMES (MiB >> PAGE_SHIFT)

#define REF_IO (FRAME_IO | ((uint64_t)DOMID_IO << REF_OWNER_SHIFT) | 1)
/* Shown to privileged domains, read-only: the type reference stays for ever. */
#define REF_SHOWN                                                              \
    (FRAME_ALLOCATED | ((uint64_t)DOMID_XEN << REF_OWNER_SHIFT) | 1)
#define TYPE_SHOWN (PGT_NONE | PGT_VALIDATED | 1)

static mfn_t m2p_hole; /* the page that the M2P's holes share */

/*
 * First frame >= m that is RAM (ram) or not RAM (!ram), at most `end`. The
 * first MiB counts as not RAM.
 */
static uint64_t __init next_frame(uint64_t m, uint64_t end, bool ram)
{
    for (unsigned i = 0; i < boot_info.nr_e820 && m < end; i++) {
        const struct e820_entry *e = &boot_info.e820[i];
        uint64_t first = max(DIV_ROUND_UP(e->addr, PAGE_SIZE), LOW_FRAMES);
        uint64_t last = (e->addr + e->size) >> PAGE_SHIFT;

        if (e->type != E820_RAM || last <= m || first >= last)
            continue;
        if (ram)
            return min(max(m, first), end);
        if (m < first)
            return m;
        m = last;
    }
    return ram ? end : min(m, end);
}

static bool __init has_ram(uint64_t start, uint64_t end)
{
    return next_frame(start, end, true) < end;
}

static void __init map_or_die(vaddr_t va, mfn_t m, uint64_t pages,
                              uint64_t flags)
{
    if (hyp_map(va, m, pages, flags))
        boot_fatal("out of memory: cannot map the frame table");
}

/* ---- the frame table ---- */

/* Frames whose entries lie in this piece, wholly or in part. */
static uint64_t __init piece_first(uint64_t piece)
{
    return piece * PIECE / sizeof(struct frame);
}
static uint64_t __init piece_end(uint64_t piece)
{
    return min(DIV_ROUND_UP((piece + 1) * PIECE, sizeof(struct frame)),
               max_mfn);
}
static bool __init piece_has_ram(uint64_t piece)
{
    return has_ram(piece_first(piece), piece_end(piece));
}

static mfn_t __init make_hole_pattern(void)
{
    mfn_t m = boot_alloc(3);
    struct frame *f = map_frame(m); /* the window maps all three */

    for (unsigned i = 0; i < 3 * PAGE_SIZE / sizeof(*f); i++)
        f[i].ref = REF_IO;
    unmap_frame(f);
    return m;
}

static void __init map_frame_table(void)
{
    uint64_t pages = DIV_ROUND_UP(max_mfn * sizeof(struct frame), PAGE_SIZE);
    mfn_t hole = make_hole_pattern();

    for (uint64_t p = 0; p < pages; p += PIECE_PAGES) {
        vaddr_t va = FRAME_TABLE_START + (p << PAGE_SHIFT);
        uint64_t n = min(PIECE_PAGES, pages - p);

        if (piece_has_ram(p / PIECE_PAGES)) {
            map_or_die(va, boot_alloc(n), n, PAGE_HYP_RW);
            continue;
        }
        for (uint64_t i = 0; i < n; i++)
            map_or_die(va + (i << PAGE_SHIFT), mfn_add(hole, (p + i) % 3), 1,
                       PAGE_HYP_RW);
    }
}

/*
 * Marks [start, end) as not RAM. Entries in pieces without RAM show the
 * pattern already; writing it again does no harm.
 */
static void __init mark_hole(uint64_t start, uint64_t end)
{
    while (start < end) {
        uint64_t piece = start * sizeof(struct frame) / PIECE;
        uint64_t stop = min(end, piece_end(piece));

        /* The last entry may reach into the next piece. */
        if (!piece_has_ram(piece))
            start = stop - 1;
        for (; start < stop; start++)
            frame_table[start].ref = REF_IO;
    }
}

static void __init mark_holes(void)
{
    uint64_t m = 0;

    while (m < max_mfn) {
        uint64_t end = next_frame(m, max_mfn, true);
        mark_hole(m, end);
        m = next_frame(end, max_mfn, false);
    }
}

/* ---- the M2P ---- */

static void __init map_m2p(vaddr_t offset, mfn_t m, uint64_t pages,
                           bool writable)
{
    map_or_die(M2P_RW_START + offset, m, pages,
               writable ? PAGE_HYP_RW : PAGE_HYP_RO);
    map_or_die(M2P_RO_START + offset, m, pages, PAGE_HYP_RO | PTE_US);
}

static void __init show_frames(mfn_t m, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct frame *f = frame_of(mfn_add(m, i));
        f->type = TYPE_SHOWN;
        f->ref = REF_SHOWN;
    }
}

static mfn_t __init m2p_memory(uint64_t pages)
{
    mfn_t m = boot_alloc(pages);

    memset(map_frame(m), 0xff, pages << PAGE_SHIFT); /* INVALID_M2P_ENTRY */
    show_frames(m, pages);
    return m;
}

static void __init make_m2p(void)
{
    m2p_hole = m2p_memory(1);
    for (uint64_t m = 0; m < max_mfn; m += M2P_PER_PIECE) {
        vaddr_t offset = m * sizeof(uint64_t);

        if (has_ram(m, min(m + M2P_PER_PIECE, max_mfn))) {
            map_m2p(offset, m2p_memory(PIECE_PAGES), PIECE_PAGES, true);
            continue;
        }
        for (unsigned i = 0; i < PIECE_PAGES; i++)
            map_m2p(offset + i * PAGE_SIZE, m2p_hole, 1, false);
    }
}

mfn_t m2p_piece(uint64_t n)
{
    paddr_t pa;

    if (n >= DIV_ROUND_UP(max_mfn, M2P_PER_PIECE) ||
        !hyp_translate(M2P_RW_START + n * PIECE, &pa) ||
        mfn_eq(paddr_to_mfn(pa), m2p_hole))
        return mfn(0);
    return paddr_to_mfn(pa);
}

void __init frame_table_init(void)
{
    if (max_mfn >= FRAME_NIL)
        boot_fatal("more than 16 TiB of memory");
    map_frame_table();
    mark_holes();
    make_m2p();
}
