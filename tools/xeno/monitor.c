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
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>
#include <xen/sched.h>

#define GUEST_DIR RUN_DIR "/guests"
#define LOCK RUN_DIR "/monitor.lock"

/* Of a guest that is complete, and of one that is being made. */
#define COMPLETE "cfg"
#define UNFINISHED "new"

/* How long a file may stay locked after it was closed. */
#define CLOSING_MS 10000
#define CLOSING_STEP_MS 5

static void config_path(const uint8_t uuid[16], const char *kind, char *path,
                        size_t room)
{
    char text[37];

    xeno_uuid_text(uuid, text);
    snprintf(path, room, GUEST_DIR "/%s.%s", text, kind);
}

static void remove_config(const uint8_t uuid[16], const char *kind)
{
    char path[128];

    config_path(uuid, kind, path, sizeof(path));
    unlink(path);
}

/* ---- ending a guest ---- */

/*
 * Who takes a guest away holds its file meanwhile, so that the monitor, which
 * hears of the domain's end, too, leaves the rest to it; it hears of the
 * closing if the file was open for writing. -1 with errno: EWOULDBLOCK
 * somebody else does, or there is none.
 */
static int claim(const uint8_t uuid[16], int how)
{
    char path[128];
    int fd;

    config_path(uuid, COMPLETE, path, sizeof(path));
    fd = open(path, how | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        errno = EWOULDBLOCK;
        fd = -1;
    }
    return fd;
}

/* What a guest leaves behind besides its domain and its file. */
static void remove_rest(struct xeno *x, uint32_t id, const uint8_t uuid[16])
{
    record_forget(id, uuid);
    device_remove_all(x, id);
    store_forget(x, id, uuid);
}

int guest_destroy(struct xeno *x, const struct xeno_domain *d)
{
    int file = claim(d->uuid, O_WRONLY), rc = xeno_domain_destroy(x, d->id);

    if (!rc) {
        remove_rest(x, d->id, d->uuid);
        remove_config(d->uuid, COMPLETE);
    }
    if (file >= 0)
        close(file);
    return rc;
}

/* ---- a creator's side ---- */

/* The lock, which the monitor holds while it runs; -1: it does. */
static int lock_monitor(void)
{
    int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 && errno == ENOENT) {
        mkdir(RUN_DIR, 0755);
        mkdir(GUEST_DIR, 0700);
        fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    }
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/*
 * A process of its own that takes the lock along. Nobody waits for it: what
 * happens before it is ready it finds in GUEST_DIR. Until then it runs in what
 * time the creator leaves.
 */
static bool start_monitor(int lock)
{
    const struct sched_param none = {0};
    char fd[16];
    pid_t pid;

    snprintf(fd, sizeof(fd), "%d", lock);
    pid = vfork();
    if (pid == 0) {
        sched_setscheduler(0, SCHED_IDLE, &none);
        fcntl(lock, F_SETFD, 0);
        execl("/proc/self/exe", "xeno", "monitor", fd, (char *)NULL);
        _exit(127);
    }
    return pid > 0;
}

static bool ensure_monitor(void)
{
    int lock = lock_monitor();
    bool ok = lock < 0 || start_monitor(lock);

    if (lock >= 0)
        close(lock);
    return ok;
}

/* An open file with the text, or -1. */
static int save_config(const uint8_t uuid[16], const char *kind,
                       const char *text)
{
    char path[128];
    size_t n = strlen(text);
    int fd;

    config_path(uuid, kind, path, sizeof(path));
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    /* Locked before it has contents: see load_guests. */
    if (fd >= 0 && (flock(fd, LOCK_EX) || write(fd, text, n) != (ssize_t)n)) {
        close(fd);
        unlink(path);
        fd = -1;
    }
    return fd;
}

int monitor_begin(struct xeno *x, const uint8_t uuid[16], const char *text)
{
    int fd;

    if (!ensure_monitor())
        return xeno_fail(x, errno, "cannot start the monitor: %s",
                         strerror(errno));
    fd = save_config(uuid, UNFINISHED, text);
    if (fd < 0)
        return xeno_fail(x, errno, "cannot write to " GUEST_DIR ": %s",
                         strerror(errno));
    return fd;
}

