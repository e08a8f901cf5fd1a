/* Any command line: variables get only values that fit, bounds hold. */
#include <stdlib.h>
#include <string.h>

#include "arch/x86/boot/multiboot.h"
#include "lib/errno.h"
#include "lib/param.h"
#include "lib/printk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Guards around each variable catch what writes too much. */
static struct {
    uint8_t guard0[8];
    bool flag;
    uint8_t guard1[7];
    uint8_t small;
    uint8_t guard2[7];
    uint16_t half;
    uint8_t guard3[6];
    uint32_t num;
    uint8_t guard4[4];
    uint64_t size;
    char text[8];
    uint8_t guard5[8];
} v;

static int take(const char *value)
{
    return strlen(value) > 5 ? -EINVAL : 0;
}

static const struct param params[] = {
    {"flag", PARAM_T_BOOL, sizeof(v.flag), &v.flag, NULL},
    {"small", PARAM_T_UINT, sizeof(v.small), &v.small, NULL},
    {"half", PARAM_T_UINT, sizeof(v.half), &v.half, NULL},
    {"num", PARAM_T_UINT, sizeof(v.num), &v.num, NULL},
    {"size", PARAM_T_SIZE, sizeof(v.size), &v.size, NULL},
    {"text", PARAM_T_STR, sizeof(v.text), v.text, NULL},
    {"fn", PARAM_T_FN, 0, NULL, take},
};

void printk(const char *fmt, ...)
{
    char out[128];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(out, sizeof(out), fmt, ap);
    va_end(ap);
}

static void check_guard(const uint8_t *g, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (g[i] != 0x5a)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *line = malloc(size + 1);
    const char *rest;

    memcpy(line, data, size);
    line[size] = 0;
    memset(&v, 0x5a, sizeof(v));
    v.flag = false;
    v.text[0] = 0;
    rest = cmdline_skip_name(line, size % 2 ? "GRUB 2.06" : "qemu");
    if (rest < line || rest > line + strlen(line))
        abort();
    param_parse(rest, params, ARRAY_SIZE(params));
    check_guard(v.guard0, sizeof(v.guard0));
    check_guard(v.guard1, sizeof(v.guard1));
    check_guard(v.guard2, sizeof(v.guard2));
    check_guard(v.guard3, sizeof(v.guard3));
    check_guard(v.guard4, sizeof(v.guard4));
    check_guard(v.guard5, sizeof(v.guard5));
    if (strnlen(v.text, sizeof(v.text)) == sizeof(v.text))
        abort();
    free(line);
    return 0;
}
