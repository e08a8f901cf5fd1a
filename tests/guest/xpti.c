/*
 * What the tables that a guest runs on map: the audit compares those of all
 * CPUs with the list of what they may. Guest kernel and user mode have been in
 * use on them, and another CPU runs meanwhile.
 *
 * qemu: -smp 2
 * options: xpti=dom0
 * log: XPTI: roots of 2 CPUs are right: 29 pages
 */
#include "guest.h"
#include <xen/sysctl.h>
const char test_title[] = "split page tables map what they may";

static volatile unsigned rounds;

static void spin(void)
{
    for (;;)
        rounds = rounds + 1;
}

/* The other vCPU is held meanwhile, and goes on afterwards. */
static void press(const char *key)
{
    struct xen_sysctl op = {
        .cmd = XEN_SYSCTL_debug_keys,
        .interface_version = XEN_SYSCTL_INTERFACE_VERSION,
    };

    set_xen_guest_handle(op.u.debug_keys.keys, (char *)(unsigned long)key);
    op.u.debug_keys.nr_keys = 1;
    expect_eq(hypercall1(__HYPERVISOR_sysctl, &op), 0);
}

USER_SNIPPET(user_int3, "int3");

void test_main(void)
{
    struct trap_frame f;
    unsigned seen;

    RUN_USER(user_int3, 0, &f);
    expect_eq(f.vector, 3);
    vcpu_start(1, spin);
    while (!rounds)
        __asm__ volatile("pause");
    press("A");
    delay_ms(100);
    seen = rounds;
    delay_ms(100);
    expect(rounds != seen, "the other vCPU stands still");
}
