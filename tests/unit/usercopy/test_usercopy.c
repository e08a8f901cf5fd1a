/*
 * The copy routines with real page faults: two pages, the second of which is
 * not there. A signal handler does what the hypervisor's trap handler does with
 * the exception table.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096
#define STEP 16 /* what is copied at once, at most */
#define MAX_COPY 700

size_t usercopy_raw(void *dst, const void *src, size_t n);
size_t userclear_raw(void *dst, size_t n);

#define SIZES(x) x(2) x(4) x(8) x(16) x(24) x(32) x(40) x(48)
#define DECLARE(n)                                                             \
    bool usercopy_from_##n(void *dst, uint64_t src);                           \
    bool usercopy_to_##n(uint64_t dst, const void *src);
SIZES(DECLARE)
static const struct fixed {
    size_t n;
    bool (*from)(void *dst, uint64_t src);
    bool (*to)(uint64_t dst, const void *src);
} fixed[] = {
#define ENTRY(n) {n, usercopy_from_##n, usercopy_to_##n},
    SIZES(ENTRY)};
#define FIXED (sizeof(fixed) / sizeof(fixed[0]))

struct ex_entry {
    int32_t from, to;
};
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

static int faults;

static void on_fault(int sig, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)info;

    for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++)
        if ((greg_t)((intptr_t)&e->from + e->from) == *rip) {
            faults++;
            *rip = (greg_t)((intptr_t)&e->to + e->to);
            return;
        }
    signal(sig, SIG_DFL); /* not ours: a crash of the test */
}

/* The end of the page that is there. */
static char *edge;

/* cmocka installs its own handler before each test: so within the test. */
static void catch_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    assert_int_equal(sigaction(SIGSEGV, &sa, NULL), 0);
}

static int set_up(void **state)
{
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)state;

    if (p == MAP_FAILED || mprotect(p + PAGE, PAGE, PROT_NONE))
        return -1;
    edge = p + PAGE;
    return 0;
}

static void fill(char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (char)(i * 7 + 1);
}

/* Of n bytes the first `there` could be copied. */
static void assert_rest(size_t rest, size_t n, size_t there)
{
    if (there >= n) {
        assert_int_equal(rest, 0);
        return;
    }
    assert_in_range(rest, n - there, n);
    assert_in_range(rest, 0, n - there + STEP - 1);
}

static void test_whole(void **state)
{
    char src[MAX_COPY], dst[MAX_COPY + 2];
    (void)state;

    fill(src, sizeof(src));
    for (size_t n = 0; n <= MAX_COPY; n++) {
        memset(dst, 0x55, sizeof(dst));
        assert_int_equal(usercopy_raw(dst + 1, src, n), 0);
        assert_int_equal(dst[0], 0x55);
        assert_memory_equal(dst + 1, src, n);
        assert_int_equal(dst[n + 1], 0x55);
        assert_int_equal(userclear_raw(dst + 1, n), 0);
        for (size_t i = 0; i <= n + 1; i++)
            assert_int_equal(dst[i], i == 0 || i == n + 1 ? 0x55 : 0);
    }
}

static void test_source_fault(void **state)
{
    char dst[MAX_COPY + 1];
    (void)state;

    catch_faults();
    fill(edge - PAGE, PAGE);
    for (size_t n = 0; n <= MAX_COPY; n += n < 80 ? 1 : 13)
        for (size_t there = 0; there <= n; there++) {
            size_t rest;
            memset(dst, 0x55, sizeof(dst));
            rest = usercopy_raw(dst, edge - there, n);
            assert_rest(rest, n, there);
            assert_memory_equal(dst, edge - there, n - rest);
            assert_int_equal(dst[n], 0x55);
        }
}

static void test_destination_fault(void **state)
{
    char src[MAX_COPY];
    (void)state;

    catch_faults();
    fill(src, sizeof(src));
    for (size_t n = 0; n <= MAX_COPY; n += n < 80 ? 1 : 13)
        for (size_t there = 0; there <= n; there++) {
            size_t rest;
            memset(edge - PAGE, 0x55, PAGE);
            rest = usercopy_raw(edge - there, src, n);
            assert_rest(rest, n, there);
            assert_memory_equal(edge - there, src, n - rest);
            memset(edge - PAGE, 0x55, PAGE);
            rest = userclear_raw(edge - there, n);
            assert_rest(rest, n, there);
            for (size_t i = 0; i < n - rest; i++)
                assert_int_equal(edge[i - there], 0);
        }
}

/* All of it, nothing beside it; of a fault what the copy says. */
static void test_fixed(void **state)
{
    char buf[64], dst[64];
    (void)state;

    catch_faults();
    fill(buf, sizeof(buf));
    for (const struct fixed *f = fixed; f < fixed + FIXED; f++)
        for (size_t there = 0; there <= f->n; there++) {
            uint64_t at = (uint64_t)(edge - there);
            fill(edge - PAGE, PAGE);
            memset(dst, 0x55, sizeof(dst));
            assert_int_equal(f->from(dst + 1, at), there < f->n);
            if (there == f->n)
                assert_memory_equal(dst + 1, edge - there, f->n);
            assert_int_equal(dst[0], 0x55);
            assert_int_equal(dst[f->n + 1], 0x55);
            assert_int_equal(f->to(at, buf), there < f->n);
            if (there == f->n)
                assert_memory_equal(edge - there, buf, f->n);
            assert_int_equal(edge[-1 - (ptrdiff_t)there],
                             (char)((PAGE - 1 - there) * 7 + 1));
        }
}

/* Where the hypervisor is, and what is no address, nothing is tried. */
static void test_fixed_range(void **state)
{
    static const uint64_t refused[] = {
        0x0000800000000000, 0x0000900000000000, 0x7fffffffffffffff,
        0x8000000000000000, 0xffff7fffffffffff, 0xffff800000000000,
        0xffff830000000000, 0xffff87ffffffffff};
    char buf[64] = {0};
    (void)state;

    for (const struct fixed *f = fixed; f < fixed + FIXED; f++)
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
            assert_true(f->from(buf, refused[i]));
            assert_true(f->to(refused[i], buf));
        }
}

/* The ends of what is the guest's: tried, and a fault here. */
static void test_fixed_tried(void **state)
{
    static const uint64_t tried[] = {0, 0x00007ffffffff000,
                                     0xffff880000000000};
    char buf[64] = {0};
    (void)state;

    catch_faults();
    for (const struct fixed *f = fixed; f < fixed + FIXED; f++)
        for (size_t i = 0; i < sizeof(tried) / sizeof(tried[0]); i++) {
            faults = 0;
            assert_true(f->from(buf, tried[i]));
            assert_true(f->to(tried[i], buf));
            assert_int_equal(faults, 2);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_source_fault),
        cmocka_unit_test(test_destination_fault),
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_fixed_range),
        cmocka_unit_test(test_fixed_tried),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
