/*
 * A second domain: made, watched, paused, shut down and destroyed; at any step
 * of its making and of its life, all its memory comes back. Checklist row 98
 * in small.
 *
 * timeout: 120
 */
#include "domain.h"
const char test_title[] = "life and death of a second domain";

static struct child child;
static volatile unsigned counter, told;

static void count(void)
{
    for (;;) {
        counter++;
        yield();
    }
}

static void shut_down(void)
{
    struct sched_shutdown s = {.reason = SHUTDOWN_reboot};

    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &s);
    for (;;)
        told = 99; /* never reached */
}

static void block(void)
{
    for (;;)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_block, 0);
}

static bool counts(volatile unsigned *n)
{
    unsigned before = *n;

    for (unsigned i = 0; i < 1000 && *n == before; i++)
        yield();
    return *n != before;
}

static uint32_t flags_of(unsigned id)
{
    return domain_state(id).flags;
}

/* Within some time the flags say so. */
static bool becomes(unsigned id, uint32_t mask, uint32_t want)
{
    uint64_t end = system_time() + 5000 * MS;

    while ((flags_of(id) & mask) != want && system_time() < end)
        yield();
    return (flags_of(id) & mask) == want;
}

static void test_pause(void)
{
    volatile unsigned *n;
    unsigned seen;

    child_start(&child, count);
    n = child_map(&child, &counter);
    expect(counts(n), "the child does not run");
    expect_eq(flags_of(child.id) & XEN_DOMINF_paused, 0);
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child.id), 0);
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, child.id), 0);
    expect(flags_of(child.id) & XEN_DOMINF_paused, "the flag is not set");
    expect(!(flags_of(child.id) & XEN_DOMINF_running), "it is paused and runs");
    seen = *n;
    expect(!counts(n), "a paused child runs: %u then %u", seen, *n);
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child.id), 0);
    expect(!counts(n), "pauses are not counted");
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child.id), 0);
    expect(counts(n), "it does not go on");
    expect_eq(domctl_plain(XEN_DOMCTL_unpausedomain, child.id), -EINVAL);
    child_unmap((void *)(uintptr_t)n);
    expect_eq(child_destroy(&child), 0);
}

static void test_shutdown(unsigned virq)
{
    const uint32_t want = XEN_DOMINF_shutdown |
                          SHUTDOWN_reboot << XEN_DOMINF_shutdownshift;
    const uint32_t mask = XEN_DOMINF_shutdown | XEN_DOMINF_shutdownmask
                                                    << XEN_DOMINF_shutdownshift;

    evtchn_reset_pending();
    child_start(&child, shut_down);
    expect(becomes(child.id, mask, want), "flags %#x", flags_of(child.id));
    expect(evtchn_is_pending(virq), "VIRQ_DOM_EXC did not come");
    evtchn_reset_pending();
    expect_eq(child_destroy(&child), 0);
    expect(evtchn_is_pending(virq), "VIRQ_DOM_EXC did not tell the death");
}

static void test_blocked(void)
{
    child_start(&child, block);
    expect(becomes(child.id, XEN_DOMINF_blocked | XEN_DOMINF_running,
                   XEN_DOMINF_blocked),
           "flags %#x", flags_of(child.id));
    expect_eq(child_destroy(&child), 0);
}

/* A frame that is mapped stays, with what is in it, when its owner is gone. */
static void test_mapped(void)
{
    uint64_t before = settled_pages();
    volatile unsigned *n;
    unsigned id;

    child_start(&child, count);
    id = child.id;
    n = child_map(&child, &counter);
    expect(counts(n), "the child does not run");
    expect_eq(child_destroy(&child), 0);
    expect(flags_of(id) & XEN_DOMINF_dying, "flags %#x", flags_of(id));
    expect_eq(domain_state(id).tot_pages, 1);
    expect(*n != 0, "the frame was cleared under the mapping");
    *n = 77;
    expect_eq(*n, 77);
    child_unmap((void *)(uintptr_t)n);
    expect(free_pages_become(before), "memory is missing");
    expect_eq(domctl_plain(XEN_DOMCTL_pausedomain, id), -ESRCH);
}

