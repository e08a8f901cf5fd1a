/* Where the fuzzer's numbers come from. */
#include "fuzz.h"

struct page pool[POOL];
unsigned long alt_l4;

static uint64_t kernel_frames[1 << 13]; /* a bit for each of 2^19 */
static unsigned long max_mfn, spare_pfn, hole;
static unsigned nr_spare;
static char *readonly_page;
static uint64_t tsc_base, time_base, tsc_mul;
static int tsc_shift;

/* ---- numbers ---- */

uint64_t rnd(struct fuzz *z)
{
    uint64_t x = z->state += 0x9e3779b97f4a7c15UL;

    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9UL;
    x = (x ^ x >> 27) * 0x94d049bb133111ebUL;
    return x ^ x >> 31;
}

/* Neither as a frame nor as an entry. */
static bool names_kernel(uint64_t n)
{
    return is_kernel_mfn(n) || is_kernel_mfn((uint32_t)n) ||
           is_kernel_mfn((n & PTE_ADDR) >> 12);
}

static uint64_t odd_number(struct fuzz *z)
{
    switch (below(z, 8)) {
    case 0:
        return rnd(z);
    case 1:
        return 1UL << below(z, 64);
    case 2:
        return (1UL << below(z, 64)) - 1;
    case 3:
        return -(uint64_t)below(z, 16);
    case 4:
        return below(z, 4096);
    default:
        return below(z, 12);
    }
}

uint64_t any_number(struct fuzz *z)
{
    uint64_t n;

    do
        n = odd_number(z);
    while (names_kernel(n));
    return n;
}

static uint64_t some_word(struct fuzz *z)
{
    switch (below(z, 8)) {
    case 0:
        return any_mfn(z);
    case 1:
        return any_pte(z);
    case 2:
        return any_va(z);
    case 3:
        return any_entry_maddr(z);
    case 4:
        return any_port(z);
    case 5:
        return (uint64_t)any_domid(z) << 32 | any_domid(z);
    default:
        return any_number(z);
    }
}

uint64_t any_word(struct fuzz *z)
{
    uint64_t n;

    do
        n = some_word(z);
    while (names_kernel(n));
    return n;
}

unsigned any_domid(struct fuzz *z)
{
    static const uint16_t special[] = {
        DOMID_IO, DOMID_XEN, DOMID_COW, DOMID_INVALID, DOMID_IDLE,
        DOMID_FIRST_RESERVED, 0, 1, 0x7fff, 0xffff, 0x8000,
    };

    if (!chance(z, WEIRD / 2))
        return DOMID_SELF;
    if (chance(z, 2))
        return any_child(z);
    return special[below(z, ARRAY_SIZE(special))];
}

static volatile unsigned ports[16];

void note_port(unsigned port)
{
    static unsigned next;

    ports[next++ % ARRAY_SIZE(ports)] = port;
}

unsigned any_port(struct fuzz *z)
{
    static const unsigned special[] = {0, 63, 64, 1023, 4095, 4096, 131071,
                                       131072, 0x7fffffff, 0xffffffff};

    if (chance(z, WEIRD))
        return special[below(z, ARRAY_SIZE(special))];
    return chance(z, 2) ? below(z, 32) : ports[below(z, ARRAY_SIZE(ports))];
}

unsigned any_vcpu(struct fuzz *z)
{
    return chance(z, WEIRD) ? (unsigned)any_number(z) : below(z, 4);
}

/* ---- frames and entries ---- */

bool is_kernel_mfn(unsigned long mfn)
{
    return mfn < ARRAY_SIZE(kernel_frames) * 64 &&
           (kernel_frames[mfn / 64] >> mfn % 64 & 1);
}

unsigned long pool_mfn(struct fuzz *z)
{
    return pool[below(z, POOL)].mfn;
}

static unsigned long strange_mfn(struct fuzz *z)
{
    switch (below(z, 8)) {
    case 0:
        return start_info->shared_info >> 12;
    case 1:
        return 0xfee00;
    case 2:
        return 0xfec00;
    case 3:
        return below(z, 0x100);
    case 4:
        return max_mfn + below(z, 3) - 1;
    case 5:
        return any_number(z);
    default:
        return below(z, (unsigned)max_mfn);
    }
}

unsigned long any_mfn(struct fuzz *z)
{
    unsigned long mfn = 0;

    if (chance(z, WEIRD))
        mfn = strange_mfn(z);
    else if (chance(z, WEIRD))
        mfn = pfn_to_mfn(spare_pfn + below(z, nr_spare));
    else
        return pool_mfn(z);
    return is_kernel_mfn(mfn & (PTE_ADDR >> 12)) ? pool_mfn(z) : mfn;
}

