/* The subset of C's library that a kernel needs. */
#include <mini-os.h>

void *memset(void *p, int c, size_t n)
{
    void *to = p;

    __asm__ __volatile__("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
    return p;
}

void *memcpy(void *d, const void *s, size_t n)
{
    void *to = d;

    __asm__ __volatile__("rep movsb" : "+D"(to), "+S"(s), "+c"(n) : : "memory");
    return d;
}

void *memmove(void *d, const void *s, size_t n)
{
    u8 *to = d;
    const u8 *from = s;

    if ((u64)d - (u64)s >= n)
        return memcpy(d, s, n);
    while (n--) {
        to[n] = from[n];
        __asm__ __volatile__("" ::: "memory"); /* stays a loop */
    }
    return d;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const u8 *x = a, *y = b;

    for (; n; n--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n; n--, a++, b++)
        if (*a != *b || !*a)
            return (u8)*a - (u8)*b;
    return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, ~0UL); }

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)(u64)s;
}

char *strstr(const char *hay, const char *needle)
{
    size_t n = strlen(needle);

    for (; strncmp(hay, needle, n); hay++)
        if (!*hay)
            return NULL;
    return (char *)(u64)hay;
}

static int digit(int c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
}

/* As C's, but for the sign and white space. Too large: the largest. */
unsigned long strtoul(const char *s, char **end, int base)
{
    unsigned long v = 0, b;
    int hex = s[0] == '0' && (s[1] | 0x20) == 'x' && digit(s[2]) < 16;
    int full = 0;

    if (hex && (base == 0 || base == 16))
        s += 2, base = 16;
    else if (base == 0)
        base = *s == '0' ? 8 : 10;
    b = (unsigned long)base;
    for (; digit(*s) < base; s++) {
        full |= v > (~0UL - (unsigned long)digit(*s)) / b;
        v = v * b + (unsigned long)digit(*s);
    }
    if (end)
        *end = (char *)(u64)s;
    return full ? ~0UL : v;
}

/* Without white space before the number. */
int atoi(const char *s)
{
    unsigned long v = strtoul(*s == '-' || *s == '+' ? s + 1 : s, NULL, 10);

    return (int)(*s == '-' ? 0 - v : v);
}
