/*
 * Orders from the toolstack. An order in control/shutdown is taken by writing
 * an empty value in its place, in a transaction: a second order is not lost.
 */
#include <balloon.h>
#include <control.h>
#include <frontend.h>

static struct wait_queue queue;
static struct xenbus_watch order_watch, target_watch;

static void announce(void)
{
    static const char *const can[] = {"poweroff", "halt", "reboot", "suspend",
                                      "balloon"};
    char name[24];
    unsigned i;

    for (i = 0; i < ARRAY_SIZE(can); i++) {
        snprintf(name, sizeof(name), "feature-%s", can[i]);
        xenbus_write(0, "control", name, "1");
    }
}

/* The order's length; 0: there is none. */
static long take_order(char *order, size_t size)
{
    long n;
    u32 tx;
    int ret;

    do {
        if (xenbus_begin(&tx))
            return 0;
        n = xenbus_read(tx, "control", "shutdown", order, size);
        if (n)
            xenbus_write(tx, "control", "shutdown", "%s", "");
        ret = xenbus_end(tx, n > 0);
    } while (ret == -XEN_EAGAIN);
    return ret || n < 0 ? 0 : n;
}

/*
 * All that others know of us is given up before and taken up again after it,
 * whether we come back in the same domain or in another.
 */
static void suspend(void)
{
    int ret;

    mutex_lock(&machine_lock);
    frontends_part();
    xenbus_suspend();
    ret = xen_suspend();
    xenbus_resume(!ret);
    if (!ret)
        announce();
    frontends_meet();
    mutex_unlock(&machine_lock);
    if (ret < 0)
        print("control: suspend was refused (%d)\n", ret);
    else
        print("control: resumed %s\n", ret ? "here" : "elsewhere");
}

static void obey(void)
{
    char order[32];

    if (!take_order(order, sizeof(order)))
        return;
    print("control: %s\n", order);
    if (!strcmp(order, "poweroff") || !strcmp(order, "halt"))
        stop(STOP_OFF);
    else if (!strcmp(order, "reboot"))
        stop(STOP_REBOOT);
    else if (!strcmp(order, "suspend"))
        suspend();
    else
        print("control: cannot %s, and runs on\n", order);
}

/* Not 0: has to be tried again. */
static int adjust(void)
{
    u64 kib;
    int ret = 0;

    if (xenbus_read_number(0, "memory", "target", 1UL << 40, &kib)) {
        print("balloon: memory/target is not a size in KiB\n");
        return 0;
    }
    mutex_lock(&machine_lock);
    if (kib / 4 != balloon_pages()) {
        ret = balloon_set(kib / 4);
        if (!ret)
            print("balloon: %lu KiB\n", kib);
    }
    mutex_unlock(&machine_lock);
    return ret && balloon_lacks();
}

static void control(void *arg)
{
    int again = 0;

    (void)arg;
    if (xenbus_init())
        return;
    announce();
    if (xenbus_watch(&order_watch, "control", "shutdown", &queue) ||
        xenbus_watch(&target_watch, "memory", "target", &queue))
        print("control: no watches, no orders\n");
    for (;;) {
        irq_off();
        while (!order_watch.fired && !target_watch.fired && !again)
            wait_on(&queue);
        irq_on();
        if (order_watch.fired) {
            order_watch.fired = 0;
            obey();
        }
        if (again)
            sleep_ms(100);
        if (target_watch.fired || again) {
            target_watch.fired = 0;
            again = adjust();
        }
    }
}

void control_start(void)
{
    const struct start_info *si = xen_start_info();

    if (!si || !si->store_evtchn || (si->flags & SIF_INITDOMAIN))
        return;
    if (!thread_create("control", control, NULL))
        print("control: no memory for its thread\n");
}
