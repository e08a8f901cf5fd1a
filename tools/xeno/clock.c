/* clock: the rate of the machine's clock, and having it follow domain 0's. */
#include "clock_loop.h"
#include "cmd.h"
#include "json.h"
#include "moment.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000L
#define STEP (SECOND / 2) /* ns: from here on the wall clock is set instead */
#define SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static double real_time(void)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec * SECOND + (double)t.tv_nsec;
}

/* ns that the machine's clock is behind domain 0's; its state in *c. */
static int compare(struct xeno *x, struct xeno_clock *c, double *offset)
{
    double before = real_time();
    int rc = xeno_clock_get(x, c);

    *offset = (before + real_time()) / 2 - (double)c->wall_clock;
    return rc;
}

static void print_json(const struct xeno_clock *c, double offset)
{
    json_object *o = must(json_object_new_object());

    json_signed(o, "rate_ppb", c->rate);
    json_signed(o, "slew_ppb", c->slew);
    json_number(o, "slew_left_ns", c->slew_ns);
    json_number(o, "system_time_ns", c->system_time);
    json_number(o, "wall_clock_ns", c->wall_clock);
    json_signed(o, "behind_dom0_ns", (int64_t)offset);
    json_print(o);
}

static void print_text(const struct xeno_clock *c, double offset)
{
    time_t t = (time_t)(c->wall_clock / SECOND);
    struct tm tm;
    char date[32];

    strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", gmtime_r(&t, &tm));
    printf("system time  %llu.%09llu s\n",
           (unsigned long long)c->system_time / SECOND,
           (unsigned long long)c->system_time % SECOND);
    printf("wall clock   %s.%09llu UTC\n", date,
           (unsigned long long)c->wall_clock % SECOND);
    printf("rate         %+.3f ppm\n", (double)c->rate / 1000);
    if (c->slew)
        printf("slewing      %+.3f ppm for %.3f s more\n",
               (double)c->slew / 1000, (double)c->slew_ns / SECOND);
    printf("domain 0     %+.6f s ahead\n", offset / SECOND);
}

/* A number with nothing behind it, within +-limit. */
static bool number(const char *what, const char *text, double limit, double *v)
{
    char *end;

    errno = 0;
    *v = strtod(text, &end);
    if (end != text && !*end && !errno && fabs(*v) <= limit)
        return true;
    fail("%s '%s' is not a number between -%g and %g", what, text, limit,
         limit);
    return false;
}

/* An offset becomes a slew of 500 ppm for as long as that takes. */
static void slew_by(struct xeno_clock *c, double seconds)
{
    c->slew = seconds < 0 ? -CLOCK_RATE_MAX : CLOCK_RATE_MAX;
    c->slew_ns = (uint64_t)(fabs(seconds) * SECOND / CLOCK_RATE_MAX * SECOND);
}

/* ---- following ---- */

/* Else a correction would be seen in what it was derived from. */
static bool independent(void)
{
    char name[32] = "";
    FILE *f = fopen(SOURCE, "r");

    if (f) {
        if (!fgets(name, sizeof(name), f))
            name[0] = '\0';
        fclose(f);
    }
    if (strncmp(name, "xen", 3))
        return true;
    fail("domain 0's clock runs on the machine's, which is to follow it: "
         "start its kernel with clocksource=tsc tsc=reliable");
    return false;
}

static bool synchronised(void)
{
    struct timex t = {.modes = 0};

    return adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
}

static int correct(struct xeno *x, struct clock_loop *l, double interval)
{
    struct xeno_clock c;
    struct clock_advice a;
    double offset;

    if (compare(x, &c, &offset))
        return fail_x(x);
    if (fabs(offset) >= STEP) {
        fprintf(stderr, "xeno: the wall clock is %.3f s off: set\n",
                offset / SECOND);
        if (xeno_clock_set_wall(x, (uint64_t)((double)c.wall_clock + offset),
                                c.system_time))
            return fail_x(x);
        return 0;
    }
    a = clock_loop_next(l, offset, interval);
    c = (struct xeno_clock){.rate = a.rate, .slew = a.slew,
                            .slew_ns = a.slew_ns};
    return xeno_clock_set(x, &c) ? fail_x(x) : 0;
}

static int follow(struct xeno *x, double ms, bool anyhow)
{
    struct timespec pause = {.tv_sec = (time_t)(ms / 1000),
                             .tv_nsec = (long)fmod(ms, 1000) * 1000000};
    struct clock_loop loop = {0};
    struct xeno_clock c;
    int rc = 0;

    if (!independent())
        return EXIT_FAILED;
    if (xeno_clock_get(x, &c))
        return fail_x(x);
    loop.rate = (double)c.rate;
    moment_catch_end();
    while (!moment_ended() && !rc) {
        if (anyhow || synchronised())
            rc = correct(x, &loop, ms * 1e6);
        nanosleep(&pause, NULL);
    }
    return rc;
}

/* ---- the command ---- */

struct wish {
    bool json, rate, slew, follow, anyhow;
    double ppm, seconds, interval;
};

static int parse(int argc, char **argv, struct wish *w)
{
    int c;

    while ((c = option(argc, argv, "jr:s:fui:")) != -1) {
        bool good = true;

        if (c == 'j')
            w->json = true;
        else if (c == 'f')
            w->follow = true;
        else if (c == 'u')
            w->anyhow = true;
        else if (c == 'r')
            good = w->rate = number("rate", optarg, 500, &w->ppm);
        else if (c == 's')
            good = w->slew = number("offset", optarg, 40, &w->seconds);
        else if (c == 'i')
            good = number("interval", optarg, 60000, &w->interval);
        else
            return EXIT_USAGE;
        if (!good)
            return EXIT_FAILED;
    }
    if (w->interval < 10)
        return fail("interval %g ms is shorter than 10 ms", w->interval);
    return optind == argc ? 0 : usage();
}

int cmd_clock(struct xeno *x, int argc, char **argv)
{
    struct wish w = {.interval = 250};
    struct xeno_clock c;
    double offset;
    int rc = parse(argc, argv, &w);

    if (rc)
        return rc;
    if (w.follow)
        return follow(x, w.interval, w.anyhow);
    if (xeno_clock_get(x, &c))
        return fail_x(x);
    if (w.rate)
        c.rate = (int64_t)(w.ppm * 1000);
    if (w.slew)
        slew_by(&c, w.seconds);
    if ((w.rate || w.slew) && xeno_clock_set(x, &c))
        return fail_x(x);
    if (compare(x, &c, &offset))
        return fail_x(x);
    if (w.json)
        print_json(&c, offset);
    else
        print_text(&c, offset);
    return 0;
}
