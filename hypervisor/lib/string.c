#include "lib/string.h"

/*
 * Compilers turn loops like those below into calls of the very functions that
 * they define; gcc must be told not to.
 */
#ifndef __clang__
#pragma GCC optimize("no-tree-loop-distribute-patterns")
#endif

#if !__STDC_HOSTED__

/* A word at any address. */
typedef uint64_t word_t __attribute__((aligned(1), may_alias));
typedef uint32_t half_t __attribute__((aligned(1), may_alias));

/*
 * Up to 16 bytes, as two words that may overlap: decompressors copy millions
 * of short pieces. Everything is read before anything is written.
 */
static inline void copy_short(char *dst, const char *src, size_t n)
{
    if (n >= 8) {
        uint64_t a = *(const word_t *)src;
        uint64_t b = *(const word_t *)(src + n - 8);

        *(word_t *)dst = a;
        *(word_t *)(dst + n - 8) = b;
    } else if (n >= 4) {
        uint32_t a = *(const half_t *)src;
        uint32_t b = *(const half_t *)(src + n - 4);

        *(half_t *)dst = a;
        *(half_t *)(dst + n - 4) = b;
    } else if (n) {
        char a = src[0], b = src[n / 2], c = src[n - 1];

        dst[0] = a;
        dst[n / 2] = b;
        dst[n - 1] = c;
    }
}

/* Also right for a destination that overlaps from below: see memmove. */
void *memcpy(void *dst, const void *src, size_t n)
{
    void *d = dst;
    size_t words = n / 8;
    uint64_t last;

    if (n <= 16) {
        copy_short(dst, src, n);
        return dst;
    }
    last = *(const word_t *)((const char *)src + n - 8);
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words)::"memory");
    *(word_t *)((char *)dst + n - 8) = last;
    return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
    if ((uint64_t)dst - (uint64_t)src >= n)
        return memcpy(dst, src, n);

    char *d = (char *)dst + n;
    const char *s = (const char *)src + n;
    while (n--)
        *--d = *--s;
    return dst;
}

void *memset(void *dst, int c, size_t n)
{
    void *d = dst;
    uint64_t v = 0x0101010101010101UL * (uint8_t)c;
    size_t words = n / 8;

    __asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(v) : "memory");
    n %= 8;
    __asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(v) : "memory");
    return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const uint8_t *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

void *memchr(const void *s, int c, size_t n)
{
    const uint8_t *p = s;

    for (; n; n--, p++)
        if (*p == (uint8_t)c)
            return (void *)p;
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

size_t strnlen(const char *s, size_t n)
{
    size_t i = 0;

    while (i < n && s[i])
        i++;
    return i;
}

int strcmp(const char *a, const char *b)
{
    return strncmp(a, b, (size_t)-1);
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (uint8_t)*a - (uint8_t)*b;
    return 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)s;
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;

    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (!*s)
            return (char *)found;
    }
}

char *strstr(const char *hay, const char *needle)
{
    size_t n = strlen(needle);

    for (; strncmp(hay, needle, n); hay++)
        if (!*hay)
            return NULL;
    return (char *)hay;
}

#endif /* not hosted */

size_t str_copy(char *dst, const char *src, size_t n)
{
    size_t len = strlen(src);

    if (n) {
        size_t copied = len < n ? len : n - 1;
        memcpy(dst, src, copied);
        dst[copied] = 0;
    }
    return len;
}

/* The digit's value, or 255. */
static unsigned digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    if ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')
        return (unsigned)((c | 0x20) - 'a') + 10;
    return 255;
}

uint64_t str_to_u64(const char *s, const char **end, int base)
{
    uint64_t v = 0;
    bool overflow = false;

    if ((base == 0 || base == 16) && s[0] == '0' && (s[1] | 0x20) == 'x' &&
        digit_value(s[2]) < 16) {
        s += 2;
        base = 16;
    }
    if (base == 0)
        base = *s == '0' ? 8 : 10;
    for (; digit_value(*s) < (unsigned)base; s++) {
        overflow |= __builtin_mul_overflow(v, (uint64_t)base, &v);
        overflow |= __builtin_add_overflow(v, (uint64_t)digit_value(*s), &v);
    }
    if (end)
        *end = s;
    return overflow ? UINT64_MAX : v;
}

uint64_t str_to_size(const char *s, const char **end)
{
    static const char suffixes[] = "bkmgt";
    const char *p, *suffix;
    uint64_t v = str_to_u64(s, &p, 0);

    if (p != s && *p) {
        suffix = strchr(suffixes, *p | 0x20);
        if (suffix && *suffix) {
            unsigned shift = 10 * (unsigned)(suffix - suffixes);
            v = v > UINT64_MAX >> shift ? UINT64_MAX : v << shift;
            p++;
        }
    }
    if (end)
        *end = p;
    return v;
}