void monitor_done(int fd, const uint8_t uuid[16])
{
    char from[128], to[128];

    config_path(uuid, UNFINISHED, from, sizeof(from));
    config_path(uuid, COMPLETE, to, sizeof(to));
    rename(from, to);
    if (!ensure_monitor())
        fail("warning: the monitor died and cannot be started again");
    close(fd);
}

void monitor_abandon(int fd, const uint8_t uuid[16])
{
    remove_config(uuid, UNFINISHED);
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

static struct guest_state *guests;

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

    remove_config(g->uuid, COMPLETE);
    while (*p != g)
        p = &(*p)->next;
    *p = g->next;
    free(g);
}

bool saved_config_write(const uint8_t uuid[16], const char *text)
{
    int fd = save_config(uuid, COMPLETE, text);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

char *saved_config_read(const uint8_t uuid[16])
{
    char path[128], *text = NULL;
    struct stat st;
    int fd;

    config_path(uuid, COMPLETE, path, sizeof(path));
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
    default: return g->on_crash;
    }
}

/* The same guest again, under its old UUID. */
static void restart(struct xeno *x, struct guest *g, const char *text,
                    const uint8_t uuid[16])
{
    struct guest_state *s;
    uint32_t id = 0;
    int file, rc;

    memcpy(g->uuid, uuid, 16);
    file = save_config(uuid, UNFINISHED, text);
    if (file < 0) {
        syslog(LOG_ERR, "cannot keep the configuration of %s: %m", g->name);
        return;
    }
    rc = guest_create(x, g, true, &id);
    if (rc) {
        syslog(LOG_ERR, "cannot restart %s: %s", g->name, xeno_error(x));
        monitor_abandon(file, uuid);
        return;
    }
    syslog(LOG_NOTICE, "%s is restarted as domain %u", g->name, id);
    monitor_done(file, uuid);
    s = guest_of(uuid);
    s->known = true;
    s->id = id;
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

/* What a guest without a domain has left, whoever ended it, however far. */
static void clear_away(struct xeno *x, struct guest_state *s)
{
    int file = claim(s->uuid, O_RDONLY);

    if (file < 0 && errno == EWOULDBLOCK)
        return; /* we shall hear of its being closed */
    if (file >= 0 && (s->known || store_find(x, s->uuid, &s->id)))
        remove_rest(x, s->id, s->uuid);
    forget_guest(s);
    if (file >= 0)
        close(file);
}

static void look_at(struct xeno *x, struct guest_state *s,
                    const struct xeno_domain *d)
{
    if (d && !d->dying) {
        s->known = true;
        s->id = d->id;
        /* Whoever asked for a suspension acts, and it may go on. */
        if (d->shutdown && !s->preserved &&
            d->shutdown_reason != SHUTDOWN_suspend)
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
    uint32_t id;

    if (find_by_uuid(x, uuid, &d)) {
        syslog(LOG_NOTICE, "domain %u was left half-made: destroyed", d.id);
        guest_destroy(x, &d);
    } else if (store_find(x, uuid, &id)) {
        remove_rest(x, id, uuid);
    }
    remove_config(uuid, UNFINISHED);
}

/* ---- what it hears of ---- */

/* "UUID.cfg" or "UUID.new"; false: neither. */
static bool parse_file_name(const char *name, uint8_t uuid[16], bool *complete)
{
    char text[37];

    snprintf(text, sizeof(text), "%.36s", name);
    if (strlen(name) != 40 || name[36] != '.' || !xeno_uuid_parse(text, uuid))
        return false;
    *complete = !strcmp(name + 37, COMPLETE);
    return *complete || !strcmp(name + 37, UNFINISHED);
}

/*
 * Is it free? The kernel tells of a file's closing before it takes the lock
 * away, so one that was closed is given a while.
 */
static bool is_unlocked(int fd, bool closed)
{
    for (unsigned ms = 0; flock(fd, LOCK_SH | LOCK_NB); ms += CLOSING_STEP_MS) {
        if (!closed || ms >= CLOSING_MS)
            return false;
        poll(NULL, 0, CLOSING_STEP_MS);
    }
    return true;
}

/*
 * Whose holder is gone. A creator locks its file before that has contents, so
 * an empty one says nothing unless it was closed.
 */
static bool is_abandoned(const char *path, bool closed)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    bool yes = fd >= 0 && !fstat(fd, &st) && (closed || st.st_size) &&
               is_unlocked(fd, closed);

    if (fd >= 0)
        close(fd);
    return yes;
}

/* A file that was there when we came, or that was closed. */
static void heed_file(struct xeno *x, const char *name, bool closed)
{
    uint8_t uuid[16];
    bool complete;
    char path[128];

    if (!parse_file_name(name, uuid, &complete))
        return;
    snprintf(path, sizeof(path), GUEST_DIR "/%.40s", name);
    if (complete && !access(path, F_OK)) {
        (void)is_abandoned(path, closed); /* who ends it may have died, too */
        (void)guest_of(uuid);
    } else if (!complete && is_abandoned(path, closed)) {
        sweep(x, uuid);
    }
}

/* The creators' files: who closes one is done, or dead. */
static void heed_creators(struct xeno *x, int files)
{
    char buf[4096] __attribute__((aligned(8)));
    ssize_t n = read(files, buf, sizeof(buf)), at = 0;

    while (at < n) {
        const struct inotify_event *e = (const void *)(buf + at);

        if (e->len)
            heed_file(x, e->name, true);
        at += (ssize_t)(sizeof(*e) + e->len);
    }
    look_at_all(x); /* it may have shut down meanwhile */
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

static void loop(struct xeno *x, int files, int watch)
{
    struct pollfd p[] = {{.fd = files, .events = POLLIN},
                         {.fd = watch, .events = POLLIN}};

    for (;;) {
        if (poll(p, 2, -1) < 0)
            continue;
        if (p[0].revents)
            heed_creators(x, files);
        if (p[1].revents && !heed_watch(x, watch)) {
            syslog(LOG_ERR, "xenstored is gone: no guest is watched any more");
            return;
        }
    }
}

/* Guests of a monitor that ran before, and of creators that came before us. */
static void load_guests(struct xeno *x)
{
    DIR *dir = opendir(GUEST_DIR);
    struct dirent *e;

    while (dir && (e = readdir(dir)))
        heed_file(x, e->d_name, false);
    if (dir)
        closedir(dir);
    look_at_all(x);
}

static int watch_files(void)
{
    int fd = inotify_init1(IN_CLOEXEC);

    if (fd >= 0 && inotify_add_watch(fd, GUEST_DIR, IN_CLOSE_WRITE) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Cut off from the creator: no terminal, no directory, no lower rank. */
static bool detach(void)
{
    const struct sched_param none = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int i = 0; i < 3; i++)
        dup2(null, i);
    setsid();
    sched_setscheduler(0, SCHED_OTHER, &none);
    return chdir("/") == 0;
}

/* Run by start_monitor; the argument is the lock, which stays open. */
int cmd_monitor(struct xeno *x, int argc, char **argv)
{
    int lock = argc > 1 ? atoi(argv[1]) : lock_monitor(), files, watch;

    if (lock < 0)
        return fail("a monitor is running already");
    fcntl(lock, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_NAME, "xeno-monitor");
    openlog("xeno-monitor", LOG_PID, LOG_DAEMON);
    files = watch_files();
    if (files < 0)
        return fail("cannot watch " GUEST_DIR ": %s", strerror(errno));
    watch = xeno_store_watch(x, "@releaseDomain");
    if (watch < 0) {
        syslog(LOG_ERR, "%s", xeno_error(x));
        return fail_x(x);
    }
    if (!detach())
        return EXIT_FAILED;
    load_guests(x);
    loop(x, files, watch);
    return EXIT_FAILED;
}
