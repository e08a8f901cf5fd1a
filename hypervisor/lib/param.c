#include "lib/param.h"

#include "lib/errno.h"
#include "lib/printk.h"
#include "lib/string.h"

#define TOKEN_MAX 256

int param_bool(const char *s)
{
    static const char *const yes[] = {"", "on", "yes", "1", "true", "enable"};
    static const char *const no[] = {"off", "no", "0", "false", "disable"};

    for (unsigned i = 0; i < ARRAY_SIZE(yes); i++)
        if (!strcmp(s, yes[i]))
            return 1;
    for (unsigned i = 0; i < ARRAY_SIZE(no); i++)
        if (!strcmp(s, no[i]))
            return 0;
    return -1;
}

int param_named_bool(const char *item, const char *name)
{
    size_t n = strlen(name);

    if (!strncmp(item, "no-", 3))
        return strcmp(item + 3, name) ? -1 : 0;
    if (strncmp(item, name, n))
        return -1;
    if (item[n] == '=')
        return item[n + 1] ? param_bool(item + n + 1) : -1;
    return item[n] ? -1 : 1;
}

static int store_number(const struct param *p, uint64_t v)
{
    if (p->len < 8 && v >> (8 * p->len))
        return -EINVAL;
    switch (p->len) {
    case 1:
        *(uint8_t *)p->var = (uint8_t)v;
        return 0;
    case 2:
        *(uint16_t *)p->var = (uint16_t)v;
        return 0;
    case 4:
        *(uint32_t *)p->var = (uint32_t)v;
        return 0;
    case 8:
        *(uint64_t *)p->var = v;
        return 0;
    default:
        return -EINVAL;
    }
}

static int parse_number(const struct param *p, const char *value)
{
    const char *end;
    uint64_t v = p->type == PARAM_T_SIZE ? str_to_size(value, &end)
                                         : str_to_u64(value, &end, 0);

    if (end == value || *end || v == UINT64_MAX)
        return -EINVAL;
    return store_number(p, v);
}

/* value: NULL = the option stood alone. */
static int set_param(const struct param *p, const char *value, bool negated)
{
    int b;

    switch (p->type) {
    case PARAM_T_BOOL:
        b = param_bool(value ? value : "");
        if (b < 0 || (value && (negated || !*value)))
            return -EINVAL;
        return store_number(p, negated ? !b : b);
    case PARAM_T_FN:
        if (negated)
            return value ? -EINVAL : p->fn("no");
        return p->fn(value ? value : "");
    case PARAM_T_UINT:
    case PARAM_T_SIZE:
        return negated || !value ? -EINVAL : parse_number(p, value);
    case PARAM_T_STR:
        if (negated || !value || strlen(value) >= p->len)
            return -EINVAL;
        str_copy(p->var, value, p->len);
        return 0;
    }
    return -EINVAL;
}

static void apply(char *token, const struct param *params, size_t n)
{
    char *value = strchr(token, '=');
    bool known = false;
    int rc = 0;

    if (value)
        *value++ = 0;
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(token, params[i].name)) {
            known = true;
            rc |= set_param(&params[i], value, false);
        } else if (!strncmp(token, "no-", 3) &&
                   (params[i].type == PARAM_T_BOOL ||
                    params[i].type == PARAM_T_FN) &&
                   !strcmp(token + 3, params[i].name)) {
            known = true;
            rc |= set_param(&params[i], value, true);
        }
    }
    if (!known)
        printk(XENLOG_WARNING "WARNING: option %s is unknown, ignored\n",
               token);
    else if (rc)
        printk(XENLOG_WARNING "WARNING: option %s: bad value \"%s\", ignored\n",
               token, value ? value : "");
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void param_parse(const char *cmdline, const struct param *params, size_t n)
{
    char token[TOKEN_MAX];

    for (;;) {
        size_t len = 0;

        while (is_space(*cmdline))
            cmdline++;
        if (!*cmdline)
            return;
        while (cmdline[len] && !is_space(cmdline[len]))
            len++;
        str_copy(token, cmdline, min(len + 1, sizeof(token)));
        if (len < sizeof(token))
            apply(token, params, n);
        else
            printk(XENLOG_WARNING "WARNING: option %.32s... is too long, "
                                  "ignored\n",
                   token);
        cmdline += len;
    }
}
