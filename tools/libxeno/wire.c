/*
 * A client of xenstored. Requests are collected and sent together, so that
 * the daemon is woken once for many; it answers them in their order.
 *
 * The daemon listens at a socket; where it runs in a domain of its own, the
 * kernel's device leads there, which takes one request at a time.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
/* The table of error names in there goes by what errno.h has defined. */
#include <xen/io/xs_wire.h>

/* Room for the largest request beside some small ones. */
#define WIRE_SIZE 8192
#define WIRE_REQUESTS 64

struct wire {
    int fd;
    bool stream; /* the socket */
    int error;   /* the first since the last run */
    unsigned pending;
    struct xeno_answer *answer[WIRE_REQUESTS]; /* of those pending, or NULL */
    size_t used, in_begin, in_end;
    char out[WIRE_SIZE];
    char in[WIRE_SIZE + 1];
};

static int connect_socket(void)
{
    const char *dir = getenv("XENSTORED_RUNDIR");
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(a.sun_path, sizeof(a.sun_path), "%s/socket",
             dir ? dir : "/var/run/xenstored");
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_wire(bool *stream)
{
    int fd = connect_socket(), why = errno;

    *stream = fd >= 0;
    if (fd < 0)
        fd = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
    if (fd < 0)
        errno = why;
    return fd;
}

static int no_store(struct xeno *x)
{
    return xeno_fail(x, EIO, "cannot connect to xenstore: %s (is xenstored "
                             "running?)", strerror(errno));
}

static struct wire *wire_of(struct xeno *x)
{
    struct wire *w = x->wire;

    if (w)
        return w;
    w = malloc(sizeof(*w));
    if (!w)
        return NULL;
    w->fd = open_wire(&w->stream);
    w->used = w->in_begin = w->in_end = 0;
    w->pending = 0;
    w->error = 0;
    if (w->fd < 0) {
        no_store(x);
        free(w);
        return NULL;
    }
    return x->wire = w;
}

void wire_close(struct xeno *x)
{
    if (x->wire)
        close(x->wire->fd);
    free(x->wire);
    x->wire = NULL;
}

/* ---- sending and receiving ---- */

static bool send_bytes(int fd, bool stream, const char *p, size_t n)
{
    while (n) {
        ssize_t done = stream ? send(fd, p, n, MSG_NOSIGNAL) : write(fd, p, n);

        if (done < 0 && errno != EINTR)
            return false;
        if (done > 0)
            p += done, n -= (size_t)done;
    }
    return true;
}

/* What comes at least for requests from the nth on: "OK" or more. */
static size_t least_to_come(const struct wire *w, unsigned n)
{
    size_t least = 0;

    for (; n < w->pending; n++)
        least += sizeof(struct xsd_sockmsg) + (w->answer[n] ? 0 : 3);
    return least;
}

/*
 * Has n bytes in the buffer; if it must wait, then for all that will come for
 * sure to requests from the nth on, as each reply that we wait for wakes us.
 */
static bool fill(struct wire *w, size_t n, unsigned from)
{
    size_t least;

    if (w->in_end - w->in_begin >= n)
        return true;
    least = least_to_come(w, from);
    if (n < least)
        n = least;
    if (w->in_begin + n > WIRE_SIZE) {
        w->in_end -= w->in_begin;
        memmove(w->in, w->in + w->in_begin, w->in_end);
        w->in_begin = 0;
    }
    while (w->in_end - w->in_begin < n) {
        size_t left = n - (w->in_end - w->in_begin);
        ssize_t got = w->stream ? recv(w->fd, w->in + w->in_end, left,
                                       MSG_WAITALL)
                                : read(w->fd, w->in + w->in_end, left);

        if (!got)
            errno = EPIPE;
        if (!got || (got < 0 && errno != EINTR))
            return false;
        if (got > 0)
            w->in_end += (size_t)got;
    }
    return true;
}

static struct xsd_sockmsg header_at(const char *p)
{
    struct xsd_sockmsg m;

    memcpy(&m, p, sizeof(m));
    return m;
}

static bool send_all(const struct wire *w)
{
    size_t at = 0, n;

    for (; at < w->used; at += n) {
        n = w->stream ? w->used : sizeof(struct xsd_sockmsg) +
                                      header_at(w->out + at).len;
        if (!send_bytes(w->fd, w->stream, w->out + at, n))
            return false;
    }
    return true;
}

static int error_number(const char *name)
{
    for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
        if (!strcmp(xsd_errors[i].errstring, name))
            return xsd_errors[i].errnum;
    return EIO;
}

static const char *what_is(uint32_t type)
{
    switch (type) {
    case XS_WRITE: return "write";
    case XS_MKDIR: return "make";
    case XS_RM: return "remove";
    case XS_SET_PERMS: return "set the permissions of";
    case XS_INTRODUCE: return "introduce domain";
    case XS_RELEASE: return "release domain";
    default: return "ask for";
    }
}

/*
 * What came for one request. An error is one if nobody waits for the answer;
 * a node that shall go may be gone already.
 */
static int take_answer(struct xeno *x, const char *request, uint32_t type,
                       const char *body, size_t n, struct xeno_answer *answer)
{
    int e = type == XS_ERROR ? error_number(body) : 0;

    if (answer) {
        char *data = e ? NULL : malloc(n + 1);

        if (data)
            memcpy(data, body, n + 1);
        *answer = (struct xeno_answer){data, n, data || e ? e : ENOMEM};
        return 0;
    }
    type = header_at(request).type;
    if (!e || (e == ENOENT && type == XS_RM))
        return 0;
    return xeno_fail(x, e, "cannot %s '%s' in xenstore: %s", what_is(type),
                     request + sizeof(struct xsd_sockmsg), strerror(e));
}

/* The reply to the nth request; *lost: the connection is of no more use. */
static int receive_reply(struct xeno *x, unsigned n, const char *request,
                         bool *lost)
{
    struct wire *w = x->wire;
    struct xsd_sockmsg m = {0};
    char *body, behind;
    int rc;

    *lost = !fill(w, sizeof(m), n);
    if (!*lost) {
        m = header_at(w->in + w->in_begin);
        *lost = m.len > XENSTORE_PAYLOAD_MAX ||
                !fill(w, sizeof(m) + m.len, n + 1);
    }
    if (*lost)
        return xeno_fail(x, EIO, "xenstored does not answer: %s",
                         strerror(errno));
    body = w->in + w->in_begin + sizeof(m);
    w->in_begin += sizeof(m) + m.len;
    /* Strings need an end; the next header begins there. */
    behind = body[m.len];
    body[m.len] = '\0';
    rc = take_answer(x, request, m.type, body, m.len, w->answer[n]);
    body[m.len] = behind;
    return rc;
}

static void flush(struct xeno *x)
{
    struct wire *w = x->wire;
    bool lost = !send_all(w);
    size_t at = 0;

    if (lost && !w->error)
        w->error = xeno_fail(x, EIO, "cannot write to xenstore: %s",
                             strerror(errno));
    for (unsigned i = 0; i < w->pending && !lost; i++) {
        int rc = receive_reply(x, i, w->out + at, &lost);

        if (rc && !w->error)
            w->error = rc;
        at += sizeof(struct xsd_sockmsg) + header_at(w->out + at).len;
    }
    w->used = w->pending = 0;
}

/* ---- the interface ---- */

void xeno_store_ask(struct xeno *x, unsigned type, const char *path,
                    const void *body, size_t n, struct xeno_answer *answer)
{
    struct wire *w = wire_of(x);
    size_t path_size = strlen(path) + 1, len = path_size + n;
    struct xsd_sockmsg m = {.type = type, .len = (uint32_t)len};
    char *p;

    if (answer)
        *answer = (struct xeno_answer){NULL, 0, EIO};
    if (!w)
        return;
    if (len > XENSTORE_PAYLOAD_MAX) {
        w->error = xeno_fail(x, E2BIG, "'%.80s' is too much for xenstore",
                             path);
        return;
    }
    if (w->pending == WIRE_REQUESTS || w->used + sizeof(m) + len > WIRE_SIZE)
        flush(x);
    p = w->out + w->used;
    memcpy(p, &m, sizeof(m));
    memcpy(p + sizeof(m), path, path_size);
    if (n)
        memcpy(p + sizeof(m) + path_size, body, n);
    w->answer[w->pending++] = answer;
    w->used += sizeof(m) + len;
}

int xeno_store_run(struct xeno *x)
{
    int rc;

    if (!x->wire)
        return -EIO; /* said when it was asked */
    flush(x);
    rc = x->wire->error;
    x->wire->error = 0;
    return rc;
}

int xeno_store_watch(struct xeno *x, const char *path)
{
    struct xsd_sockmsg m = {.type = XS_WATCH};
    bool stream;
    int fd = open_wire(&stream);
    char request[sizeof(m) + 128];
    size_t n = strlen(path) + 1;

    if (fd < 0)
        return no_store(x);
    /* Path and token, which may be the same. */
    m.len = (uint32_t)(2 * n);
    memcpy(request, &m, sizeof(m));
    memcpy(request + sizeof(m), path, n);
    memcpy(request + sizeof(m) + n, path, n);
    if (!send_bytes(fd, stream, request, sizeof(m) + m.len)) {
        close(fd);
        return no_store(x);
    }
    return fd;
}
