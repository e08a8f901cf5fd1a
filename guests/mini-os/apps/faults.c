/* What is deliberately wrong: fault=NAME chooses; all end with a dump. */
#include <apps.h>

/* Variables, so that the compiler does not know what is wrong. */
static volatile u64 null_page = 0x10, non_canonical = 1UL << 62;

static void wild_write(void) { *(volatile int *)null_page = 1; }
static void wild_jump(void) { ((void (*)(void))null_page)(); }
static void bad_opcode(void) { __asm__ __volatile__("ud2"); }
static void bad_address(void) { *(volatile int *)non_canonical = 1; }

static void bad_selector(void)
{
    __asm__ __volatile__("movw %w0, %%ds" : : "r"(0x1238));
}

static void bad_interrupt(void) { __asm__ __volatile__("int $0x99"); }
static void breakpoint(void) { __asm__ __volatile__("int3"); }

static void read_only(void)
{
    u64 va = (u64)alloc_page();

    if (!va || ops.set_pte(va, ops.pfn_to_mfn((va - VIRT_BASE) / PAGE_SIZE)
                                       << 12 | PTE_P | PTE_AD))
        return;
    ops.flush_page(va);
    *(volatile int *)va = 1;
}

static void divide(void)
{
    __asm__ __volatile__("divl %0" : : "r"(0), "a"(1), "d"(0));
}

static const struct command faults[] = {
    {"write", wild_write}, {"jump", wild_jump},      {"opcode", bad_opcode},
    {"divide", divide},    {"address", bad_address},
    {"selector", bad_selector}, {"interrupt", bad_interrupt},
    {"breakpoint", breakpoint}, {"read-only", read_only},
};

void app_faults(void)
{
    size_t len = 0;
    const char *name = option("fault", &len);

    run_command(faults, ARRAY_SIZE(faults), name, len, "fault= is one of:");
}
