#ifndef TESTS_LIB_TESTS_H
#define TESTS_LIB_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

/* What printk was given since log_reset(). */
extern char log_text[4096];
void log_reset(void);

/* xmalloc fails from the n-th call on; 0: never. */
extern unsigned fail_alloc_at;

void test_param_values(void **state);
void test_param_bad(void **state);
void test_param_named(void **state);
void test_param_line(void **state);
void test_rangeset_known(void **state);
void test_rangeset_random(void **state);
void test_rangeset_no_memory(void **state);

#endif
