/*
 * Formatted printing. Conversions: d i u x X o c s p %, flags 0 - + space #,
 * width, precision (also *), lengths hh h l ll z. No floating point.
 */
#ifndef LIB_PRINTF_H
#define LIB_PRINTF_H

#include <stdarg.h>
#include "lib/compiler.h"
#include "lib/types.h"

#if __STDC_HOSTED__
#include <stdio.h>
#else
/* Both return the length that the whole result would have had. */
int vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int snprintf(char *buf, size_t size, const char *fmt, ...) __printf(3, 4);
#endif

#endif
