/* Counters of known frequency: HPET, ACPI PM timer, PIT channel 2. */
#include "arch/x86/acpi.h"
#include "arch/x86/boot.h"
#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"

/* ---- HPET (IA-PC HPET specification 1.0a) ---- */

#define HPET_PERIOD 0x004 /* femtoseconds per tick */
#define HPET_CONFIG 0x010
#define HPET_COUNTER 0x0f0
#define HPET_ENABLE 1u
#define HPET_LEGACY 2u
#define HPET_MIN_PERIOD 100000u
#define HPET_MAX_PERIOD 100000000u
#define FEMTOSECONDS 1000000000000000UL

static volatile uint8_t *hpet;

static volatile uint32_t *hpet_reg(unsigned reg)
{
    return (volatile uint32_t *)(hpet + reg);
}

static uint64_t hpet_read(void)
{
    return *hpet_reg(HPET_COUNTER);
}

static bool __init hpet_start(void)
{
    uint32_t period;

    if (!acpi_info.have_hpet)
        return false;
    hpet = ioremap(acpi_info.hpet_address, 0x400);
    if (!hpet)
        return false;
    period = *hpet_reg(HPET_PERIOD);
    if (period < HPET_MIN_PERIOD || period > HPET_MAX_PERIOD)
        return false;
    *hpet_reg(HPET_CONFIG) =
        (*hpet_reg(HPET_CONFIG) & ~HPET_LEGACY) | HPET_ENABLE;
    clock_sources[0].hz = FEMTOSECONDS / period;
    return true;
}

/* ---- ACPI PM timer ---- */

static volatile uint32_t *pm_timer_memory;

static uint64_t pm_timer_read(void)
{
    if (pm_timer_memory)
        return *pm_timer_memory;
    return inl((uint16_t)acpi_info.pm_timer.address);
}

static bool __init pm_timer_start(void)
{
    const struct acpi_register *r = &acpi_info.pm_timer;

    if (!acpi_info.have_fadt || r->address == 0)
        return false;
    if (r->space == ACPI_SPACE_MEMORY) {
        pm_timer_memory = ioremap(r->address, 4);
        if (!pm_timer_memory)
            return false;
    } else if (r->space != ACPI_SPACE_IO) {
        return false;
    }
    clock_sources[1].mask = acpi_info.pm_timer_32 ? 0xffffffff : 0xffffff;
    return true;
}

/* ---- PIT channel 2: counts down from 0xffff, its output leads nowhere ---- */

#define PIT_CHANNEL2 0x42
#define PIT_COMMAND 0x43
#define PORT_SPEAKER 0x61
#define SPEAKER_GATE 0x01
#define SPEAKER_DATA 0x02

static uint64_t pit_read(void)
{
    unsigned count;

    outb(0x80, PIT_COMMAND); /* latch channel 2 */
    count = inb(PIT_CHANNEL2);
    count |= (unsigned)inb(PIT_CHANNEL2) << 8;
    return 0xffff - count;
}

static bool __init pit_start(void)
{
    outb((uint8_t)((inb(PORT_SPEAKER) & ~SPEAKER_DATA) | SPEAKER_GATE),
         PORT_SPEAKER);
    outb(0xb4, PIT_COMMAND); /* channel 2, both bytes, mode 2, binary */
    outb(0xff, PIT_CHANNEL2);
    outb(0xff, PIT_CHANNEL2);
    return true;
}

struct clock_source clock_sources[] = {
    {"hpet", hpet_start, hpet_read, 0, 0xffffffff},
    {"acpi", pm_timer_start, pm_timer_read, 3579545, 0xffffff},
    {"pit", pit_start, pit_read, 1193182, 0xffff},
    {NULL, NULL, NULL, 0, 0},
};
