/*
 * No register of the hypervisor's reaches the guest: what an event frame built
 * on the way out of a hypercall holds, and what iret with the in-syscall flag
 * leaves in RCX.
 */
#include "guest.h"
const char test_title[] = "no residue of the hypervisor in registers";

static volatile unsigned upcalls;

static void check(const char *name, uint64_t v)
{
    expect(v < HYPERVISOR_VIRT_START || v >= HYPERVISOR_VIRT_END,
           "%s is %#lx", name, v);
}

static void check_all(const struct trap_frame *f)
{
    const uint64_t *r = &f->r15;
    static const char *const name[] = {"r15", "r14", "r13", "r12", "r11",
                                       "r10", "r9",  "r8",  "rdi", "rsi",
                                       "rbp", "rbx", "rdx", "rcx", "rax"};

    for (unsigned i = 0; i < ARRAY_SIZE(name); i++)
        check(name[i], r[i]);
}

static bool on_event(struct trap_frame *f)
{
    if (f->vector != VECTOR_EVENT)
        return false;
    upcalls++;
    check_all(f);
    evtchn_reset_pending();
    return true;
}

USER_SNIPPET(user_stop, "int3");

void test_main(void)
{
    struct trap_frame f;

    trap_hook = on_event;
    shared_info->vcpu_info[0].evtchn_upcall_mask = 0;
    evtchn_send_self();
    expect(upcalls > 0, "no upcall");
    user_iret_flags = VGCF_in_syscall;
    RUN_USER(user_stop, 0, &f);
    expect_eq(f.vector, 3);
    check_all(&f);
}
