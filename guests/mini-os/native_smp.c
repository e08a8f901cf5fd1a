/*
 * Processors on the bare machine: found in the firmware's ACPI tables, started
 * by INIT and SIPI, told things by interrupts of the local APIC.
 */
#include "native.h"

#define APIC_PHYS 0xfee00000UL
#define APIC_VA 0xffffffffbfe00000UL /* far above the memory that we use */
#define APIC_EOI 0xb0
#define APIC_SPURIOUS 0xf0
#define APIC_COMMAND 0x300
#define APIC_TARGET 0x310
#define COMMAND_BUSY (1U << 12)
#define COMMAND_INIT 0x4500U
#define COMMAND_STARTUP 0x4600U
#define COMMAND_FIXED 0x4000U
#define AP_PHYS 0x8000UL
#define PTE_UNCACHED 0x18UL

extern char ap_begin[], ap_end[];
extern u64 ap_stack;
static u32 apic_ids[MAX_CPUS];
static unsigned processors = 1;
static int enabled; /* the APIC is mapped and on */
static volatile u64 to_flush;
static u64 low_entry; /* of l4: memory one to one */

/* ---- ACPI's table of processors ---- */

struct acpi_pointer {
    char signature[8];
    u8 sum, oem[6], revision;
    u32 rsdt;
};

struct acpi_table {
    char signature[4];
    u32 length;
    u8 revision, sum, names[26];
};

struct acpi_processor {
    u8 type, length, id, apic_id;
    u32 flags;
} __attribute__((packed));

static int sum_is_zero(const void *p, size_t n)
{
    const u8 *byte = p;
    u8 sum = 0;

    while (n--)
        sum = (u8)(sum + *byte++);
    return !sum;
}

static const struct acpi_pointer *find_pointer(void)
{
    u64 at;

    for (at = 0xe0000; at < 0x100000; at += 16) {
        const struct acpi_pointer *p = (const void *)at;

        if (!memcmp(p->signature, "RSD PTR ", 8) && sum_is_zero(p, 20))
            return p;
    }
    return NULL;
}

/* A sound table within the first GiB, or null. */
static const struct acpi_table *table_at(u32 address)
{
    const struct acpi_table *t = (const void *)(u64)address;

    if (!address || address > (1U << 30) - PAGE_SIZE ||
        t->length < sizeof(*t) || t->length > (1U << 30) - address ||
        !sum_is_zero(t, t->length))
        return NULL;
    return t;
}

/* The local APIC of a processor that may be used: ours is the first. */
static void add_processor(const struct acpi_processor *p)
{
    u32 regs[4];

    native_cpuid(1, regs);
    if (!(p->flags & 1))
        return;
    if (p->apic_id == regs[1] >> 24)
        apic_ids[0] = p->apic_id;
    else if (processors < MAX_CPUS)
        apic_ids[processors++] = p->apic_id;
}

/* Entries begin with type and length; the local APICs' type is 0. */
static void read_madt(const struct acpi_table *t)
{
    const u8 *at = (const u8 *)(t + 1) + 8, *end = (const u8 *)t + t->length;

    for (; at + 2 <= end && at[1] >= 2 && at + at[1] <= end; at += at[1])
        if (at[0] == 0 && at[1] >= sizeof(struct acpi_processor))
            add_processor((const void *)at);
}

void find_processors(void)
{
    const struct acpi_pointer *p = find_pointer();
    const struct acpi_table *rsdt = p ? table_at(p->rsdt) : NULL, *t;
    u32 address, i;

    low_entry = l4[0];
    if (!rsdt)
        return;
    for (i = sizeof(*rsdt); i + 4 <= rsdt->length; i += 4) {
        memcpy(&address, (const u8 *)rsdt + i, sizeof(address));
        t = table_at(address);
        if (t && !memcmp(t->signature, "APIC", 4))
            read_madt(t);
    }
}

unsigned native_cpu_count(void) { return processors; }

/* ---- the local APIC ---- */

static volatile u32 *reg(unsigned offset)
{
    return (volatile u32 *)(APIC_VA + offset);
}

/* The spurious interrupt is the second 8259's last, which nobody takes. */
void apic_enable(void) { *reg(APIC_SPURIOUS) = 0x100 | (VECTOR_IRQ + 15); }
void apic_end(void) { *reg(APIC_EOI) = 0; }

static void command(unsigned cpu, u32 what)
{
    int state = irq_save();

    *reg(APIC_TARGET) = apic_ids[cpu] << 24;
    *reg(APIC_COMMAND) = what;
    while (*reg(APIC_COMMAND) & COMMAND_BUSY)
        native_relax();
    irq_restore(state);
}

void apic_tick_others(void)
{
    unsigned cpu;

    for (cpu = 1; cpu < processors; cpu++)
        if (cpus_online() >> cpu & 1)
            command(cpu, COMMAND_FIXED | VECTOR_TICK);
}

/* ---- flushes ---- */

void apic_flushed(void)
{
    __sync_fetch_and_and(&to_flush, ~(1UL << this_cpu()));
    apic_end();
}

void apic_flush_others(u64 cpus)
{
    static struct mutex one;
    unsigned cpu;

    cpus &= cpus_online() & ~(1UL << this_cpu());
    if (!cpus)
        return;
    mutex_lock(&one);
    to_flush = cpus;
    for (cpu = 0; cpu < processors; cpu++)
        if (cpus >> cpu & 1)
            command(cpu, COMMAND_FIXED | VECTOR_FLUSH);
    while (to_flush)
        native_relax();
    mutex_unlock(&one);
}

/* ---- the start ---- */

static int map_apic(void)
{
    int ret = ops.set_pte(APIC_VA, APIC_PHYS | PTE_P | PTE_RW | PTE_UNCACHED);

    if (!ret && !enabled) {
        ops.flush_page(APIC_VA);
        apic_enable();
        enabled = 1;
    }
    return ret;
}

static void pause_us(u64 us)
{
    u64 end = time_ns() + us * 1000;

    while (time_ns() < end)
        native_relax();
}

/* One that has not come yet needs it for longer. */
static void hide_low(unsigned cpu)
{
    u64 end = time_ns() + 30000000000UL;

    while (!(cpus_online() >> cpu & 1) && time_ns() < end)
        yield();
    if (!(cpus_online() >> cpu & 1))
        return;
    l4[0] = 0;
    ops.flush_tlb_many(cpus_online());
}

int native_start_cpu(unsigned cpu, u64 rsp)
{
    static const u64 waits[] = {10000, 200, 200};
    u32 startup = COMMAND_STARTUP | (u32)(AP_PHYS >> 12);
    unsigned i;

    if (map_apic())
        return -12;
    l4[0] = low_entry;
    memcpy((void *)AP_PHYS, ap_begin, (size_t)(ap_end - ap_begin));
    ap_stack = rsp;
    for (i = 0; i < ARRAY_SIZE(waits); i++) {
        command(cpu, i ? startup : COMMAND_INIT);
        pause_us(waits[i]);
    }
    hide_low(cpu);
    return 0;
}
