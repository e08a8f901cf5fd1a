/*
 * The self-test's part about Xen's side channels: events, grants, xenstore,
 * the balloon. Each says SKIP where there is nothing of the kind.
 */
#include <apps.h>
#include <balloon.h>
#include <xenbus.h>

static volatile unsigned arrivals;

static void arrived(unsigned port, void *arg)
{
    arrivals += port == *(const unsigned *)arg;
}

static void test_events(void)
{
    unsigned far = 0, near = 0;
    int port = event_alloc(DOMID_SELF, arrived, &near);

    if (port == -XEN_ENODEV) {
        print("# SKIP events: not on Xen\n");
        return;
    }
    near = (unsigned)port;
    port = event_connect(DOMID_SELF, near, arrived, &far);
    far = (unsigned)port;
    expect(port > 0, "a channel to this domain itself is bound");
    expect(!event_send(far) && arrivals == 1, "an event arrives at its end");
    expect(!event_send(near) && arrivals == 2, "and one at the other");
    irq_off();
    event_send(far);
    event_send(far);
    expect(arrivals == 2, "with interrupts off none arrives");
    irq_on();
    expect(arrivals == 3, "then one does for two");
    expect(event_connect(DOMID_SELF, near, arrived, &far) < 0,
           "a bound port is not bound again");
    event_close(far);
    expect(event_send(far) < 0, "a closed port sends nothing");
    event_close(near);
    expect(event_attach(100000, arrived, &far) == -XEN_ENOSPC,
           "a port that is out of range is refused");
}

/* This domain's number, or 0. */
static unsigned own_number(void)
{
    u64 number = 0;

    xenbus_read_number(0, "domid", NULL, DOMID_FIRST_RESERVED, &number);
    return (unsigned)number;
}

static void test_mapping(unsigned self, volatile u8 *a, volatile u8 *b)
{
    void *page = (void *)(u64)b;
    int ref = gnttab_grant(self, (const void *)(u64)a, 0);
    long handle;

    a[7] = 1;
    b[7] = 2;
    handle = gnttab_map(self, ref, page, 0);
    expect(handle >= 0 && b[7] == 1, "a granted page is mapped");
    b[8] = 3;
    expect(a[8] == 3, "and written");
    expect(gnttab_end(ref) == -XEN_EBUSY, "it stays granted while mapped");
    expect(!gnttab_unmap(handle, page) && b[7] == 2, "it is unmapped");
    expect(!gnttab_end(ref), "and no longer granted");
    expect(gnttab_map(self, ref, page, 0) < 0 && b[7] == 2,
           "what is not granted is not mapped");
}

/* A frame goes from page b to page a, the domain being both sides. */
static void test_transfer(unsigned self, u8 *a, u8 *b)
{
    u64 frame = page_mfn(b);
    int ref;

    b[9] = 4;
    expect(!page_let_go(a), "a page's frame is let go");
    ref = gnttab_grant_transfer(self, a);
    ops.set_pte((u64)b, 0);
    ops.flush_page((u64)b);
    expect(!gnttab_give(self, ref, frame), "another's is given for it");
    frame = gnttab_end_transfer(ref);
    expect(frame && !page_take(a, frame) && a[9] == 4, "and shows there");
    expect(!page_take(b, 0), "the giver gets a new one");
    expect(gnttab_give(self, ref, 1UL << 40) < 0, "no frame, no gift");
    ref = gnttab_grant_transfer(self, a);
    expect(!gnttab_end_transfer(ref), "a gift may not come");
}

static void test_grants(void)
{
    unsigned self = own_number(), before;
    u8 *a = alloc_page(), *b = alloc_page();
    int ref = gnttab_grant(self, a, 1);

    if (ref == -XEN_ENODEV) {
        print("# SKIP grants: not on Xen\n");
    } else {
        before = gnttab_free();
        expect(ref > 0 && !gnttab_end(ref), "a page is granted");
        expect(gnttab_free() == before + 1, "its reference comes back");
        test_mapping(self, a, b);
        test_transfer(self, a, b);
        expect(gnttab_free() == before + 1, "references come back");
    }
    free_page(a);
    free_page(b);
}