/* Frames in use as descriptor tables, loaded by no one any more. */
static void test_descriptors(void)
{
    static uint64_t gdt[512] __attribute__((aligned(4096)));
    static uint64_t ldt[512] __attribute__((aligned(4096)));
    uint64_t *page[2] = {gdt, ldt}, frame;
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT,
                           .arg1.linear_addr = (unsigned long)ldt,
                           .arg2.nr_ents = 8};
    uint64_t before = settled_pages();

    child_start_server(&child);
    for (unsigned i = 0; i < 2; i++)
        expect_eq(child_call(&child, __HYPERVISOR_update_va_mapping,
                             (unsigned long)page[i],
                             PTE(child_mfn(&child, page[i]), PTE_P | PTE_US),
                             UVMF_INVLPG, 0, NULL, 0),
                  0);
    frame = child_mfn(&child, gdt);
    expect_eq(child_call(&child, __HYPERVISOR_set_gdt, CHILD_DATA, 16, 0, 0,
                         &frame, sizeof(frame)),
              0);
    expect_eq(child_call(&child, __HYPERVISOR_mmuext_op, CHILD_DATA, 1, 0,
                         DOMID_SELF, &op, sizeof(op)),
              0);
    expect_eq(child_destroy(&child), 0);
    expect(free_pages_become(before), "memory is missing");
}

/* Destroyed after each step of its making. */
static void test_half_made(void)
{
    uint64_t before = settled_pages();

    for (unsigned step = 0; step < 5; step++) {
        child_new(&child);
        if (step > 0)
            child_populate(&child);
        if (step > 1)
            child_tables(&child);
        if (step > 2)
            child_context(&child, count);
        if (step > 3)
            domctl_plain(XEN_DOMCTL_unpausedomain, child.id);
        expect_eq(child_destroy(&child), 0);
        expect(free_pages_become(before), "step %u: memory is missing", step);
    }
}

static void test_cycles(void)
{
    uint64_t before = settled_pages();

    for (unsigned i = 0; i < 100; i++) {
        child_start(&child, count);
        for (unsigned k = 0; k < i % 7; k++)
            yield();
        expect_eq(child_destroy(&child), 0);
    }
    expect(free_pages_become(before), "memory is missing");
}

/* What 32 domains with n vCPUs cost, for each in bytes. */
static uint64_t cost(unsigned vcpus)
{
    uint64_t before = settled_pages(), after;
    unsigned id[32];

    for (unsigned i = 0; i < 32; i++)
        id[i] = domain_new(vcpus, 1);
    after = free_pages();
    for (unsigned i = 0; i < 32; i++)
        expect_eq(domctl_plain(XEN_DOMCTL_destroydomain, id[i]), 0);
    expect(free_pages_become(before), "memory is missing");
    return (before - after) * 4096 / 32;
}

static void test_overhead(void)
{
    uint64_t one = cost(1), vcpu = (cost(9) - one) / 8;

    print("a domain costs %lu bytes, and %lu for each vCPU", one - vcpu, vcpu);
    expect(one - vcpu <= 20 * 1024, "more than 20 KiB");
    expect(vcpu <= 8 * 1024, "more than 8 KiB");
}

void test_main(void)
{
    unsigned virq = bind_virq(VIRQ_DOM_EXC);
    uint64_t before;

    child_start(&child, count); /* slabs of the hypervisor grow once */
    expect_eq(child_destroy(&child), 0);
    before = settled_pages();
    test_pause();
    test_shutdown(virq);
    test_blocked();
    test_mapped();
    test_descriptors();
    test_half_made();
    test_cycles();
    test_overhead();
    expect(free_pages_become(before), "memory is missing");
}