uint64_t any_pte(struct fuzz *z)
{
    static const uint64_t flags[] = {
        PTE_P | PTE_RW | PTE_US,
        PTE_P | PTE_RW | PTE_US | PTE_AD,
        PTE_P | PTE_US | PTE_AD,
        PTE_P | PTE_RW,
        PTE_P | PTE_RW | PTE_US | PTE_NX,
        PTE_RW | PTE_US,
        PTE_P | PTE_RW | PTE_US | PTE_PSE,
    };
    uint64_t f = flags[below(z, ARRAY_SIZE(flags))];

    if (chance(z, 6))
        return 0;
    if (chance(z, WEIRD))
        f ^= rnd(z) & ~PTE_ADDR;
    return (PTE(any_mfn(z), 0) & PTE_ADDR) | f;
}

uint64_t any_entry_maddr(struct fuzz *z)
{
    unsigned index = chance(z, 4) ? below(z, 512) : below(z, 4);

    return PTE(any_mfn(z), 0) + index * 8;
}

/* ---- addresses ---- */

static unsigned long window_va(struct fuzz *z)
{
    unsigned long va = WINDOW + ((unsigned long)below(z, WINDOW_SLOTS) << 39);

    for (unsigned level = 3; level; level--)
        va += (unsigned long)(chance(z, 8) ? below(z, 512) : below(z, 4))
              << (3 + 9 * level);
    return va;
}

/* Never mapped, whatever becomes of the window. */
static unsigned long special_pointer(struct fuzz *z)
{
    static const unsigned long special[] = {
        0,
        8,
        0xfff,
        0x0000800000000000UL,
        0x00007ffffffffff8UL,
        0x8000000000000000UL,
        0xffff7ffffffffff8UL,
        0xffff800000000000UL,
        0xffff804000000000UL,
        0xffff82d080000000UL,
        0xffff830000000000UL,
        0xffff87fffffffff8UL,
        0xfffffffffffffff8UL,
        0xffffffffffffffffUL,
    };

    return special[below(z, ARRAY_SIZE(special))];
}

unsigned long bad_pointer(struct fuzz *z)
{
    if (chance(z, 4))
        return (unsigned long)readonly_page + below(z, PAGE_SIZE);
    if (chance(z, 3))
        return hole + below(z, PAGE_SIZE);
    return special_pointer(z);
}

unsigned long odd_pointer(struct fuzz *z)
{
    if (chance(z, 2))
        return bad_pointer(z);
    if (chance(z, 2))
        return (unsigned long)pool[below(z, POOL)].va + below(z, PAGE_SIZE);
    return window_va(z) + below(z, PAGE_SIZE);
}

unsigned long any_va(struct fuzz *z)
{
    if (chance(z, WEIRD))
        return special_pointer(z);
    if (chance(z, 2))
        return window_va(z);
    return (unsigned long)pool[below(z, POOL)].va;
}

/* ---- arguments ---- */

/* Copies; gives what was left when it faulted (see fuzz_trap). */
static size_t __attribute__((noinline)) copy(void *to, const void *from,
                                             size_t n)
{
    __asm__ volatile(".globl fuzz_copy_insn, fuzz_copy_done\n"
                     "fuzz_copy_insn: rep movsb\n"
                     "fuzz_copy_done:"
                     : "+D"(to), "+S"(from), "+c"(n)
                     :
                     : "memory");
    return n;
}

bool peek(void *to, unsigned long va, size_t n)
{
    return !copy(to, (const void *)va, n);
}

bool poke(unsigned long va, const void *from, size_t n)
{
    return !copy((void *)va, from, n);
}

static unsigned long take(struct fuzz *z, char *base, size_t *used,
                          size_t pages, size_t n)
{
    size_t at = *used;

    if (at + n > pages * PAGE_SIZE)
        at = 0;
    *used = (at + n + 7) & ~7UL;
    (void)z;
    return (unsigned long)base + at;
}

unsigned long put_safe(struct fuzz *z, const void *data, size_t n)
{
    unsigned long va = take(z, z->arena, &z->arena_used,
                            ARENA_PAGES - RACE_PAGES, n);

    if (!poke(va, data, n))
        error("arena of vCPU %u: %lu bytes at %#lx: trap %lu code %#lx cr2 %#lx"
              " pte %#lx", z->id, n, va, last_trap.vector,
              last_trap.error_code, last_trap.cr2, read_pte((void *)va));
    return va;
}

