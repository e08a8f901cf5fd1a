/* top: what domains use, again and again. */
#include "cmd.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Two listings and the time between them. */
struct sample {
    struct xeno_domain *list;
    int n;
    double at;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool take(struct xeno *x, struct sample *s)
{
    s->n = xeno_domain_list_all(x, &s->list);
    s->at = now();
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
static bool rest(bool batch, double seconds)
{
    int key;

    if (batch) {
        usleep((useconds_t)(seconds * 1e6));
        return true;
    }
    timeout((int)(seconds * 1000));
    key = getch();
    return key != 'q' && key != 'Q' && key != 3;
}

static int loop(struct xeno *x, bool batch, double seconds, long count)
{
    struct sample old = {NULL, 0, 0}, s;

    for (long i = 0; count <= 0 || i < count; i++) {
        if (!take(x, &s))
            return -1;
        if (batch)
            print_sample(x, &old, &s);
        else
            draw_sample(x, &old, &s);
        free(old.list);
        old = s;
        if (i + 1 != count && !rest(batch, seconds))
            break;
    }
    free(old.list);
    return 0;
}

int cmd_top(struct xeno *x, int argc, char **argv)
{
    bool batch = !isatty(STDOUT_FILENO);
    double seconds = 3;
    long count = 0;
    int c, rc;

    while ((c = option(argc, argv, "bi:n:")) != -1) {
        switch (c) {
        case 'b': batch = true; break;
        case 'i': seconds = strtod(optarg, NULL); break;
        case 'n': count = strtol(optarg, NULL, 10); break;
        default: return EXIT_USAGE;
        }
    }
    if (optind != argc || seconds < 0.1 || seconds > 3600)
        return usage();
    if (!batch) {
        initscr();
        cbreak();
        noecho();
        curs_set(0);
    }
    rc = loop(x, batch, seconds, count);
    if (!batch)
        endwin();
    return rc ? fail_x(x) : 0;
}
