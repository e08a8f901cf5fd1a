#include "monitor.h"

#include "cmd.h"
#include "create.h"
#include "device.h"
#include "record.h"
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>
#include <xen/sched.h>

#define GUEST_DIR RUN_DIR "/guests"
#define SOCKET RUN_DIR "/monitor.sock"
#define LOCK RUN_DIR "/monitor.lock"
#define MAX_CREATORS 32

/* What a creator says; then 16 bytes of UUID. */
enum { SAY_BEGIN = 'b', SAY_DONE = 'd', SAY_ABANDON = 'a' };

struct message {
    char what;
    uint8_t uuid[16];
};

static void config_path(const uint8_t uuid[16], char *path, size_t room)
{
    char text[37];

    xeno_uuid_text(uuid, text);
    snprintf(path, room, GUEST_DIR "/%s.cfg", text);
}

/* ---- ending a guest ---- */

int guest_destroy(struct xeno *x, const struct xeno_domain *d)
{
    char path[128];
    int rc = xeno_domain_destroy(x, d->id);

    if (rc)
        return rc;
    device_remove_all(x, d->id);
    store_forget(x, d->id, d->uuid);
    record_forget(d->id, d->uuid);
    config_path(d->uuid, path, sizeof(path));
    unlink(path);
    return 0;
}

/* ---- a creator's side ---- */

static struct sockaddr_un address(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};

    snprintf(a.sun_path, sizeof(a.sun_path), "%s", SOCKET);
    return a;
}

static int connect_monitor(void)
{
    struct sockaddr_un a = address();
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A process of its own; true once it listens. */
static bool start_monitor(void)
{
    int ready[2];
    char c;
    pid_t pid;
    bool ok;

    if (pipe(ready))
        return false;
    pid = fork();
    if (pid == 0) {
        char fd[16];

        close(ready[0]);
        setsid();
        if (fork())
            _exit(0);
        snprintf(fd, sizeof(fd), "%d", ready[1]);
        execl("/proc/self/exe", "xeno", "monitor", fd, (char *)NULL);
        _exit(127);
    }
    close(ready[1]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    ok = pid > 0 && read(ready[0], &c, 1) == 1;
    close(ready[0]);
    return ok;
}

bool saved_config_write(const uint8_t uuid[16], const char *text)
{
    char path[128];
    int fd;
    size_t n = strlen(text);
    bool ok;

    config_path(uuid, path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, text, n) == (ssize_t)n;
    if (fd >= 0)
        close(fd);
    return ok;
}

static bool say(int fd, char what, const uint8_t uuid[16])
{
    struct message m = {.what = what};

    memcpy(m.uuid, uuid, sizeof(m.uuid));
    return send(fd, &m, sizeof(m), MSG_NOSIGNAL) == (ssize_t)sizeof(m);
}

int monitor_begin(struct xeno *x, const uint8_t uuid[16], const char *text)
{
    int fd = connect_monitor();

    if (fd < 0 && start_monitor())
        fd = connect_monitor();
    if (fd < 0)
        return xeno_fail(x, EIO, "cannot start the monitor (see the system's "
                         "log)");
    if (!saved_config_write(uuid, text) || !say(fd, SAY_BEGIN, uuid)) {
        close(fd);
        return xeno_fail(x, EIO, "cannot write to " GUEST_DIR ": %s",
                         strerror(errno));
    }
    return fd;
}

void monitor_done(int fd)
{
    static const uint8_t none[16];

    if (!say(fd, SAY_DONE, none) && !start_monitor())
        fail("warning: the monitor died and cannot be started again");
    close(fd);
}

void monitor_abandon(int fd, const uint8_t uuid[16])
{
    char path[128];

    config_path(uuid, path, sizeof(path));
    unlink(path);
    say(fd, SAY_ABANDON, uuid);
    close(fd);
}

/* ---- the monitor's side ---- */

struct guest_state {
    uint8_t uuid[16];
    bool known;     /* its domain has been seen */
    uint32_t id;    /* then its number */
    bool preserved; /* it shut down and stays */
    struct guest_state *next;
};

struct creator {
    int fd;
    bool begun;
    uint8_t uuid[16];
};

static struct guest_state *guests;
static struct creator creators[MAX_CREATORS];
static unsigned nr_creators;

static struct guest_state *guest_of(const uint8_t uuid[16])
{
    struct guest_state *g;

    for (g = guests; g; g = g->next)
        if (!memcmp(g->uuid, uuid, 16))
            return g;
    g = must(calloc(1, sizeof(*g)));
    memcpy(g->uuid, uuid, 16);
    g->next = guests;
    guests = g;
    return g;
}

static void forget_guest(struct guest_state *g)
{
    struct guest_state **p = &guests;
    char path[128];

    config_path(g->uuid, path, sizeof(path));
    unlink(path);
    while (*p != g)
        p = &(*p)->next;
    *p = g->next;
    free(g);
}

char *saved_config_read(const uint8_t uuid[16])
{
    char path[128], *text = NULL;
    struct stat st;
    int fd;

    config_path(uuid, path, sizeof(path));
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && !fstat(fd, &st)) {
        text = must(calloc(1, (size_t)st.st_size + 1));
        if (read(fd, text, (size_t)st.st_size) != st.st_size)
            text[0] = '\0';
    }
    if (fd >= 0)
        close(fd);
    return text;
}

static enum on_event action_for(const struct guest *g, unsigned reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff: return g->on_poweroff;
    case SHUTDOWN_reboot: return g->on_reboot;
    case SHUTDOWN_watchdog: return g->on_watchdog;
    case SHUTDOWN_suspend: return ON_PRESERVE; /* whoever asked acts */
    default: return g->on_crash;
    }
}

