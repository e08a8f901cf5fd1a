/* A recursive-descent parser over the text, one character ahead. */
#include "cfg.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DEPTH 8

struct parser {
    struct cfg *cfg;
    const char *at;
    unsigned line;
};

bool cfg_bad(struct cfg *c, unsigned line, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (c->extra && line >= c->extra)
        n = snprintf(c->error, sizeof(c->error), "command line: ");
    else
        n = snprintf(c->error, sizeof(c->error), "%s:%u: ", c->file, line);
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
        return cfg_bad(p->cfg, p->line, "expected a number, a string or a list at '%.*s'",
                   (int)strcspn(p->at, "\n"), p->at);
    if (errno || isalnum((unsigned char)*end) || *end == '_')
        return cfg_bad(p->cfg, p->line, "bad number '%.*s'",
                   (int)strcspn(p->at, " \t\r\n,;]#"), p->at);
    p->at = end;
    return true;
}

/* What stands behind a backslash; as in C for the control characters. */
static char unescape(char c)
{
    switch (c) {
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return c;
    }
}

/* In single or double quotes; it ends in its line. */
static bool parse_string(struct parser *p, struct cfg_value *v)
{
    char quote = *p->at++;
    size_t n = 0;

    v->type = CFG_STRING;
    v->string = must(malloc(strlen(p->at) + 1));
    for (; *p->at != quote; p->at++) {
        bool escaped = *p->at == '\\' && p->at[1];

        p->at += escaped;
        if (!*p->at || *p->at == '\n')
            return cfg_bad(p->cfg, p->line, "the string has no end");
        v->string[n++] = escaped ? unescape(*p->at) : *p->at;
    }
    v->string[n] = '\0';
    p->at++;
    return true;
}

static bool parse_value(struct parser *p, struct cfg_value *v, unsigned depth);

static struct cfg_value *add_member(struct cfg_value *v)
{
    v->list = must(realloc(v->list, (v->count + 1) * sizeof(*v->list)));
    return memset(&v->list[v->count++], 0, sizeof(*v->list));
}

static bool parse_list(struct parser *p, struct cfg_value *v, unsigned depth)
{
    v->type = CFG_LIST;
    p->at++;
    for (;;) {
        skip(p, true);
        if (*p->at == ']') {
            p->at++;
            return true;
        }
        if (!parse_value(p, add_member(v), depth + 1))
            return false;
        skip(p, true);
        if (*p->at == ',')
            p->at++;
        else if (*p->at != ']')
            return cfg_bad(p->cfg, p->line, "expected ',' or ']' in the list");
    }
}

static bool parse_value(struct parser *p, struct cfg_value *v, unsigned depth)
{
    v->line = p->line;
    if (*p->at == '"' || *p->at == '\'')
        return parse_string(p, v);
    if (*p->at != '[')
        return parse_number(p, v);
    if (depth >= MAX_DEPTH)
        return cfg_bad(p->cfg, p->line, "too many lists in lists");
    return parse_list(p, v, depth);
}

static struct cfg_setting *find(struct cfg *cfg, const char *key, size_t n)
{
    for (struct cfg_setting *s = cfg->first; s; s = s->next)
        if (strlen(s->key) == n && !memcmp(s->key, key, n))
            return s;
    return NULL;
}

/* The setting of that key, a new one if there was none. */
static struct cfg_setting *setting(struct cfg *cfg, const char *key, size_t n)
{
    struct cfg_setting *s = find(cfg, key, n), **end = &cfg->first;

    if (s)
        return s;
    while (*end)
        end = &(*end)->next;
    s = *end = must(calloc(1, sizeof(*s)));
    s->key = must(strndup(key, n));
    return s;
}

static void replace(struct cfg_value *old, struct cfg_value *new)
{
    free_value(old);
    *old = *new;
    memset(new, 0, sizeof(*new));
}

/* old += new: strings are joined, members of lists added. */
static bool append(struct parser *p, const char *key, struct cfg_value *old,
                   struct cfg_value *new)
{
    char *joined;

