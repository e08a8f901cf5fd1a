/*
 * mini-os's client of xenstore against servers of ours: what they may write
 * into the ring does no harm, and no call waits for ever. The client's file is
 * included, so that each test can begin with it as after a boot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "xenbus.c"

#define ring ((struct xenstore_domain_interface *)(void *)store_page)

static struct start_info info = {.store_evtchn = 1, .store_mfn = 5};
static u64 now;
static event_handler handler;
static void (*server)(void); /* acts while the client waits */
static char words[200];      /* what the client printed */
static char value[WIRE_BODY];
static unsigned queue_woken;

/* ---- what the client calls ---- */

const struct start_info *xen_start_info(void) { return &info; }
int map_in_place(const void *page, u64 mfn)
{
    assert_ptr_equal(page, store_page);
    assert_int_equal(mfn, 5);
    return 0;
}

int event_attach(unsigned port, event_handler fn, void *arg)
{
    (void)arg;
    handler = fn;
    return (int)port;
}

int event_send(unsigned port)
{
    assert_int_equal(port, 1);
    return 0;
}

void *alloc(size_t n) { return malloc(n); }
u64 time_ns(void) { return now; }
int irq_save(void) { return 0; }
void irq_restore(int state) { (void)state; }
void mutex_lock(struct mutex *m) { (void)m; }
int mutex_unlock(struct mutex *m) { return m == NULL; }
void wake_all(struct wait_queue *q) { queue_woken += q != &xb.queue; }

/* The server's turn; time is over if it has nothing to say. */
int wait_until(struct wait_queue *q, u64 deadline_ns)
{
    u32 before = ring->rsp_prod, taken = ring->req_cons;

    (void)q;
    now++;
    if (server)
        server();
    handler(1, NULL);
    if (now < deadline_ns &&
        (ring->rsp_prod != before || ring->req_cons != taken || xb.broken))
        return 1;
    now = deadline_ns;
    return 0;
}

void print(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(words, sizeof(words), fmt, ap);
    va_end(ap);
}

/* ---- what servers are made of ---- */

static struct {
    struct xsd_sockmsg head;
    char body[WIRE_BODY];
} asked;

/* The next request, taken off the ring as far as it is there. 0: none. */
static int take_request(void)
{
    static u32 have;
    char *to = (char *)&asked;
    u32 want = sizeof(asked.head);

    if (ring->req_cons == ring->req_prod)
        return 0;
    for (; ring->req_cons != ring->req_prod; ring->req_cons++) {
        to[have++] = ring->req[MASK_XENSTORE_IDX(ring->req_cons)];
        if (have >= sizeof(asked.head))
            want = (u32)sizeof(asked.head) + asked.head.len;
        if (have == want && have >= sizeof(asked.head)) {
            ring->req_cons++;
            have = 0;
            return 1;
        }
    }
    return 0;
}

static void put(const void *bytes, size_t n)
{
    const char *p = bytes;

    while (n--) {
        if (ring->rsp_prod - ring->rsp_cons == XENSTORE_RING_SIZE)
            handler(1, NULL);
        ring->rsp[MASK_XENSTORE_IDX(ring->rsp_prod)] = *p++;
        ring->rsp_prod++;
    }
}

static void answer(u32 type, u32 request, const void *body, u32 n)
{
    struct xsd_sockmsg head = {type, request, asked.head.tx_id, n};

    put(&head, sizeof(head));
    put(body, n);
}

static const char *reply;
static u32 reply_size;

static void good(void)
{
    if (take_request())
        answer(asked.head.type, asked.head.req_id, reply, reply_size);
}

static void error(void)
{
    if (take_request())
        answer(XS_ERROR, asked.head.req_id, reply, reply_size);
}

static void begin(void (*fn)(void), const char *text, u32 n)
{
    free(xb.wire);
    memset(&xb, 0, sizeof(xb));
    memset(store_page, 0, sizeof(store_page));
    server = fn;
    reply = text;
    reply_size = n;
    now = 1;
    words[0] = 0;
}

static long get(size_t size)
{
    return xenbus_read(0, "device/vbd", "0", value, size);
}

/* ---- tests ---- */

static void test_good(void **state)
{
    unsigned i;

    (void)state;
    begin(good, "value", 5);
    ring->req_cons = ring->req_prod = 0xffffffe0U; /* wraps soon */
    ring->rsp_cons = ring->rsp_prod = 0xfffffff0U;
    for (i = 0; i < 200; i++) {
        assert_int_equal(get(10), 5);
        assert_string_equal(value, "value");
        assert_int_equal(asked.head.len, 13);
        assert_string_equal(asked.body, "device/vbd/0");
    }
    reply_size = 0;
    assert_int_equal(xenbus_write(7, "a", "b", "%d", 42), 0);
    assert_int_equal(asked.head.type, XS_WRITE);
    assert_int_equal(asked.head.tx_id, 7);
    assert_int_equal(asked.head.len, 6);
    assert_memory_equal(asked.body, "a/b\0" "42", 6);
    assert_int_equal(get(1), 0);
    assert_string_equal(value, "");
}

