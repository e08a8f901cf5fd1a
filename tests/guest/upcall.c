/*
 * The event upcall: entered when a port becomes pending and events are not
 * masked, in kernel and user mode; with events masked on entry. Checklist row
 * 47, first part.
 */
#include "guest.h"
const char test_title[] = "event upcall";

static struct vcpu_info *vcpu;
static volatile unsigned upcalls, nested;
static struct trap_frame at;

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    at = *f;
    upcalls++;
    if (!vcpu->evtchn_upcall_mask)
        failure("events are not masked in the upcall");
    vcpu->evtchn_upcall_pending = 0;
    vcpu->evtchn_pending_sel = 0;
    for (unsigned i = 0; i < 64; i++)
        shared_info->evtchn_pending[i] = 0;
    if (nested) {
        nested--;
        evtchn_send_self();
    }
    return true;
}

/* Unmasks; what is pending then must be asked for by a hypercall. */
static void unmask(void)
{
    vcpu->evtchn_upcall_mask = 0;
    __asm__ volatile("" ::: "memory");
    if (vcpu->evtchn_upcall_pending)
        hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
}

static void test_masked(void)
{
    upcalls = 0;
    vcpu->evtchn_upcall_mask = 1;
    evtchn_send_self();
    expect_eq(upcalls, 0);
    expect_eq(vcpu->evtchn_upcall_pending, 1);
    unmask();
    expect_eq(upcalls, 1);
    expect_eq(vcpu->evtchn_upcall_mask, 0);
}

static void test_at_once(void)
{
    upcalls = 0;
    evtchn_send_self();
    expect_eq(upcalls, 1);
    /* The frame: the hypercall's return, in the kernel, events enabled. */
    expect_eq(at.cs, FLAT_KERNEL_CS & ~3);
    expect_eq(at.rflags & 0x200, 0x200);
    expect_eq(vcpu->evtchn_upcall_mask, 0);
    /* An event that arrives in the upcall is delivered after it. */
    upcalls = 0;
    nested = 3;
    evtchn_send_self();
    expect_eq(upcalls, 4);
}

USER_SNIPPET(spin, "1: decl %edi; jnz 1b; int3");

/* An event that is pending when user mode is entered with IF. */
static bool end_on_event(struct trap_frame *f)
{
    if (f->vector == VECTOR_EVENT) {
        on_event(f);
        return false;
    }
    return false;
}

static void test_user(void)
{
    const uint64_t frame[] = {USER_CODE, FLAT_USER_CS | 3, 0x202, USER_STACK,
                              FLAT_USER_SS | 3};
    struct trap_frame f;

    RUN_USER(spin, 1, &f);
    expect_eq(f.vector, 3);
    vcpu->evtchn_upcall_mask = 1;
    evtchn_send_self();
    trap_hook = end_on_event;
    upcalls = 0;
    run_user_frame(frame, 1, &f);
    expect_eq(upcalls, 1);
    expect_eq(f.vector, VECTOR_EVENT);
    expect_eq(f.cs & 3, 3);
    expect_eq(f.rip, USER_CODE);
    expect_eq(f.rflags & 0x3200, 0x200);
}

/* A port's mask holds back the upcall; unmasking gives it. */
static void test_port_mask(void)
{
    trap_hook = on_event;
    upcalls = 0;
    vcpu->evtchn_upcall_mask = 0;
    shared_info->evtchn_mask[0] = ~0UL;
    evtchn_send_self();
    expect_eq(upcalls, 0);
    expect(shared_info->evtchn_pending[0] != 0, "the port is not pending");
    for (unsigned port = 0; port < 64; port++) {
        struct evtchn_unmask u = {.port = port};

        if (shared_info->evtchn_pending[0] >> port & 1)
            expect_eq(evtchn_op(EVTCHNOP_unmask, &u), 0);
    }
    expect_eq(upcalls, 1);
}

void test_main(void)
{
    vcpu = &shared_info->vcpu_info[0];
    trap_hook = on_event;
    test_masked();
    test_at_once();
    test_user();
    test_port_mask();
}
