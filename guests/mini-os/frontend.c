/* Front ends: finding a device, the states of both sides, suspension. */
#include <frontend.h>

#define PATIENCE (60 * SECOND_NS)
#define ENDING (STATE_BIT(Closing) | STATE_BIT(Closed))

static const char *const names[] = {
    "unknown", "initialising", "waiting", "initialised", "connected",
    "closing", "closed", "reconfiguring", "reconfigured",
};

int frontend_fail(struct frontend *f, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (f->err) {
        n = snprintf(f->err, f->err_size, "%s: ", f->dir);
        va_start(ap, fmt);
        if (n >= 0 && (size_t)n < f->err_size)
            vsnprintf(f->err + n, f->err_size - (size_t)n, fmt, ap);
        va_end(ap);
        f->err = NULL;
    }
    return -1;
}

unsigned frontend_state(struct frontend *f)
{
    u64 state;
    int ret = xenbus_read_number(0, f->backend, "state",
                                 ARRAY_SIZE(names) - 1, &state);

    if (ret == -XEN_ENOENT)
        return XenbusStateClosed;
    return ret ? XenbusStateUnknown : (unsigned)state;
}

/* Until something changes at the back end. 0: not before the deadline. */
static int await_change(struct frontend *f, u64 deadline)
{
    int state = irq_save(), ret = 1;

    while (!f->watch.fired && ret)
        ret = wait_until(&f->queue, deadline);
    f->watch.fired = 0;
    irq_restore(state);
    return ret;
}

/* hopeless: states that lead to none of those. */
static int await_state(struct frontend *f, unsigned states, unsigned hopeless)
{
    u64 deadline = time_ns() + PATIENCE;
    unsigned state;

    for (;;) {
        state = frontend_state(f);
        if (states & 1U << state)
            return 0;
        if (hopeless & 1U << state)
            return frontend_fail(f, "the back end is %s", names[state]);
        if (!await_change(f, deadline))
            return frontend_fail(f, "the back end stays %s", names[state]);
    }
}

int frontend_wait(struct frontend *f, unsigned states)
{
    return await_state(f, states, ENDING & ~states);
}

int frontend_lost(struct frontend *f)
{
    if (f->watch.fired) {
        f->watch.fired = 0;
        f->lost |= frontend_state(f) != XenbusStateConnected;
    }
    return f->lost;
}

int frontend_switch(struct frontend *f, enum xenbus_state state)
{
    int ret = xenbus_write(0, f->dir, "state", "%u", (unsigned)state);

    return ret ? frontend_fail(f, "its state is not written (%d)", ret) : 0;
}

int frontend_number(struct frontend *f, const char *name, u64 max, u64 *value)
{
    int ret = xenbus_read_number(0, f->backend, name, max, value);

    if (ret)
        return frontend_fail(f, "the back end's %s is %s", name,
                             ret == -XEN_EINVAL ? "no number that can be"
                                                : "missing");
    return 0;
}

int frontend_feature(struct frontend *f, const char *name)
{
    u64 value;

    return !xenbus_read_number(0, f->backend, name, 1, &value) && value;
}

/* The index-th name of a list; 0, or -1. */
static int pick(const char *names_list, long n, unsigned index, char *name)
{
    const char *p = names_list, *end = names_list + n;

    for (; p < end; p += strlen(p) + 1)
        if (!index--)
            return snprintf(name, 32, "%s", p) < 32 ? 0 : -1;
    return -1;
}

static int name_device(struct frontend *f, const char *class, unsigned index)
{
    char list[512], name[32];
    long n = xenbus_list(0, class, NULL, list, sizeof(list));

    snprintf(f->dir, sizeof(f->dir), "%s", class);
    if (n == -XEN_ENODEV)
        return frontend_fail(f, "there is no xenstore");
    if (n < 0 && n != -XEN_ENOENT)
        return frontend_fail(f, "it cannot be listed (%ld)", n);
    if (n < 0 || pick(list, n, index, name))
        return frontend_fail(f, "there is no device %u", index);
    snprintf(f->dir, sizeof(f->dir), "%s/%s", class, name);
    return 0;
}

