/*
 * xenstore's client. One request is under way at a time. The interrupt takes
 * all that comes from the ring: an answer goes to the buffer of the thread
 * that waits for it, an event is counted at its watch, and what nobody waits
 * for (an answer after its time, say) is dropped.
 */
#include <ring.h>
#include <xenbus.h>
#include <xen/io/xs_wire.h>

#define TIMEOUT (60 * SECOND_NS)
#define MAX_PIECES 4

struct piece {
    const char *data;
    size_t size;
};

struct call {
    u32 request;
    char *reply;
    size_t size;
    long result; /* bytes or -errno */
    int done;
};

static struct {
    volatile struct xenstore_domain_interface *ring; /* null: not connected */
    unsigned port;
    int broken;
    u32 requests;
    struct mutex lock; /* of the one request */
    struct wait_queue queue;
    struct call *call;
    struct xenbus_watch *watches;
    unsigned tokens;
    struct xenbus_counts counts;
    struct wire *wire;
} xb;

static u8 store_page[PAGE_SIZE] __attribute__((aligned(4096)));

void xenbus_counts(struct xenbus_counts *c) { *c = xb.counts; }

/* ---- from the ring, interrupts off ---- */

static long error_number(const char *name)
{
    static const struct {
        const char *name;
        long number;
    } errors[] = {
        {"EINVAL", XEN_EINVAL}, {"EACCES", XEN_EACCES}, {"EEXIST", XEN_EEXIST},
        {"EISDIR", XEN_EISDIR}, {"ENOENT", XEN_ENOENT}, {"ENOMEM", XEN_ENOMEM},
        {"ENOSPC", XEN_ENOSPC}, {"EROFS", XEN_EROFS},   {"ENOSYS", XEN_ENOSYS},
        {"EBUSY", XEN_EBUSY},   {"EAGAIN", XEN_EAGAIN}, {"E2BIG", XEN_E2BIG},
        {"EPERM", XEN_EPERM},
    };
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(errors); i++)
        if (!strcmp(name, errors[i].name))
            return -errors[i].number;
    return -XEN_EIO;
}

static void finish_call(long result)
{
    xb.call->result = result;
    xb.call->done = 1;
    xb.call = NULL;
    wake_all(&xb.queue);
}

static void take_answer(const struct wire *w)
{
    struct call *c = xb.call;
    size_t n = w->head[WIRE_LENGTH];

    if (!c || c->request != w->head[WIRE_REQUEST]) {
        xb.counts.strays++;
        return;
    }
    xb.counts.answers++;
    if (w->head[WIRE_TYPE] == XS_ERROR) {
        finish_call(error_number(w->body));
    } else if (n >= c->size && c->size) {
        finish_call(-XEN_E2BIG);
    } else {
        if (c->size)
            memcpy(c->reply, w->body, n + 1);
        finish_call((long)n);
    }
}

static void take_event(const struct wire *w)
{
    const char *token = wire_second(w);
    struct xenbus_watch *watch = xb.watches;
    u64 number;

    if (!token || parse_number(token, 0xffffffff, &number))
        number = 0;
    while (watch && watch->token != number)
        watch = watch->next;
    if (watch) {
        xb.counts.events++;
        watch->fired++;
        wake_all(watch->queue);
    } else {
        xb.counts.strays++;
    }
}

static void take_message(const struct wire *w)
{
    if (w->head[WIRE_TYPE] == XS_WATCH_EVENT)
        take_event(w);
    else
        take_answer(w);
}

static void give_up(void)
{
    xb.broken = 1;
    print("xenbus: the ring is broken\n");
    if (xb.call)
        finish_call(-XEN_EIO);
    wake_all(&xb.queue);
}

/* One piece; 0: nothing is left. */
static int take_piece(void)
{
    char bytes[64];
    u32 cons = xb.ring->rsp_cons;
    long n = bytes_to_read(xb.ring->rsp_prod, cons, XENSTORE_RING_SIZE);
    size_t i, used = 0;
    int ret;

    if (n <= 0 || xb.broken) {
        if (n < 0 && !xb.broken)
            give_up();
        return 0;
    }
    __sync_synchronize();
    for (i = 0; i < (size_t)n && i < sizeof(bytes); i++)
        bytes[i] = xb.ring->rsp[MASK_XENSTORE_IDX(cons + i)];
    ret = wire_feed(xb.wire, bytes, i, &used);
    __sync_synchronize();
    xb.ring->rsp_cons = cons + (u32)used;
    if (ret > 0)
        take_message(xb.wire);
    else if (ret < 0)
        give_up();
    return 1;
}

