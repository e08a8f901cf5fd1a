/*
 * The hypervisor's own page tables.
 *
 * paging_init builds them once from boot memory: the image with the rights
 * each part needs (nothing is both writable and executable), CPU 0's area, and
 * the window on all RAM. Text and read-only data are left out of the window,
 * so no writable alias of them exists. Everything is supervisor and global,
 * except below slot 256 (machine-to-physical table), whose upper levels allow
 * user access so that its leaves can be read by guests.
 *
 * The L4 entries 256..271 never change after paging_init: guests' L4s hold
 * copies of them.
 */
#include "arch/x86/paging.h"

#include "arch/x86/boot.h"
#include "arch/x86/boot/memory.h"
#include "arch/x86/boot/trampoline.h"
#include "arch/x86/console.h"
#include "arch/x86/cpu.h"
#include "arch/x86/irq.h"
#include "arch/x86/map.h"
#include "arch/x86/percpu.h"
#include "arch/x86/pte.h"
#include "arch/x86/tlb.h"
#include "lib/errno.h"
#include "lib/heap.h"
#include "lib/printk.h"
#include "lib/spinlock.h"
#include "lib/string.h"

uint64_t *hyp_l4;
static mfn_t l4_mfn;
static bool window_ready;
static unsigned max_page_level = 2; /* 3: the CPU has 1 GiB pages */
static spinlock_t map_lock = SPINLOCK_INIT(LOCK_ANY); /* tables, ioremap_next */
static vaddr_t ioremap_next = IOREMAP_START;

/* Before the window exists the first 4 GiB are mapped one to one. */
static pte_t *table_at(mfn_t m)
{
    return window_ready ? map_frame(m) : (pte_t *)mfn_to_paddr(m);
}

/* A cleared table, or INVALID_MFN. */
static mfn_t new_table(void)
{
    void *p;

    if (!boot_memory_closed())
        return boot_alloc(1);
    p = xenheap_zalloc(0);
    return p ? mapped_frame(p) : INVALID_MFN;
}

static uint64_t table_flags(vaddr_t va)
{
    uint64_t user = pt_index(va, 4) == HYP_L4_FIRST ? PTE_US : 0;

    return PTE_P | PTE_RW | PTE_A | user;
}

/*
 * The entry of `level` that maps va. Missing tables are made; NULL: no memory
 * or a larger page is in the way.
 */
static pte_t *entry_of(vaddr_t va, unsigned level)
{
    pte_t *table = table_at(l4_mfn);

    for (unsigned l = 4; l > level; l--) {
        pte_t *e = &table[pt_index(va, l)];
        if (!(*e & PTE_P)) {
            mfn_t m = new_table();
            if (mfn_is_invalid(m))
                return NULL;
            *e = pte_make(m, table_flags(va));
        } else if (l < 4 && (*e & PTE_PSE)) {
            return NULL;
        }
        table = table_at(pte_mfn(*e));
    }
    return &table[pt_index(va, level)];
}

static uint64_t level_frames(unsigned level)
{
    return 1UL << (9 * (level - 1));
}

/* The largest page that fits here. */
static unsigned best_level(vaddr_t va, mfn_t m, uint64_t frames)
{
    unsigned level = max_page_level;

    while (level > 1 &&
           (frames < level_frames(level) ||
            ((va >> PAGE_SHIFT) | m.m) & (level_frames(level) - 1)))
        level--;
    return level;
}

static int map_range(vaddr_t va, mfn_t m, uint64_t frames, uint64_t flags,
                     bool *replaced)
{
    while (frames) {
        unsigned level = best_level(va, m, frames);
        pte_t *e = entry_of(va, level);

        if (e && level > 1 && (*e & PTE_P) && !(*e & PTE_PSE))
            e = entry_of(va, level = 1); /* a table is there: use it */
        if (!e)
            return -ENOMEM;
        *replaced |= *e & PTE_P;
        *e = pte_make(m, flags | (level > 1 ? PTE_PSE : 0));
        va += level_frames(level) << PAGE_SHIFT;
        m = mfn_add(m, level_frames(level));
        frames -= level_frames(level);
    }
    return 0;
}

/* Old translations of a changed range; rare, so thoroughly. */
static void flush_range(vaddr_t va, uint64_t frames)
{
    cpumask_t others = READ_ONCE(cpu_online_map) & ~CPUMASK(smp_cpu_id());

    for (uint64_t i = 0; i < frames; i++)
        invlpg(va + (i << PAGE_SHIFT));
    if (others)
        tlb_flush_all_global(others);
}

int hyp_map(vaddr_t va, mfn_t m, uint64_t frames, uint64_t flags)
{
    unsigned long irq;
    bool replaced = false;
    int rc;

    irq = spin_lock_irqsave(&map_lock);
    rc = map_range(va, m, frames, flags, &replaced);
    spin_unlock_irqrestore(&map_lock, irq);
    if (replaced)
        flush_range(va, frames);
    return rc;
}

