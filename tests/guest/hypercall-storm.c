/*
 * Hypercalls with random arguments: pointers to nothing, to the hypervisor,
 * across the end of a page, into pages of random words; numbers small and
 * huge. Whatever they give, the hypervisor stands and the domain still works.
 *
 * Left out is what a domain may do to itself: stopping, blocking, changing its
 * handlers, its stack and its mappings at random addresses.
 *
 * timeout: 120
 */
#include "guest.h"
#include <xen/grant_table.h>
const char test_title[] = "random hypercalls";

#define STEPS 60000

static uint64_t *scratch;
static char *edge; /* the page after it is not mapped */
static unsigned long answers[2];

static uint64_t rnd64(void)
{
    static uint64_t x = 0x2545f4914f6cdd1dUL;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

static uint32_t rnd(uint32_t n)
{
    return (uint32_t)(rnd64() >> 20) % n;
}

static unsigned long random_number(void)
{
    switch (rnd(8)) {
    case 0:
        return rnd64();
    case 1:
        return -(unsigned long)rnd(64);
    case 2:
        return 1UL << rnd(64);
    case 3:
        return DOMID_SELF;
    default:
        return rnd(24);
    }
}

static unsigned long random_pointer(void)
{
    switch (rnd(10)) {
    case 0:
        return HYPERVISOR_VIRT_START + (rnd64() & ((1UL << 43) - 1));
    case 1:
        return (unsigned long)edge + PAGE_SIZE - rnd(64);
    case 2:
        return rnd64();
    case 3:
        return 0;
    default:
        return (unsigned long)scratch + rnd(64) * 8;
    }
}

/* Frames of ours are left out: granting these would take our memory away. */
static void fill_scratch(void)
{
    for (unsigned i = 0; i < 512; i++) {
        uint64_t v = rnd(4) ? random_number() : random_pointer();

        if (v >= 0x100 && v < 0x100000)
            v = DOMID_SELF;
        scratch[i] = v;
    }
}

/* A call with an operation, then arguments of which any may be a pointer. */
static void call_op(unsigned nr, unsigned long op)
{
    unsigned long a[3];
    long ret;

    for (unsigned i = 0; i < 3; i++)
        a[i] = rnd(2) ? random_pointer() : random_number();
    ret = hypercall4(nr, op, a[0], a[1], a[2]);
    answers[ret < 0]++;
}

static bool trusted_too_much;

static bool harmless(unsigned nr, unsigned long op)
{
    switch (nr) {
    case __HYPERVISOR_sched_op:
        return op != SCHEDOP_block && op != SCHEDOP_shutdown &&
               op != SCHEDOP_poll && op != SCHEDOP_shutdown_code &&
               op != SCHEDOP_remote_shutdown && op != SCHEDOP_watchdog;
    case __HYPERVISOR_vcpu_op:
        return op != VCPUOP_down && op != VCPUOP_register_vcpu_info &&
               op != VCPUOP_register_runstate_memory_area &&
               op != VCPUOP_register_vcpu_time_memory_area;
    case __HYPERVISOR_callback_op:
        return op != CALLBACKOP_register && op != CALLBACKOP_unregister;
    case __HYPERVISOR_physdev_op:
        /* Xen 4.17 trusts domain 0 about PCI devices, and falls over. */
        return !trusted_too_much || op < 15;
    case __HYPERVISOR_console_io:
        return op != CONSOLEIO_write;
    case __HYPERVISOR_event_channel_op:
        return op != EVTCHNOP_init_control;
    default:
        return true;
    }
}

static void step(void)
{
    static const unsigned with_op[] = {
        __HYPERVISOR_memory_op,     __HYPERVISOR_event_channel_op,
        __HYPERVISOR_xen_version,   __HYPERVISOR_console_io,
        __HYPERVISOR_sched_op,      __HYPERVISOR_vcpu_op,
        __HYPERVISOR_physdev_op,    __HYPERVISOR_grant_table_op,
        __HYPERVISOR_callback_op,   __HYPERVISOR_set_debugreg,
        __HYPERVISOR_get_debugreg,  __HYPERVISOR_set_segment_base,
        __HYPERVISOR_vm_assist,     __HYPERVISOR_nmi_op,
    };
    unsigned nr = with_op[rnd(ARRAY_SIZE(with_op))];
    unsigned long op = rnd(20) ? rnd(40) : rnd64();

    if (nr == __HYPERVISOR_vcpu_op)
        op = rnd(16);
    if (nr == __HYPERVISOR_nmi_op)
        op = 17;
    if (harmless(nr, nr == __HYPERVISOR_vcpu_op ? op : (uint32_t)op))
        call_op(nr, op);
    /* Lists: of few entries, or of absurdly many. */
    switch (rnd(5)) {
    case 0:
        hypercall4(__HYPERVISOR_mmu_update, random_pointer(), random_number(),
                   random_pointer(), random_number());
        break;
    case 1:
        hypercall4(__HYPERVISOR_mmuext_op, random_pointer(), rnd(3),
                   random_pointer(), random_number());
        break;
    case 2:
        hypercall2(__HYPERVISOR_update_descriptor, rnd64(), rnd64());
        break;
    case 3:
        hypercall2(__HYPERVISOR_set_gdt, random_pointer(), rnd(9000));
        break;
    default:
        hypercall3(__HYPERVISOR_update_va_mapping,
                   HYPERVISOR_VIRT_START + (rnd64() & ((1UL << 43) - 1)),
                   rnd64(), random_number());
        break;
    }
}

/* Debug registers were set, an NMI asked for, events sent. */
static bool on_trap(struct trap_frame *f)
{
    f->rflags &= ~0x100UL;
    return f->vector == 1 || f->vector == 2 || f->vector == VECTOR_EVENT;
}

USER_SNIPPET(user_stop, "int3");

void test_main(void)
{
    struct trap_frame f;

    trusted_too_much = !on_xeno();
    trap_hook = on_trap;
    scratch = alloc_page();
    edge = alloc_page();
    alloc_page();
    update_va((unsigned long)edge + PAGE_SIZE, 0, UVMF_INVLPG);
    for (unsigned i = 0; i < STEPS; i++) {
        if (i % 16 == 0)
            fill_scratch();
        step();
        shared_info->vcpu_info[0].evtchn_upcall_mask = 1;
    }
    print("%lu gave success, %lu an error", answers[0], answers[1]);
    hypercall2(__HYPERVISOR_set_debugreg, 7, 0);
    trap_hook = NULL;
    RUN_USER(user_stop, 0, &f);
    expect_eq(f.vector, 3);
    expect_eq(hypercall2(__HYPERVISOR_xen_version, XENVER_pagesize, 0), 4096);
}
