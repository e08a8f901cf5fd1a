/*
 * sim [-p DIR] [NAME]: runs the scenarios, or the one named, and prints TAP;
 * -p leaves data for the plots in DIR.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"

const char *plot_dir;
static const char *current_name;
static unsigned count;

void remark(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("# ");
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

void sim_fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    printf("# ");
    vprintf(fmt, ap);
    va_end(ap);
    printf("\nnot ok %u - %s\n", count, current_name);
    exit(1);
}

static void run_all(const struct scenario *s, const char *only)
{
    for (; s->name; s++) {
        if (only && strcmp(only, s->name))
            continue;
        current_name = s->name;
        count++;
        s->run();
        printf("ok %u - %s\n", count, s->name);
        fflush(stdout);
    }
}

int main(int argc, char **argv)
{
    const char *only;
    int c;

    while ((c = getopt(argc, argv, "p:")) != -1) {
        if (c != 'p')
            return 2;
        plot_dir = optarg;
    }
    only = argv[optind];
    run_all(bvt_scenarios, only);
    run_all(atropos_scenarios, only);
    run_all(rr_scenarios, only);
    run_all(cost_scenarios, only);
    printf("1..%u\n", count);
    return 0;
}