/* Frames that the entry maps from va on; its level in *level. */
static pte_t *find_entry(vaddr_t va, unsigned *level)
{
    pte_t *table = table_at(l4_mfn);

    for (unsigned l = 4;; l--) {
        pte_t *e = &table[pt_index(va, l)];
        *level = l;
        if (l == 1 || !(*e & PTE_P) || (l < 4 && (*e & PTE_PSE)))
            return e;
        table = table_at(pte_mfn(*e));
    }
}

void hyp_unmap(vaddr_t va, uint64_t frames)
{
    unsigned long irq = spin_lock_irqsave(&map_lock);

    for (uint64_t done = 0; done < frames;) {
        vaddr_t at = va + (done << PAGE_SHIFT);
        unsigned level;
        pte_t *e = find_entry(at, &level);
        uint64_t n = level_frames(level);
        uint64_t skipped = (at >> PAGE_SHIFT) & (n - 1);

        if (*e & PTE_P) {
            /* Large pages go as a whole or not at all. */
            BUG_ON(skipped || n > frames - done);
            *e = 0;
        }
        done += n - skipped;
    }
    spin_unlock_irqrestore(&map_lock, irq);
    flush_range(va, frames);
}

void *ioremap(paddr_t start, size_t bytes)
{
    uint64_t frames = DIV_ROUND_UP(PAGE_OFFSET(start) + bytes, PAGE_SIZE);
    bool replaced = false;
    unsigned long irq;
    vaddr_t va;
    int rc;

    if (bytes == 0 || start + bytes < start || start + bytes > 1UL << 52)
        return NULL;
    irq = spin_lock_irqsave(&map_lock);
    va = ioremap_next;
    if (frames >= (IOREMAP_END - va) >> PAGE_SHIFT) {
        spin_unlock_irqrestore(&map_lock, irq);
        return NULL;
    }
    ioremap_next = va + ((frames + 1) << PAGE_SHIFT); /* a guard page */
    rc = map_range(va, paddr_to_mfn(start), frames, PAGE_HYP_UC, &replaced);
    spin_unlock_irqrestore(&map_lock, irq);
    return rc ? NULL : (void *)(va + PAGE_OFFSET(start));
}

uint64_t *hyp_l1_entry(vaddr_t va)
{
    unsigned level;
    pte_t *e = find_entry(va, &level);

    return level == 1 ? e : NULL;
}

bool hyp_translate(vaddr_t va, paddr_t *pa)
{
    unsigned level;
    pte_t e = *find_entry(va, &level);
    uint64_t mask = (level_frames(level) << PAGE_SHIFT) - 1;

    if (!(e & PTE_P))
        return false;
    *pa = (e & PTE_ADDR & ~mask) | (va & mask);
    return true;
}

uint64_t hyp_cr3(void)
{
    return mfn_to_paddr(l4_mfn);
}

void l4_install_hypervisor(pte_t *l4)
{
    memcpy(l4 + HYP_L4_FIRST, hyp_l4 + HYP_L4_FIRST,
           (HYP_L4_LAST - HYP_L4_FIRST + 1) * sizeof(*l4));
}

void clear_frame(mfn_t m)
{
    void *p = map_frame(m);

    memset(p, 0, PAGE_SIZE);
    unmap_frame(p);
}

/*
 * For a moment's use of SSE registers. They may hold any vCPU's values, which
 * an interrupt may want to save: so it must wait, and the user saves and
 * restores what it changes.
 */
struct sse_use {
    uint64_t flags, cr0;
};

static struct sse_use sse_begin(void)
{
    struct sse_use use = {irq_save(), read_cr0()};

    if (use.cr0 & CR0_TS)
        __asm__ volatile("clts");
    return use;
}

static void sse_end(struct sse_use use)
{
    if (use.cr0 & CR0_TS)
        write_cr0(use.cr0);
    irq_restore(use.flags);
}

#define CLEAR_STEP 512

/* Bytes in steps, past the caches, 16 at a time. */
static void clear_run(char *p, const char *end)
{
    struct sse_use use = sse_begin();
    char saved[16];

    __asm__ volatile("movups %%xmm0, %[saved]\n\t"
                     "xorps %%xmm0, %%xmm0\n"
                     "1: .set .Lat, 0\n\t"
                     ".rept %c[n]\n\t"
                     "movntps %%xmm0, .Lat(%[p])\n\t"
                     ".set .Lat, .Lat + 16\n\t"
                     ".endr\n\t"
                     "add $%c[step], %[p]\n\t"
                     "cmp %[end], %[p]\n\t"
                     "jb 1b\n\t"
                     "sfence\n\t"
                     "movups %[saved], %%xmm0"
                     : [p] "+r"(p), [saved] "=m"(saved)
                     : [end] "r"(end), [n] "i"(CLEAR_STEP / 16),
                       [step] "i"(CLEAR_STEP)
                     : "memory");
    sse_end(use);
}

/* In parts, as interrupts wait for each. */
void clear_frames(mfn_t m, uint64_t n)
{
    char *p = map_frame(m);

    for (uint64_t part; n; n -= part, p += part * PAGE_SIZE) {
        part = min(n, (uint64_t)16);
        clear_run(p, p + part * PAGE_SIZE);
    }
}

