/* mini-os's C library gives what the system's gives. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

void *mo_memset(void *p, int c, size_t n);
void *mo_memcpy(void *d, const void *s, size_t n);
void *mo_memmove(void *d, const void *s, size_t n);
int mo_memcmp(const void *a, const void *b, size_t n);
size_t mo_strlen(const char *s);
int mo_strcmp(const char *a, const char *b);
int mo_strncmp(const char *a, const char *b, size_t n);
char *mo_strchr(const char *s, int c);
char *mo_strstr(const char *hay, const char *needle);
unsigned long mo_strtoul(const char *s, char **end, int base);
int mo_atoi(const char *s);
int mo_snprintf(char *buf, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static const char *const words[] = {"",    "a",   "b",    "ab",  "aab", "aaab",
                                    "abc", "abd", "\x80", "aba", "zzz", "bc"};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int sign(int v)
{
    return (v > 0) - (v < 0);
}

static void compare_words(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), both = la < lb ? la : lb;

    assert_int_equal(mo_strlen(a), la);
    assert_int_equal(sign(mo_strcmp(a, b)), sign(strcmp(a, b)));
    for (size_t n = 0; n < 5; n++)
        assert_int_equal(sign(mo_strncmp(a, b, n)), sign(strncmp(a, b, n)));
    assert_int_equal(sign(mo_memcmp(a, b, both)), sign(memcmp(a, b, both)));
    assert_ptr_equal(mo_strstr(a, b), strstr(a, b));
    assert_ptr_equal(mo_strchr(a, b[0]), strchr(a, b[0]));
}

static void test_strings(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORDS; i++)
        for (size_t j = 0; j < WORDS; j++)
            compare_words(words[i], words[j]);
}

/* All overlaps of a short buffer with itself. */
static void test_memory(void **state)
{
    unsigned char mine[24], theirs[24];

    (void)state;
    for (size_t d = 0; d < 12; d++)
        for (size_t s = 0; s < 12; s++)
            for (size_t n = 0; n <= 12; n++) {
                for (unsigned i = 0; i < 24; i++)
                    mine[i] = theirs[i] = (unsigned char)i;
                assert_ptr_equal(mo_memmove(mine + d, mine + s, n), mine + d);
                memmove(theirs + d, theirs + s, n);
                assert_memory_equal(mine, theirs, 24);
            }
    mo_memset(mine + 1, 0x1ff, 5);
    memset(theirs + 1, 0x1ff, 5);
    mo_memcpy(mine + 12, theirs, 7);
    memcpy(theirs + 12, theirs, 7);
    assert_memory_equal(mine + 1, theirs + 1, 5);
    assert_memory_equal(mine + 12, theirs + 12, 7);
}

static void test_strtoul(void **state)
{
    static const char *const numbers[] = {
        "0",     "12",   "0x1f", "0X1F",  "077",  "08",
        "0x",    "0xg",  "",     "z",     "12ab", "18446744073709551615",
        "18446744073709551616",  "0xfffffffffffffffff", "99999999999999999999"};
    static const int bases[] = {0, 8, 10, 16, 36};
    char *mine, *theirs;

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        for (size_t b = 0; b < 5; b++) {
            assert_int_equal(mo_strtoul(numbers[i], &mine, bases[b]),
                             strtoul(numbers[i], &theirs, bases[b]));
            assert_ptr_equal(mine, theirs);
        }
}

/* Random digits, prefixes and ends, in any base. */
static void test_strtoul_random(void **state)
{
    static const char letters[] = "00123789abfxXzZ-";
    char text[24], *mine, *theirs;

    (void)state;
    srand(3);
    for (unsigned i = 0; i < 50000; i++) {
        int base = rand() % 36 + 1, n = rand() % (int)sizeof(text);

        base = base == 1 ? 0 : base;
        for (int k = 0; k < n; k++)
            text[k] = letters[rand() % (int)(sizeof(letters) - 1)];
        text[n] = 0;
        if (text[0] == '-')
            continue; /* a sign is not ours to read */
        assert_int_equal(mo_strtoul(text, &mine, base),
                         strtoul(text, &theirs, base));
        assert_ptr_equal(mine, theirs);
    }
}

static void test_atoi(void **state)
{
    static const char *const numbers[] = {"0",   "12",  "-1", "+7",
                                          "-2147483648", "2147483647",
                                          "-",   "",    "x",  "-x",
                                          "5 6", "0x10"};

    (void)state;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        assert_int_equal(mo_atoi(numbers[i]), atoi(numbers[i]));
}

/* The same text, result and cut, for every size of the buffer. */
#define SAME(...)                                                              \
    do {                                                                       \
        char mine[64], theirs[64];                                             \
        for (size_t size = 0; size <= sizeof(mine); size++) {                  \
            memset(mine, '~', sizeof(mine));                                   \
            memset(theirs, '~', sizeof(theirs));                               \
            assert_int_equal(mo_snprintf(mine, size, __VA_ARGS__),             \
                             snprintf(theirs, size, __VA_ARGS__));             \
            assert_memory_equal(mine, theirs, sizeof(mine));                   \
        }                                                                      \
    } while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"
static void test_printf(void **state)
{
    (void)state;
    SAME("plain %% text");
    SAME("%d %d %d", 0, INT_MIN, INT_MAX);
    SAME("%ld %ld", LONG_MIN, LONG_MAX);
    SAME("%u %lu", UINT_MAX, ULONG_MAX);
    SAME("%x %#x %#x %08x %#010x", 0xabcU, 0xabcU, 0U, 0x12U, 0x34U);
    SAME("%5d|%-5d|%05d", -42, -42, -42);
    SAME("%s|%10s|%-10s|%2s", "abc", "abc", "abc", "abc");
    SAME("%c%c", 'x', 'y');
    SAME("%p", (void *)0x1234UL);
}

#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* In a buffer of any size. An int is passed as a long is. */
static void same_number(const char *format, unsigned long v)
{
    char mine[80], theirs[80];
    unsigned size = (unsigned)rand() % sizeof(mine);

    assert_int_equal(mo_snprintf(mine, size, format, v),
                     snprintf(theirs, size, format, v));
    if (size)
        assert_string_equal(mine, theirs);
}

/* Any flags, width and size of number, with numbers of all lengths. */
static void test_printf_random(void **state)
{
    static const char *const flags[] = {"", "-", "0", "#", "#0", "-#"};
    static const char kinds[] = "dux";
    char format[32];

    (void)state;
    srand(5);
    for (unsigned i = 0; i < 50000; i++) {
        unsigned long v = ((unsigned long)rand() << 33 ^ (unsigned long)rand())
                          >> rand() % 64;
        char kind = kinds[rand() % 3];
        int with = kind == 'x' ? rand() % 6 : rand() % 3, width = rand() % 30;

        v = rand() % 2 ? v : 0 - v;
        snprintf(format, sizeof(format), "<%%%s%.0dl%c>", flags[with], width,
                 kind);
        same_number(format, v);
        snprintf(format, sizeof(format), "<%%%s%.0d%c>", flags[with], width,
                 kind);
        same_number(format, (unsigned)v);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_strtoul),
        cmocka_unit_test(test_strtoul_random),
        cmocka_unit_test(test_atoi),
        cmocka_unit_test(test_printf),
        cmocka_unit_test(test_printf_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
