/*
 * A selector whose descriptor has gone while the vCPU was not running: the
 * failsafe callback comes when it runs again, with the bad selectors.
 * Checklist row 47, third part.
 *
 * options: dom0_max_vcpus=2
 */
#include "guest.h"
const char test_title[] = "bad selectors at a vCPU switch enter the failsafe "
                          "callback";

#define DATA 0x00cff3000000ffffUL

static volatile unsigned failsafes, turns;
static struct trap_frame at;

static void second(void)
{
    for (;;) {
        turns = turns + 1;
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
}

static bool on_failsafe(struct trap_frame *f)
{
    if (f->vector != VECTOR_FAILSAFE)
        return false;
    at = *f;
    failsafes = failsafes + 1;
    return true;
}

/* Lets the other vCPU run at least once. */
static void switch_away(void)
{
    unsigned seen = turns;
    uint64_t end = system_time() + 10000 * MS;

    while (turns == seen && system_time() < end)
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    if (turns == seen)
        error("the other vCPU does not run");
}

static uint32_t read_selector(unsigned which)
{
    uint32_t v;

    if (which == 0)
        __asm__ volatile("movl %%ds,%0" : "=r"(v));
    else if (which == 1)
        __asm__ volatile("movl %%es,%0" : "=r"(v));
    else if (which == 2)
        __asm__ volatile("movl %%fs,%0" : "=r"(v));
    else
        __asm__ volatile("movl %%gs,%0" : "=r"(v));
    return v;
}

static void load_selector(unsigned which, uint32_t v)
{
    if (which == 0)
        __asm__ volatile("movl %0,%%ds" ::"r"(v));
    else if (which == 1)
        __asm__ volatile("movl %0,%%es" ::"r"(v));
    else if (which == 2)
        __asm__ volatile("movl %0,%%fs" ::"r"(v));
    else
        __asm__ volatile("movl %0,%%gs" ::"r"(v));
}

static void try_selector(uint64_t entry, unsigned which)
{
    failsafes = 0;
    expect_eq(hypercall2(__HYPERVISOR_update_descriptor, entry, DATA), 0);
    load_selector(which, 8 | 3);
    switch_away();
    expect_eq(failsafes, 0);
    expect_eq(read_selector(which), 8 | 3);
    expect_eq(hypercall2(__HYPERVISOR_update_descriptor, entry, 0), 0);
    switch_away();
    expect_eq(failsafes, 1);
    if (failsafes) {
        expect_eq(failsafe_selectors[which] & 0xffff, 8 | 3);
        expect_eq(at.cs & 0xffff, FLAT_KERNEL_CS & ~3);
    }
    /* The hypervisor has put a null selector in its place. */
    expect_eq(read_selector(which) & ~3u, 0);
    load_selector(which, 0);
    switch_away();
    expect(failsafes <= 1, "%u failsafe callbacks", failsafes);
}

void test_main(void)
{
    uint64_t *gdt = alloc_page();
    unsigned long mfn = virt_to_mfn(gdt);

    gdt[1] = DATA;
    set_readonly(gdt);
    expect_eq(hypercall2(__HYPERVISOR_set_gdt, &mfn, 512), 0);
    vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    trap_hook = on_failsafe;
    vcpu_start(1, second);
    vcpu_op(VCPUOP_stop_periodic_timer, 1, NULL);
    for (unsigned which = 0; which < 4; which++)
        try_selector((mfn << 12) + 8, which);
}