void copy_frame(mfn_t dst, mfn_t src)
{
    void *d = map_frame(dst), *s = map_frame(src);

    memcpy(d, s, PAGE_SIZE);
    unmap_frame(s);
    unmap_frame(d);
}

#define PART_SIZE (PAGE_SIZE / FRAME_PARTS)

/*
 * From the last part to the first; the carry of "less than all bytes are zero"
 * becomes the part's bit.
 */
unsigned used_parts(const void *frame)
{
    const char *p = (const char *)frame + PAGE_SIZE - PART_SIZE;
    struct sse_use use = sse_begin();
    unsigned parts = 0, zeros;
    char saved[2][16];

    __asm__ volatile("movups %%xmm0, %[save0]\n\t"
                     "movups %%xmm1, %[save1]\n\t"
                     "xorps %%xmm1, %%xmm1\n"
                     "1: movaps (%[p]), %%xmm0\n\t"
                     ".set .Lat, 16\n\t"
                     ".rept %c[n] - 1\n\t"
                     "orps .Lat(%[p]), %%xmm0\n\t"
                     ".set .Lat, .Lat + 16\n\t"
                     ".endr\n\t"
                     "pcmpeqb %%xmm1, %%xmm0\n\t"
                     "pmovmskb %%xmm0, %[zeros]\n\t"
                     "cmp $0xffff, %[zeros]\n\t"
                     "adc %[parts], %[parts]\n\t"
                     "sub $%c[size], %[p]\n\t"
                     "cmp %[frame], %[p]\n\t"
                     "jae 1b\n\t"
                     "movups %[save0], %%xmm0\n\t"
                     "movups %[save1], %%xmm1"
                     : [p] "+r"(p), [parts] "+r"(parts), [zeros] "=&r"(zeros),
                       [save0] "=m"(saved[0]), [save1] "=m"(saved[1])
                     : [frame] "r"(frame), [n] "i"(PART_SIZE / 16),
                       [size] "i"(PART_SIZE)
                     : "memory", "cc");
    sse_end(use);
    return parts;
}

/* ---- building them ---- */

static void __init map_boot(vaddr_t va, mfn_t m, uint64_t frames,
                            uint64_t flags)
{
    bool replaced = false;

    if (frames && map_range(va, m, frames, flags, &replaced))
        panic("cannot map %#lx", va);
}

/* The part [start, end) of the image; pages have their final addresses. */
static void __init map_image_part(const char *start, const char *end,
                                  uint64_t flags)
{
    map_boot((vaddr_t)start, paddr_to_mfn(image_paddr(start)),
             (uint64_t)(end - start) >> PAGE_SHIFT, flags);
}

static void __init map_image(void)
{
    map_image_part(_text_start, _text_end, PAGE_HYP_RX);
    map_image_part(_rodata_start, _rodata_end, PAGE_HYP_RO);
    map_image_part(_init_start, _init_data_start, PAGE_HYP_RX);
    map_image_part(_init_data_start, _image_end, PAGE_HYP_RW);
}

/* The same frames that head.S chose, with proper rights. */
static void __init map_boot_area(void)
{
    static const uint8_t pages[] __initdata = {1, 2, 3, 5, 7, 9, 11, 13, 14,
                                               15};
    mfn_t m = paddr_to_mfn(image_paddr(boot_area));

    map_boot(CPU_AREA(0), paddr_to_mfn(image_paddr(_stub_page)), 1,
             PAGE_HYP_RX);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        map_boot(CPU_AREA(0) + pages[i] * PAGE_SIZE, mfn_add(m, i), 1,
                 PAGE_HYP_RW);
}

static void __init map_window_part(uint64_t start, uint64_t end)
{
    if (start < end)
        map_boot(DIRECT_MAP_START + (start << PAGE_SHIFT), mfn(start),
                 end - start, PAGE_HYP_RW);
}

static void __init map_window(void)
{
    uint64_t hide_start = image_paddr(_text_start) >> PAGE_SHIFT;
    uint64_t hide_end = image_paddr(_rodata_end) >> PAGE_SHIFT;

    for (unsigned i = 0; i < boot_info.nr_e820; i++) {
        struct e820_entry e = boot_info.e820[i];
        uint64_t start = DIV_ROUND_UP(e.addr, PAGE_SIZE);
        uint64_t end = (e.addr + e.size) >> PAGE_SHIFT;

        if (e.type != E820_RAM)
            continue;
        map_window_part(start, min(end, hide_start));
        map_window_part(max(start, hide_end), end);
    }
}

void __init paging_init(void)
{
    struct cpuid_regs r = cpuid(0x80000001, 0);

    if (r.d & (1u << 26))
        max_page_level = 3;
    boot_memory_init();
    l4_mfn = boot_alloc(1);
    map_image();
    map_boot_area();
    map_window();
    /* These two must exist in each copy of the L4, whatever comes later. */
    if (!entry_of(M2P_RO_START, 3) || !entry_of(IMAGE_START, 3))
        panic("no memory for page tables");

    write_cr3(mfn_to_paddr(l4_mfn));
    window_ready = true;
    boot_memory_window_ready();
    hyp_l4 = map_frame(l4_mfn);
    console_remap();
    trampoline_init();
}