static void test_nothing_there(void **state)
{
    (void)state;
    begin(good, "", 0);
    info.store_evtchn = 0;
    assert_int_equal(get(10), -XEN_ENODEV);
    info.store_evtchn = 1;
    info.flags = SIF_INITDOMAIN;
    assert_int_equal(get(10), -XEN_ENODEV);
    info.flags = 0;
    assert_int_equal(get(10), 0);
}

static void test_errors(void **state)
{
    static const struct {
        const char *name;
        u32 size;
        long number;
    } rows[] = {
        {"ENOENT", 7, -XEN_ENOENT}, {"EACCES", 7, -XEN_EACCES},
        {"EAGAIN", 7, -XEN_EAGAIN}, {"EAGAIN", 6, -XEN_EAGAIN},
        {"", 0, -XEN_EIO},          {"EWHATEVER", 10, -XEN_EIO},
    };
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(rows); i++) {
        begin(error, rows[i].name, rows[i].size);
        assert_int_equal(get(10), rows[i].number);
        assert_int_equal(xenbus_remove(0, "a", NULL), rows[i].number);
    }
}

static void test_values_that_cannot_be(void **state)
{
    static char much[WIRE_BODY];
    u64 n;
    u32 tx;

    (void)state;
    begin(good, "0123456789", 10);
    assert_int_equal(get(10), -XEN_E2BIG);
    assert_int_equal(get(11), 10);
    begin(good, "ab\0cd", 5);
    assert_int_equal(get(10), -XEN_EINVAL);
    assert_int_equal(xenbus_list(0, "a", NULL, value, 10), -XEN_EINVAL);
    begin(good, much, sizeof(much));
    assert_int_equal(get(100), -XEN_E2BIG);
    begin(good, "12x", 3);
    assert_int_equal(xenbus_read_number(0, "a", "b", 99, &n), -XEN_EINVAL);
    assert_int_equal(xenbus_begin(&tx), -XEN_EINVAL);
    begin(good, "4294967296", 10);
    assert_int_equal(xenbus_begin(&tx), -XEN_EINVAL);
    begin(good, "123456789012345678901234567890", 30);
    assert_int_equal(xenbus_read_number(0, "a", "b", ~0UL, &n), -XEN_EINVAL);
    memset(value, 'a', 3000);
    value[3000] = 0;
    assert_int_equal(xenbus_write(0, value, value, "x"), -XEN_E2BIG);
    assert_int_equal(xenbus_write(0, "a", "b", "%200d", 1), -XEN_E2BIG);
}

/* Answers to nobody, then the right one. */
static void stray(void)
{
    if (!take_request())
        return;
    answer(XS_READ, asked.head.req_id + 1, "wrong", 5);
    answer(XS_READ, asked.head.req_id - 1, "wrong", 5);
    answer(XS_READ, asked.head.req_id, "right", 5);
    answer(XS_READ, asked.head.req_id, "twice", 5);
}

static void test_strays(void **state)
{
    struct xenbus_counts c;

    (void)state;
    begin(stray, NULL, 0);
    assert_int_equal(get(10), 5);
    assert_string_equal(value, "right");
    assert_int_equal(get(10), 5);
    xenbus_counts(&c);
    assert_int_equal(c.answers, 2);
    assert_int_equal(c.strays, 6);
}

static void silent(void) {}

static void test_silence(void **state)
{
    (void)state;
    begin(silent, "late", 4);
    assert_int_equal(get(10), -XEN_ETIMEDOUT);
    assert_true(now >= 60 * SECOND_NS);
    server = good; /* the late answer comes first, for nobody */
    take_request();
    answer(XS_READ, asked.head.req_id, "old", 3);
    assert_int_equal(get(10), 4);
    assert_string_equal(value, "late");
}

/* Nobody takes requests: the ring fills, and the client gives up. */
static void test_full(void **state)
{
    long ret = 0;
    unsigned i;

    (void)state;
    begin(silent, NULL, 0);
    for (i = 0; i < 100 && ret != -XEN_EIO; i++)
        ret = get(10);
    assert_int_equal(ret, -XEN_EIO);
    assert_true(ring->req_prod - ring->req_cons <= XENSTORE_RING_SIZE);
    server = good;
    assert_int_equal(get(10), -XEN_EIO);
}

static void too_long(void)
{
    struct xsd_sockmsg head = {XS_READ, 1, 0, WIRE_BODY + 1};

    if (take_request())
        put(&head, sizeof(head));
}

static void far_ahead(void) { ring->rsp_prod = ring->rsp_cons + 1025; }
static void backwards(void) { ring->rsp_prod = ring->rsp_cons - 1; }
static void takes_too_much(void) { ring->req_cons = ring->req_prod + 1; }

static void takes_too_much_next_time(void)
{
    good();
    takes_too_much();
}

