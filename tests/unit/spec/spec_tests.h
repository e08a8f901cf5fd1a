#ifndef TESTS_SPEC_TESTS_H
#define TESTS_SPEC_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/x86/spec_policy.h"

/* What printk was given since log_reset(). */
extern char log_text[4096];
void log_reset(void);

/* Processors of the table in test_choice.c, by name. */
const struct spec_cpu *cpu_named(const char *name);

void test_defaults(void **state);
void test_options(void **state);
void test_guest_view(void **state);
void test_sound(void **state);
void test_off(void **state);
void test_report(void **state);
void test_words(void **state);
void test_bad_words(void **state);
void test_l1tf_words(void **state);
void test_tsx_words(void **state);

#endif