static void handle_event(unsigned port, void *arg)
{
    u32 before = xb.ring->rsp_cons;

    (void)arg;
    while (take_piece())
        ;
    if (xb.ring->rsp_cons != before)
        event_send(port);
    wake_all(&xb.queue); /* there may be room for a request */
}

/* ---- to the ring ---- */

/* Interrupts off. */
static int send_bytes(const char *p, size_t n, u64 deadline)
{
    while (n) {
        u32 prod = xb.ring->req_prod;
        long room = bytes_to_write(prod, xb.ring->req_cons, XENSTORE_RING_SIZE);

        if (xb.broken)
            return -XEN_EIO;
        if (room < 0) {
            give_up();
        } else if (room) {
            xb.ring->req[MASK_XENSTORE_IDX(prod)] = *p++;
            n--;
            __sync_synchronize();
            xb.ring->req_prod = prod + 1;
        } else {
            event_send(xb.port);
            if (!wait_until(&xb.queue, deadline))
                return -XEN_ETIMEDOUT;
        }
    }
    return 0;
}

static int send_all(const struct xsd_sockmsg *head, const struct piece *pieces,
                    u64 deadline)
{
    int ret = send_bytes((const char *)head, sizeof(*head), deadline);
    unsigned i;

    for (i = 0; !ret && i < MAX_PIECES; i++)
        ret = send_bytes(pieces[i].data, pieces[i].size, deadline);
    if (ret == -XEN_ETIMEDOUT)
        give_up(); /* half a message is in the ring */
    else
        event_send(xb.port);
    return ret;
}

static void await(struct call *c, u64 deadline)
{
    while (!c->done && wait_until(&xb.queue, deadline))
        ;
    if (!c->done) {
        xb.call = NULL;
        c->result = -XEN_ETIMEDOUT;
    }
}

/* reply: size bytes, or none are wanted. Bytes or -errno. */
static long request(u32 type, u32 tx, const struct piece *pieces, char *reply,
                    size_t size)
{
    struct xsd_sockmsg head = {.type = type, .tx_id = tx};
    struct call call = {.reply = reply, .size = size};
    u64 deadline;
    int ret = xenbus_init(), state;
    unsigned i;

    if (ret)
        return ret;
    for (i = 0; i < MAX_PIECES; i++)
        head.len += (u32)pieces[i].size;
    if (head.len > XENSTORE_PAYLOAD_MAX)
        return -XEN_E2BIG;
    mutex_lock(&xb.lock);
    deadline = time_ns() + TIMEOUT; /* the wait for the lock is not ours */
    state = irq_save();
    call.request = head.req_id = ++xb.requests;
    xb.call = &call;
    ret = send_all(&head, pieces, deadline);
    if (!ret)
        await(&call, deadline);
    xb.call = NULL;
    irq_restore(state);
    mutex_unlock(&xb.lock);
    return ret ? ret : call.result;
}

/* To the ring that start_info tells of. */
static int attach(void)
{
    const struct start_info *si = xen_start_info();
    int ret = map_in_place(store_page, si->store_mfn);

    if (ret)
        return ret;
    xb.wire->have = 0;
    xb.ring = (volatile struct xenstore_domain_interface *)(void *)store_page;
    xb.port = si->store_evtchn;
    ret = event_attach(xb.port, handle_event, NULL);
    return ret < 0 ? ret : 0;
}

static int connect(void)
{
    const struct start_info *si = xen_start_info();

    if (!si || !si->store_evtchn || (si->flags & SIF_INITDOMAIN))
        return -XEN_ENODEV;
    xb.wire = alloc(sizeof(*xb.wire));
    return xb.wire ? attach() : -XEN_ENOMEM;
}

int xenbus_init(void)
{
    static struct mutex once;
    int ret = 0;

    mutex_lock(&once);
    if (!xb.ring)
        ret = connect();
    else if (xb.broken)
        ret = -XEN_EIO;
    mutex_unlock(&once);
    return ret;
}

/* ---- requests ---- */

/* The path in the first three pieces, with a 0 behind it. */
static void name_node(struct piece *p, const char *dir, const char *name)
{
    p[0].data = dir;
    p[0].size = strlen(dir) + !name;
    p[1].data = "/";
    p[1].size = name ? 1 : 0;
    p[2].data = name;
    p[2].size = name ? strlen(name) + 1 : 0;
}

static long simple(u32 type, u32 tx, const char *dir, const char *name,
                   char *reply, size_t size)
{
    struct piece p[MAX_PIECES] = {{NULL, 0}};

    name_node(p, dir, name);
    return request(type, tx, p, reply, size);
}