static void test_transactions(void)
{
    char buf[16];
    u32 tx = 0;

    expect(!xenbus_begin(&tx) && tx, "a transaction begins");
    xenbus_write(tx, "data/mini", "b", "2");
    expect(xenbus_read(0, "data/mini", "b", buf, sizeof(buf)) == -XEN_ENOENT,
           "what it writes is not seen outside");
    expect(!xenbus_end(tx, 1) &&
               xenbus_read(0, "data/mini", "b", buf, sizeof(buf)) == 1,
           "until it is committed");
    xenbus_begin(&tx);
    xenbus_read(tx, "data/mini", "b", buf, sizeof(buf));
    xenbus_write(0, "data/mini", "b", "3");
    xenbus_write(tx, "data/mini", "b", "4");
    expect(xenbus_end(tx, 1) == -XEN_EAGAIN, "a clash is told");
    expect(xenbus_end(tx, 1) < 0, "what has ended does not end again");
    xenbus_begin(&tx);
    xenbus_remove(tx, "data/mini", NULL);
    expect(!xenbus_end(tx, 0) &&
               xenbus_read(0, "data/mini", "b", buf, sizeof(buf)) == 1 &&
               *buf == '3', "what is given up changes nothing");
}

static void test_values(void)
{
    char buf[16];
    u64 value;

    xenbus_write(0, "data/mini", "long", "%0100d", 1);
    expect(xenbus_read(0, "data/mini", "long", buf, sizeof(buf)) == -XEN_E2BIG,
           "a value that is too long is refused");
    expect(xenbus_read_number(0, "data/mini", "long", 9, &value) ==
               -XEN_EINVAL, "as a number, too");
    xenbus_write(0, "data/mini", "word", "12monkeys");
    expect(xenbus_read_number(0, "data/mini", "word", 99, &value) ==
               -XEN_EINVAL, "a word is no number");
    xenbus_write(0, "data/mini", "number", "100");
    expect(xenbus_read_number(0, "data/mini", "number", 99, &value) ==
               -XEN_EINVAL, "nor is one beyond the largest");
    expect(!xenbus_read_number(0, "data/mini", "number", 100, &value) &&
               value == 100, "a number is");
    expect(xenbus_write(0, "/local/domain/0", "x", "1") == -XEN_EACCES,
           "what belongs to others is not written");
}

static void test_watches(void)
{
    static struct xenbus_watch w;
    static struct wait_queue woken;
    u64 deadline = time_ns() + 60 * SECOND_NS;

    expect(!xenbus_watch(&w, "data/mini", "w", &woken), "a node is watched");
    irq_off();
    while (!w.fired && wait_until(&woken, deadline))
        ;
    irq_on();
    expect(w.fired == 1, "the watch fires at once");
    xenbus_write(0, "data/mini/w", "below", "1");
    irq_off();
    while (w.fired == 1 && wait_until(&woken, deadline))
        ;
    irq_on();
    expect(w.fired == 2, "and for what is written below");
    xenbus_unwatch(&w);
    xenbus_write(0, "data/mini", "w", "2");
    expect(w.fired == 2, "not any more once it is given up");
}

static void test_xenstore(void)
{
    char buf[64];
    long n;

    n = xenbus_read(0, "domid", NULL, buf, sizeof(buf));
    if (n == -XEN_ENODEV) {
        print("# SKIP xenstore: none here\n");
        return;
    }
    expect(n > 0, "xenstore answers");
    expect(!xenbus_mkdir(0, "data/mini", NULL) &&
               !xenbus_write(0, "data/mini", "a", "value %d", 1),
           "a node is made and written");
    expect(xenbus_read(0, "data/mini", "a", buf, sizeof(buf)) == 7 &&
               !strcmp(buf, "value 1"), "and read");
    n = xenbus_list(0, "data/mini", NULL, buf, sizeof(buf));
    expect(n == 2 && !strcmp(buf, "a"), "and listed");
    test_transactions();
    test_values();
    test_watches();
    expect(!xenbus_remove(0, "data/mini", NULL) &&
               xenbus_read(0, "data/mini", "a", buf, sizeof(buf)) ==
                   -XEN_ENOENT, "and removed");
    mutex_lock(&machine_lock);
    test_flipping(own_number());
    mutex_unlock(&machine_lock);
}

static void test_balloon(void)
{
    u64 all = balloon_pages(), pages;

    if (!all) {
        print("# SKIP balloon: not on Xen\n");
        return;
    }
    mutex_lock(&machine_lock);
    pages = free_pages();
    expect(!balloon_set(all - 8) && balloon_pages() == all - 8,
           "the balloon gives pages away");
    expect(!balloon_set(all) && free_pages() == pages, "and takes them again");
    expect(balloon_set(all + 1) && balloon_pages() == all,
           "but none beyond the start's");
    mutex_unlock(&machine_lock);
}

void test_drivers(void)
{
    test_events();
    test_grants();
    test_xenstore();
    test_balloon();
}
