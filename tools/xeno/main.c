/* xeno: the command line of a Xeno machine. */
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define JSON "  -j, --json      print JSON\n"

const struct command commands[] = {
    {"create", "[-p] [-c] [-q] [-n] CONFIG [KEY=VALUE]...",
     "start a guest from a configuration file",
     "  -p      leave it paused\n"
     "  -c      attach to its console\n"
     "  -q      say nothing when it worked\n"
     "  -n      only check the configuration\n"
     "CONFIG may be - for standard input; KEY=VALUE are further lines of it.\n",
     cmd_create, false},
    {"list", "[-j] [-l] [DOMAIN]...", "show domains",
     JSON "  -l, --long      with UUID and shutdown reason\n", cmd_list, false},
    {"info", "[-j] [LINE]", "show the machine and its hypervisor", JSON,
     cmd_info, false},
    {"top", "[-b] [-i SECONDS] [-n COUNT]", "show domains live",
     "  -b             plain text, for files and pipes\n"
     "  -i SECONDS     how often (default 3)\n"
     "  -n COUNT       end after so many\n", cmd_top, false},
    {"console", "DOMAIN", "attach to a guest's console (Ctrl-] leaves)", NULL,
     cmd_console, false},
    {"pause", "DOMAIN", "stop a domain's vCPUs", NULL, cmd_pause, false},
    {"unpause", "DOMAIN", "let a paused domain run", NULL, cmd_unpause, false},
    {"shutdown", "[-w] [-a | DOMAIN...]", "ask guests to shut down",
     "  -w      wait until they have\n  -a      all guests\n", cmd_shutdown,
     false},
    {"reboot", "[-a | DOMAIN...]", "ask guests to reboot",
     "  -a      all guests\n", cmd_reboot, false},
    {"destroy", "DOMAIN...", "end domains at once", NULL, cmd_destroy, false},
    {"rename", "DOMAIN NAME", "give a domain another name", NULL, cmd_rename,
     false},
    {"domid", "NAME", "print the id of a domain", NULL, cmd_domid, false},
    {"domname", "ID", "print the name of a domain", NULL, cmd_domname, false},
    {"vcpu-list", "[-j] [DOMAIN]...", "show vCPUs", JSON, cmd_vcpu_list,
     false},
    {"vcpu-pin", "DOMAIN VCPU|all CPUS|all|- [SOFT]",
     "say where vCPUs may run", "CPUS as in 0-3,^1; - leaves it as it is\n",
     cmd_vcpu_pin, false},
    {"vcpu-set", "DOMAIN COUNT", "say how many vCPUs a guest shall use", NULL,
     cmd_vcpu_set, false},
    {"sched", "[-j] [list | get [DOMAIN] [NAME] | set [DOMAIN] NAME=VALUE...]",
     "show and change parameters of the scheduler",
     JSON "Without DOMAIN: those of the whole machine. Times as in 5ms, 200us.\n",
     cmd_sched, false},
    {"balance", "[-w] [-n] [-i SECONDS]", "move vCPUs from busy CPUs to idle ones",
     "  -w, --watch     go on, until it is stopped\n"
     "  -n              only say what would be moved\n"
     "  -i SECONDS      how long to measure before (default 1)\n",
     cmd_balance, false},
    {"mem-set", "DOMAIN SIZE[k|m|g]", "have a guest use so much memory", NULL,
     cmd_mem_set, false},
    {"mem-max", "DOMAIN SIZE[k|m|g]", "limit a domain's memory", NULL,
     cmd_mem_max, false},
    {"dmesg", "[-c]", "print the hypervisor's log",
     "  -c      and forget it\n", cmd_dmesg, false},
    {"debug-keys", "KEYS", "press debug keys of the hypervisor", NULL,
     cmd_debug_keys, false},
    {"sysrq", "DOMAIN LETTER", "send a SysRq to a guest", NULL, cmd_sysrq,
     false},
    {"trigger", "DOMAIN nmi|reset|init|power|sleep [VCPU]",
     "send a signal of the machine to a vCPU", NULL, cmd_trigger, false},
    {"uptime", "[DOMAIN]...", "say how long domains have been running", NULL,
     cmd_uptime, false},
    {"clock", "[-j] [-r PPM] [-s SECONDS] | -f [-u] [-i MS]",
     "show or correct the machine's clock",
     JSON
     "  -r PPM         how much faster than measured at boot it is to run\n"
     "  -s SECONDS     let it gain (or lose, if negative) so much, at 500 ppm\n"
     "  -f             follow domain 0's clock while that is synchronised\n"
     "  -u             ... or not\n"
     "  -i MS          how often (default 250)\n", cmd_clock, false},
    {"trace", "record [-o FILE] [-t SECONDS] [-e EVENTS] | report FILE",
     "record what the hypervisor does, or report on it",
     "  -o FILE        for the Perfetto or Chrome viewer (xeno-trace.json)\n"
     "  -t SECONDS     how long (default 10; Ctrl-C ends it, too)\n"
     "  -e EVENTS      of switch,wake,event,hypercall (default: all)\n",
     cmd_trace, false},
    {"monitor", "", "watch over guests (started by create)", NULL, cmd_monitor,
     true},
    {NULL, NULL, NULL, NULL, NULL, false},
};

