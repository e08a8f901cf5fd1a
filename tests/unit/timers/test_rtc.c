/* The hardware clock's registers against the C library's calendar. */
#include "timers_tests.h"

#include <time.h>

#include "arch/x86/clock.h"

#define H24 2
#define BINARY 4

static uint8_t bcd(int v)
{
    return (uint8_t)(v / 10 << 4 | v % 10);
}

void test_rtc_known(void **state)
{
    struct rtc_registers r = {.sec = 0x46, .min = 0x46, .hour = 0x01,
                              .day = 0x09, .month = 0x09, .year = 0x01,
                              .century = 0x20, .status_b = H24};

    (void)state;
    assert_int_equal(rtc_to_seconds(&r), 1000000006);
    r.century = 0; /* no such register */
    assert_int_equal(rtc_to_seconds(&r), 1000000006);
    r.status_b = 0; /* 12 hours: 1 o'clock at night, then after noon */
    assert_int_equal(rtc_to_seconds(&r), 1000000006);
    r.hour |= 0x80;
    assert_int_equal(rtc_to_seconds(&r), 1000000006 + 12 * 3600);
    r.hour = 0x12; /* midnight */
    assert_int_equal(rtc_to_seconds(&r), 1000000006 - 3600);
    r.hour = 0x92; /* noon */
    assert_int_equal(rtc_to_seconds(&r), 1000000006 + 11 * 3600);
    r = (struct rtc_registers){.day = 1, .month = 1, .year = 70,
                               .century = 19, .status_b = H24 | BINARY,
                               .sec = 1};
    assert_int_equal(rtc_to_seconds(&r), 1);
    r.century = 0;
    assert_int_equal(rtc_to_seconds(&r), 1);
    r.year = 69; /* 2069 */
    assert_int_equal(rtc_to_seconds(&r), 3124224001);
}

void test_rtc_every_day(void **state)
{
    (void)state;
    for (time_t day = 1; day < 60000; day++) {
        time_t want = day * 86400 + day % 86400;
        struct tm tm;
        gmtime_r(&want, &tm);
        struct rtc_registers r = {
            .sec = bcd(tm.tm_sec), .min = bcd(tm.tm_min),
            .hour = bcd(tm.tm_hour), .day = bcd(tm.tm_mday),
            .month = bcd(tm.tm_mon + 1), .year = bcd(tm.tm_year % 100),
            .century = bcd(19 + tm.tm_year / 100), .status_b = H24};
        assert_int_equal(rtc_to_seconds(&r), want);
    }
}

void test_rtc_bad(void **state)
{
    const struct rtc_registers good = {.day = 0x01, .month = 0x01,
                                       .year = 0x20, .status_b = H24};
    struct rtc_registers r;

    (void)state;
    assert_int_not_equal(rtc_to_seconds(&good), 0);
#define BAD(field, value)                                                      \
    do {                                                                       \
        r = good;                                                              \
        r.field = value;                                                       \
        assert_int_equal(rtc_to_seconds(&r), 0);                               \
    } while (0)
    BAD(sec, 0x61);
    BAD(sec, 0x0a);
    BAD(min, 0x60);
    BAD(hour, 0x24);
    BAD(day, 0);
    BAD(day, 0x32);
    BAD(month, 0);
    BAD(month, 0x13);
    BAD(year, 0xa0);
    r = good;
    r.status_b = 0;
    r.hour = 0;
    assert_int_equal(rtc_to_seconds(&r), 0);
    r.hour = 0x13;
    assert_int_equal(rtc_to_seconds(&r), 0);
}
