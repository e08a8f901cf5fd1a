/*
 * FIFO event channels: switching over, the event array, queues by priority and
 * vCPU, masks, what is refused, words that the guest has spoiled, and the way
 * back by reset. Checklist row 85.
 *
 * options: dom0_max_vcpus=2
 */
#include "guest.h"
const char test_title[] = "FIFO event channels";

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED (1u << EVTCHN_FIFO_MASKED)
#define LINKED (1u << EVTCHN_FIFO_LINKED)
#define BUSY (1u << EVTCHN_FIFO_BUSY)
#define LINK EVTCHN_FIFO_LINK_MASK
#define PRIORITIES (EVTCHN_FIFO_PRIORITY_MIN + 1)
#define WORDS 1024u

static struct evtchn_fifo_control_block *block[2];
static volatile event_word_t *words; /* page 0 of the array */

static long init_control(unsigned long mfn, unsigned offset, unsigned vcpu)
{
    struct evtchn_init_control c = {
        .control_gfn = mfn, .offset = offset, .vcpu = vcpu, .link_bits = 77};
    long ret = evtchn_op(EVTCHNOP_init_control, &c);

    if (!ret)
        expect_eq(c.link_bits, EVTCHN_FIFO_LINK_BITS);
    return ret;
}

static long expand_array(unsigned long mfn)
{
    struct evtchn_expand_array x = {.array_gfn = mfn};

    return evtchn_op(EVTCHNOP_expand_array, &x);
}

static long set_priority(unsigned port, unsigned priority)
{
    struct evtchn_set_priority s = {.port = port, .priority = priority};

    return evtchn_op(EVTCHNOP_set_priority, &s);
}

static long bind_vcpu(unsigned port, unsigned vcpu)
{
    struct evtchn_bind_vcpu b = {.port = port, .vcpu = vcpu};

    return evtchn_op(EVTCHNOP_bind_vcpu, &b);
}

static void unmask(unsigned port)
{
    struct evtchn_unmask u = {.port = port};

    expect_eq(evtchn_op(EVTCHNOP_unmask, &u), 0);
}

static void close_port(unsigned port)
{
    struct evtchn_close c = {.port = port};

    expect_eq(evtchn_op(EVTCHNOP_close, &c), 0);
}

/* ---- the guest's side of a queue ---- */