const struct command *this_command;

int fail(const char *fmt, ...)
{
    va_list ap;

    fputs("xeno: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return EXIT_FAILED;
}

int fail_x(const struct xeno *x)
{
    return fail("%s", xeno_error(x));
}

void *must(void *p)
{
    if (!p)
        exit(fail("out of memory"));
    return p;
}

int usage(void)
{
    fprintf(stderr, "usage: xeno %s %s\n", this_command->name,
            this_command->arguments);
    return EXIT_USAGE;
}

static void help_on(const struct command *c)
{
    printf("usage: xeno %s %s\n\n%c%s.\n%s", c->name, c->arguments,
           c->summary[0] & ~0x20, c->summary + 1, c->options ? "\n" : "");
    if (c->options)
        fputs(c->options, stdout);
}

int option(int argc, char **argv, const char *flags)
{
    static const struct option all[] = {{"help", no_argument, NULL, 'h'},
                                        {"json", no_argument, NULL, 'j'},
                                        {"long", no_argument, NULL, 'l'},
                                        {"watch", no_argument, NULL, 'w'}};
    struct option with[5] = {{NULL, 0, NULL, 0}};
    unsigned n = 0;
    char letters[32];
    int c;

    /* '+': options come before names, as a name may look like one. */
    snprintf(letters, sizeof(letters), "+h%s", flags);
    for (unsigned i = 0; i < 4; i++)
        if (strchr(letters, all[i].val))
            with[n++] = all[i];
    c = getopt_long(argc, argv, letters, with, NULL);
    if (c == 'h') {
        help_on(this_command);
        exit(0);
    }
    if (c == '?')
        usage();
    return c;
}

bool find_domain(struct xeno *x, const char *what, uint32_t *id)
{
    if (xeno_domain_find(x, what, id)) {
        fail_x(x);
        return false;
    }
    return true;
}

int domain_arguments(struct xeno *x, int *argc, char ***argv, int least,
                     int most, uint32_t *id)
{
    if (option(*argc, *argv, "") != -1)
        return EXIT_USAGE;
    *argc -= optind, *argv += optind;
    if (*argc < least || *argc > most)
        return usage();
    return find_domain(x, **argv, id) ? 0 : EXIT_FAILED;
}

static void help(FILE *f)
{
    fputs("usage: xeno COMMAND [ARGUMENT]...\n\n", f);
    for (const struct command *c = commands; c->name; c++)
        if (!c->hidden)
            fprintf(f, "  %-12s %s\n", c->name, c->summary);
    fputs("\n`xeno COMMAND --help` tells more; see also xeno(1) and "
          "xeno.cfg(5).\n", f);
}

static const struct command *find_command(const char *name)
{
    for (const struct command *c = commands; c->name; c++)
        if (!strcmp(c->name, name))
            return c;
    return NULL;
}

/* help [COMMAND] */
static int cmd_help(int argc, char **argv)
{
    const struct command *c = argc > 1 ? find_command(argv[1]) : NULL;

    if (argc > 1 && !c)
        return fail("there is no command '%s'", argv[1]);
    if (c)
        help_on(c);
    else
        help(stdout);
    return 0;
}

/* Asking for help needs no hypervisor. */
static bool wants_help(int argc, char **argv)
{
    return argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"));
}

int main(int argc, char **argv)
{
    struct xeno *x;
    int rc;

    if (argc < 2) {
        help(stderr);
        return EXIT_USAGE;
    }
    argc--, argv++;
    if (!strcmp(argv[0], "help") || !strcmp(argv[0], "--help") ||
        !strcmp(argv[0], "-h"))
        return cmd_help(argc, argv);
    this_command = find_command(argv[0]);
    if (!this_command)
        return fail("there is no command '%s' (`xeno help` lists them)",
                    argv[0]), EXIT_USAGE;
    if (wants_help(argc, argv)) {
        help_on(this_command);
        return 0;
    }
    x = xeno_open();
    if (!x)
        return fail("cannot talk to the hypervisor: %s (is this domain 0 of a "
                    "Xeno machine, and are you root?)", strerror(errno));
    rc = this_command->run(x, argc, argv);
    xeno_close(x);
    if (fflush(stdout) && !rc)
        rc = fail("cannot write: %s", strerror(errno));
    return rc;
}
