/* console: the terminal that xenconsoled keeps for a guest. */
#include "cmd.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <xenstore.h>

#define ESCAPE 0x1d /* Ctrl-] */
#define TTY_WAIT_MS 10000

static struct termios saved;
static bool have_saved;

static void restore_terminal(void)
{
    if (have_saved)
        tcsetattr(STDIN_FILENO, TCSANOW, &saved);
}

static void raw_terminal(int tty)
{
    struct termios t;

    if (!tcgetattr(STDIN_FILENO, &saved)) {
        have_saved = true;
        atexit(restore_terminal);
        t = saved;
        cfmakeraw(&t);
        tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    if (!tcgetattr(tty, &t)) {
        cfmakeraw(&t);
        tcsetattr(tty, TCSANOW, &t);
    }
}

/* xenconsoled writes the path there once it serves the domain. */
static char *await_tty(struct xeno *x, uint32_t id)
{
    char *s = NULL;

    for (unsigned ms = 0; ms < TTY_WAIT_MS; ms += 20) {
        free(s);
        s = xeno_read(x, "/local/domain/%u/console/tty", id);
        if (!s || *s)
            return s;
        poll(NULL, 0, 20);
    }
    free(s);
    return NULL;
}

static bool write_all(int fd, const char *buf, ssize_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, buf, (size_t)n);

        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0)
            buf += done, n -= done;
    }
    return true;
}

/* Until the escape, the end of our input's use, or the guest's death. */
static void exchange(struct xeno *x, uint32_t id, int tty)
{
    struct pollfd p[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                          {.fd = tty, .events = POLLIN}};
    struct xeno_domain d;
    char buf[1024];
    ssize_t n;

    for (;;) {
        int got = poll(p, 2, 1000);

        if (!got && (xeno_domain_info(x, id, &d) || d.dying))
            return;
        if (p[0].revents) {
            char *escape;

            n = read(STDIN_FILENO, buf, sizeof(buf));
            if (n <= 0)
                p[0].fd = -1;
            escape = n > 0 ? memchr(buf, ESCAPE, (size_t)n) : NULL;
            if (escape)
                n = escape - buf;
            if ((n > 0 && !write_all(tty, buf, n)) || escape)
                return;
        }
        if (p[1].revents) {
            n = read(tty, buf, sizeof(buf));
            if (n <= 0 || !write_all(STDOUT_FILENO, buf, n))
                return;
        }
    }
}

int console_attach(struct xeno *x, uint32_t id)
{
    char *path = await_tty(x, id);
    int tty;

    if (!path)
        return fail("domain %u has no console (is xenconsoled running?)", id);
    tty = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (tty < 0) {
        int rc = fail("cannot open '%s': %s", path, strerror(errno));
        free(path);
        return rc;
    }
    free(path);
    raw_terminal(tty);
    exchange(x, id, tty);
    close(tty);
    restore_terminal();
    if (isatty(STDOUT_FILENO))
        putchar('\n');
    return 0;
}

/* xl's options: a PV guest has one console, number 0. */
int cmd_console(struct xeno *x, int argc, char **argv)
{
    uint32_t id;
    int c;

    while ((c = option(argc, argv, "t:n:")) != -1) {
        if (c == '?')
            return EXIT_USAGE;
        if (strcmp(optarg, c == 't' ? "pv" : "0"))
            return fail("a guest has no console but that: -t pv -n 0");
    }
    if (argc - optind != 1)
        return usage();
    if (!find_domain(x, argv[optind], &id))
        return EXIT_FAILED;
    if (!id)
        return fail("domain 0's console is the machine's");
    return console_attach(x, id);
}
