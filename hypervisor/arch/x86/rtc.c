/* The battery-backed clock: read once at boot; after that dom0 has it. */
#include "arch/x86/acpi.h"
#include "arch/x86/clock.h"
#include "arch/x86/cpu.h"
#include "lib/printk.h"
#include "lib/string.h"

#define PORT_INDEX 0x70
#define PORT_DATA 0x71

#define RTC_STATUS_A 10
#define RTC_STATUS_B 11
#define STATUS_A_UPDATING 0x80

static uint8_t cmos_read(uint8_t reg)
{
    outb(reg, PORT_INDEX);
    return inb(PORT_DATA);
}

static bool updating(void)
{
    return cmos_read(RTC_STATUS_A) & STATUS_A_UPDATING;
}

static void read_registers(struct rtc_registers *r)
{
    uint8_t century = acpi_info.century;

    *r = (struct rtc_registers){
        .sec = cmos_read(0),
        .min = cmos_read(2),
        .hour = cmos_read(4),
        .day = cmos_read(7),
        .month = cmos_read(8),
        .year = cmos_read(9),
        .century = century ? cmos_read(century) : 0,
        .status_b = cmos_read(RTC_STATUS_B),
    };
}

/*
 * An update takes at most 2 ms and may start between two registers: two
 * readings outside of one have to agree.
 */
uint64_t __init rtc_read(void)
{
    struct rtc_registers a, b;
    uint64_t sec;

    for (unsigned tries = 0; tries < 10; tries++) {
        for (unsigned i = 0; i < 10000 && updating(); i++)
            cpu_relax();
        read_registers(&a);
        read_registers(&b);
        if (memcmp(&a, &b, sizeof(a)))
            continue;
        sec = rtc_to_seconds(&a);
        if (sec)
            return sec;
    }
    printk(XENLOG_WARNING "the hardware clock tells no sensible date\n");
    return 0;
}
