/* The hardware clock's registers as a time (MC146818 data sheet). Pure. */
#include "arch/x86/clock.h"

#define STATUS_B_24H 0x02
#define STATUS_B_BINARY 0x04
#define HOUR_PM 0x80

/* -1: not a BCD number. */
static int number(uint8_t v, uint8_t status_b)
{
    if (status_b & STATUS_B_BINARY)
        return v;
    if ((v & 15) > 9 || (v >> 4) > 9)
        return -1;
    return (v >> 4) * 10 + (v & 15);
}

static int hour_of(const struct rtc_registers *r)
{
    int hour;

    if (r->status_b & STATUS_B_24H)
        return number(r->hour, r->status_b);
    hour = number(r->hour & (uint8_t)~HOUR_PM, r->status_b);
    if (hour < 1 || hour > 12)
        return -1;
    return hour % 12 + (r->hour & HOUR_PM ? 12 : 0);
}

/* Days from 1970-01-01 to a day of the Gregorian calendar, year >= 1970. */
static uint64_t days_since_1970(unsigned year, unsigned month, unsigned day)
{
    /* Years that start in March put the leap day at their end. */
    unsigned y = month <= 2 ? year - 1 : year;
    unsigned m = month <= 2 ? month + 9 : month - 3;
    uint64_t days = 365UL * y + y / 4 - y / 100 + y / 400;

    return days + (153 * m + 2) / 5 + day - 1 - 719468;
}

static int year_of(const struct rtc_registers *r)
{
    int year = number(r->year, r->status_b);
    int century = r->century ? number(r->century, r->status_b) : -1;

    if (year < 0 || year > 99)
        return -1;
    if (century >= 19 && century <= 29)
        return century * 100 + year;
    return year >= 70 ? 1900 + year : 2000 + year;
}

uint64_t rtc_to_seconds(const struct rtc_registers *r)
{
    int year = year_of(r), hour = hour_of(r);
    int month = number(r->month, r->status_b);
    int day = number(r->day, r->status_b);
    int min = number(r->min, r->status_b), sec = number(r->sec, r->status_b);

    if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31 ||
        hour < 0 || hour > 23 || min < 0 || min > 59 || sec < 0 || sec > 60)
        return 0;
    return days_since_1970((unsigned)year, (unsigned)month, (unsigned)day) *
               86400 +
           (uint64_t)(hour * 3600 + min * 60 + sec);
}
