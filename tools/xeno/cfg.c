/* A recursive-descent parser over the text, one character ahead. */
#include "cfg.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct cfg *cfg;
    const char *at;
    unsigned line;
};

static bool bad(struct parser *p, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static bool bad(struct parser *p, const char *fmt, ...)
{
    struct cfg *c = p->cfg;
    va_list ap;
    int n = snprintf(c->error, sizeof(c->error), "%s:%u: ", c->file, p->line);

    if (n > 0 && (size_t)n < sizeof(c->error)) {
        va_start(ap, fmt);
        vsnprintf(c->error + n, sizeof(c->error) - (size_t)n, fmt, ap);
        va_end(ap);
    }
    return false;
}

static void *must(void *p)
{
    if (!p) {
        fputs("xeno: out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* Blanks and comments; line ends too if `lines`. */
static void skip(struct parser *p, bool lines)
{
    for (;; p->at++) {
        if (*p->at == '#')
            p->at += strcspn(p->at, "\n");
        if (*p->at == '\n' && lines)
            p->line++;
        else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r')
            return;
    }
}

static void free_value(struct cfg_value *v)
{
    for (unsigned i = 0; i < v->count; i++)
        free_value(&v->list[i]);
    free(v->list);
    free(v->string);
}

static bool parse_number(struct parser *p, struct cfg_value *v)
{
    char *end;

    errno = 0;
    v->type = CFG_NUMBER;
    v->number = strtoll(p->at, &end, 0);
    if (end == p->at)
        return bad(p, "expected a number, a string or a list at '%.*s'",
                   (int)strcspn(p->at, "\n"), p->at);
    if (errno || isalnum((unsigned char)*end) || *end == '_')
        return bad(p, "bad number '%.*s'",
                   (int)strcspn(p->at, " \t\r\n,;]#"), p->at);
    p->at = end;
    return true;
}

/* In single or double quotes; a backslash takes the next character as it is. */
static bool parse_string(struct parser *p, struct cfg_value *v)
{
    char quote = *p->at++;
    size_t n = 0;

    v->type = CFG_STRING;
    v->string = must(malloc(strlen(p->at) + 1));
    for (; *p->at != quote; p->at++) {
        if (*p->at == '\\' && p->at[1])
            p->at++;
        if (!*p->at || *p->at == '\n')
            return bad(p, "the string has no end");
        v->string[n++] = *p->at;
    }
    v->string[n] = '\0';
    p->at++;
    return true;
}

static bool parse_scalar(struct parser *p, struct cfg_value *v)
{
    v->line = p->line;
    return *p->at == '"' || *p->at == '\'' ? parse_string(p, v)
                                           : parse_number(p, v);
}

static bool parse_list(struct parser *p, struct cfg_value *v)
{
    v->type = CFG_LIST;
    v->line = p->line;
    p->at++;
    for (;;) {
        struct cfg_value *m;

        skip(p, true);
        if (*p->at == ']') {
            p->at++;
            return true;
        }
        v->list = must(realloc(v->list, (v->count + 1) * sizeof(*v->list)));
        m = memset(&v->list[v->count++], 0, sizeof(*m));
        if (!parse_scalar(p, m))
            return false;
        skip(p, true);
        if (*p->at == ',')
            p->at++;
        else if (*p->at != ']')
            return bad(p, "expected ',' or ']' in the list");
    }
}

static struct cfg_setting *find(struct cfg *cfg, const char *key, size_t n)
{
    for (struct cfg_setting *s = cfg->first; s; s = s->next)
        if (strlen(s->key) == n && !memcmp(s->key, key, n))
            return s;
    return NULL;
}

/* The setting of that key, empty. */
static struct cfg_setting *new_setting(struct cfg *cfg, const char *key,
                                       size_t n)
{
    struct cfg_setting *s = find(cfg, key, n), **end = &cfg->first;

    if (s) {
        free_value(&s->value);
        memset(&s->value, 0, sizeof(s->value));
        return s;
    }
    while (*end)
        end = &(*end)->next;
    s = *end = must(calloc(1, sizeof(*s)));
    s->key = must(strndup(key, n));
    return s;
}

static bool parse_setting(struct parser *p)
{
    const char *key = p->at;
    struct cfg_setting *s;
    size_t n = 0;

    while (isalnum((unsigned char)key[n]) || key[n] == '_')
        n++;
    if (!n || isdigit((unsigned char)*key))
        return bad(p, "expected a name at '%.*s'", (int)strcspn(key, "\n"),
                   key);
    p->at += n;
    skip(p, false);
    if (*p->at != '=')
        return bad(p, "expected '=' behind '%.*s'", (int)n, key);
    p->at++;
    skip(p, false);
    s = new_setting(p->cfg, key, n);
    if (!(*p->at == '[' ? parse_list(p, &s->value)
                        : parse_scalar(p, &s->value)))
        return false;
    skip(p, false);
    if (*p->at && *p->at != '\n' && *p->at != ';')
        return bad(p, "'%.*s' behind the value of '%s'",
                   (int)strcspn(p->at, "\n"), p->at, s->key);
    return true;
}

bool cfg_parse(struct cfg *cfg, const char *file, const char *text)
{
    struct parser p = {cfg, text, 1};

    cfg->file = file;
    for (;;) {
        skip(&p, true);
        if (*p.at == ';')
            p.at++;
        else if (!*p.at)
            return true;
        else if (!parse_setting(&p))
            return false;
    }
}

struct cfg_setting *cfg_get(struct cfg *cfg, const char *key)
{
    struct cfg_setting *s = find(cfg, key, strlen(key));

    if (s)
        s->used = true;
    return s;
}

void cfg_free(struct cfg *cfg)
{
    struct cfg_setting *s, *next;

    for (s = cfg->first; s; s = next) {
        next = s->next;
        free_value(&s->value);
        free(s->key);
        free(s);
    }
    cfg->first = NULL;
}