    if (old->type != new->type || new->type == CFG_NUMBER)
        return cfg_bad(p->cfg, p->line, "+= for '%s': strings or lists only",
                       key);
    if (new->type == CFG_LIST) {
        for (unsigned i = 0; i < new->count; i++)
            replace(add_member(old), &new->list[i]);
        return true;
    }
    joined = must(malloc(strlen(old->string) + strlen(new->string) + 1));
    strcat(strcpy(joined, old->string), new->string);
    free(old->string);
    old->string = joined;
    return true;
}

/* "=" or "+=", which *add says. */
static bool parse_operator(struct parser *p, const char *key, size_t n,
                           bool *add)
{
    skip(p, false);
    *add = p->at[0] == '+' && p->at[1] == '=';
    if (*p->at != '=' && !*add)
        return cfg_bad(p->cfg, p->line, "expected '=' behind '%.*s'", (int)n,
                       key);
    p->at += *add ? 2 : 1;
    skip(p, false);
    return true;
}

/* The value of a setting and the end of the statement. */
static bool parse_assigned(struct parser *p, const char *key, size_t n,
                           bool add, struct cfg_value *v)
{
    bool known = find(p->cfg, key, n);
    struct cfg_setting *s;

    if (!parse_value(p, v, 0))
        return false;
    s = setting(p->cfg, key, n);
    if (!add || !known)
        replace(&s->value, v);
    else if (!append(p, s->key, &s->value, v))
        return false;
    skip(p, false);
    if (*p->at && *p->at != '\n' && *p->at != ';')
        return cfg_bad(p->cfg, p->line, "'%.*s' behind the value of '%s'",
                       (int)strcspn(p->at, "\n"), p->at, s->key);
    return true;
}

static bool parse_setting(struct parser *p)
{
    struct cfg_value v = {.type = CFG_NUMBER};
    const char *key = p->at;
    size_t n = 0;
    bool add, ok;

    while (isalnum((unsigned char)key[n]) || key[n] == '_')
        n++;
    if (!n || isdigit((unsigned char)*key))
        return cfg_bad(p->cfg, p->line, "expected a name at '%.*s'",
                       (int)strcspn(key, "\n"), key);
    p->at += n;
    ok = parse_operator(p, key, n, &add) && parse_assigned(p, key, n, add, &v);
    free_value(&v);
    return ok;
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

/* ---- changing and writing ---- */

void cfg_list_add(struct cfg *cfg, const char *key, const char *string)
{
    struct cfg_value *v = &setting(cfg, key, strlen(key))->value, *m;

    v->type = CFG_LIST;
    m = add_member(v);
    m->type = CFG_STRING;
    m->string = must(strdup(string));
}

void cfg_list_remove(struct cfg_value *list, unsigned i)
{
    free_value(&list->list[i]);
    list->count--;
    memmove(&list->list[i], &list->list[i + 1],
            (list->count - i) * sizeof(*list->list));
}

static void write_string(FILE *f, const char *s)
{
    fputc('"', f);
    for (; *s; s++) {
        if (*s == '\n')
            fputs("\\n", f);
        else if (*s == '"' || *s == '\\')
            fprintf(f, "\\%c", *s);
        else
            fputc(*s, f);
    }
    fputc('"', f);
}

static void write_value(FILE *f, const struct cfg_value *v)
{
    switch (v->type) {
    case CFG_NUMBER:
        fprintf(f, "%lld", v->number);
        break;
    case CFG_STRING:
        write_string(f, v->string);
        break;
    case CFG_LIST:
        fputc('[', f);
        for (unsigned i = 0; i < v->count; i++) {
            fputs(i ? ", " : "", f);
            write_value(f, &v->list[i]);
        }
        fputc(']', f);
        break;
    }
}

char *cfg_text(const struct cfg *cfg)
{
    char *text = NULL;
    size_t size;
    FILE *f = must(open_memstream(&text, &size));

    for (const struct cfg_setting *s = cfg->first; s; s = s->next) {
        fprintf(f, "%s = ", s->key);
        write_value(f, &s->value);
        fputc('\n', f);
    }
    fclose(f);
    return must(text);
}