/* Sometimes it ends where nothing is mapped, or lies across two pages. */
unsigned long put(struct fuzz *z, const void *data, size_t n)
{
    unsigned long end = (unsigned long)z->arena + ARENA_PAGES * PAGE_SIZE;

    if (chance(z, WEIRD))
        return odd_pointer(z);
    if (chance(z, WEIRD)) {
        size_t fits = below(z, (unsigned)n + 1);

        (void)poke(end - fits, data, fits);
        return end - fits;
    }
    return put_safe(z, data, n);
}

unsigned long put_racy(struct fuzz *z, const void *data, size_t n)
{
    unsigned long va;

    if (chance(z, WEIRD))
        return put(z, data, n);
    va = take(z, z->race, &z->race_used, RACE_PAGES, n);
    (void)poke(va, data, n);
    return va;
}

unsigned long room(struct fuzz *z, size_t n)
{
    if (chance(z, 8))
        return odd_pointer(z);
    return take(z, z->race, &z->race_used, RACE_PAGES, n);
}

void poke_something(struct fuzz *z)
{
    struct fuzz *other = &fuzzers[below(z, RACERS)];
    uint64_t word = chance(z, 2) ? any_pte(z) : any_word(z);
    unsigned long va;

    switch (below(z, 4)) {
    case 3:
        poke_grant(z);
        return;
    case 0:
        va = (unsigned long)pool[below(z, POOL)].va + below(z, 512) * 8;
        break;
    case 1:
        va = window_va(z) + below(z, 512) * 8;
        break;
    default:
        if (!other->race)
            return;
        va = (unsigned long)other->race + below(z, RACE_PAGES * 512) * 8;
    }
    (void)poke(va, &word, 8);
}

/* ---- time ---- */

static uint64_t read_tsc(void)
{
    uint32_t lo, hi;

    __asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
    return (uint64_t)hi << 32 | lo;
}

uint64_t time_now(void)
{
    uint64_t delta = read_tsc() - tsc_base;

    delta = tsc_shift < 0 ? delta >> -tsc_shift : delta << tsc_shift;
    return time_base + (uint64_t)((unsigned __int128)delta * tsc_mul >> 32);
}

/* ---- at the start ---- */

/* Nothing runs on from one region into the next. */
static void make_hole(void)
{
    hole = (unsigned long)alloc_page();
    if (update_va(hole, 0, UVMF_INVLPG))
        error("the hole cannot be made");
}

static char *arena(void)
{
    char *a = alloc_page();

    for (unsigned i = 1; i < ARENA_PAGES; i++)
        alloc_page(); /* they follow */
    make_hole();
    return a;
}

static void protect(unsigned long pfn, unsigned long end)
{
    for (; pfn < end; pfn++) {
        unsigned long mfn = pfn_to_mfn(pfn);

        kernel_frames[mfn / 64] |= 1UL << mfn % 64;
    }
}

void values_init(void)
{
    struct vcpu_time_info *t = &shared_info->vcpu_info[0].time;
    const uint64_t *l4 = table_of(kernel_l4_mfn());
    uint64_t *alt = alloc_page();

    tsc_mul = t->tsc_to_system_mul;
    tsc_shift = t->tsc_shift;
    time_base = system_time();
    tsc_base = read_tsc();
    max_mfn = (unsigned long)hypercall2(__HYPERVISOR_memory_op,
                                        XENMEM_maximum_ram_page, 0) + 1;
    if (max_mfn > ARRAY_SIZE(kernel_frames) * 64)
        error("more memory than the fuzzer knows");
    readonly_page = alloc_page();
    memset(readonly_page, 0x5a, PAGE_SIZE); /* as an argument it ends nothing */
    set_readonly(readonly_page);
    make_hole();
    memcpy(alt, l4, PAGE_SIZE);
    set_readonly(alt);
    alt_l4 = virt_to_mfn(alt);
    if (mmuext1(MMUEXT_PIN_L4_TABLE, alt_l4))
        error("the second L4 cannot be pinned");
    others_init();
    grants_init();
    for (unsigned i = 0; i < RACERS; i++) {
        fuzzers[i].arena = arena();
        fuzzers[i].race =
            fuzzers[i].arena + (ARENA_PAGES - RACE_PAGES) * PAGE_SIZE;
        fuzzers[i].sink = arena();
    }
    for (unsigned i = 0; i < POOL; i++) {
        pool[i].pfn = alloc_pfn();
        pool[i].va = pfn_to_virt(pool[i].pfn);
        pool[i].mfn = pfn_to_mfn(pool[i].pfn);
    }
    spare_pfn = pool[POOL - 1].pfn + 1 + LATE_PAGES;
    nr_spare = (unsigned)(start_info->nr_pages - spare_pfn);
    protect(0, pool[0].pfn);
    protect(spare_pfn - LATE_PAGES, spare_pfn);
}
