#include "boot_tests.h"

#include <string.h>

#include "arch/x86/log.h"

static char out[2 * LOG_SIZE];

static void put(const char *s)
{
    log_put(s, strlen(s));
}

void test_log_ring(void **state)
{
    uint32_t pos = log_oldest();
    (void)state;

    assert_int_equal(pos, 0);
    assert_int_equal(log_read(&pos, out, sizeof(out)), 0);
    put("hello ");
    put("world\n");
    assert_int_equal(log_read(&pos, out, 4), 4);
    assert_memory_equal(out, "hell", 4);
    assert_int_equal(log_read(&pos, out, sizeof(out)), 8);
    assert_memory_equal(out, "o world\n", 8);
    assert_int_equal(log_read(&pos, out, sizeof(out)), 0);
    /* A position from nowhere: from the start. */
    pos = 5000;
    assert_int_equal(log_read(&pos, out, sizeof(out)), 12);
    assert_int_equal(pos, 12);

    /* Overrun: the last 16 KiB remain, in order. */
    for (unsigned i = 0; i < 3000; i++) {
        char line[12] = "line 0000..";
        line[5] = (char)('0' + i / 1000);
        line[6] = (char)('0' + i / 100 % 10);
        line[7] = (char)('0' + i / 10 % 10);
        line[8] = (char)('0' + i % 10);
        put(line);
    }
    assert_int_equal(log_oldest(), 12 + 33000 - LOG_SIZE);
    pos = 12; /* lost long ago */
    assert_int_equal(log_read(&pos, out, sizeof(out)), LOG_SIZE);
    assert_int_equal(pos, 33012);
    assert_memory_equal(out + LOG_SIZE - 11, "line 2999..", 11);
    assert_memory_equal(out + LOG_SIZE - 22, "line 2998..", 11);
}

void test_log_clear(void **state)
{
    uint32_t pos;
    (void)state;

    pos = log_oldest();
    assert_int_equal(log_read(&pos, out, sizeof(out)), LOG_SIZE);
    log_clear(pos);
    assert_int_equal(log_oldest(), pos);
    pos = 0;
    assert_int_equal(log_read(&pos, out, sizeof(out)), 0);
    put("new");
    pos = 0;
    assert_int_equal(log_read(&pos, out, sizeof(out)), 3);
    assert_memory_equal(out, "new", 3);
    /* Cleared text that has left the ring hides nothing later. */
    for (unsigned i = 0; i < LOG_SIZE; i++)
        put("xy");
    assert_int_equal(log_read(&pos, out, sizeof(out)), LOG_SIZE);
}