/* The same guest again, under its old UUID. */
static void restart(struct xeno *x, struct guest *g, const char *text,
                    const uint8_t uuid[16])
{
    struct guest_state *s;
    uint32_t id = 0;
    int rc;

    memcpy(g->uuid, uuid, 16);
    if (!saved_config_write(uuid, text))
        syslog(LOG_ERR, "cannot keep the configuration of %s: %m", g->name);
    rc = guest_create(x, g, &id);
    if (!rc)
        rc = xeno_domain_unpause(x, id);
    if (rc)
        syslog(LOG_ERR, "cannot restart %s: %s", g->name, xeno_error(x));
    else
        syslog(LOG_NOTICE, "%s is restarted as domain %u", g->name, id);
    s = guest_of(uuid);
    s->known = !rc;
    s->id = id;
    if (rc)
        forget_guest(s);
}

/*
 * What is kept is kept for good, also by a monitor that reads its
 * configuration later: the last setting of a key counts.
 */
static void keep_under_new_name(struct xeno *x, const struct xeno_domain *d,
                                const struct guest *g, const char *text)
{
    char name[96], *kept;

    if (asprintf(&kept, "%s\non_poweroff='preserve'\non_reboot='preserve'\n"
                        "on_crash='preserve'\non_watchdog='preserve'\n",
                 text) >= 0) {
        saved_config_write(d->uuid, kept);
        free(kept);
    }
    snprintf(name, sizeof(name), "%s-%u", g->name, d->id);
    if (store_rename(x, d->id, d->uuid, name))
        syslog(LOG_ERR, "cannot rename %s: %s", g->name, xeno_error(x));
}

static void dump_core(struct xeno *x, const struct xeno_domain *d,
                      const char *name)
{
    char path[160];

    if (xeno_core_dump(x, d->id, core_path(name, path, sizeof(path))))
        syslog(LOG_ERR, "no dump of %s: %s", name, xeno_error(x));
    else
        syslog(LOG_NOTICE, "the dump of %s is %s", name, path);
}

