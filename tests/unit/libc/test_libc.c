/*
 * String functions and printf: compared with the host's own (__builtin_ forms
 * are calls of the real C library) over many inputs, and known answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "lib/bitops.h"
#include "lib/printf.h"
#include "lib/string.h"

static uint32_t random_state = 1;
static unsigned random_below(unsigned n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (random_state >> 8) % n;
}

static void fill(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)('a' + random_below(3));
}

static void test_memory(void **state)
{
    char a[128], b[128];
    (void)state;

    for (unsigned i = 0; i < 5000; i++) {
        unsigned n = random_below(60);
        unsigned from = random_below(60), to = random_below(60);
        fill(a, sizeof(a));
        __builtin_memcpy(b, a, sizeof(a));
        assert_ptr_equal(memmove(a + to, a + from, n), a + to);
        __builtin_memmove(b + to, b + from, n);
        assert_memory_equal(a, b, sizeof(a));
        assert_ptr_equal(memset(a + from, (int)i, n), a + from);
        __builtin_memset(b + from, (int)i, n);
        assert_memory_equal(a, b, sizeof(a));
        fill(b, sizeof(b));
        assert_ptr_equal(memcpy(a + to, b + from, n), a + to);
        assert_int_equal(memcmp(a + to, b + from, n), 0);
        assert_ptr_equal(memchr(b, 'c', n), __builtin_memchr(b, 'c', n));
    }
}

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void test_strings(void **state)
{
    char a[16], b[16];
    (void)state;

    for (unsigned i = 0; i < 20000; i++) {
        unsigned n = random_below(14);
        fill(a, sizeof(a));
        fill(b, sizeof(b));
        a[random_below(sizeof(a))] = a[15] = 0;
        b[random_below(4)] = b[15] = 0;
        if (random_below(2))
            a[0] = (char)0xe4; /* compared as unsigned */
        assert_int_equal(strlen(a), __builtin_strlen(a));
        assert_int_equal(strnlen(a, n), min(__builtin_strlen(a), (size_t)n));
        assert_int_equal(sign(strcmp(a, b)), sign(__builtin_strcmp(a, b)));
        assert_int_equal(sign(strncmp(a, b, n)),
                         sign(__builtin_strncmp(a, b, n)));
        assert_int_equal(sign(memcmp(a, b, n)),
                         sign(__builtin_memcmp(a, b, n)));
        assert_ptr_equal(strchr(a, 'b'), __builtin_strchr(a, 'b'));
        assert_ptr_equal(strchr(a, 0), __builtin_strchr(a, 0));
        assert_ptr_equal(strrchr(a, 'b'), __builtin_strrchr(a, 'b'));
        assert_ptr_equal(strstr(a, b), __builtin_strstr(a, b));
    }
}

static void test_str_copy(void **state)
{
    char a[6] = "xxxxx";
    (void)state;

    assert_int_equal(str_copy(a, "abc", sizeof(a)), 3);
    assert_string_equal(a, "abc");
    assert_int_equal(str_copy(a, "abcdefgh", sizeof(a)), 8);
    assert_string_equal(a, "abcde");
    assert_int_equal(str_copy(a, "zz", 0), 2);
    assert_string_equal(a, "abcde");
}

static void test_numbers(void **state)
{
    static const struct {
        const char *s;
        uint64_t v;
        int rest;
    } num[] = {
        {"0", 0, 1},       {"123x", 123, 3}, {"0x1fG", 0x1f, 4},
        {"017", 15, 3},    {"08", 0, 1},     {"", 0, 0},
        {"x", 0, 0},       {"0x", 0, 1},     {"-1", 0, 0},
        {"0xg", 0, 1},     {"18446744073709551615", UINT64_MAX, 20},
        {"18446744073709551616", UINT64_MAX, 20},
        {"0xffffffffffffffff0", UINT64_MAX, 19},
    }, size[] = {
        {"4K", 4096, 2},    {"2m", 2 << 20, 2}, {"3G,", 3UL << 30, 2},
        {"1T", 1UL << 40, 2}, {"512", 512, 3},  {"7b", 7, 2},
        {"0x10k", 16384, 5}, {"99999999T", UINT64_MAX, 9},
        {"k", 0, 0},        {"5q", 5, 1},
    };
    const char *end;
    (void)state;

    for (unsigned i = 0; i < ARRAY_SIZE(num); i++) {
        assert_int_equal(str_to_u64(num[i].s, &end, 0), num[i].v);
        assert_int_equal(end - num[i].s, num[i].rest);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(size); i++) {
        assert_int_equal(str_to_size(size[i].s, &end), size[i].v);
        assert_int_equal(end - size[i].s, size[i].rest);
    }
    assert_int_equal(str_to_u64("ff", NULL, 16), 255);
    assert_int_equal(str_to_u64("0xff", NULL, 16), 255);
    assert_int_equal(str_to_u64("010", NULL, 10), 10);
}

