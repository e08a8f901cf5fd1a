/*
 * A vCPU that is switched in with a selector of an LDT whose page was dropped
 * meanwhile: the page is taken again, the selector stays. And one whose
 * descriptor is gone: the failsafe callback. Two vCPUs on one CPU; each has
 * breakpoints of its own.
 * options: dom0_max_vcpus=2
 */
#include "guest.h"
const char test_title[] = "LDT selectors and breakpoints across vCPU switches";

#define DATA 0x00cff3000000ffffUL
#define LDT 0x900000UL

static uint64_t *page;
static volatile unsigned phase, failsafes, hits;
static volatile uint16_t seen;
static volatile uint32_t watched;

static void yield(void)
{
    hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
}

/* vCPU 1 sleeps in between: its selectors must not be loaded too early. */
static void rest(unsigned now)
{
    phase = now;
    expect_eq(vcpu_op(VCPUOP_down, 1, NULL), 0);
}

static void wait_for(unsigned want)
{
    while (phase != want || vcpu_op(VCPUOP_is_up, 1, NULL))
        yield();
}

static void wake(void)
{
    expect_eq(vcpu_op(VCPUOP_up, 1, NULL), 0);
}

static void set_ldt(void)
{
    struct mmuext_op op = {.cmd = MMUEXT_SET_LDT};
    unsigned done;

    op.arg1.linear_addr = LDT;
    op.arg2.nr_ents = 512;
    expect_eq(hypercall4(__HYPERVISOR_mmuext_op, &op, 1, &done, DOMID_SELF), 0);
}

static uint16_t load_es(uint16_t sel)
{
    uint16_t es;

    __asm__ volatile("movw %1,%%es; movw %%es,%0" : "=r"(es) : "r"(sel));
    return es;
}

static uint16_t read_es(void)
{
    uint16_t es;

    __asm__ volatile("movw %%es,%0" : "=r"(es));
    return es;
}

/* vCPU 1: holds a selector while vCPU 0 does things to its table. */
static void second(void)
{
    set_ldt();
    expect_eq(load_es(15), 15);
    rest(1);
    seen = read_es();
    rest(2);
    seen = read_es();
    watched = 1; /* vCPU 0's breakpoint is not for us */
    rest(3);
}

static bool on_trap(struct trap_frame *f)
{
    if (f->vector == VECTOR_FAILSAFE) {
        failsafes++;
        return true;
    }
    hits += f->vector == 1;
    return f->vector == 1;
}

void test_main(void)
{
    uint64_t pte;

    page = alloc_page();
    page[1] = DATA;
    expect_eq(set_readonly(page), 0);
    pte = PTE(virt_to_mfn(page), PTE_P | PTE_US | PTE_AD);
    expect_eq(kernel_map(LDT, pte), 0);
    trap_hook = on_trap;
    vcpu_start(1, second);
    wait_for(1);
    /* Taken away and given back: the page is dropped, and wanted again. */
    expect_eq(update_va(LDT, 0, UVMF_INVLPG), 0);
    expect_eq(update_va(LDT, pte, UVMF_INVLPG), 0);
    wake();
    wait_for(2);
    expect_eq(seen, 15);
    expect_eq(failsafes, 0);
    /* A breakpoint here, and a descriptor less there. */
    expect_eq(hypercall2(__HYPERVISOR_set_debugreg, 0, &watched), 0);
    expect_eq(hypercall2(__HYPERVISOR_set_debugreg, 7, 0xd0001), 0);
    expect_eq(hypercall2(__HYPERVISOR_update_descriptor,
                         (uint64_t)virt_to_mfn(page) * PAGE_SIZE + 8, 0),
              0);
    wake();
    wait_for(3);
    expect_eq(seen, 0);
    expect_eq(failsafes, 1);
    expect_eq(hits, 0);
    watched = 2;
    expect_eq(hits, 1);
    expect_eq(hypercall2(__HYPERVISOR_set_debugreg, 7, 0), 0);
}