static int sign(long ret) { return ret < 0 ? (int)ret : 0; }

long xenbus_read(u32 tx, const char *dir, const char *name, char *buf,
                 size_t size)
{
    long n = simple(XS_READ, tx, dir, name, buf, size);

    return n >= 0 && strlen(buf) != (size_t)n ? -XEN_EINVAL : n;
}

int xenbus_read_number(u32 tx, const char *dir, const char *name, u64 max,
                       u64 *value)
{
    char buf[24];
    long n = xenbus_read(tx, dir, name, buf, sizeof(buf));

    if (n == -XEN_E2BIG || (n >= 0 && parse_number(buf, max, value)))
        n = -XEN_EINVAL;
    return sign(n);
}

long xenbus_list(u32 tx, const char *dir, const char *name, char *buf,
                 size_t size)
{
    long n = simple(XS_DIRECTORY, tx, dir, name, buf, size);

    return n > 0 && buf[n - 1] ? -XEN_EINVAL : n;
}

int xenbus_write(u32 tx, const char *dir, const char *name, const char *fmt,
                 ...)
{
    struct piece p[MAX_PIECES];
    char value[XENBUS_PATH];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    if (n < 0 || n >= (int)sizeof(value))
        return -XEN_E2BIG;
    name_node(p, dir, name);
    p[3].data = value;
    p[3].size = (size_t)n;
    return sign(request(XS_WRITE, tx, p, NULL, 0));
}

int xenbus_mkdir(u32 tx, const char *dir, const char *name)
{
    return sign(simple(XS_MKDIR, tx, dir, name, NULL, 0));
}

int xenbus_remove(u32 tx, const char *dir, const char *name)
{
    return sign(simple(XS_RM, tx, dir, name, NULL, 0));
}

int xenbus_begin(u32 *tx)
{
    char number[16];
    u64 value = 0;
    long n = simple(XS_TRANSACTION_START, 0, "", NULL, number, sizeof(number));

    if (n >= 0 && parse_number(number, 0xffffffff, &value))
        n = -XEN_EINVAL;
    *tx = (u32)value;
    return sign(n);
}

int xenbus_end(u32 tx, int commit)
{
    return sign(simple(XS_TRANSACTION_END, tx, commit ? "T" : "F", NULL, NULL,
                       0));
}

/* ---- watches ---- */

static struct mutex watching; /* the list of watches stays as it is */

static int watch_request(u32 type, const struct xenbus_watch *w)
{
    struct piece p[MAX_PIECES];
    char token[16];

    name_node(p, w->dir, w->name);
    p[3].data = token;
    p[3].size = (size_t)snprintf(token, sizeof(token), "%u", w->token) + 1;
    return sign(request(type, 0, p, NULL, 0));
}

static void forget(struct xenbus_watch *w)
{
    struct xenbus_watch **at = &xb.watches;
    int state = irq_save();

    while (*at && *at != w)
        at = &(*at)->next;
    if (*at)
        *at = w->next;
    irq_restore(state);
}

int xenbus_watch(struct xenbus_watch *w, const char *dir, const char *name,
                 struct wait_queue *queue)
{
    int state, ret;

    mutex_lock(&watching);
    state = irq_save();
    w->queue = queue;
    w->dir = dir;
    w->name = name;
    w->fired = 0;
    w->token = ++xb.tokens;
    w->next = xb.watches;
    xb.watches = w;
    irq_restore(state);
    ret = watch_request(XS_WATCH, w);
    if (ret)
        forget(w);
    mutex_unlock(&watching);
    return ret;
}

void xenbus_unwatch(struct xenbus_watch *w)
{
    mutex_lock(&watching);
    watch_request(XS_UNWATCH, w);
    forget(w);
    mutex_unlock(&watching);
}

/* ---- suspension ---- */

void xenbus_suspend(void)
{
    mutex_lock(&watching);
    mutex_lock(&xb.lock);
}

/* What is left in the ring was for somebody else. */
static void attach_again(void)
{
    int state = irq_save();

    xb.broken = 0;
    if (attach())
        give_up();
    else
        xb.ring->rsp_cons = xb.ring->rsp_prod;
    irq_restore(state);
}

void xenbus_resume(int elsewhere)
{
    struct xenbus_watch *w;

    if (elsewhere)
        attach_again();
    mutex_unlock(&xb.lock);
    for (w = elsewhere ? xb.watches : NULL; w; w = w->next)
        if (watch_request(XS_WATCH, w))
            print("xenbus: %s is no longer watched\n", w->dir);
    mutex_unlock(&watching);
}
