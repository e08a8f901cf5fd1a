/*
 * Commands. Each is a function of the arguments behind its name (argv[0] is
 * the name) that gives the exit status: 0 done, 1 failed, 2 wrong usage.
 */
#ifndef XENO_CMD_H
#define XENO_CMD_H

#include "xeno.h"

struct command {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *summary;   /* one line */
    const char *options;   /* lines for --help, or NULL */
    int (*run)(struct xeno *x, int argc, char **argv);
    bool hidden;
};

extern const struct command commands[];
/* A global option: only say what would be done. */
extern bool dry_run;
/* The command that runs. */
extern const struct command *this_command;

enum { EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* "xeno: " and the text; gives EXIT_FAILED. */
int fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The handle's error; gives EXIT_FAILED. */
int fail_x(const struct xeno *x);
/* The usage line to stderr; gives EXIT_USAGE. */
int usage(void);
/*
 * Parses options: `flags` are letters as for getopt, to which --help is added,
 * and the long names that the command's help has for them. Options may also
 * stand behind other words. -1 at the end, '?' wrong usage (already said).
 */
int option(int argc, char **argv, const char *flags);
/* The domain that argv names; false: said, exit with EXIT_FAILED. */
bool find_domain(struct xeno *x, const char *what, uint32_t *id);
/*
 * The domains that argv names, or all, in memory that the caller frees: the
 * number, or -1 (said).
 */
int pick_domains(struct xeno *x, int argc, char **argv,
                 struct xeno_domain **list);
/*
 * For commands without options on one domain: argv becomes DOMAIN and what is
 * behind it, least to most words in all. 0, or the exit status (said).
 */
int domain_arguments(struct xeno *x, int *argc, char ***argv, int least,
                     int most, uint32_t *id);
/* The same with one option, a letter without argument; *given: it is there. */
int option_arguments(struct xeno *x, int *argc, char ***argv,
                     const char *flag, bool *given, int least, int most,
                     uint32_t *id);
/* malloc, strdup and the like must not fail. */
void *must(void *p);

int cmd_create(struct xeno *x, int argc, char **argv);
int cmd_monitor(struct xeno *x, int argc, char **argv);
int cmd_config_update(struct xeno *x, int argc, char **argv);
int cmd_list(struct xeno *x, int argc, char **argv);
int cmd_vm_list(struct xeno *x, int argc, char **argv);
int cmd_vcpu_list(struct xeno *x, int argc, char **argv);
int cmd_vcpu_pin(struct xeno *x, int argc, char **argv);
int cmd_vcpu_set(struct xeno *x, int argc, char **argv);
int cmd_mem_set(struct xeno *x, int argc, char **argv);
int cmd_mem_max(struct xeno *x, int argc, char **argv);
int cmd_info(struct xeno *x, int argc, char **argv);
int cmd_uptime(struct xeno *x, int argc, char **argv);
int cmd_block_attach(struct xeno *x, int argc, char **argv);
int cmd_block_detach(struct xeno *x, int argc, char **argv);
int cmd_block_list(struct xeno *x, int argc, char **argv);
int cmd_network_attach(struct xeno *x, int argc, char **argv);
int cmd_network_detach(struct xeno *x, int argc, char **argv);
int cmd_network_list(struct xeno *x, int argc, char **argv);
int cmd_dmesg(struct xeno *x, int argc, char **argv);
int cmd_debug_keys(struct xeno *x, int argc, char **argv);
int cmd_console(struct xeno *x, int argc, char **argv);
int cmd_pause(struct xeno *x, int argc, char **argv);
int cmd_unpause(struct xeno *x, int argc, char **argv);
int cmd_shutdown(struct xeno *x, int argc, char **argv);
int cmd_reboot(struct xeno *x, int argc, char **argv);
int cmd_destroy(struct xeno *x, int argc, char **argv);
int cmd_dump_core(struct xeno *x, int argc, char **argv);
int cmd_rename(struct xeno *x, int argc, char **argv);
int cmd_domid(struct xeno *x, int argc, char **argv);
int cmd_domname(struct xeno *x, int argc, char **argv);
int cmd_sysrq(struct xeno *x, int argc, char **argv);
int cmd_trigger(struct xeno *x, int argc, char **argv);
int cmd_trace(struct xeno *x, int argc, char **argv);
int cmd_clock(struct xeno *x, int argc, char **argv);
int cmd_top(struct xeno *x, int argc, char **argv);
int cmd_sched(struct xeno *x, int argc, char **argv);
int cmd_balance(struct xeno *x, int argc, char **argv);

/*
 * Where a dump of a guest of that name goes unless it is said, in a directory
 * that exists: path, filled.
 */
const char *core_path(const char *name, char *path, size_t room);

/* Attaches the terminal to the console of a domain until Ctrl-]. */
int console_attach(struct xeno *x, uint32_t id);

#endif
