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
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#define PAGE 4096
#define STEP 16 /* what is copied at once, at most */
#define MAX_COPY 700

size_t usercopy_raw(void *dst, const void *src, size_t n);
size_t userclear_raw(void *dst, size_t n);

struct ex_entry {
    int32_t from, to;
};
extern const struct ex_entry __start_ex_table[], __stop_ex_table[];

static void on_fault(int sig, siginfo_t *info, void *context)
{
    greg_t *rip = &((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)info;

    for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++)
        if ((greg_t)((intptr_t)&e->from + e->from) == *rip) {
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_source_fault),
        cmocka_unit_test(test_destination_fault),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