static void test_broken(void **state)
{
    static void (*const servers[])(void) = {too_long, far_ahead, backwards};
    unsigned i;

    (void)state;
    for (i = 0; i < ARRAY_SIZE(servers); i++) {
        begin(servers[i], NULL, 0);
        assert_int_equal(get(10), -XEN_EIO);
        assert_string_equal(words, "xenbus: the ring is broken\n");
        server = good;
        assert_int_equal(get(10), -XEN_EIO);
        assert_int_equal(xenbus_init(), -XEN_EIO);
    }
    begin(takes_too_much_next_time, "x", 1);
    assert_int_equal(get(10), 1);
    assert_int_equal(get(10), -XEN_EIO);
}

static void test_watches(void **state)
{
    struct xenbus_watch w[2];
    struct wait_queue q = {NULL};
    struct xenbus_counts c;

    (void)state;
    begin(good, "OK", 3);
    queue_woken = 0;
    assert_int_equal(xenbus_watch(&w[0], "a", "b", &q), 0);
    assert_memory_equal(asked.body, "a/b\0" "1", 6);
    assert_int_equal(asked.head.len, 6);
    assert_int_equal(xenbus_watch(&w[1], "c", NULL, &q), 0);
    answer(XS_WATCH_EVENT, 0, "c\0" "2", 4);
    answer(XS_WATCH_EVENT, 0, "c\0" "3", 4);   /* nobody's */
    answer(XS_WATCH_EVENT, 0, "c\0" "2", 3);   /* no end */
    answer(XS_WATCH_EVENT, 0, "c", 1);         /* no token */
    answer(XS_WATCH_EVENT, 0, "", 0);
    answer(XS_WATCH_EVENT, 0, "c\0two", 6);
    handler(1, NULL);
    assert_int_equal(w[0].fired, 0);
    assert_int_equal(w[1].fired, 1);
    assert_int_equal(queue_woken, 1);
    xenbus_counts(&c);
    assert_int_equal(c.strays, 5);
    xenbus_unwatch(&w[1]);
    assert_int_equal(asked.head.type, XS_UNWATCH);
    answer(XS_WATCH_EVENT, 0, "c\0" "2", 4);
    handler(1, NULL);
    assert_int_equal(w[1].fired, 1);
    begin(error, "EINVAL", 7);
    assert_int_equal(xenbus_watch(&w[0], "a", "b", &q), -XEN_EINVAL);
    assert_null(xb.watches);
}

/* Each request is answered; the watches asked for are counted. */
static unsigned watched;

static void counts_watches(void)
{
    if (!take_request())
        return;
    watched += asked.head.type == XS_WATCH;
    answer(asked.head.type, asked.head.req_id, "ok", 2);
}

static void test_suspend(void **state)
{
    struct xenbus_watch w[2];
    struct wait_queue q = {NULL};

    (void)state;
    begin(counts_watches, NULL, 0);
    assert_int_equal(xenbus_watch(&w[0], "a", "b", &q), 0);
    assert_int_equal(xenbus_watch(&w[1], "c", NULL, &q), 0);
    watched = 0;
    xenbus_suspend();
    xenbus_resume(0);
    assert_int_equal(watched, 0);
    assert_int_equal(get(10), 2);
    xenbus_suspend();
    handler = NULL;
    put("rest", 4); /* of what nobody sends to its end */
    xenbus_resume(1);
    assert_non_null(handler);
    assert_int_equal(watched, 2);
    answer(XS_WATCH_EVENT, 0, "c\0" "2", 4);
    handler(1, NULL);
    assert_int_equal(w[1].fired, 1);
    assert_int_equal(get(10), 2);
}

/* A ring that was broken is another one elsewhere. */
static void test_suspend_broken(void **state)
{
    (void)state;
    begin(counts_watches, NULL, 0);
    assert_int_equal(get(10), 2);
    ring->rsp_prod += 5000;
    assert_int_equal(get(10), -XEN_EIO);
    xenbus_suspend();
    memset(store_page, 0, sizeof(store_page));
    xenbus_resume(1);
    assert_int_equal(get(10), 2);
}

/* Any bytes at all, in any portions. */
static void noise(void)
{
    char byte;
    unsigned n = (unsigned)rand() % 60;

    take_request();
    while (n--) {
        byte = (char)(rand() % 4 ? 0 : rand() % 32);
        put(&byte, 1);
    }
}

static void test_noise(void **state)
{
    unsigned i;

    (void)state;
    srand(11);
    for (i = 0; i < 300; i++) {
        begin(noise, NULL, 0);
        while (now < 3000 && get(10) != -XEN_EIO)
            ;
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_values_that_cannot_be),
        cmocka_unit_test(test_strays),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_watches),
        cmocka_unit_test(test_suspend),
        cmocka_unit_test(test_suspend_broken),
        cmocka_unit_test(test_noise),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(xb.wire);
    return failed;
}
