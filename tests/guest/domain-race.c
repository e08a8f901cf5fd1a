/*
 * Two vCPUs of domain 0 at the same domains: while one makes and destroys
 * them, the other pauses, looks at, maps, grants with and destroys the very
 * same, at any moment. All memory comes back.
 *
 * qemu: -smp 2
 * timeout: 180
 */
#include "domain.h"
const char test_title[] = "control operations on one domain from two vCPUs";

#define ROUNDS 60

static struct child child;
static volatile unsigned target, stop, stopped, turns;
static volatile unsigned long target_mfn;
static uint64_t page[512] __attribute__((aligned(4096)));
static volatile unsigned counter;

static void count(void)
{
    for (;;) {
        counter++;
        yield();
    }
}

/* Results don't matter: the domain may be gone at any point. */
static void disturb(unsigned id, unsigned long mfn)
{
    static struct vcpu_guest_context c;
    static struct xen_domctl op;
    struct evtchn_alloc_unbound a = {.dom = (domid_t)id, .remote_dom = 0};
    struct evtchn_bind_interdomain b = {.remote_dom = (domid_t)id};
    bool paused = !domctl_plain(XEN_DOMCTL_pausedomain, id);

    memset(&op, 0, sizeof(op));
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &c);
    domctl(XEN_DOMCTL_getvcpucontext, id, &op);
    memset(&op, 0, sizeof(op));
    domctl(XEN_DOMCTL_getvcpuinfo, id, &op);
    if (paused)
        domctl_plain(XEN_DOMCTL_unpausedomain, id);
    if (mfn && !foreign_map(page, id, mfn, PTE_P | PTE_RW | PTE_US | PTE_AD)) {
        page[0] = 1;
        foreign_unmap(page);
    }
    if (!evtchn_op(EVTCHNOP_alloc_unbound, &a)) {
        b.remote_port = a.port;
        if (!evtchn_op(EVTCHNOP_bind_interdomain, &b)) {
            struct evtchn_close close = {.port = b.local_port};
            evtchn_send(b.local_port);
            evtchn_op(EVTCHNOP_close, &close);
        }
    }
}

static void disturber(void)
{
    while (!stop) {
        unsigned id = target;

        if (!id)
            continue;
        disturb(id, target_mfn);
        if (turns++ % 5 == 0)
            domctl_plain(XEN_DOMCTL_destroydomain, id);
    }
    stopped = 1;
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

/* The other vCPU may destroy it from the moment that its id is told. */
static void round_of(unsigned i)
{
    child_new(&child);
    child_populate(&child);
    child_tables(&child);
    child_context(&child, count);
    target_mfn = child_mfn(&child, page);
    __atomic_store_n(&target, child.id, __ATOMIC_SEQ_CST);
    domctl_plain(XEN_DOMCTL_unpausedomain, child.id);
    for (unsigned k = 0; k < i % 11 * 10; k++)
        yield();
    target = 0;
    domctl_plain(XEN_DOMCTL_destroydomain, child.id);
}

void test_main(void)
{
    uint64_t before;

    round_of(0);
    for (unsigned i = 0; i < 100; i++)
        yield();
    vcpu_start(1, disturber);
    for (unsigned i = 0; i < ROUNDS; i++) /* caches of the heap fill up */
        round_of(i);
    before = settled_pages();
    for (unsigned i = 0; i < ROUNDS; i++)
        round_of(i);
    stop = 1;
    expect(wait_for(&stopped, 1), "the other vCPU hangs");
    expect_eq(settled_pages(), before);
    print("%u turns of the other vCPU", turns);
}
