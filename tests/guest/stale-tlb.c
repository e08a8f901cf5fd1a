/*
 * A page that becomes a page table cannot be written through the stale TLB of
 * another CPU; and asked-for flushes reach the other CPU. Checklist row 107.
 *
 * qemu: -smp 2
 */
#include "guest.h"
const char test_title[] = "stale TLBs of another CPU";

static volatile uint64_t *target;
static volatile unsigned faults, stop, writes, running;

/* Writes without end; a fault ends it. Bit 0 stays clear: never a PTE. */
static void writer(void)
{
    uint64_t n = 0;

    for (;;) {
        if (!stop) {
            running = 1;
            target[0] = n += 2;
            writes = writes + 1;
        } else {
            running = 0;
        }
        __asm__ volatile("pause" ::: "memory");
    }
}

static bool on_fault(struct trap_frame *f)
{
    if (f->vector == VECTOR_EVENT) {
        for (unsigned i = 0; i < 2; i++)
            shared_info->vcpu_info[i].evtchn_upcall_pending = 0;
        return true;
    }
    if (f->vector != 14)
        return false;
    faults = faults + 1;
    stop = 1;
    return true; /* the write is tried again */
}

static void wait_writes(void)
{
    unsigned seen = writes;
    uint64_t end = system_time() + 10000 * MS;

    while (writes - seen < 1000 && system_time() < end)
        __asm__ volatile("pause");
    if (writes - seen < 1000)
        error("the second vCPU does not write");
}

/* A while in which the writer must run into a fault. */
static void wait_fault(void)
{
    uint64_t end = system_time() + 10000 * MS;

    do
        delay_ms(20);
    while (!faults && system_time() < end);
    expect(faults > 0, "the other CPU did not fault");
}

/* Ends the writer's loop of faults: gives it its page back. */
static void restore(void *page, uint64_t pte)
{
    expect_eq(update_va((unsigned long)page, pte, UVMF_TLB_FLUSH | UVMF_ALL),
              0);
    stop = 1;
    while (running)
        __asm__ volatile("pause");
    faults = 0;
    stop = 0;
}

#define VIEW 0x900000UL

static void test_pin(unsigned cmd)
{
    void *page = alloc_page();
    uint64_t pte = read_pte(page), content;
    volatile uint64_t *view = (uint64_t *)VIEW;

    /* Another, read-only mapping to look at it. */
    expect_eq(kernel_map(VIEW, pte & ~PTE_RW), 0);
    hypercall3(__HYPERVISOR_update_va_mapping, VIEW, pte & ~PTE_RW,
               UVMF_INVLPG);
    target = page;
    wait_writes();
    /* Unmapped without a flush: the other CPU may go on writing ... */
    expect_eq(update_va((unsigned long)page, 0, UVMF_NONE), 0);
    /* ... until the page has another type. */
    expect_eq(mmuext1(cmd, pte >> 12 & 0xffffffffffUL), 0);
    content = *view;
    wait_fault();
    expect_eq(*view, content);
    expect_eq(mmuext1(MMUEXT_UNPIN_TABLE, pte >> 12 & 0xffffffffffUL), 0);
    restore(page, pte);
}

static void test_flush(void)
{
    void *page = alloc_page();
    uint64_t pte = read_pte(page), content;

    target = page;
    wait_writes();
    expect_eq(update_va((unsigned long)page, pte & ~PTE_RW,
                        UVMF_INVLPG | UVMF_ALL),
              0);
    content = *(volatile uint64_t *)page;
    wait_fault();
    expect_eq(*(volatile uint64_t *)page, content);
    restore(page, pte);
}

/* A new mapping is seen there: the frame behind the address is exchanged. */
static void test_exchange(void)
{
    uint64_t *a = alloc_page(), *b = alloc_page();
    uint64_t old = read_pte(a);
    unsigned long va = (unsigned long)a;

    target = a;
    wait_writes();
    expect_eq(update_va(va, PTE(virt_to_mfn(b), old & 0xfff),
                        UVMF_TLB_FLUSH | UVMF_ALL),
              0);
    *(volatile uint64_t *)b = 0;
    wait_writes();
    expect(*(volatile uint64_t *)b != 0, "still written to the old frame");
    restore(a, old);
}

void test_main(void)
{
    trap_hook = on_fault;
    target = alloc_page();
    vcpu_start(1, writer);
    for (unsigned i = 0; i < 5; i++) {
        test_pin(MMUEXT_PIN_L1_TABLE);
        test_pin(MMUEXT_PIN_L2_TABLE);
        test_flush();
        test_exchange();
    }
    test_pin(MMUEXT_PIN_L4_TABLE);
}
