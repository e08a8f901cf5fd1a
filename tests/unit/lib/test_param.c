#include "lib_tests.h"

#include <string.h>

#include "lib/errno.h"
#include "lib/param.h"

static bool flag, noflag;
static uint8_t small;
static unsigned num;
static uint64_t big, size;
static char text[8];
static char fn_value[32];

static int take(const char *value)
{
    if (!strcmp(value, "bad"))
        return -EINVAL;
    strcpy(fn_value, value);
    return 0;
}

static const struct param params[] = {
    {"flag", PARAM_T_BOOL, sizeof(flag), &flag, NULL},
    {"noflag", PARAM_T_BOOL, sizeof(noflag), &noflag, NULL},
    {"small", PARAM_T_UINT, sizeof(small), &small, NULL},
    {"num", PARAM_T_UINT, sizeof(num), &num, NULL},
    {"big", PARAM_T_UINT, sizeof(big), &big, NULL},
    {"size", PARAM_T_SIZE, sizeof(size), &size, NULL},
    {"text", PARAM_T_STR, sizeof(text), text, NULL},
    {"fn", PARAM_T_FN, 0, NULL, take},
};

static void parse(const char *line)
{
    log_reset();
    param_parse(line, params, sizeof(params) / sizeof(params[0]));
}

static void parse_well(const char *line)
{
    parse(line);
    assert_string_equal(log_text, "");
}

void test_param_values(void **state)
{
    static const char *const yes[] = {"flag", "flag=on", "flag=yes", "flag=1",
                                      "flag=true", "flag=enable"};
    static const char *const no[] = {"no-flag", "flag=off", "flag=no",
                                     "flag=0", "flag=false", "flag=disable"};
    (void)state;

    for (unsigned i = 0; i < 6; i++) {
        flag = false;
        parse_well(yes[i]);
        assert_true(flag);
        parse_well(no[i]);
        assert_false(flag);
    }
    assert_false(noflag);
    parse_well("noflag");
    assert_true(noflag);
    assert_false(flag);

    parse_well("small=255 num=0xffffffff big=18446744073709551614 size=64M");
    assert_int_equal(small, 255);
    assert_int_equal(num, 0xffffffff);
    assert_int_equal(big, 18446744073709551614UL);
    assert_int_equal(size, 64 << 20);
    parse_well("text=seven77 fn=a,b=c");
    assert_string_equal(text, "seven77");
    assert_string_equal(fn_value, "a,b=c");
    parse_well("fn");
    assert_string_equal(fn_value, "");
    parse_well("no-fn");
    assert_string_equal(fn_value, "no");
}

static void refuse(const char *line, const char *name, const char *value)
{
    parse(line);
    assert_non_null(strstr(log_text, "WARNING: option "));
    assert_non_null(strstr(log_text, name));
    assert_non_null(strstr(log_text, value));
}

void test_param_bad(void **state)
{
    static const char *const bad[] = {
        "small=256", "small=-1", "small=", "small", "small=1x", "small=x",
        "no-small", "no-small=1", "num=0x100000000", "size=5q", "size=M",
        "big=99999999999999999999", "text=eight888", "text", "no-text",
        "flag=maybe", "flag=", "no-flag=1", "fn=bad", "no-fn=1"};
    (void)state;

    small = 3;
    num = 4;
    flag = true;
    strcpy(text, "old");
    strcpy(fn_value, "old");
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        parse(bad[i]);
        assert_non_null(strstr(log_text, "WARNING: option "));
        assert_int_equal(small, 3);
        assert_int_equal(num, 4);
        assert_true(flag);
        assert_string_equal(text, "old");
        assert_string_equal(fn_value, "old");
    }
    refuse("small=lots", "small", "lots");
    refuse("frobnicate=7", "frobnicate", "unknown");
    refuse("Flag", "Flag", "unknown");
    refuse("no-", "no-", "unknown");
    refuse("=5", "", "unknown");
}

void test_param_named(void **state)
{
    (void)state;

    assert_int_equal(param_named_bool("dom0", "dom0"), 1);
    assert_int_equal(param_named_bool("no-dom0", "dom0"), 0);
    assert_int_equal(param_named_bool("dom0=yes", "dom0"), 1);
    assert_int_equal(param_named_bool("dom0=0", "dom0"), 0);
    assert_int_equal(param_named_bool("dom0=", "dom0"), -1);
    assert_int_equal(param_named_bool("dom0=maybe", "dom0"), -1);
    assert_int_equal(param_named_bool("dom01", "dom0"), -1);
    assert_int_equal(param_named_bool("no-dom0=1", "dom0"), -1);
    assert_int_equal(param_named_bool("no-", "dom0"), -1);
    assert_int_equal(param_named_bool("", "dom0"), -1);
}

void test_param_line(void **state)
{
    char line[600] = "text=";
    (void)state;

    parse_well("");
    parse_well(" \t \n ");
    small = num = 0;
    parse("  small=1   nonsense\tnum=2  ");
    assert_int_equal(small, 1);
    assert_int_equal(num, 2);
    assert_non_null(strstr(log_text, "nonsense"));
    /* The last word counts. */
    parse_well("num=1 num=5");
    assert_int_equal(num, 5);
    /* One that is too long is refused, and what follows is read. */
    memset(line + 5, 'x', 500);
    strcpy(line + 505, " num=9");
    parse(line);
    assert_non_null(strstr(log_text, "too long"));
    assert_int_equal(num, 9);
}
