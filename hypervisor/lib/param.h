/*
 * Boot options. A room declares its own beside the variable:
 *     static unsigned maxcpus = MAX_CPUS;
 *     PARAM_UINT("maxcpus", maxcpus);
 * Forms: name=value; booleans also name, no-name, name=on|off|yes|no|1|0|
 * true|false|enable|disable. An unknown option or a malformed value is named
 * in the log ("WARNING: option ...") and ignored.
 */
#ifndef LIB_PARAM_H
#define LIB_PARAM_H

#include "lib/compiler.h"
#include "lib/types.h"

enum param_type { PARAM_T_BOOL, PARAM_T_UINT, PARAM_T_SIZE, PARAM_T_STR,
                  PARAM_T_FN };
struct param {
    const char *name;
    enum param_type type;
    unsigned len; /* bytes of the variable */
    void *var;
    /* PARAM_T_FN: gets the value text; 0, or -EINVAL = malformed. */
    int (*fn)(const char *value);
};

#define PARAM_(nm, ty, ptr, l, f)                                              \
    static const struct param PARAM_CAT_(param_, __LINE__) __used __section(   \
        ".init.param") __aligned(8) = {nm, ty, l, ptr, f}
#define PARAM_CAT_(a, b) PARAM_CAT2_(a, b)
#define PARAM_CAT2_(a, b) a##b

#define PARAM_BOOL(name, v) PARAM_(name, PARAM_T_BOOL, &(v), sizeof(v), NULL)
#define PARAM_UINT(name, v) PARAM_(name, PARAM_T_UINT, &(v), sizeof(v), NULL)
#define PARAM_SIZE(name, v) PARAM_(name, PARAM_T_SIZE, &(v), sizeof(v), NULL)
#define PARAM_STR(name, v) PARAM_(name, PARAM_T_STR, (v), sizeof(v), NULL)
#define PARAM_FN(name, f) PARAM_(name, PARAM_T_FN, NULL, 0, f)

/*
 * For the fn of lists. param_bool: a word for true (1) or false (0), else -1.
 * param_named_bool: an item "name", "no-name" or "name=word"; -1: another.
 */
int param_bool(const char *word);
int param_named_bool(const char *item, const char *name);

/* Parses a whole command line against params[0..n); pure. */
void param_parse(const char *cmdline, const struct param *params, size_t n);

#endif