/* Clears LINKED and LINK as the hypervisor may be writing; gives the link. */
static unsigned consume(unsigned port)
{
    event_word_t old = words[port];

    while (!__atomic_compare_exchange_n(&words[port], &old,
                                        old & ~(LINKED | LINK), false,
                                        __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    return old & LINK;
}

/* Takes all events of a vCPU's queue; their ports in order. Gives how many. */
static unsigned take(unsigned vcpu, unsigned priority, unsigned *ports,
                     unsigned max)
{
    unsigned port = block[vcpu]->head[priority], n = 0;

    if (!(__atomic_fetch_and(&block[vcpu]->ready, ~(1u << priority),
                             __ATOMIC_SEQ_CST) >> priority & 1))
        return 0;
    while (port && n < max) {
        ports[n++] = port;
        __atomic_fetch_and(&words[port], ~PENDING, __ATOMIC_SEQ_CST);
        port = consume(port);
    }
    block[vcpu]->head[priority] = port;
    return n;
}

static void expect_queue(int line, unsigned vcpu, unsigned priority,
                         const unsigned *want, unsigned n)
{
    unsigned got[32], k = take(vcpu, priority, got, ARRAY_SIZE(got));

    if (k != n)
        failure("line %d: vCPU %u, priority %u: %u events, not %u", line, vcpu,
                priority, k, n);
    for (unsigned i = 0; i < n && i < k; i++)
        if (got[i] != want[i])
            failure("line %d: event %u is port %u, not %u", line, i, got[i],
                    want[i]);
}
#define EXPECT_QUEUE(vcpu, priority, ...)                                      \
    expect_queue(__LINE__, vcpu, priority, (const unsigned[]){__VA_ARGS__},    \
                 sizeof((const unsigned[]){__VA_ARGS__}) / sizeof(unsigned))

static void expect_empty(int line)
{
    for (unsigned v = 0; v < 2; v++)
        expect(!block[v] || !block[v]->ready, "line %d: vCPU %u is ready: %#x",
               line, v, block[v]->ready);
}
#define EXPECT_EMPTY() expect_empty(__LINE__)

/* Ports whose events arrive at us, by sending through from[]. */
#define PORTS 6
static unsigned from[PORTS], to[PORTS];

/* ---- before and while switching over ---- */

static void test_refused_before(void)
{
    unsigned long mfn = virt_to_mfn(alloc_page());

    expect_eq(expand_array(mfn), -EOPNOTSUPP);
    expect_eq(set_priority(to[0], 3), -ENOSYS);
    expect_eq(init_control(mfn, 0, 2), -ENOENT);
    expect_eq(init_control(mfn, 0, ~0u), -ENOENT);
    expect_eq(init_control(mfn, 4, 0), -EINVAL);
    expect_eq(init_control(mfn, PAGE_SIZE, 0), -EINVAL);
    expect_eq(init_control(mfn, PAGE_SIZE - 64, 0), -EINVAL);
    expect_eq(init_control(mfn, ~7u, 0), -EINVAL);
    expect_eq(init_control(-2UL, 0, 0), -EINVAL);
    expect_eq(init_control(1UL << 40, 0, 0), -EINVAL);
    expect_eq(init_control(kernel_l4_mfn(), 0, 0), -EINVAL);
    /* None of these has begun anything. */
    expect_eq(expand_array(mfn), -EOPNOTSUPP);
    expect_eq(set_priority(to[0], 3), -ENOSYS);
}

static void test_begin(void)
{
    void *page = alloc_page(), *array = alloc_page();

    /* Pending in the old ABI: it must not be lost. */
    expect_eq(evtchn_send(from[0]), 0);
    expect_eq(init_control(virt_to_mfn(page), 256, 0), 0);
    block[0] = (void *)((char *)page + 256);
    expect_eq(init_control(virt_to_mfn(page), 512, 0), -EINVAL);
    expect_eq(init_control(virt_to_mfn(page), PAGE_SIZE - 72, 1), 0);
    block[1] = (void *)((char *)page + PAGE_SIZE - 72);
    /* Without a word it waits for one. */
    expect_eq(evtchn_send(from[1]), 0);
    expect_eq(expand_array(-2UL), -EINVAL);
    expect_eq(expand_array(kernel_l4_mfn()), -EINVAL);
    words = array;
    for (unsigned i = 0; i < WORDS; i++)
        words[i] = MASKED;
    expect_eq(expand_array(virt_to_mfn(array)), 0);
    expect(words[to[1]] & PENDING, "an event without a word is lost");
    if (on_xeno()) /* stock Xen forgets what was pending in the bitmap */
        expect(words[to[0]] & PENDING, "a pending event is lost");
    for (unsigned i = 0; i < PORTS; i++)
        words[to[i]] &= ~PENDING;
    for (unsigned i = 0; i < PORTS; i++)
        unmask(to[i]);
    EXPECT_EMPTY();
}

/* ---- delivery ---- */

static void test_order(void)
{
    shared_info->vcpu_info[0].evtchn_upcall_pending = 0;
    expect_eq(evtchn_send(from[2]), 0);
    expect(shared_info->vcpu_info[0].evtchn_upcall_pending, "not told");
    expect_eq(evtchn_send(from[0]), 0);
    expect_eq(evtchn_send(from[2]), 0); /* once is enough */
    expect_eq(evtchn_send(from[1]), 0);
    expect_eq(words[to[2]], PENDING | LINKED | to[0]);
    expect_eq(words[to[1]], PENDING | LINKED);
    expect_eq(block[0]->head[EVTCHN_FIFO_PRIORITY_DEFAULT], to[2]);
    EXPECT_QUEUE(0, EVTCHN_FIFO_PRIORITY_DEFAULT, to[2], to[0], to[1]);
    EXPECT_EMPTY();
}

static void test_mask(void)
{
    __atomic_fetch_or(&words[to[0]], MASKED, __ATOMIC_SEQ_CST);
    expect_eq(evtchn_send(from[0]), 0);
    expect_eq(words[to[0]], PENDING | MASKED);
    EXPECT_EMPTY();
    unmask(to[0]);
    EXPECT_QUEUE(0, EVTCHN_FIFO_PRIORITY_DEFAULT, to[0]);
    /* Unmasked by the guest's own hand: nothing comes before the next event. */
    __atomic_fetch_or(&words[to[0]], MASKED, __ATOMIC_SEQ_CST);
    expect_eq(evtchn_send(from[0]), 0);
    __atomic_fetch_and(&words[to[0]], ~MASKED, __ATOMIC_SEQ_CST);
    EXPECT_EMPTY();
    expect_eq(evtchn_send(from[0]), 0);
    EXPECT_QUEUE(0, EVTCHN_FIFO_PRIORITY_DEFAULT, to[0]);
    EXPECT_EMPTY();
}

static void test_priorities(void)
{
    expect_eq(set_priority(to[0], PRIORITIES), -EINVAL);
    expect_eq(set_priority(to[0], ~0u), -EINVAL);
    expect_eq(set_priority(~0u, 3), -EINVAL);
    for (unsigned p = 0; p < PRIORITIES; p++) {
        expect_eq(set_priority(to[p % PORTS], p), 0);
        expect_eq(evtchn_send(from[p % PORTS]), 0);
        expect_eq(block[0]->ready, 1u << p);
        EXPECT_QUEUE(0, p, to[p % PORTS]);
    }
    expect_eq(set_priority(to[0], 0), 0);
    expect_eq(set_priority(to[1], 15), 0);
    expect_eq(set_priority(to[2], 15), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_eq(evtchn_send(from[i]), 0);
    expect_eq(block[0]->ready, 1u << 15 | 1);
    /* A change while it is queued is for the next time. */
    expect_eq(set_priority(to[1], 2), 0);
    EXPECT_QUEUE(0, 0, to[0]);
    EXPECT_QUEUE(0, 15, to[1], to[2]);
    expect_eq(evtchn_send(from[1]), 0);
    EXPECT_QUEUE(0, 2, to[1]);
    EXPECT_EMPTY();
    for (unsigned i = 0; i < PORTS; i++)
        expect_eq(set_priority(to[i], EVTCHN_FIFO_PRIORITY_DEFAULT), 0);
}

static void test_second_vcpu(void)
{
    unsigned prio = EVTCHN_FIFO_PRIORITY_DEFAULT;

    expect_eq(bind_vcpu(to[0], 1), 0);
    expect_eq(bind_vcpu(to[1], 1), 0);
    for (unsigned i = 0; i < 3; i++)
        expect_eq(evtchn_send(from[i]), 0);
    EXPECT_QUEUE(1, prio, to[0], to[1]);
    EXPECT_QUEUE(0, prio, to[2]);
    /* Moved while it is at the tail of its queue, which goes on. */
    expect_eq(evtchn_send(from[0]), 0);
    expect_eq(bind_vcpu(to[0], 0), 0);
    expect_eq(evtchn_send(from[1]), 0);
    EXPECT_QUEUE(1, prio, to[0], to[1]);
    expect_eq(evtchn_send(from[0]), 0);
    EXPECT_QUEUE(0, prio, to[0]);
    expect_eq(bind_vcpu(to[1], 0), 0);
    expect_eq(bind_vcpu(to[1], 2), -ENOENT);
    EXPECT_EMPTY();
}

/* ---- the guest spoils its words ---- */

static void expect_recovered(int line)
{
    unsigned prio = EVTCHN_FIFO_PRIORITY_DEFAULT, got[32];

    for (unsigned i = 0; i < PORTS; i++)
        __atomic_store_n(&words[to[i]], 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&block[0]->ready, 0, __ATOMIC_SEQ_CST);
    block[0]->head[prio] = 0;
    /* The hypervisor's tail is one of these, and is not linked any more. */
    expect_eq(evtchn_send(from[3]), 0);
    expect_eq(evtchn_send(from[4]), 0);
    take(0, prio, got, ARRAY_SIZE(got));
    if (got[0] != to[3] || got[1] != to[4])
        failure("line %d: ports %u and %u, not %u and %u", line, got[0], got[1],
                to[3], to[4]);
}

static void test_spoiled(void)
{
    static const uint32_t bad[] = {
        0xffffffff, LINKED | LINK,  LINKED | BUSY | 5, BUSY, LINK,
        PENDING,    MASKED | LINKED, LINKED | 131071,  LINKED | 4096};
    unsigned prio = EVTCHN_FIFO_PRIORITY_DEFAULT;

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        expect_eq(evtchn_send(from[0]), 0);
        words[to[0]] = bad[i]; /* the tail of the queue */
        expect_eq(evtchn_send(from[1]), 0);
        words[to[1]] = bad[i];
        words[to[2]] = bad[i];
        block[0]->head[prio] = bad[i];
        block[0]->ready = bad[i];
        expect_eq(evtchn_send(from[2]), 0);
        expect_eq(evtchn_send(from[0]), 0);
        unmask(to[1]);
        expect_recovered(__LINE__);
    }
    /* A queue that is a ring. */
    expect_eq(evtchn_send(from[0]), 0);
    expect_eq(evtchn_send(from[1]), 0);
    words[to[1]] = PENDING | LINKED | to[0];
    expect_eq(evtchn_send(from[2]), 0);
    expect_recovered(__LINE__);
}

/* The other vCPU spoils words and heads while we send. */
static volatile unsigned stop, spoilt;

static void spoiler(void)
{
    uint32_t seed = 99;

    for (; !stop; spoilt++)
        for (unsigned i = 0; i < PORTS; i++) {
            seed = seed * 1664525 + 1013904223;
            __atomic_store_n(&words[to[i]], seed, __ATOMIC_RELAXED);
            block[0]->head[seed >> 28] = seed >> 3;
            block[0]->ready = seed >> 7;
        }
    spoilt = 0;
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

static void test_race(void)
{
    vcpu_start(1, spoiler);
    while (!spoilt)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    for (unsigned i = 0; i < 3000; i++) {
        expect_eq(evtchn_send(from[i % PORTS]), 0);
        if (i % 7 == 0)
            unmask(to[i / 7 % PORTS]);
        if (i % 64 == 0)
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
    stop = 1;
    while (spoilt)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    expect_eq(vcpu_op(VCPUOP_down, 1, NULL), 0);
    expect_recovered(__LINE__);
}

/* ---- more ports than the old ABI has, and the way back ---- */

static void test_many(void)
{
    struct evtchn_alloc_unbound a = {.dom = DOMID_SELF, .remote_dom = 0};
    void *page = alloc_page();
    unsigned n = 0, pages = 1;

    while (n < 4200 && evtchn_op(EVTCHNOP_alloc_unbound, &a) == 0)
        n++;
    expect(n == 4200 && a.port > 4095, "%u ports, the last %u", n, a.port);
    expect_eq(evtchn_op(EVTCHNOP_status, &(struct evtchn_status){
                                             .dom = DOMID_SELF,
                                             .port = a.port}),
              0);
    while (pages < 200 && expand_array(virt_to_mfn(page)) == 0)
        pages++;
    expect_eq(pages, 128);
    expect_eq(expand_array(virt_to_mfn(page)), -ENOSPC);
}

static void test_reset(void)
{
    struct evtchn_reset r = {.dom = DOMID_SELF};
    unsigned near, far;
    void *page = alloc_page();

    expect_eq(evtchn_op(EVTCHNOP_reset, &r), 0);
    expect(evtchn_send(from[0]) < 0, "a port is there after reset");
    expect_eq(expand_array(virt_to_mfn(page)), -EOPNOTSUPP);
    /* The array's pages are the guest's again: they may become tables. */
    expect_eq(set_readonly((const void *)words), 0);
    memset(page, 0, PAGE_SIZE);
    evtchn_pair(&near, &far);
    evtchn_reset_pending();
    expect_eq(evtchn_send(near), 0);
    expect(evtchn_is_pending(far), "the old ABI does not work after reset");
    evtchn_reset_pending();
    expect_eq(set_priority(far, 3), -ENOSYS);
    expect_eq(init_control(virt_to_mfn(page), 0, 0), 0);
    close_port(near);
    expect_eq(evtchn_op(EVTCHNOP_reset, &r), 0);
}

void test_main(void)
{
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    for (unsigned i = 0; i < PORTS; i++)
        evtchn_pair(&from[i], &to[i]);
    test_refused_before();
    test_begin();
    test_order();
    test_mask();
    test_priorities();
    test_second_vcpu();
    test_spoiled();
    test_race();
    test_many();
    test_reset();
}
