/*
 * Memory and string functions with the C library's names and meanings.
 * On the host the C library itself is used.
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#if __STDC_HOSTED__
#include <string.h>
#else
#include "lib/types.h"
void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t n);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);
char *strstr(const char *hay, const char *needle);
#endif

#include "lib/types.h"
/* Copies at most n-1 bytes and always terminates; returns strlen(src). */
size_t str_copy(char *dst, const char *src, size_t n);
/*
 * Parses an unsigned number (0x hex, leading 0 octal, else decimal); *end is
 * set to the first character not used (s itself: no number). base 0 = detect.
 * What doesn't fit gives UINT64_MAX.
 */
uint64_t str_to_u64(const char *s, const char **end, int base);
/* As str_to_u64, then an optional suffix B, K, M, G, T (either case). */
uint64_t str_to_size(const char *s, const char **end);

#endif