static void on_shutdown(struct xeno *x, struct guest_state *s,
                        const struct xeno_domain *d)
{
    char *text = saved_config_read(s->uuid);
    enum on_event action;
    struct guest g;

    if (!text || !guest_from_text(x, "config", text, 0, &g)) {
        free(text);
        s->preserved = true; /* not ours to judge */
        return;
    }
    action = action_for(&g, d->shutdown_reason);
    syslog(LOG_NOTICE, "domain %u (%s) shut down, reason %u", d->id, g.name,
           d->shutdown_reason);
    if (action == ON_DUMP_DESTROY || action == ON_DUMP_RESTART) {
        dump_core(x, d, g.name);
        action = action == ON_DUMP_DESTROY ? ON_DESTROY : ON_RESTART;
    }
    if (action == ON_PRESERVE || action == ON_RENAME_RESTART)
        s->preserved = true;
    if (action == ON_RENAME_RESTART)
        keep_under_new_name(x, d, &g, text);
    if (action == ON_DESTROY || action == ON_RESTART) {
        if (guest_destroy(x, d))
            syslog(LOG_ERR, "cannot destroy %s: %s", g.name, xeno_error(x));
        forget_guest(s);
    }
    if (action == ON_RESTART || action == ON_RENAME_RESTART) {
        uint8_t uuid[16];
        memcpy(uuid, d->uuid, 16);
        if (action == ON_RENAME_RESTART)
            make_uuid(uuid); /* two domains, two UUIDs */
        restart(x, &g, text, uuid);
    }
    free(text);
    guest_free(&g);
}

static bool being_created(const uint8_t uuid[16])
{
    for (unsigned i = 0; i < nr_creators; i++)
        if (creators[i].begun && !memcmp(creators[i].uuid, uuid, 16))
            return true;
    return false;
}

/* What a guest without a domain has left, whoever ended it, however far. */
static void clear_away(struct xeno *x, struct guest_state *s)
{
    if (s->known || store_find(x, s->uuid, &s->id)) {
        device_remove_all(x, s->id);
        store_forget(x, s->id, s->uuid);
        record_forget(s->id, s->uuid);
    }
    forget_guest(s);
}

static void look_at(struct xeno *x, struct guest_state *s,
                    const struct xeno_domain *d)
{
    if (d && !d->dying) {
        s->known = true;
        s->id = d->id;
        if (d->shutdown && !s->preserved)
            on_shutdown(x, s, d);
    } else if (!d || s->known) {
        clear_away(x, s);
    }
}

/* All guests against the list of domains. */
static void look_at_all(struct xeno *x)
{
    struct xeno_domain *list;
    struct guest_state *s, *next;
    int n = xeno_domain_list_all(x, &list);

    if (n < 0)
        return;
    for (s = guests; s; s = next) {
        const struct xeno_domain *d = NULL;

        next = s->next;
        if (being_created(s->uuid))
            continue;
        for (int i = 0; i < n; i++)
            if (!memcmp(list[i].uuid, s->uuid, 16))
                d = &list[i];
        look_at(x, s, d);
    }
    free(list);
}

static bool find_by_uuid(struct xeno *x, const uint8_t uuid[16],
                         struct xeno_domain *d)
{
    struct xeno_domain *list;
    int n = xeno_domain_list_all(x, &list);
    bool found = false;

    for (int i = 0; i < n && !found; i++)
        if (!memcmp(list[i].uuid, uuid, 16)) {
            *d = list[i];
            found = true;
        }
    if (n >= 0)
        free(list);
    return found;
}

/* A creator died: what there is of its guest goes. */
static void sweep(struct xeno *x, const uint8_t uuid[16])
{
    struct xeno_domain d;

    if (find_by_uuid(x, uuid, &d)) {
        syslog(LOG_NOTICE, "domain %u was left half-made: destroyed", d.id);
        guest_destroy(x, &d);
    }
    clear_away(x, guest_of(uuid));
}

