#ifndef TESTS_TIMERS_TESTS_H
#define TESTS_TIMERS_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void test_heap_order(void **state);
void test_heap_random(void **state);
void test_rtc_known(void **state);
void test_rtc_every_day(void **state);
void test_rtc_bad(void **state);

#endif
