/* top: what domains use, again and again. */
#include "cmd.h"
#include "json.h"
#include "moment.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum form { ON_SCREEN, AS_TEXT, AS_JSON };

/* Two listings and the time between them. */
struct sample {
    struct xeno_domain *list;
    int n;
    double at;
};

static bool take(struct xeno *x, struct sample *s)
{
    s->n = xeno_domain_list_all(x, &s->list);
    s->at = moment_now();
    return s->n >= 0;
}

/* Share of one CPU in percent since the earlier sample. */
static double percent(const struct sample *old, const struct sample *s,
                      const struct xeno_domain *d)
{
    for (int i = 0; i < old->n; i++)
        if (old->list[i].id == d->id && s->at > old->at)
            return (double)(d->cpu_ns - old->list[i].cpu_ns) / 1e7 /
                   (s->at - old->at);
    return 0;
}

static void row(struct xeno *x, const struct sample *old,
                const struct sample *s, int i, char *line, size_t room)
{
    const struct xeno_domain *d = &s->list[i];
    char *name = xeno_domain_name(x, d->id);
    const char *state = d->dying ? "dying" : d->shutdown ? "shutdown"
                        : d->paused ? "paused" : d->running ? "running"
                                                            : "blocked";

    snprintf(line, room, "%-24.24s %5u %-8s %10.1f %6.1f %9llu %5u",
             name ? name : d->id ? "(null)" : "Domain-0", d->id, state,
             (double)d->cpu_ns / 1e9, percent(old, s, d),
             (unsigned long long)d->pages >> 8, d->online_vcpus);
    free(name);
}

#define HEADING "NAME                        ID STATE      CPU(sec)   CPU%  " \
                "MEM(MiB) VCPUS"

static void print_sample(struct xeno *x, const struct sample *old,
                         const struct sample *s)
{
    char line[128];

    puts(HEADING);
    for (int i = 0; i < s->n; i++) {
        row(x, old, s, i, line, sizeof(line));
        puts(line);
    }
    fflush(stdout);
}

static void print_sample_json(struct xeno *x, const struct sample *old,
                              const struct sample *s)
{
    json_object *array = json_object_new_array();

    for (int i = 0; i < s->n; i++) {
        json_object *o = json_object_new_object();
        char *name = xeno_domain_name(x, s->list[i].id);

        json_number(o, "domid", s->list[i].id);
        json_text(o, "name", name);
        json_number(o, "cpu_ns", s->list[i].cpu_ns);
        json_real(o, "cpu_percent", percent(old, s, &s->list[i]));
        json_number(o, "memory_kib", s->list[i].pages * 4);
        json_number(o, "vcpus", s->list[i].online_vcpus);
        json_object_array_add(array, o);
        free(name);
    }
    puts(json_object_to_json_string_ext(array, JSON_C_TO_STRING_PLAIN));
    json_object_put(array);
    fflush(stdout);
}

static void draw_sample(struct xeno *x, const struct sample *old,
                        const struct sample *s)
{
    char line[128];

    erase();
    mvprintw(0, 0, "xeno top: %d domains (q leaves)", s->n);
    attron(A_REVERSE);
    mvaddstr(2, 0, HEADING);
    attroff(A_REVERSE);
    for (int i = 0; i < s->n && i + 3 < LINES; i++) {
        row(x, old, s, i, line, sizeof(line));
        mvaddnstr(i + 3, 0, line, COLS);
    }
    refresh();
}

/* False: leave. */
static bool rest(enum form form, double seconds)
{
    int key;

    if (form != ON_SCREEN) {
        usleep((useconds_t)(seconds * 1e6));
        return true;
    }
    timeout((int)(seconds * 1000));
    key = getch();
    return key != 'q' && key != 'Q' && key != 3;
}

static int loop(struct xeno *x, enum form form, double seconds, long count)
{
    struct sample old = {NULL, 0, 0}, s;

    for (long i = 0; count <= 0 || i < count; i++) {
        if (!take(x, &s))
            return -1;
        if (form == AS_TEXT)
            print_sample(x, &old, &s);
        else if (form == AS_JSON)
            print_sample_json(x, &old, &s);
        else
            draw_sample(x, &old, &s);
        free(old.list);
        old = s;
        if (i + 1 != count && !rest(form, seconds))
            break;
    }
    free(old.list);
    return 0;
}

static void open_screen(void)
{
    initscr();
    cbreak();
    noecho();
    curs_set(0);
}

int cmd_top(struct xeno *x, int argc, char **argv)
{
    enum form form = isatty(STDOUT_FILENO) ? ON_SCREEN : AS_TEXT;
    double seconds = 3;
    long count = 0;
    int c, rc;

    while ((c = option(argc, argv, "bji:n:")) != -1) {
        switch (c) {
        case 'b': form = AS_TEXT; break;
        case 'j': form = AS_JSON; break;
        case 'i': seconds = strtod(optarg, NULL); break;
        case 'n': count = strtol(optarg, NULL, 10); break;
        default: return EXIT_USAGE;
        }
    }
    if (optind != argc || seconds < 0.1 || seconds > 3600)
        return usage();
    if (form == ON_SCREEN)
        open_screen();
    rc = loop(x, form, seconds, count);
    if (form == ON_SCREEN)
        endwin();
    return rc ? fail_x(x) : 0;
}