/* One message, or the end of the connection, which takes its place away. */
static void hear(struct xeno *x, struct creator *c)
{
    struct message m;
    ssize_t n = recv(c->fd, &m, sizeof(m), 0);

    if (n == (ssize_t)sizeof(m) && m.what == SAY_BEGIN) {
        c->begun = true;
        memcpy(c->uuid, m.uuid, 16);
        (void)guest_of(m.uuid);
        return;
    }
    if (n == (ssize_t)sizeof(m) && m.what == SAY_ABANDON)
        forget_guest(guest_of(m.uuid));
    else if (!(n == (ssize_t)sizeof(m) && m.what == SAY_DONE) && c->begun)
        sweep(x, c->uuid);
    close(c->fd);
    *c = creators[--nr_creators];
    look_at_all(x); /* it may have shut down meanwhile */
}

static void hear_all(struct xeno *x, const struct pollfd *p, unsigned n)
{
    for (unsigned i = n; i-- > 0;)
        if (p[i].revents)
            hear(x, &creators[i]);
}

/* False: nobody tells any more. */
static bool heed_watch(struct xeno *x, int watch)
{
    char told[512];

    if (read(watch, told, sizeof(told)) <= 0)
        return false;
    look_at_all(x);
    return true;
}

static void loop(struct xeno *x, int listener, int watch)
{
    for (;;) {
        struct pollfd p[2 + MAX_CREATORS] = {
            {.fd = listener,
             .events = nr_creators < MAX_CREATORS ? POLLIN : 0},
            {.fd = watch, .events = POLLIN}};
        unsigned heard = nr_creators;

        for (unsigned i = 0; i < heard; i++)
            p[2 + i] = (struct pollfd){.fd = creators[i].fd, .events = POLLIN};
        if (poll(p, 2 + heard, -1) < 0)
            continue;
        hear_all(x, p + 2, heard);
        if (p[0].revents & POLLIN) {
            int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
            if (fd >= 0)
                creators[nr_creators++] = (struct creator){.fd = fd};
        }
        if (p[1].revents && !heed_watch(x, watch)) {
            syslog(LOG_ERR, "xenstored is gone: no guest is watched any more");
            return;
        }
    }
}

/* Guests of a monitor that ran before. */
static void load_guests(void)
{
    DIR *dir = opendir(GUEST_DIR);
    struct dirent *e;
    uint8_t uuid[16];

    while (dir && (e = readdir(dir))) {
        char name[37];

        snprintf(name, sizeof(name), "%.36s", e->d_name);
        if (strlen(e->d_name) == 40 && xeno_uuid_parse(name, uuid))
            (void)guest_of(uuid);
    }
    if (dir)
        closedir(dir);
}

static int listen_alone(void)
{
    struct sockaddr_un a = address();
    int lock, fd;

    mkdir(RUN_DIR, 0755);
    mkdir(GUEST_DIR, 0700);
    lock = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB))
        return -1;
    unlink(SOCKET);
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) ||
        chmod(SOCKET, 0600) || listen(fd, 64))
        return -1;
    return fd;
}

/* Run by start_monitor; the argument is where to say that it listens. */
int cmd_monitor(struct xeno *x, int argc, char **argv)
{
    int ready = argc > 1 ? atoi(argv[1]) : -1, null, fd, watch;

    prctl(PR_SET_NAME, "xeno-monitor");
    openlog("xeno-monitor", LOG_PID, LOG_DAEMON);
    fd = listen_alone();
    if (fd < 0 && ready >= 0 && write(ready, "r", 1) == 1)
        return 0; /* another one was faster */
    if (fd < 0)
        return fail("cannot listen at " SOCKET ": %s", strerror(errno));
    watch = xeno_store_watch(x, "@releaseDomain");
    if (watch < 0) {
        syslog(LOG_ERR, "%s", xeno_error(x));
        return fail_x(x);
    }
    null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i < 3; i++)
        dup2(null, i);
    if (chdir("/"))
        return EXIT_FAILED;
    load_guests();
    look_at_all(x);
    if (ready >= 0) {
        if (write(ready, "r", 1) != 1)
            syslog(LOG_WARNING, "the creator is gone");
        close(ready);
    }
    loop(x, fd, watch);
    return EXIT_FAILED;
}
