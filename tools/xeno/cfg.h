/*
 * The syntax of guest configuration files (xl.cfg(5)): assignments of numbers,
 * strings and lists, `#` comments, statements ended by newline or semicolon.
 * Pure; what keys mean is decided in guest.c.
 */
#ifndef XENO_CFG_H
#define XENO_CFG_H

#include <stdbool.h>
#include <stddef.h>

enum cfg_type { CFG_NUMBER, CFG_STRING, CFG_LIST };

/* A list's members are in `list`, in order; line is where it began. */
struct cfg_value {
    enum cfg_type type;
    unsigned line;
    long long number;
    char *string;
    struct cfg_value *list;
    unsigned count;
};

struct cfg_setting {
    char *key;
    struct cfg_value value;
    bool used; /* by guest.c; what is left over is unknown */
    struct cfg_setting *next;
};

struct cfg {
    const char *file; /* for messages; the caller's */
    struct cfg_setting *first;
    char error[256]; /* "file:line: ..." */
};

/*
 * Adds the settings of a text; a key given again replaces the earlier value.
 * False with cfg->error set; the settings read so far stay.
 */
bool cfg_parse(struct cfg *cfg, const char *file, const char *text);
/* NULL if there is none; marks it as used. */
struct cfg_setting *cfg_get(struct cfg *cfg, const char *key);
void cfg_free(struct cfg *cfg);

#endif
