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
#define ALL "  -a, --all       all guests\n"

const struct command commands[] = {
    {"create", "[-p] [-c] [-F] [-q] [-n] [-f] CONFIG [KEY=VALUE]...",
     "start a guest from a configuration file",
     "  -p              leave it paused\n"
     "  -c              attach to its console\n"
     "  -F              wait until it is gone\n"
     "  -q, --quiet     say nothing when it worked\n"
     "  -n, --dryrun    only check the configuration, and print it as JSON\n"
     "  -f, --defconfig=CONFIG\n"
     "CONFIG may be - for standard input; KEY=VALUE are further lines of it.\n",
     cmd_create, false},
    {"config-update", "DOMAIN [-f] CONFIG [KEY=VALUE]...",
     "say what a guest shall start with next time", NULL, cmd_config_update,
     false},
    {"list", "[-j] [-l] [-v] [-c] [DOMAIN]...", "show domains",
     JSON "  -l, --long      JSON with the whole configuration\n"
     "  -v, --verbose   with UUID and shutdown reason\n"
     "  -c, --cpupool   with the pool of CPUs\n", cmd_list, false},
    {"vm-list", "[-j]", "show guests with their UUIDs", JSON, cmd_vm_list,
     false},
    {"info", "[-j] [LINE]", "show the machine and its hypervisor", JSON,
     cmd_info, false},
    {"top", "[-b] [-j] [-i SECONDS] [-n COUNT]", "show domains live",
     "  -b             plain text, for files and pipes\n"
     "  -j, --json     one JSON array a line\n"
     "  -i SECONDS     how often (default 3)\n"
     "  -n COUNT       end after so many\n", cmd_top, false},
    {"console", "[-t pv] [-n 0] DOMAIN",
     "attach to a guest's console (Ctrl-] leaves)", NULL, cmd_console, false},
    {"pause", "DOMAIN", "stop a domain's vCPUs", NULL, cmd_pause, false},
    {"unpause", "DOMAIN", "let a paused domain run", NULL, cmd_unpause, false},
    {"shutdown", "[-w] [-F] [-a | DOMAIN...]", "ask guests to shut down",
     "  -w, --wait      wait until they have; twice: until they are gone\n"
     ALL "  -F              is accepted, as by xl\n", cmd_shutdown, false},
    {"reboot", "[-F] [-a | DOMAIN...]", "ask guests to reboot",
     ALL "  -F              is accepted, as by xl\n", cmd_reboot, false},
    {"destroy", "DOMAIN...", "end domains at once", NULL, cmd_destroy, false},
    {"dump-core", "DOMAIN [FILE]", "write a guest's memory to a file",
     "Without FILE: /var/lib/xen/dump/NAME.\n",
     cmd_dump_core, false},
    {"rename", "DOMAIN NAME", "give a domain another name", NULL, cmd_rename,
     false},
    {"domid", "[-j] NAME", "print the id of a domain", JSON, cmd_domid, false},
    {"domname", "[-j] ID", "print the name of a domain", JSON, cmd_domname,
     false},
    {"vcpu-list", "[-j] [DOMAIN]...", "show vCPUs", JSON, cmd_vcpu_list,
     false},
    {"vcpu-pin", "[-f] DOMAIN VCPU|all CPUS|all|- [SOFT]",
     "say where vCPUs may run",
     "CPUS as in 0-3,^1; - leaves it as it is\n"
     "  -f, --force     is accepted, as by xl\n", cmd_vcpu_pin, false},
    {"vcpu-set", "[-i] DOMAIN COUNT", "say how many vCPUs a guest shall use",
     "  -i, --ignore-host   also more than the machine has CPUs\n",
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
    {"mem-set", "DOMAIN SIZE[t|g|m|k|b]", "have a guest use so much memory",
     "Without a letter the size is in MiB.\n", cmd_mem_set, false},
    {"mem-max", "DOMAIN SIZE[t|g|m|k|b]", "limit a domain's memory",
     "Without a letter the size is in MiB.\n", cmd_mem_max, false},
    {"block-attach", "DOMAIN DISK...", "give a running guest a disk",
     "DISK as in disk = [...] of xeno.cfg(5)\n", cmd_block_attach, false},
    {"block-detach", "[-f] DOMAIN VDEV", "take a disk from a guest",
     "  -f, --force     whether or not the guest agrees\n", cmd_block_detach,
     false},
    {"block-list", "[-j] DOMAIN...", "show guests' disks", JSON,
     cmd_block_list, false},
    {"network-attach", "DOMAIN [VIF]...",
     "give a running guest a network interface",
     "VIF as in vif = [...] of xeno.cfg(5)\n", cmd_network_attach, false},
    {"network-detach", "[-f] DOMAIN NUMBER|MAC",
     "take a network interface from a guest",
     "  -f, --force     whether or not the guest agrees\n",
     cmd_network_detach, false},
    {"network-list", "[-j] DOMAIN...", "show guests' network interfaces", JSON,
     cmd_network_list, false},
    {"dmesg", "[-c]", "print the hypervisor's log",
     "  -c, --clear     and forget it\n", cmd_dmesg, false},
    {"debug-keys", "KEYS", "press debug keys of the hypervisor", NULL,
     cmd_debug_keys, false},
    {"sysrq", "DOMAIN LETTER", "send a SysRq to a guest", NULL, cmd_sysrq,
     false},
    {"trigger", "DOMAIN nmi|reset|init|power|sleep [VCPU]",
     "send a signal of the machine to a vCPU", NULL, cmd_trigger, false},
    {"uptime", "[-j] [-s] [DOMAIN]...",
     "say how long domains have been running",
     JSON "  -s              with the time of day, in a sentence\n", cmd_uptime,
     false},
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

bool dry_run;
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

/* Long names of letters, each for commands that have the letter. */
static const struct option long_options[] = {
    {"help", no_argument, NULL, 'h'},
    {"all", no_argument, NULL, 'a'},
    {"clear", no_argument, NULL, 'c'},
    {"cpupool", no_argument, NULL, 'c'},
    {"defconfig", required_argument, NULL, 'f'},
    {"dryrun", no_argument, NULL, 'n'},
    {"force", no_argument, NULL, 'f'},
    {"ignore-host", no_argument, NULL, 'i'},
    {"json", no_argument, NULL, 'j'},
    {"long", no_argument, NULL, 'l'},
    {"quiet", no_argument, NULL, 'q'},
    {"verbose", no_argument, NULL, 'v'},
    {"wait", no_argument, NULL, 'w'},
    {"watch", no_argument, NULL, 'w'},
};

#define NR_LONG (sizeof(long_options) / sizeof(long_options[0]))

/* Is it for a command with these letters? --help names what it takes. */
static bool is_for(const struct option *o, const char *flags)
{
    const char *letter = strchr(flags, o->val);
    const char *help = this_command->options;
    char name[24];

    if (o->val == 'h')
        return true;
    snprintf(name, sizeof(name), "--%s", o->name);
    return letter && (letter[1] == ':') == o->has_arg && help &&
           strstr(help, name);
}

int option(int argc, char **argv, const char *flags)
{
    struct option table[NR_LONG + 1] = {{NULL, 0, NULL, 0}};
    char letters[32];
    unsigned n = 0;
    int c;

    for (unsigned i = 0; i < NR_LONG; i++)
        if (is_for(&long_options[i], flags))
            table[n++] = long_options[i];
    snprintf(letters, sizeof(letters), "h%s", flags);
    c = getopt_long(argc, argv, letters, table, NULL);
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

int pick_domains(struct xeno *x, int argc, char **argv,
                 struct xeno_domain **list)
{
    if (!argc) {
        int n = xeno_domain_list_all(x, list);
        if (n < 0)
            fail_x(x);
        return n < 0 ? -1 : n;
    }
    *list = must(calloc((size_t)argc, sizeof(**list)));
    for (int i = 0; i < argc; i++) {
        uint32_t id;

        if (!find_domain(x, argv[i], &id))
            return -1;
        if (xeno_domain_info(x, id, &(*list)[i])) {
            fail_x(x);
            return -1;
        }
    }
    return argc;
}

int option_arguments(struct xeno *x, int *argc, char ***argv,
                     const char *flag, bool *given, int least, int most,
                     uint32_t *id)
{
    int c;

    if (given)
        *given = false;
    while ((c = option(*argc, *argv, flag)) != -1) {
        if (c == '?')
            return EXIT_USAGE;
        if (given)
            *given = true;
    }
    *argc -= optind, *argv += optind;
    if (*argc < least || *argc > most)
        return usage();
    return find_domain(x, **argv, id) ? 0 : EXIT_FAILED;
}

int domain_arguments(struct xeno *x, int *argc, char ***argv, int least,
                     int most, uint32_t *id)
{
    return option_arguments(x, argc, argv, "", NULL, least, most, id);
}

static void help(FILE *f)
{
    fputs("usage: xeno [-N] COMMAND [ARGUMENT]...\n\n", f);
    for (const struct command *c = commands; c->name; c++)
        if (!c->hidden)
            fprintf(f, "  %-14s %s\n", c->name, c->summary);
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

/* xl's global options; those that say how it prints mean nothing here. */
static int global_options(int argc, char **argv)
{
    int c;

    while ((c = getopt(argc, argv, "+NvftTh")) != -1) {
        if (c == '?')
            return EXIT_USAGE;
        if (c == 'h') {
            help(stdout);
            exit(0);
        }
        dry_run |= c == 'N';
    }
    return 0;
}

static int run(int argc, char **argv)
{
    struct xeno *x = xeno_open();
    int rc;

    if (!x)
        return fail("cannot talk to the hypervisor: %s (is this domain 0 of a "
                    "Xeno machine, and are you root?)", strerror(errno));
    optind = 0; /* getopt begins anew */
    rc = this_command->run(x, argc, argv);
    xeno_close(x);
    if (fflush(stdout) && !rc)
        rc = fail("cannot write: %s", strerror(errno));
    return rc;
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return cmd_help(1, argv);
    if (global_options(argc, argv))
        return EXIT_USAGE;
    argc -= optind, argv += optind;
    if (!argc) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(argv[0], "help"))
        return cmd_help(argc, argv);
    this_command = find_command(argv[0]);
    if (!this_command)
        return fail("there is no command '%s' (`xeno help` lists them)",
                    argv[0]);
    if (wants_help(argc, argv)) {
        help_on(this_command);
        return 0;
    }
    return run(argc, argv);
}
