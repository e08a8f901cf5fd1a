#ifndef TESTS_BOOT_TESTS_H
#define TESTS_BOOT_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

void test_e820_known(void **state);
void test_e820_random(void **state);
void test_e820_full(void **state);
void test_e820_options(void **state);
void test_mb1(void **state);
void test_mb1_bad(void **state);
void test_mb2(void **state);
void test_mb2_efi(void **state);
void test_mb2_bad(void **state);
void test_mb_limits(void **state);
void test_skip_name(void **state);
void test_log_ring(void **state);
void test_log_clear(void **state);

#endif
