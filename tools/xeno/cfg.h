/*
 * The syntax of guest configuration files (xl.cfg(5)): assignments of numbers,
 * strings and lists (which may hold lists), `+=` to strings and lists, `#`
 * comments, statements ended by newline or semicolon. Pure; what keys mean is
 * decided in guest.c.
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
    unsigned extra;   /* from this line on, the text is not from the file but
                         from the command line; 0: all is from the file */
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
/* Sets cfg->error, with the place in front; false. */
bool cfg_bad(struct cfg *cfg, unsigned line, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a string to the list of that key, which is made if it is not there. */
void cfg_list_add(struct cfg *cfg, const char *key, const char *string);
/* Removes a member, by its index. */
void cfg_list_remove(struct cfg_value *list, unsigned i);
/* The settings as a text that reads the same; the caller frees it. */
char *cfg_text(const struct cfg *cfg);

#endif