#define SAME(...)                                                              \
    do {                                                                       \
        char ours[80], theirs[80];                                             \
        int n = snprintf(ours, sizeof(ours), __VA_ARGS__);                     \
        int m = __builtin_snprintf(theirs, sizeof(theirs), __VA_ARGS__);       \
        assert_string_equal(ours, theirs);                                     \
        assert_int_equal(n, m);                                                \
    } while (0)

static void test_printf_numbers(void **state)
{
    static const long values[] = {0, 1, -1, 42, -42, INT32_MIN, INT32_MAX,
                                  INT64_MIN, INT64_MAX, 0x1234567890};
    (void)state;

    for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
        long v = values[i];
        int w = (int)v;
        SAME("%d|%5d|%-5d|%05d|%+d|% d|%.3d|%8.3d", w, w, w, w, w, w, w, w);
        SAME("%i %hd %hhd %ld %lld", w, (short)w, (signed char)w, v,
             (long long)v);
        SAME("%u %hu %hhu %lu %zu", (unsigned)w, (unsigned short)w,
             (unsigned char)w, (unsigned long)v, (size_t)v);
        SAME("%x|%X|%#x|%#X|%08x|%#010x|%-10x|%.10x", (unsigned)w, (unsigned)w,
             (unsigned)w, (unsigned)w, (unsigned)w, (unsigned)w, (unsigned)w,
             (unsigned)w);
        SAME("%lx|%#lx|%016lx|%20lx", (unsigned long)v, (unsigned long)v,
             (unsigned long)v, (unsigned long)v);
        SAME("%o|%#o|%#lo", (unsigned)w, (unsigned)w, (unsigned long)v);
        SAME("%*d|%-*d|%.*d", 7, w, 7, w, 4, w);
    }
    SAME("%.0d|%.0u", 1, 1u);
}

static void test_printf_rest(void **state)
{
    char buf[20];
    (void)state;

    SAME("%s|%8s|%-8s|%.2s|%.9s|%*s", "abc", "abc", "abc", "abc", "abc", -6,
         "x");
    SAME("%c|%3c|%-3c|%%|100%%", 'a', 'b', 'c');
    snprintf(buf, sizeof(buf), "%p", (void *)0xffff808000001234);
    assert_string_equal(buf, "ffff808000001234");
    /* Never beyond the end, always terminated, full length told. */
    assert_int_equal(snprintf(buf, 4, "%s", "abcdef"), 6);
    assert_string_equal(buf, "abc");
    buf[0] = 'z';
    assert_int_equal(snprintf(buf, 0, "abc"), 3);
    assert_int_equal(buf[0], 'z');
    assert_int_equal(snprintf(buf, 1, "abc"), 3);
    assert_int_equal(buf[0], 0);
}

static void test_bitmaps(void **state)
{
    uint64_t map[3];
    (void)state;

    for (unsigned i = 0; i < 3000; i++) {
        unsigned n = random_below(192) + 1, from = random_below(200), k;
        for (k = 0; k < 3; k++)
            map[k] = random_below(4) ? 0 : 1UL << random_below(64);
        for (k = from; k < n && !test_bit(k, map); k++)
            ;
        assert_int_equal(find_next_set(map, n, from), k < n ? k : n);
        for (k = 0; k < 3; k++)
            map[k] = ~map[k];
        for (k = 0; k < n && test_bit(k, map); k++)
            ;
        assert_int_equal(find_first_zero(map, n), k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_str_copy),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_printf_numbers),
        cmocka_unit_test(test_printf_rest),
        cmocka_unit_test(test_bitmaps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