static int find_peer(struct frontend *f)
{
    u64 peer;

    if (xenbus_read_number(0, f->dir, "backend-id", DOMID_FIRST_RESERVED - 1,
                           &peer))
        return frontend_fail(f, "backend-id is no domain");
    f->peer = (unsigned)peer;
    if (xenbus_read(0, f->dir, "backend", f->backend, sizeof(f->backend)) <= 0)
        return frontend_fail(f, "backend is no path");
    if (xenbus_watch(&f->watch, f->backend, "state", &f->queue))
        return frontend_fail(f, "the back end cannot be watched");
    f->watched = 1;
    return 0;
}

static int attach(struct frontend *f)
{
    char state[8];

    if (find_peer(f))
        return -1;
    if (xenbus_read(0, f->backend, "state", state, sizeof(state)) < 0)
        return frontend_fail(f, "there is no back end at %s", f->backend);
    if (frontend_switch(f, XenbusStateInitialising))
        return -1;
    /* One that an earlier front end has closed takes a moment to come back. */
    return await_state(f, STATE_BIT(InitWait) | STATE_BIT(Initialised) |
                              STATE_BIT(Connected), 0);
}

int frontend_find(struct frontend *f, const char *class, unsigned index,
                  char *err, size_t size)
{
    memset(f, 0, sizeof(*f));
    f->err = err;
    f->err_size = size;
    return name_device(f, class, index) || attach(f) ? -1 : 0;
}

int frontend_find_again(struct frontend *f)
{
    f->lost = 0;
    return attach(f);
}

void frontend_leave(struct frontend *f)
{
    if (!f->watched)
        return;
    if (!frontend_switch(f, XenbusStateClosing) &&
        !frontend_wait(f, ENDING) &&
        !frontend_switch(f, XenbusStateClosed))
        frontend_wait(f, STATE_BIT(Closed) | STATE_BIT(InitWait));
    xenbus_unwatch(&f->watch);
    f->watched = 0;
}

/* ---- suspension ---- */

struct mutex devices_lock;
static struct frontend *open_devices;

void frontend_opened(struct frontend *f, const struct frontend_driver *driver)
{
    f->err = NULL;
    f->driver = driver;
    f->next = open_devices;
    open_devices = f;
}

void frontend_closed(struct frontend *f)
{
    struct frontend **at = &open_devices;

    while (*at && *at != f)
        at = &(*at)->next;
    if (*at)
        *at = f->next;
}

void frontend_enter(struct frontend *f)
{
    int state = irq_save();

    while (f->away)
        wait_on(&f->queue);
    f->users++;
    irq_restore(state);
}

void frontend_exit(struct frontend *f)
{
    int state = irq_save();

    if (!--f->users && f->away)
        wake_all(&f->queue);
    irq_restore(state);
}

int frontend_sleep(struct frontend *f, u64 deadline_ns)
{
    int woken;

    frontend_exit(f);
    woken = wait_until(&f->queue, deadline_ns);
    frontend_enter(f);
    return woken;
}

static void part(struct frontend *f)
{
    int state = irq_save();

    f->away = 1;
    while (f->users)
        wait_on(&f->queue);
    irq_restore(state);
    f->driver->part(f);
}

static void meet(struct frontend *f)
{
    char why[160] = "";
    int state;

    f->err = why;
    f->err_size = sizeof(why);
    if (f->driver->meet(f))
        print("after the suspension: %s\n", why);
    f->err = NULL;
    state = irq_save();
    f->away = 0;
    wake_all(&f->queue);
    irq_restore(state);
}

void frontends_part(void)
{
    struct frontend *f;

    mutex_lock(&devices_lock);
    for (f = open_devices; f; f = f->next)
        part(f);
}

void frontends_meet(void)
{
    struct frontend *f;

    for (f = open_devices; f; f = f->next)
        meet(f);
    mutex_unlock(&devices_lock);
}
